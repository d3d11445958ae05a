package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// afterFuncs calls back when a context of a task or scope ends. Package context uses it
// for what is derived from one.
type afterFuncs interface {
	context.Context
	AfterFunc(fn func()) (stop func() bool)
}

// ownContexts run body with a context of this module, which is over when they return.
var ownContexts = map[string]func(ctx context.Context, body func(ctx context.Context)) error{
	"task": func(ctx context.Context, body func(ctx context.Context)) error {
		_, err := task.Go(ctx, func(ctx context.Context) error {
			body(ctx)
			return nil
		}).Await(ctx)
		return err
	},
	"scope": func(ctx context.Context, body func(ctx context.Context)) error {
		return task.WithTimeout(ctx, task.Forever, func(ctx context.Context) error {
			body(ctx)
			return nil
		})
	},
}

func TestContextEndsAllThatWaitForItsEnd(t *testing.T) {
	for name, within := range ownContexts {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				called := map[string]int{}
				note := func(name string) func() { return func() { called[name]++ } }
				var own afterFuncs
				var stop, stopped func() bool
				var derived context.Context
				check.NoError(t, within(ctx, func(ctx context.Context) {
					own = ctx.(afterFuncs)
					stop = own.AfterFunc(note("first"))
					stopped = own.AfterFunc(note("stopped"))
					own.AfterFunc(note("second"))
					var cancel context.CancelFunc
					derived, cancel = context.WithCancel(ctx)
					t.Cleanup(cancel)
					check.Equal(t, "stop", stopped(), true)
					check.Equal(t, "stop again", stopped(), false)
					check.NoError(t, derived.Err())
				}))
				check.Equal(t, "called", fmt.Sprint(called), "map[first:1 second:1]")
				check.Equal(t, "stop after the end", stop(), false)
				check.Is(t, derived.Err(), context.Canceled)
				<-derived.Done()
				late := make(chan struct{})
				stop = own.AfterFunc(func() { close(late) })
				<-late
				check.Equal(t, "stop of one that came after the end", stop(), false)
			})
		})
	}
}

// A scope in a context of Go's ends with that.
func TestContextOfAScopeEndsWithItsParent(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		parent, end := context.WithCancel(ctx)
		check.NoError(t, task.WithTimeout(parent, task.Forever, func(scope context.Context) error {
			derived, cancel := context.WithCancel(scope)
			defer cancel()
			check.NoError(t, scope.Err())
			end()
			check.Is(t, scope.Err(), context.Canceled)
			<-scope.Done()
			<-derived.Done()
			return nil
		}))
	})
}

// watched is a context that counts who waits for its end.
type watched struct {
	context.Context
	done       chan struct{}
	registered int
	waiting    int
}

func (w *watched) Done() <-chan struct{} { return w.done }

func (w *watched) AfterFunc(func()) (stop func() bool) {
	w.registered++
	w.waiting++
	return func() bool {
		w.waiting--
		return true
	}
}

// A parent that outlives its scopes must not collect them.
func TestContextOfAScopeLetsGoOfItsParent(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		parent := &watched{Context: ctx, done: make(chan struct{})}
		var scope context.Context
		check.NoError(t, task.WithTimeout(parent, task.Forever, func(ctx context.Context) error {
			scope = ctx
			check.Equal(t, "registered before anybody asks", parent.registered, 0)
			_, _ = scope.Done(), scope.Done()
			check.Equal(t, "waiting", parent.waiting, 1)
			return nil
		}))
		check.Equal(t, "waiting after the end", parent.waiting, 0)
		<-scope.Done()
		check.NoError(t, task.WithTimeout(parent, task.Forever, func(ctx context.Context) error {
			scope = ctx
			return nil
		}))
		<-scope.Done() // asked for after the end
		check.Equal(t, "registered", parent.registered, 1)
		check.Is(t, task.WithTimeout(parent, time.Second, func(scope context.Context) error {
			defer scope.(afterFuncs).AfterFunc(func() {})()
			check.Equal(t, "waiting", parent.waiting, 1)
			return sleepsLong(ctx)
		}), future.ErrTimeout) // its scope ends twice
		check.Equal(t, "waiting after the end", parent.waiting, 0)
	})
}

