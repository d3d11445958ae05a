package task_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// authorisation is a function for a thread: tests see how far it is, and decide how it
// ends.
type authorisation struct {
	begun chan struct{}
	told  chan struct{} // its context has ended
	end   chan error    // nil for a result
}

func newAuthorisation() *authorisation {
	return &authorisation{begun: make(chan struct{}), told: make(chan struct{}), end: make(chan error, 1)}
}

func (a *authorisation) run(ctx context.Context) (int, error) {
	close(a.begun)
	stop := context.AfterFunc(ctx, func() { close(a.told) })
	defer stop()
	if err := <-a.end; err != nil {
		return 0, err
	}
	return 42, nil
}

// start runs it until done in a task, and waits until it has begun.
func (a *authorisation) start(ctx context.Context) *task.Task[int] {
	tk := task.Create(ctx, func(ctx context.Context) (int, error) { return task.ToThreadUntilDone(ctx, a.run) })
	received(ctx, a.begun)
	return tk
}

// received waits until ch is closed.
func received(ctx context.Context, ch <-chan struct{}) {
	if _, _, err := task.Receive(ctx, ch); err != nil {
		panic(err)
	}
}

func TestToThreadUntilDoneReturnsTheOutcomeOfTheFunction(t *testing.T) {
	for _, test := range []struct {
		name string
		fn   func(ctx context.Context) (int, error)
		want int
		err  error
	}{
		{"result", func(context.Context) (int, error) { return 42, nil }, 42, nil},
		{"error", func(context.Context) (int, error) { return 0, errTest }, 0, errTest},
		{"its own deadline", func(context.Context) (int, error) { return 0, context.DeadlineExceeded }, 0, context.DeadlineExceeded},
		{"panic", func(context.Context) (int, error) { panic(errTest) }, 0, errTest},
		{"end of its goroutine", func(context.Context) (int, error) { runtime.Goexit(); return 1, nil }, 0, task.ErrGoexit},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				v, err := task.ToThreadUntilDone(ctx, test.fn)
				check.Equal(t, "result", v, test.want)
				if test.err == nil {
					check.NoError(t, err)
				} else {
					check.Is(t, err, test.err)
				}
				check.Equal(t, "future.IsCancelled", future.IsCancelled(err), false)
			})
		})
	}
}

// The task has no further await, so that the cancellation came too late for it.
func TestToThreadUntilDoneThatIsCancelledKeepsTheResult(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := newAuthorisation()
		tk := a.start(ctx)
		check.Equal(t, "Cancel", tk.Cancel("give up"), true)
		received(ctx, a.told)
		check.Equal(t, "the task is done before the function", tk.Done(), false)
		a.end <- nil
		gives(t, ctx, tk, 42)
		check.Equal(t, "Cancelling", tk.Cancelling(), 1)
	})
}

func TestToThreadUntilDoneThatIsCancelledAnswersWithTheNextAwait(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := newAuthorisation()
		var got int
		tk := task.Go(ctx, func(ctx context.Context) error {
			v, err := task.ToThreadUntilDone(ctx, a.run)
			check.NoError(t, err)
			got = v
			return task.Sleep(ctx, time.Hour)
		})
		received(ctx, a.begun)
		tk.Cancel("give up")
		a.end <- nil
		check.Cancelled(t, tk.Join(ctx), "give up")
		check.Equal(t, "result", got, 42)
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

func TestToThreadUntilDoneThatIsCancelledAndFails(t *testing.T) {
	for _, test := range []struct {
		name      string
		end       error
		cancelled bool
	}{
		{"an error of its own", errTest, false},
		{"it gives up", context.Canceled, true},
		{"it gives up, and says where", fmt.Errorf("authorise: %w", context.Canceled), true},
		{"it takes the end for a deadline", context.DeadlineExceeded, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				a := newAuthorisation()
				tk := a.start(ctx)
				tk.Cancel("give up")
				received(ctx, a.told)
				a.end <- test.end
				err := tk.Join(ctx)
				check.Equal(t, "Cancelled", tk.Cancelled(), test.cancelled)
				if test.cancelled {
					check.Cancelled(t, err, "give up")
				} else {
					check.Equal(t, "error", err, test.end)
				}
			})
		})
	}
}

