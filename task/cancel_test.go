package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestCancelBeforeStart(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, func(context.Context) (int, error) {
			t.Error("the coroutine ran")
			return 0, nil
		})
		check.Equal(t, "Cancel", tk.Cancel("my message"), true)
		check.Equal(t, "done at once", tk.Done(), false)
		tick(ctx)
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Cancelled(t, tk.Err(), "my message")
		check.Equal(t, "Cancel again", tk.Cancel(), false)
	})
}

// The error that ended the task goes to the first who asks.
func TestCancelMessageIsHandedOutOnce(t *testing.T) {
	for name, ask := range map[string]func(*task.Task[int]) error{
		"Result": func(tk *task.Task[int]) error { _, err := tk.Result(); return err },
		"Err":    func(tk *task.Task[int]) error { return tk.Err() },
	} {
		for _, message := range [][]string{nil, {""}, {"my message"}} {
			t.Run(fmt.Sprintf("%s %q", name, message), func(t *testing.T) {
				runTest(t, func(ctx context.Context) {
					tk := task.Create(ctx, returns(10*time.Second, 1))
					tick(ctx)
					tk.Cancel(message...)
					_, _, err := task.Wait(ctx, []*task.Task[int]{tk})
					check.NoError(t, err)
					err = ask(tk)
					check.Cancelled(t, err, strings.Join(message, ""))
					check.Equal(t, "type", fmt.Sprintf("%T", err), "*future.CancelledError") // it is not wrapped
					check.Cancelled(t, ask(tk), "")
				})
			})
		}
	}
}

func TestCancelMessageIsSharedByAwaiters(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(10*time.Second, 1))
		first := task.Create(ctx, waits[int](task.Shield(ctx, tk)))
		tick(ctx)
		tk.Cancel("m")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "m")
		_, err = tk.Await(ctx)
		check.Cancelled(t, err, "")
		_, err = first.Await(ctx)
		check.Cancelled(t, err, "")
	})
}

func TestCancelling(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(10*time.Second, 1))
		check.Equal(t, "requests", tk.Cancelling(), 0)
		check.Equal(t, "shown", strings.Contains(tk.String(), "cancelling"), false)
		check.Equal(t, "Cancel", tk.Cancel(), true)
		check.Equal(t, "requests", tk.Cancelling(), 1)
		check.Equal(t, "shown", strings.HasPrefix(tk.String(), "<Task cancelling name="), true)
		check.Equal(t, "Cancel again", tk.Cancel(), true)
		check.Equal(t, "requests", tk.Cancelling(), 2)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "requests of a finished task", tk.Cancelling(), 2)
	})
}

func TestUncancelLetsATaskGoOn(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var tk *task.Task[int]
		tk = task.Create(ctx, func(ctx context.Context) (int, error) {
			check.Cancelled(t, task.Sleep(ctx, 10*time.Second), "")
			check.Equal(t, "left", tk.Uncancel(), 0)
			return 0, task.Sleep(ctx, 10*time.Second)
		})
		tick(ctx)
		tk.Cancel()
		check.Equal(t, "requests", tk.Cancelling(), 1)
		ticks(ctx, 2)
		check.Equal(t, "requests", tk.Cancelling(), 0)
		check.Equal(t, "Cancelled", tk.Cancelled(), false)
		check.Equal(t, "shown", strings.Contains(tk.String(), "cancelling"), false)
		check.Equal(t, "Cancel again", tk.Cancel(), true)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Equal(t, "Uncancel when finished", tk.Uncancel(), 0)
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Equal(t, "Uncancel at none", tk.Uncancel(), 0)
	})
}

// This is how a timeout is made of Cancel and Uncancel.
func TestUncancelTakesBackTheCancellationOfAStructuredBlock(t *testing.T) {
	for _, test := range []struct {
		name    string
		work    time.Duration
		outcome error
	}{{"in time", time.Second, nil}, {"too late", time.Minute, future.ErrTimeout}} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				self := task.Current(ctx)
				block := func(ctx context.Context) error {
					expired := false
					timer := loop.Running(ctx).CallLater(10*time.Second, func() {
						expired = true
						self.Cancel()
					})
					defer timer.Cancel()
					err := task.Sleep(ctx, test.work)
					if expired && self.Uncancel() == 0 && future.IsCancelled(err) {
						return future.ErrTimeout
					}
					return err
				}
				if err := block(ctx); !errors.Is(err, test.outcome) {
					t.Errorf("got %v, want %v", err, test.outcome)
				}
				check.Equal(t, "requests", self.Cancelling(), 0)
				check.NoError(t, task.Sleep(ctx, time.Second))
			})
		})
	}
}