// A scope that has expired does not interrupt what its body awaits after that, through
// whatever context: the timeout has cancelled the task, once.
func TestContextOfAScopeThatExpiredCanBeAwaitedWith(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			ctx = context.WithValue(ctx, key{}, 1)
			check.Cancelled(t, task.Sleep(ctx, time.Hour), "")
			return task.Sleep(ctx, time.Second)
		})
		check.NoError(t, err)
		check.Equal(t, "time", elapsed(ctx), 2*time.Second)
	})
}

// A context that has ended already interrupts the await at once: no goroutine has to
// bring the news.
func TestContextThatHasEndedIsNoticedAtOnce(t *testing.T) {
	l, _ := tasktest.NewLoop(t, patience)
	tk := task.CreateOn(l, task.Void(func(ctx context.Context) error {
		derived, end := context.WithCancelCause(ctx)
		end(errTest)
		return second(newFuture[int](ctx).Await(derived))
	}))
	for range 2 {
		_, _, err := l.Poll()
		check.NoError(t, err)
	}
	check.Is(t, tk.Err(), errTest)
}

// A request of a task counts more than the end of a context, whichever comes first.
func TestContextThatHasEndedGivesWayToACancellation(t *testing.T) {
	ended := func(ctx context.Context) context.Context {
		derived, end := context.WithCancelCause(ctx)
		end(errTest)
		return derived
	}
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			return newFuture[int](ctx).Await(ended(ctx))
		})
		tick(ctx)
		tk.Cancel("later") // the task is being interrupted
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		tk = task.Create(ctx, func(ctx context.Context) (int, error) {
			task.Current(ctx).Cancel("before")
			return newFuture[int](ctx).Await(ended(ctx))
		})
		_, err = tk.Await(ctx)
		check.Cancelled(t, err, "before")
	})
}

// What one task leaves behind when its context has ended must not hide the others.
func TestContextsThatEndOneAfterTheOtherAreAllNoticed(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for range 50 {
			var ends []context.CancelCauseFunc
			var tasks []*task.Task[struct{}]
			for range 3 {
				tasks = append(tasks, task.Go(ctx, func(ctx context.Context) error {
					derived, end := context.WithCancelCause(ctx)
					ends = append(ends, end)
					return task.Sleep(derived, time.Hour)
				}))
			}
			tick(ctx)
			for i, tk := range tasks {
				ends[i](errTest)
				check.Is(t, second(tk.Await(ctx)), errTest)
			}
		}
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

func TestCloseMakesAYieldOfAnUnwoundCoroutineFail(t *testing.T) {
	l := newTestLoop(t)
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {})
	var err error
	check.RunOn(t, l, func(ctx context.Context) {
		task.Go(ctx, func(ctx context.Context) error {
			defer func() { err = task.Yield(ctx) }()
			return task.Sleep(ctx, time.Hour)
		})
		tick(ctx)
	})
	check.NoError(t, l.Close())
	check.Is(t, err, loop.ErrClosed)
}

func TestContextThatHasEndedKeepsAnEagerTaskFromBeginning(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, end := context.WithCancel(ctx)
		end()
		tk := task.Go(derived, func(context.Context) error {
			t.Error("the coroutine ran")
			return nil
		}, task.Eager())
		check.Cancelled(t, second(tk.Await(ctx)), "")
	})
}

func TestStackOfADeepCoroutineIsComplete(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		const depth = 300
		tk := task.Go(ctx, func(ctx context.Context) error { return deep(ctx, depth) })
		tick(ctx)
		if n := len(tk.Stack()); n < depth {
			t.Errorf("%d frames", n)
		}
		tk.Cancel()
		check.Cancelled(t, second(tk.Await(ctx)), "")
	})
}

// deep sleeps below many frames.
func deep(ctx context.Context, depth int) error {
	if depth == 0 {
		return task.Sleep(ctx, time.Hour)
	}
	return deep(ctx, depth-1)
}
