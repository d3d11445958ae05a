package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// blocked is an object one of whose operations would wait.
type blocked struct {
	object fmt.Stringer
	wait   func(ctx context.Context) error
	bound  *bound
}

// allBlocked has one for each operation of the package that may wait.
func allBlocked() map[string]blocked {
	ctx := context.Background()
	lock, event, condition, shared := new(Lock), new(Event), new(Condition), new(Condition)
	semaphore, bounded := new(Semaphore), new(BoundedSemaphore)
	barrier, empty, full, unfinished := NewBarrier(2), new(Queue[int]), NewQueue[int](1), new(Queue[int])
	err := errors.Join(full.PutNowait(1), unfinished.PutNowait(1))
	for _, l := range []lockable{lock, condition, shared, semaphore, bounded} {
		err = errors.Join(err, l.Acquire(ctx))
	}
	if err != nil {
		panic(err)
	}
	return map[string]blocked{
		"Lock.Acquire":             {lock, lock.Acquire, &lock.bound},
		"Event.Wait":               {event, event.Wait, &event.bound},
		"Condition.Acquire":        {shared, shared.Acquire, &shared.own.bound},
		"Condition.Wait":           {condition, condition.Wait, &condition.bound},
		"Semaphore.Acquire":        {semaphore, semaphore.Acquire, &semaphore.bound},
		"BoundedSemaphore.Acquire": {bounded, bounded.Acquire, &bounded.bound},
		"Barrier.Wait":             {barrier, waitOn(barrier), &barrier.bound},
		"Queue.Get": {empty, func(ctx context.Context) error {
			_, err := empty.Get(ctx)
			return err
		}, &empty.bound},
		"Queue.Put":  {full, func(ctx context.Context) error { return full.Put(ctx, 2) }, &full.bound},
		"Queue.Join": {unfinished, unfinished.Join, &unfinished.bound},
	}
}

func TestWaitingBindsToTheLoop(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name, func(t *testing.T) {
			if b.bound.kernel != nil {
				t.Error("bound before anybody waited")
			}
			run(t, func(ctx context.Context) {
				tk := spawn(ctx, b.wait)
				yield(ctx)
				check.False(t, "Done", tk.Done())
				check.True(t, "bound to the running loop", b.bound.kernel == loop.Running(ctx).Kernel())
				tk.Cancel()
				isCancelled(t, ctx, tk)
			})
			run(t, func(ctx context.Context) {
				err := b.wait(ctx)
				check.Is(t, err, future.ErrOtherLoop)
				kind, _, _ := strings.Cut(b.object.String(), " ")
				if !strings.HasPrefix(err.Error(), "sync: "+kind+" ") {
					t.Errorf("%q does not name %v", err, b.object)
				}
			})
		})
	}
}

// What is refused must not have changed anything: the caller is on a goroutine that the
// loop knows nothing of.
func TestWaitingOnAForeignGoroutineIsRefused(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				before := b.object.String()
				err := make(chan error)
				go func() { err <- b.wait(ctx) }()
				check.Is(t, <-err, task.ErrNotCurrent)
				check.Equal(t, "state", b.object.String(), before)
				check.True(t, "not bound", b.bound.kernel == nil)
			})
		})
	}
}

func TestWaitingNeedsALoop(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name, func(t *testing.T) {
			check.Is(t, b.wait(context.Background()), loop.ErrNotRunning)
		})
	}
}

// The failed wait changes nothing: a condition keeps its lock.
func TestWaitingNeedsATask(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			state := b.object.String()
			check.Is(t, b.wait(loop.NewContext(context.Background(), l)), future.ErrNoTask)
			check.Equal(t, "state", b.object.String(), state)
			check.True(t, "not bound", b.bound.kernel == nil)
			check.NoError(t, l.Close())
		})
	}
}

