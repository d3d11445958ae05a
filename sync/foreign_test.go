package sync

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// stage has objects that a task waits on, each in a way of its own.
type stage struct {
	lock      Lock // free, and was waited for
	held      Lock
	semaphore Semaphore
	bounded   BoundedSemaphore
	event     Event
	cond      Condition
	barrier   *Barrier
	empty     Queue[int] // and somebody waits in Get
	full      *LifoQueue[int]
	joined    Queue[int] // of one item that is not done
	waiting   []*task.Task[struct{}]
}

func newStage(t *testing.T, ctx context.Context) *stage {
	s := &stage{barrier: NewBarrier(2), full: NewLifoQueue[int](1)}
	wait := func(fn func(ctx context.Context) error) { s.waiting = append(s.waiting, spawn(ctx, fn)) }
	check.NoError(t, s.lock.Acquire(ctx))
	other := spawn(ctx, s.lock.Acquire)
	yield(ctx)
	check.NoError(t, s.lock.Release())
	succeeds(t, ctx, other)
	check.NoError(t, s.lock.Release())
	for _, l := range []lockable{&s.held, &s.semaphore, &s.bounded} {
		check.NoError(t, l.Acquire(ctx))
		wait(l.Acquire)
	}
	wait(s.event.Wait)
	wait(func(ctx context.Context) error { return s.cond.With(ctx, func() error { return s.cond.Wait(ctx) }) })
	wait(waitOn(s.barrier))
	wait(func(ctx context.Context) error { _, err := s.empty.Get(ctx); return err })
	check.NoError(t, s.full.PutNowait(1))
	wait(func(ctx context.Context) error { return s.full.Put(ctx, 2) })
	check.NoError(t, s.joined.PutNowait(1))
	wait(s.joined.Join)
	check.NoError(t, task.Sleep(ctx, time.Second)) // the virtual clock jumps when all of them wait
	return s
}

// end lets all that wait go on.
func (s *stage) end(t *testing.T, ctx context.Context) {
	check.NoError(t, s.held.Release())
	s.semaphore.Release()
	check.NoError(t, s.bounded.Release())
	s.event.Set()
	check.NoError(t, s.cond.With(ctx, s.cond.NotifyAll))
	_, err := s.barrier.Wait(ctx)
	check.NoError(t, err)
	check.NoError(t, s.empty.PutNowait(1))
	_, err = s.full.GetNowait()
	check.NoError(t, err)
	check.NoError(t, s.joined.TaskDone())
	for _, tk := range s.waiting {
		succeeds(t, ctx, tk)
	}
}

func (s *stage) text() string {
	return fmt.Sprint(&s.lock, &s.held, &s.semaphore, &s.bounded, &s.event, &s.cond, s.barrier, &s.empty, s.full, &s.joined)
}

// Once somebody has waited on an object, all that changes it is refused on a goroutine
// outside of the loop, with whatever context; and on any object so is what might wait, with
// the context of a task. It makes no difference whether the loop sleeps.
func TestForeignGoroutineIsRefused(t *testing.T) {
	for _, state := range []string{"asleep", "running"} {
		t.Run(state, func(t *testing.T) {
			l, clock := tasktest.NewLoop(t)
			check.ForeignCalls(l)
			check.RunOn(t, l, func(ctx context.Context) {
				s := newStage(t, ctx)
				asleep := check.Asleep(clock.Virtual)
				before := s.text()
				gate := future.New[struct{}](l)
				tried := make(chan struct{})
				go func() {
					if state == "asleep" {
						<-asleep
					}
					tryBound(t, s)
					tryAwaits(t, ctx, s)
					close(tried)
					_, err := l.CallSoonThreadsafe(func() { open(t, gate) })
					check.NoError(t, err)
				}()
				if state == "running" {
					<-tried // and blocks the loop until then
				}
				check.NoError(t, pass(ctx, gate))
				check.Equal(t, "the stage", s.text(), before)
				s.end(t, ctx)
			})
			check.NoError(t, l.Close())
		})
	}
}

// refusal is what begins the text of each.
var refusal = regexp.MustCompile(`^sync: [A-Z]\w+ of <[A-Z]\w+ 0x[0-9a-f]+>: called from a goroutine outside`)