func TestUncancelDropsACancellationThatWasNotDelivered(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		tick(ctx)
		check.NoError(t, f.SetResult(42)) // its step is in the queue
		check.Equal(t, "Cancel", tk.Cancel(), true)
		check.Equal(t, "requests", tk.Cancelling(), 1)
		check.Equal(t, "left", tk.Uncancel(), 0)
		gives(t, ctx, tk, 42)
	})
}

func TestCancelEndsASleepAtOnce(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, returns(10*time.Second, 1))
	l.CallSoon(func() { tk.Cancel() })
	start := l.Time()
	_, err := task.RunUntilComplete(l, tk)
	check.Cancelled(t, err, "")
	check.Equal(t, "time", l.Time(), start)
	check.Equal(t, "Done", tk.Done(), true)
	check.Equal(t, "Cancelled", tk.Cancelled(), true)
	check.Equal(t, "Cancel again", tk.Cancel(), false)
}

func TestCancellationCanBeWrapped(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := task.Create(ctx, returns(time.Hour, 1))
		outer := task.Create(ctx, func(ctx context.Context) (int, error) {
			v, err := inner.Await(ctx)
			if err != nil {
				err = fmt.Errorf("loading user: %w", err)
			}
			return v, err
		})
		tick(ctx)
		inner.Cancel("msg")
		_, err := outer.Await(ctx)
		check.Equal(t, "Cancelled", outer.Cancelled(), true)
		check.Cancelled(t, err, "msg")
		check.Is(t, err, future.ErrCancelled, "loading user: ")
		check.Is(t, err, context.Canceled)
	})
}

// An error that joins a cancellation with something else is a failure.
func TestCancellationThatIsJoinedIsAFailure(t *testing.T) {
	for name, mix := range map[string]func(error) error{
		"joined":         func(err error) error { return errors.Join(errTest, err) },
		"wrapped twice":  func(err error) error { return fmt.Errorf("%w and %w", errTest, err) },
		"group":          func(err error) error { return &task.ExceptionGroup{Errors: []error{err}} },
		"timeout caused": func(err error) error { return &future.TimeoutError{Cause: err} },
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				tk := task.Create(ctx, func(ctx context.Context) (int, error) {
					return 0, mix(task.Sleep(ctx, time.Hour))
				})
				tick(ctx)
				tk.Cancel()
				_, err := tk.Await(ctx)
				check.Equal(t, "Cancelled", tk.Cancelled(), false)
				check.Equal(t, "IsCancelled", future.IsCancelled(err), false)
			})
		})
	}
}

// A coroutine that returns the sentinel is cancelled, asked or not.
func TestCancellationThatIsReturnedCancelsTheTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, fails[int](0, future.ErrCancelled))
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Equal(t, "requests", tk.Cancelling(), 0)
	})
}

func TestCancelledAwaitFailingWithAnotherErrorIsAFailure(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := task.Create(ctx, returns(time.Hour, 1))
		outer := task.Create(ctx, func(ctx context.Context) (int, error) {
			_, err := inner.Await(ctx)
			return 0, &chained{errTest, err}
		})
		tick(ctx)
		inner.Cancel("msg")
		_, err := outer.Await(ctx)
		check.Equal(t, "Cancelled", outer.Cancelled(), false)
		var c *future.CancelledError
		if !errors.As(err, &c) || c.Message != "msg" {
			t.Errorf("got %v, want the cancellation behind it", err)
		}
	})
}

// chained is an error raised while another one is being handled.
type chained struct{ raised, handled error }

func (c *chained) Error() string { return c.raised.Error() }

func (c *chained) Unwrap() []error { return []error{c.raised, c.handled} }

func TestCancelOfAYield(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, task.Void(task.Yield))
		tick(ctx)
		check.Equal(t, "Cancel", tk.Cancel(), true)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Equal(t, "Cancel again", tk.Cancel(), false)
	})
}

