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
				equal(t, "result", v, test.want)
				if test.err == nil {
					noError(t, err)
				} else {
					isError(t, err, test.err)
				}
				equal(t, "future.IsCancelled", future.IsCancelled(err), false)
			})
		})
	}
}

// The task has no further await, so that the cancellation came too late for it.
func TestToThreadUntilDoneThatIsCancelledKeepsTheResult(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := newAuthorisation()
		tk := a.start(ctx)
		equal(t, "Cancel", tk.Cancel("give up"), true)
		received(ctx, a.told)
		equal(t, "the task is done before the function", tk.Done(), false)
		a.end <- nil
		gives(t, ctx, tk, 42)
		equal(t, "Cancelling", tk.Cancelling(), 1)
	})
}

func TestToThreadUntilDoneThatIsCancelledAnswersWithTheNextAwait(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := newAuthorisation()
		var got int
		tk := task.Go(ctx, func(ctx context.Context) error {
			v, err := task.ToThreadUntilDone(ctx, a.run)
			noError(t, err)
			got = v
			return task.Sleep(ctx, time.Hour)
		})
		received(ctx, a.begun)
		tk.Cancel("give up")
		a.end <- nil
		isCancellation(t, tk.Join(ctx), "give up")
		equal(t, "result", got, 42)
		equal(t, "time", elapsed(ctx), time.Duration(0))
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
				equal(t, "Cancelled", tk.Cancelled(), test.cancelled)
				if test.cancelled {
					isCancellation(t, err, "give up")
				} else {
					equal(t, "error", err, test.end)
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
			noError(t, err)
			got = v
			isCancellation(t, task.Yield(ctx), "third")
			noError(t, task.Yield(ctx)) // there is one delivery
			return nil
		})
		received(ctx, a.begun)
		for _, message := range []string{"first", "second", "third"} {
			tk.Cancel(message)
			ticks(ctx, 3)
		}
		equal(t, "the task is done before the function", tk.Done(), false)
		a.end <- nil
		noError(t, tk.Join(ctx))
		equal(t, "result", got, 42)
		equal(t, "Cancelling", tk.Cancelling(), 3)
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
		noError(t, pool.Shutdown(context.Background())) // nothing of the loop runs meanwhile
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
		isCancellation(t, waiting.Join(ctx), "give up")
		equal(t, "the first one is done", first.Done(), false)
		a.end <- nil
		gives(t, ctx, first, 42)
		noError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		noError(t, task.Sleep(ctx, time.Second)) // nobody holds the clock
	})
}

func TestToThreadUntilDoneInATimeout(t *testing.T) {
	for _, test := range []struct {
		name  string
		end   error
		check func(t *testing.T, got int, err error)
	}{
		{"a late result", nil, func(t *testing.T, got int, err error) {
			noError(t, err)
			equal(t, "result", got, 42)
		}},
		{"it gives up", context.DeadlineExceeded, func(t *testing.T, _ int, err error) { isError(t, err, future.ErrTimeout) }},
		{"an error of its own", errTest, func(t *testing.T, _ int, err error) { equal(t, "error", err, errTest) }},
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
					equal(t, "Expired", timeout.Expired(), true)
					noError(t, task.Yield(ctx)) // the timeout has taken its cancellation back
					return err
				})
				received(ctx, a.begun)
				noError(t, timeout.Reschedule(loop.Running(ctx).Time())) // the function holds the clock
				received(ctx, a.told)
				a.end <- test.end
				test.check(t, got, tk.Join(ctx))
				if test.end == nil {
					equal(t, "result", got, 42)
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
					noError(t, err)
					equal(t, "result", v, 42)
				case err != test.end: // the function may be done before the await learns of the context
					equal(t, "error", err, test.err)
				}
				noError(t, task.Yield(ctx)) // the context has ended, nobody has cancelled the task
				isError(t, task.Yield(limited), errTest)
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
	noError(t, task.Main(context.Background(), func(ctx context.Context) error {
		task.Go(ctx, func(ctx context.Context) error {
			v, err := task.ToThreadUntilDone(ctx, a.run)
			got.Store(int32(v))
			return err
		})
		received(ctx, a.begun)
		return nil
	}, virtually()))
	equal(t, "result", got.Load(), int32(42))
}

func TestToThreadUntilDoneWhenTheLoopIsClosed(t *testing.T) {
	l := newTestLoop(t)
	r := collectReports(l)
	a := newAuthorisation()
	unwound := false
	runTestOn(t, l, func(ctx context.Context) {
		task.Go(ctx, func(ctx context.Context) error {
			defer func() { unwound = true }()
			_, err := task.ToThreadUntilDone(ctx, a.run)
			t.Error("it returned")
			return err
		}, task.Name("left"))
		received(ctx, a.begun)
	})
	pool, err := l.DefaultExecutor()
	noError(t, err)
	noError(t, l.Close())
	equal(t, "unwound", unwound, true)
	equal(t, "reports", r.messages(), []string{"Task was destroyed but it is pending!"})
	<-a.told // the function learns of it, and goes on alone
	a.end <- errTest
	noError(t, pool.Shutdown(context.Background()))
	equal(t, "reports", r.messages(), []string{})
}

func TestToThreadUntilDoneMisuse(t *testing.T) {
	isError(t, second(task.ToThreadUntilDone(context.Background(), neverRun)), future.ErrNoTask, "ToThreadUntilDone")
	runTest(t, func(ctx context.Context) {
		isError(t, second(task.ToThreadUntilDone[int](ctx, nil)), loop.ErrNilFunc, "ToThreadUntilDone")
		isError(t, second(task.ToThreadUntilDone(ctx, newFuture[int](ctx).Await)), task.ErrNotCurrent)
		noError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		isError(t, second(task.ToThreadUntilDone(ctx, neverRun)), loop.ErrExecutorShutdown)
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
	equal(t, "results seen", recorded, int(done.Load()))
	equal(t, "outcomes", recorded+cancelled, all)
}