// tryBound does all that is refused because of the object's loop.
func tryBound(t *testing.T, s *stage) {
	ctx := context.Background()
	nothing := func() error { t.Error("called"); return nil }
	for name, call := range map[string]func() error{
		"Lock.Acquire":             func() error { return s.lock.Acquire(ctx) },
		"Lock.With":                func() error { return s.lock.With(ctx, nothing) },
		"Lock.Release":             func() error { return s.held.Release() },
		"Semaphore.Release":        func() error { return check.ErrorOf(func() error { s.semaphore.Release(); return nil }) },
		"BoundedSemaphore.Release": func() error { return s.bounded.Release() },
		"Event.Set":                func() error { return check.ErrorOf(func() error { s.event.Set(); return nil }) },
		"Event.Clear":              func() error { return check.ErrorOf(func() error { s.event.Clear(); return nil }) },
		"Condition.Acquire":        func() error { return s.cond.Acquire(ctx) },
		"Condition.With":           func() error { return s.cond.With(ctx, nothing) },
		"Condition.Release":        func() error { return s.cond.Release() },
		"Condition.Notify":         func() error { return s.cond.Notify(1) },
		"Condition.NotifyAll":      func() error { return s.cond.NotifyAll() },
		"Barrier.Wait":             func() error { return waitOn(s.barrier)(ctx) },
		"Barrier.With":             func() error { return s.barrier.With(ctx, func(int) error { return nothing() }) },
		"Barrier.Reset":            func() error { return s.barrier.Reset(ctx) },
		"Barrier.Abort":            func() error { return s.barrier.Abort(ctx) },
		"Queue.Put":                func() error { return s.empty.Put(ctx, 1) },
		"Queue.PutNowait":          func() error { return s.empty.PutNowait(1) },
		"Queue.Get":                func() error { _, err := s.full.Get(ctx); return err },
		"Queue.GetNowait":          func() error { _, err := s.full.GetNowait(); return err },
		"Queue.All": func() error {
			for _, err := range s.full.All(ctx) {
				return err
			}
			return nil
		},
		"Queue.TaskDone": func() error { return s.joined.TaskDone() },
		"Queue.Shutdown": func() error { return check.ErrorOf(func() error { s.empty.Shutdown(true); return nil }) },
	} {
		err := call()
		if !errors.Is(err, loop.ErrWrongGoroutine) {
			t.Errorf("%s: got %v, want %v", name, err, loop.ErrWrongGoroutine)
			continue
		}
		if !refusal.MatchString(err.Error()) {
			t.Errorf("%s: %q names neither the operation nor the object", name, err)
		}
	}
}

// tryAwaits does all that is refused because the task of ctx is not running.
func tryAwaits(t *testing.T, ctx context.Context, s *stage) {
	for name, call := range map[string]func() error{
		"Acquire of a held Lock":            func() error { return s.held.Acquire(ctx) },
		"Acquire of a Semaphore":            func() error { return s.semaphore.Acquire(ctx) },
		"Acquire of a BoundedSemaphore":     func() error { return s.bounded.Acquire(ctx) },
		"Event.Wait":                        func() error { return s.event.Wait(ctx) },
		"Queue.Join":                        func() error { return s.joined.Join(ctx) },
		"Acquire of a new Lock":             func() error { return new(Lock).Acquire(ctx) },
		"Acquire of a new Semaphore":        func() error { return new(Semaphore).Acquire(ctx) },
		"Acquire of a new BoundedSemaphore": func() error { return new(BoundedSemaphore).Acquire(ctx) },
		"Acquire of a new Condition":        func() error { return new(Condition).Acquire(ctx) },
		"Wait of a new Event":               func() error { return new(Event).Wait(ctx) },
		"Wait of a new Barrier":             func() error { return waitOn(NewBarrier(1))(ctx) },
		"Put in a new Queue":                func() error { return new(Queue[int]).Put(ctx, 1) },
		"Get from a new Queue":              func() error { _, err := new(Queue[int]).Get(ctx); return err },
		"Put in a new PriorityQueue":        func() error { return NewPriorityQueue[int](0).Put(ctx, 1) },
	} {
		if err := call(); !errors.Is(err, task.ErrNotCurrent) {
			t.Errorf("%s: got %v, want %v", name, err, task.ErrNotCurrent)
		}
	}
}

// What nobody has waited on belongs to no loop, so that any goroutine may use it, and wait
// for nothing, while a loop runs.
func TestObjectsOnWhichNobodyHasWaitedWorkOnAForeignGoroutine(t *testing.T) {
	run(t, func(context.Context) {
		over := make(chan struct{})
		go func() {
			defer close(over)
			ctx := context.Background()
			for _, l := range []lockable{new(Lock), new(Condition), new(Semaphore), new(BoundedSemaphore)} {
				called := false
				check.NoError(t, l.With(ctx, func() error { called = true; return nil }))
				check.True(t, "called", called)
			}
			var e Event
			e.Set()
			check.NoError(t, e.Wait(ctx))
			e.Clear()
			check.False(t, "IsSet", e.IsSet())
			check.NoError(t, waitOn(NewBarrier(1))(ctx))
			var q Queue[int]
			check.NoError(t, q.Put(ctx, 7))
			v, err := q.Get(ctx)
			check.NoError(t, err)
			check.Equal(t, "item", v, 7)
			check.NoError(t, q.TaskDone())
			check.NoError(t, q.Join(ctx))
			q.Shutdown(false)
		}()
		<-over
	})
}