func TestCancelOfTheAwaitedFuture(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		tick(ctx)
		f.Cancel("inner")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "inner")
		check.Equal(t, "Cancelled", tk.Cancelled(), true)
		check.Equal(t, "Cancel again", tk.Cancel(), false)
	})
}

func TestCancelOfBothTaskAndFutureIsOneCancellation(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		seen := 0
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			v, err := f.Await(ctx)
			seen++
			tick(ctx) // another one would be delivered here
			return v, err
		})
		tick(ctx)
		f.Cancel("inner")
		tk.Cancel("outer")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "inner")
		check.Equal(t, "cancellations", seen, 1)
		check.Equal(t, "the future is cancelled", f.Cancelled(), true)
		check.Equal(t, "the task is cancelled", tk.Cancelled(), true)
	})
}

func TestCancellationCanBeCaught(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			if _, err := first.Await(ctx); err != nil {
				return 0, err
			}
			if _, err := second.Await(ctx); future.IsCancelled(err) {
				return 42, nil
			}
			return 0, nil
		})
		tick(ctx)
		check.NoError(t, first.SetResult(0))
		tick(ctx)
		tk.Cancel()
		check.Equal(t, "the future is cancelled at once", second.Cancelled(), true)
		gives(t, ctx, tk, 42)
		check.Equal(t, "Cancelled", tk.Cancelled(), false)
	})
}

func TestCancellationCanBeIgnored(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second, third := newFuture[int](ctx), newFuture[int](ctx), newFuture[int](ctx)
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			if _, err := first.Await(ctx); err != nil {
				return 0, err
			}
			_, _ = second.Await(ctx)
			return third.Await(ctx)
		})
		tick(ctx)
		check.NoError(t, first.SetResult(0))
		tick(ctx)
		tk.Cancel()
		check.Equal(t, "the second is cancelled", second.Cancelled(), true)
		tick(ctx)
		check.Equal(t, "the third is cancelled", third.Cancelled(), false)
		check.NoError(t, third.SetResult(42))
		gives(t, ctx, tk, 42)
		check.Equal(t, "Cancelled", tk.Cancelled(), false)
	})
}

func TestCancelOfItselfEndsATaskAtItsNextSuspension(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, func(ctx context.Context) error {
			task.Current(ctx).Cancel()
			done := newFuture[int](ctx)
			check.NoError(t, done.SetResult(1))
			gives(t, ctx, done, 1) // which does not suspend
			return task.Sleep(ctx, 100*time.Second)
		})
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
		check.Equal(t, "Cancel again", tk.Cancel(), false)
	})
}

func TestCancelOfItselfReplacesTheResultOfATask(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
		task.Current(ctx).Cancel("late")
		return 12, nil
	})
	_, err := task.RunUntilComplete(l, tk)
	check.Cancelled(t, err, "late")
	check.Equal(t, "Cancelled", tk.Cancelled(), true)
	check.Equal(t, "Cancel again", tk.Cancel(), false)
}

func TestCancelOfItselfCancelsWhatATaskAwaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		nested := task.Create(ctx, waits[int](f))
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			tick(ctx) // so that the nested task waits
			task.Current(ctx).Cancel()
			return nested.Await(ctx)
		})
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "task", tk.Cancelled(), true)
		check.Equal(t, "nested", nested.Cancelled(), true)
		check.Equal(t, "future", f.Cancelled(), true)
	})
}

func TestCancelPassesThroughNestedCalls(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		inner := func(ctx context.Context) error {
			_, err := f.Await(ctx)
			check.Cancelled(t, err, "stop")
			return err
		}
		tk := task.Create(ctx, func(ctx context.Context) (string, error) {
			if err := inner(ctx); !future.IsCancelled(err) {
				return "", errors.New("not cancelled")
			}
			return "caught", nil
		})
		tick(ctx)
		tk.Cancel("stop")
		gives(t, ctx, tk, "caught")
		check.Equal(t, "the future is cancelled", f.Cancelled(), true)
	})
}