// An operation that does not wait works on any loop, and on none.
func TestLockThatIsFreeNeverChecksTheLoop(t *testing.T) {
	var l Lock
	wait := func(ctx context.Context) {
		check.NoError(t, l.Acquire(ctx))
		tk := spawn(ctx, l.Acquire)
		yield(ctx)
		check.NoError(t, l.Release())
		succeeds(t, ctx, tk)
		check.NoError(t, l.Release())
	}
	run(t, wait) // binds
	run(t, func(ctx context.Context) {
		check.NoError(t, l.Acquire(ctx))
		check.NoError(t, l.Release())
	})
	check.NoError(t, l.Acquire(context.Background()))
	check.NoError(t, l.Release())
}

// When its context ends, or has ended before, every wait returns the cause and leaves
// the object unchanged.
func TestWaitingEndsWithItsContext(t *testing.T) {
	for name := range allBlocked() {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ended before=%t", name, before), func(t *testing.T) {
				b := allBlocked()[name]
				state := b.object.String()
				run(t, func(ctx context.Context) {
					failure := errors.New("enough")
					ending, cancel := context.WithCancelCause(ctx)
					if before {
						cancel(failure)
					} else {
						soon(ctx, func() { cancel(failure) })
					}
					check.Equal(t, "error", b.wait(ending), failure)
					check.Equal(t, "state", b.object.String(), state)
				})
			})
		}
	}
}

// When a loop is closed, the waits of its tasks end, and no waiter is left listed.
func TestWaitingEndsWhenTheLoopIsClosed(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // the pending task
			deferred := false
			tk := task.CreateOn(l, task.Void(func(ctx context.Context) error {
				defer func() { deferred = true }()
				return b.wait(ctx)
			}))
			check.RunOn(t, l, func(ctx context.Context) { yield(ctx) })
			check.False(t, "Done", tk.Done())
			check.NoError(t, l.Close())
			check.True(t, "the coroutine was unwound", deferred)
			if strings.Contains(b.object.String(), "waiters:1") || strings.Contains(b.object.String(), "ters[") {
				t.Errorf("somebody still waits: %v", b.object)
			}
		})
	}
}

// What need not wait is refused on a goroutine outside of the loop all the same, even by
// an object that has no loop yet.
func TestOperationThatNeedNotWaitIsRefusedOnAForeignGoroutine(t *testing.T) {
	full := NewQueue[int](0)
	check.NoError(t, full.PutNowait(1))
	for name, operation := range map[string]func(ctx context.Context) error{
		"Lock.Acquire":      new(Lock).Acquire,
		"Semaphore.Acquire": NewSemaphore(1).Acquire,
		"Queue.Put":         func(ctx context.Context) error { return NewQueue[int](0).Put(ctx, 1) },
		"Queue.Get": func(ctx context.Context) error {
			_, err := full.Get(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				err := make(chan error)
				go func() { err <- operation(ctx) }()
				check.Is(t, <-err, task.ErrNotCurrent)
			})
		})
	}
	left, err := full.GetNowait()
	check.NoError(t, err)
	check.Equal(t, "the item that is left", left, 1)
}

func TestObjectOfALoopIsRefusedOnAForeignGoroutine(t *testing.T) {
	run(t, func(ctx context.Context) {
		check.ForeignCalls(loop.Running(ctx))
		var l Lock
		var e Event
		check.NoError(t, l.Acquire(ctx))
		locker, waiter := spawn(ctx, l.Acquire), spawn(ctx, e.Wait)
		yield(ctx) // both are bound now
		over := make(chan struct{})
		go func() {
			defer close(over)
			check.Is(t, l.Release(), loop.ErrWrongGoroutine)
			check.IsExactly(t, check.Panics(t, e.Set), loop.ErrWrongGoroutine, fmt.Sprintf("sync: Set of <Event %p>: %v", &e, loop.ErrWrongGoroutine))
		}()
		<-over
		check.False(t, "the event is set", e.IsSet())
		check.NoError(t, l.Release())
		succeeds(t, ctx, locker)
		check.NoError(t, l.Release())
		e.Set()
		succeeds(t, ctx, waiter)
		refusal := make(chan error)
		go func() { refusal <- l.Acquire(context.Background()) }()
		check.Is(t, <-refusal, loop.ErrWrongGoroutine)
		check.False(t, "Locked", l.Locked())
	})
}