func TestToThreadUntilDoneThatIsCancelledAgainAndAgain(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := newAuthorisation()
		var got int
		tk := task.Go(ctx, func(ctx context.Context) error {
			v, err := task.ToThreadUntilDone(ctx, a.run)
			check.NoError(t, err)
			got = v
			check.Cancelled(t, task.Yield(ctx), "third")
			check.NoError(t, task.Yield(ctx)) // there is one delivery
			return nil
		})
		received(ctx, a.begun)
		for _, message := range []string{"first", "second", "third"} {
			tk.Cancel(message)
			ticks(ctx, 3)
		}
		check.Equal(t, "the task is done before the function", tk.Done(), false)
		a.end <- nil
		check.NoError(t, tk.Join(ctx))
		check.Equal(t, "result", got, 42)
		check.Equal(t, "Cancelling", tk.Cancelling(), 3)
	})
}

// The function has its result when the task is cancelled, and the loop does not know.
func TestToThreadUntilDoneCancelledWhenTheFunctionHasReturned(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		pool := loop.NewPool(0)
		l.SetDefaultExecutor(pool)
		a := newAuthorisation()
		tk := a.start(ctx)
		a.end <- nil
		check.NoError(t, pool.Shutdown(context.Background())) // nothing of the loop runs meanwhile
		tk.Cancel()
		gives(t, ctx, tk, 42)
	})
}

func TestToThreadUntilDoneThatHasNotBegun(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		l.SetDefaultExecutor(loop.NewPool(1))
		a := newAuthorisation()
		first := a.start(ctx)
		waiting := task.Create(ctx, func(ctx context.Context) (int, error) {
			return task.ToThreadUntilDone(ctx, neverRun)
		})
		ticks(ctx, 2)
		waiting.Cancel("give up")
		check.Cancelled(t, waiting.Join(ctx), "give up")
		check.Equal(t, "the first one is done", first.Done(), false)
		a.end <- nil
		gives(t, ctx, first, 42)
		check.NoError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		check.NoError(t, task.Sleep(ctx, time.Second)) // nobody holds the clock
	})
}

func TestToThreadUntilDoneInATimeout(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   error
		check func(t *testing.T, got int, err error)
	}{
		{"a late result", nil, func(t *testing.T, got int, err error) {
			check.NoError(t, err)
			check.Equal(t, "result", got, 42)
		}},
		{"it gives up", context.DeadlineExceeded, func(t *testing.T, _ int, err error) { check.Is(t, err, future.ErrTimeout) }},
		{"an error of its own", errTest, func(t *testing.T, _ int, err error) { check.Equal(t, "error", err, errTest) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				a := newAuthorisation()
				var got int
				timeout := task.NewTimeout(ctx, time.Hour)
				tk := task.Go(ctx, func(ctx context.Context) error {
					err := timeout.Run(ctx, func(ctx context.Context) (err error) {
						got, err = task.ToThreadUntilDone(ctx, a.run)
						return err
					})
					check.Equal(t, "Expired", timeout.Expired(), true)
					check.NoError(t, task.Yield(ctx)) // the timeout has taken its cancellation back
					return err
				})
				received(ctx, a.begun)
				check.NoError(t, timeout.Reschedule(loop.Running(ctx).Time())) // the function holds the clock
				received(ctx, a.told)
				a.end <- test.end
				test.check(t, got, tk.Join(ctx))
				if test.end == nil {
					check.Equal(t, "result", got, 42)
				}
			})
		})
	}
}

func TestToThreadUntilDoneInAContextThatEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  error
		err  error // nil for the result
	}{
		{"a result", nil, nil},
		{"it gives up", context.Canceled, errTest},
		{"it gives up, and says why", errTest, errTest},
		{"an error of its own", loop.ErrClosed, loop.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				a := newAuthorisation()
				limited, cancel := context.WithCancelCause(ctx)
				go func() {
					<-a.begun
					cancel(errTest)
					<-a.told
					a.end <- test.end
				}()
				v, err := task.ToThreadUntilDone(limited, a.run)
				switch {
				case test.err == nil:
					check.NoError(t, err)
					check.Equal(t, "result", v, 42)
				case err != test.end: // the function may be done before the await learns of the context
					check.Equal(t, "error", err, test.err)
				}
				check.NoError(t, task.Yield(ctx)) // the context has ended, nobody has cancelled the task
				check.Is(t, task.Yield(limited), errTest)
			})
		})
	}
}

func TestToThreadUntilDoneIsWaitedForByRun(t *testing.T) {
	a := newAuthorisation()
	var got atomic.Int32
	go func() {
		<-a.told
		a.end <- nil
	}()
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		task.Go(ctx, func(ctx context.Context) error {
			v, err := task.ToThreadUntilDone(ctx, a.run)
			got.Store(int32(v))
			return err
		})
		received(ctx, a.begun)
		return nil
	}, virtually()))
	check.Equal(t, "result", got.Load(), int32(42))
}

func TestToThreadUntilDoneWhenTheLoopIsClosed(t *testing.T) {
	l := newTestLoop(t)
	r := check.Collect(l)
	a := newAuthorisation()
	unwound := false
	check.RunOn(t, l, func(ctx context.Context) {
		task.Go(ctx, func(ctx context.Context) error {
			defer func() { unwound = true }()
			_, err := task.ToThreadUntilDone(ctx, a.run)
			t.Error("it returned")
			return err
		}, task.Name("left"))
		received(ctx, a.begun)
	})
	pool, err := l.DefaultExecutor()
	check.NoError(t, err)
	check.NoError(t, l.Close())
	check.Equal(t, "unwound", unwound, true)
	check.Equal(t, "reports", r.Messages(), []string{"Task was destroyed but it is pending!"})
	<-a.told // the function learns of it, and goes on alone
	a.end <- errTest
	check.NoError(t, pool.Shutdown(context.Background()))
	check.Equal(t, "reports", r.Messages(), []string{})
}

func TestToThreadUntilDoneMisuse(t *testing.T) {
	check.Is(t, second(task.ToThreadUntilDone(context.Background(), neverRun)), future.ErrNoTask, "ToThreadUntilDone")
	runTest(t, func(ctx context.Context) {
		check.Is(t, second(task.ToThreadUntilDone[int](ctx, nil)), loop.ErrNilFunc, "ToThreadUntilDone")
		check.Is(t, second(task.ToThreadUntilDone(ctx, newFuture[int](ctx).Await)), task.ErrNotCurrent)
		check.NoError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		check.Is(t, second(task.ToThreadUntilDone(ctx, neverRun)), loop.ErrExecutorShutdown)
	})
}

// Whatever is cancelled and whenever, each function that has begun is accounted for.
func TestToThreadUntilDoneLosesNothing(t *testing.T) {
	var done atomic.Int32
	recorded, cancelled := 0, 0
	const all = 500
	runTest(t, func(ctx context.Context) {
		loop.Running(ctx).SetDefaultExecutor(loop.NewPool(4))
		var tasks []*task.Task[int]
		for i := range all {
			tasks = append(tasks, task.Create(ctx, func(ctx context.Context) (int, error) {
				return task.ToThreadUntilDone(ctx, func(ctx context.Context) (int, error) {
					if i%3 == 0 {
						runtime.Gosched()
					}
					if i%7 == 0 && ctx.Err() != nil {
						return 0, ctx.Err()
					}
					done.Add(1)
					return 1, nil
				})
			}))
			if i%5 == 4 {
				tasks[i-i%4].Cancel()
				tick(ctx)
			}
		}
		for i, tk := range tasks {
			if i%2 == 0 {
				tk.Cancel()
			}
			v, err := tk.Await(ctx)
			switch {
			case err == nil:
				recorded += v
			case future.IsCancelled(err):
				cancelled++
			default:
				t.Error(err)
			}
		}
	})
	check.Equal(t, "results seen", recorded, int(done.Load()))
	check.Equal(t, "outcomes", recorded+cancelled, all)
}