func TestCancelIsDelegatedToAnAwaitedTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		child := task.Create(ctx, func(ctx context.Context) (int, error) {
			_ = task.Sleep(ctx, time.Hour)
			return 5, nil // cancelled, it does not care
		})
		parent := task.Create(ctx, waits[int](child))
		tick(ctx)
		check.Equal(t, "Cancel", parent.Cancel(), true)
		gives(t, ctx, parent, 5)
		check.Equal(t, "requests", parent.Cancelling(), 1)
	})
}

func TestCancelAfterTheResultReplacesIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		tick(ctx)
		check.NoError(t, f.SetException(errTest))
		check.Equal(t, "Cancel", tk.Cancel("instead"), true)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "instead")
		check.Equal(t, "the error counts as retrieved", f.Retrieved(), true)
	})
}

func TestCancelTwiceBeforeTheDelivery(t *testing.T) {
	for _, test := range []struct {
		name    string
		aw      func(ctx context.Context) error
		message string
	}{
		{"of a future: the first counts", func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, "a"},
		{"of a yield: the last counts", task.Yield, "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				tk := task.Go(ctx, test.aw)
				tick(ctx)
				check.Equal(t, "first", tk.Cancel("a"), true)
				check.Equal(t, "second", tk.Cancel("b"), true)
				check.Equal(t, "requests", tk.Cancelling(), 2)
				_, err := tk.Await(ctx)
				check.Cancelled(t, err, test.message)
			})
		})
	}
}

func TestCancelOfASleepingTaskThatAnotherOneAwaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		sleeper := task.Create(ctx, returns(10*time.Second, 1))
		loop.Running(ctx).CallLater(100*time.Millisecond, func() { sleeper.Cancel() })
		_, err := sleeper.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "time", elapsed(ctx), 100*time.Millisecond)
	})
}

func TestCancelledTaskWaitsForNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		tick(ctx)
		check.Equal(t, "waits", strings.Contains(tk.String(), "wait_for="), true)
		tk.Cancel()
		check.Equal(t, "the future is cancelled", f.Cancelled(), true)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.Equal(t, "waits", strings.Contains(tk.String(), "wait_for="), false)
	})
}

// A fatal error ends the run, also in place of a cancellation.
func TestFatalErrorInPlaceOfACancellationEndsTheRun(t *testing.T) {
	for _, debug := range []bool{false, true} {
		t.Run(fmt.Sprintf("debug=%t", debug), func(t *testing.T) {
			l := newTestLoop(t)
			l.SetDebug(debug)
			exit := &loop.SystemExit{Code: 3}
			tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
				if err := task.Sleep(ctx, time.Hour); future.IsCancelled(err) {
					return 0, exit
				}
				return 0, nil
			})
			l.CallLater(time.Second, func() { tk.Cancel() })
			_, err := task.RunUntilComplete(l, tk)
			if err != error(exit) {
				t.Errorf("the run ended with %v", err)
			}
			check.Equal(t, "Done", tk.Done(), true)
			check.Equal(t, "Cancelled", tk.Cancelled(), false)
			check.Equal(t, "Err", tk.Err(), error(exit))
		})
	}
}

func TestCancelOfTasksThatAwaitEachOther(t *testing.T) {
	for _, n := range []int{2, 3, 1000} {
		runTest(t, func(ctx context.Context) {
			circle, errs := make([]*task.Task[struct{}], n), make([]error, n)
			for i := range circle {
				circle[i] = task.Go(ctx, func(ctx context.Context) error {
					errs[i] = circle[(i+1)%n].Join(ctx)
					return errs[i]
				})
			}
			ticks(ctx, 2)
			check.Equal(t, "Cancel", circle[1].Cancel("enough"), true)
			ticks(ctx, n+1)
			check.Cancelled(t, errs[1], "enough")
			for _, tk := range circle {
				check.Equal(t, "Cancelled", tk.Cancelled(), true)
				check.Equal(t, "Cancelling", tk.Cancelling(), 1)
			}
		})
	}
}

func TestCancelOfAGatherThatItsOwnChildAwaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var all *future.Future[[]struct{}]
		child := task.Go(ctx, func(ctx context.Context) error { return task.Join(ctx, all) })
		all = task.Gather(ctx, child)
		ticks(ctx, 2)
		check.Equal(t, "Cancel", all.Cancel(), true)
		ticks(ctx, 3)
		check.Equal(t, "the child is cancelled", child.Cancelled(), true)
		check.Cancelled(t, all.Err(), "")
	})
}
