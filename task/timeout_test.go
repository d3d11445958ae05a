package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// expired checks that err is the timeout that a cancellation became.
func expired(t testing.TB, err error) {
	t.Helper()
	var timeout *future.TimeoutError
	if !errors.As(err, &timeout) {
		t.Errorf("got error %v, want a timeout", err)
		return
	}
	check.Is(t, err, future.ErrTimeout)
	check.Is(t, err, context.DeadlineExceeded)
	check.Cancelled(t, timeout.Cause, "")
	if future.IsCancelled(err) || errors.Is(err, future.ErrCancelled) {
		t.Error("the timeout is a cancellation, too")
	}
}

func TestTimeoutExpires(t *testing.T) {
	at := func(d time.Duration) func(ctx context.Context) *task.Timeout {
		return func(ctx context.Context) *task.Timeout {
			return task.NewTimeoutAt(loop.Running(ctx).Time().Add(d))
		}
	}
	after := func(d time.Duration) func(ctx context.Context) *task.Timeout {
		return func(ctx context.Context) *task.Timeout { return task.NewTimeout(ctx, d) }
	}
	yields := func(ctx context.Context) error { return task.Yield(ctx) }
	tests := []struct {
		name string
		make func(ctx context.Context) *task.Timeout
		body func(ctx context.Context) error
		when time.Duration
		end  time.Duration
	}{
		{"after a delay", after(time.Second), sleepsLong, time.Second, time.Second},
		{"at a time", at(time.Second), sleepsLong, time.Second, time.Second},
		{"at once", after(0), sleepsLong, 0, 0},
		{"at once, in one iteration", after(0), yields, 0, 0},
		{"in the past", after(-11 * time.Second), yields, -11 * time.Second, 0},
		{"at a time in the past", at(-11 * time.Second), yields, -11 * time.Second, 0},
		{"when the sleep is over", after(time.Second), func(ctx context.Context) error {
			return task.Sleep(ctx, time.Second)
		}, time.Second, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				timeout := test.make(ctx)
				var inside error
				err := timeout.Run(ctx, func(ctx context.Context) error {
					inside = test.body(ctx)
					check.Is(t, ctx.Err(), context.DeadlineExceeded)
					return inside
				})
				expired(t, err)
				check.Cancelled(t, inside, "")
				check.Equal(t, "expired", timeout.Expired(), true)
				check.Equal(t, "deadline", timeout.When().Sub(start), test.when)
				check.Equal(t, "time", elapsed(ctx), test.end)
				check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
			})
		})
	}
}

func TestTimeoutFunctions(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		expired(t, task.WithTimeout(ctx, time.Second, sleepsLong))
		expired(t, task.WithTimeoutAt(ctx, loop.Running(ctx).Time().Add(time.Second), sleepsLong))
		check.Equal(t, "time", elapsed(ctx), 2*time.Second)
		brief := func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }
		check.NoError(t, task.WithTimeout(ctx, task.Forever, brief))
		check.NoError(t, task.WithTimeoutAt(ctx, time.Time{}, brief))
	})
}

func TestTimeoutThatDoesNotExpire(t *testing.T) {
	tests := []struct {
		name string
		make func(ctx context.Context) *task.Timeout
		when time.Duration
	}{
		{"in time", func(ctx context.Context) *task.Timeout { return task.NewTimeout(ctx, time.Minute) }, time.Minute},
		{"forever", func(ctx context.Context) *task.Timeout { return task.NewTimeout(ctx, task.Forever) }, -1},
		{"at no time", func(context.Context) *task.Timeout { return task.NewTimeoutAt(time.Time{}) }, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				timeout := test.make(ctx)
				check.NoError(t, timeout.Run(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }))
				check.Equal(t, "expired", timeout.Expired(), false)
				check.Equal(t, "no deadline", timeout.When().IsZero(), test.when < 0)
				if test.when >= 0 {
					check.Equal(t, "deadline", timeout.When().Sub(start), test.when)
				}
				check.Equal(t, "time", elapsed(ctx), time.Second)
			})
		})
	}
}

func TestTimeoutOfABodyThatNeverSuspends(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, -time.Second)
		check.NoError(t, timeout.Run(ctx, func(context.Context) error { return nil }))
		check.Equal(t, "expired", timeout.Expired(), false)
		check.NoError(t, task.Yield(ctx)) // nothing is left of it
	})
}

func TestTimeoutPassesOtherErrors(t *testing.T) {
	tests := []struct {
		name    string
		body    func(ctx context.Context) error
		expired bool
	}{
		{"before", func(context.Context) error { return errBody }, false},
		{"in time", failsAfter(time.Second, errBody), false},
		{"on expiry", failsWhenCancelled(errBody), true},
		{"on expiry, after another", func(ctx context.Context) error {
			if err := failsWhenCancelled(errTest)(ctx); !errors.Is(err, errTest) {
				return err
			}
			return errBody
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				timeout := task.NewTimeout(ctx, time.Minute)
				check.Equal(t, "error", timeout.Run(ctx, test.body), errBody)
				check.Equal(t, "expired", timeout.Expired(), test.expired)
				check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
			})
		})
	}
}

func TestTimeoutThatTheBodySwallows(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Second)
		check.NoError(t, timeout.Run(ctx, func(ctx context.Context) error {
			_ = sleepsLong(ctx)
			return nil
		}))
		check.Equal(t, "expired", timeout.Expired(), true)
		check.NoError(t, task.Yield(ctx))
	})
}

func TestTimeoutLetsOtherCancellationsThrough(t *testing.T) {
	tests := []struct {
		name    string
		body    func(ctx context.Context) error
		expired bool
	}{
		{"before it expires", func(ctx context.Context) error {
			task.Current(ctx).Cancel("mine")
			return sleepsLong(ctx)
		}, false},
		{"besides its own", func(ctx context.Context) error {
			me := task.Current(ctx)
			_ = sleepsLong(ctx)
			me.Cancel("mine")
			return sleepsLong(ctx)
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				timeout := task.NewTimeout(ctx, time.Second)
				tk := task.Go(ctx, func(ctx context.Context) error { return timeout.Run(ctx, test.body) })
				check.Cancelled(t, second(tk.Await(ctx)), "mine")
				check.Equal(t, "cancelled", tk.Cancelled(), true)
				check.Equal(t, "expired", timeout.Expired(), test.expired)
			})
		})
	}
}

func TestTimeoutOfATaskThatWasCancelledBefore(t *testing.T) {
	swallowing := func(body func(ctx context.Context) error) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			me := task.Current(ctx)
			me.Cancel()
			check.Cancelled(t, task.Yield(ctx), "")
			check.Equal(t, "requests", me.Cancelling(), 1)
			return body(ctx)
		}
	}
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, swallowing(func(ctx context.Context) error {
			expired(t, task.WithTimeout(ctx, 0, sleepsLong)) // it counts from here
			return nil
		}))
		check.NoError(t, second(tk.Await(ctx)))
		tk = task.Go(ctx, swallowing(func(ctx context.Context) error {
			return task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
				task.Current(ctx).Cancel("again")
				return sleepsLong(ctx)
			})
		}))
		check.Cancelled(t, second(tk.Await(ctx)), "again")
	})
}

func TestTimeoutThatWasHandledDoesNotCancelTheTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, func(ctx context.Context) error {
			expired(t, task.WithTimeout(ctx, time.Second, sleepsLong))
			return nil
		})
		check.NoError(t, second(tk.Await(ctx)))
		check.Equal(t, "cancelled", tk.Cancelled(), false)
	})
}

// The loop can be too busy to notice a deadline at its time.
func TestTimeoutNesting(t *testing.T) {
	tests := []struct {
		name                        string
		inner, outer, busy          time.Duration
		innerExpired, outerConverts bool
		innerConverts               bool
	}{
		{"the same deadline", time.Second, time.Second, 0, true, true, false},
		{"the inner first", time.Second, 2 * time.Second, 0, true, false, true},
		{"the outer first", 2 * time.Second, time.Second, 0, false, true, false},
		{"the outer is due while the loop is busy", 10 * time.Second, time.Second, 5 * time.Second, false, true, false},
		{"both are due while the loop is busy", time.Second, 2 * time.Second, 5 * time.Second, true, true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l, clock := tasktest.NewLoop(t, patience)
			check.RunOn(t, l, func(ctx context.Context) {
				outer, inner := task.NewTimeout(ctx, test.outer), task.NewTimeout(ctx, test.inner)
				err := outer.Run(ctx, func(ctx context.Context) error {
					err := inner.Run(ctx, func(ctx context.Context) error {
						clock.Advance(test.busy)
						return sleepsLong(ctx)
					})
					if test.innerConverts {
						expired(t, err)
						return nil
					}
					check.Cancelled(t, err, "")
					return err
				})
				if test.outerConverts {
					expired(t, err)
				} else {
					check.NoError(t, err)
				}
				check.Equal(t, "inner expired", inner.Expired(), test.innerExpired)
				check.Equal(t, "outer expired", outer.Expired(), test.outerConverts)
				check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
			})
		})
	}
}

func TestTimeoutInTheCleanUpOfAnother(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var inside error
		outside := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			err := sleepsLong(ctx)
			inside = task.WithTimeout(ctx, time.Second, sleepsLong)
			return err
		})
		expired(t, inside)
		expired(t, outside)
		check.Equal(t, "time", elapsed(ctx), 2*time.Second)
		var inner, outer *future.TimeoutError
		if errors.As(inside, &inner) && errors.As(outside, &outer) {
			check.Equal(t, "both have one cause", inner.Cause == outer.Cause, false)
		}
	})
}

func TestTimeoutAroundAGroup(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(failsWhenCancelled(errTest))
				return failsWhenCancelled(errBody)(ctx)
			})
		})
		isGroupOf(t, err, errTest, errBody)
		expired(t, task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(sleepsLong)
				return nil
			})
		}))
	})
}

func TestTimeoutReschedule(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		start := loop.Running(ctx).Time()
		moved := task.NewTimeout(ctx, time.Hour)
		expired(t, moved.Run(ctx, func(ctx context.Context) error {
			check.NoError(t, moved.Reschedule(start.Add(time.Minute)))
			check.NoError(t, task.Sleep(ctx, time.Second))
			check.NoError(t, moved.Reschedule(start.Add(2*time.Second)))
			check.Equal(t, "deadline", moved.When(), start.Add(2*time.Second))
			return sleepsLong(ctx)
		}))
		check.Equal(t, "time", elapsed(ctx), 2*time.Second)

		var lifted *task.Timeout
		tk := task.Go(ctx, func(ctx context.Context) error {
			lifted = task.NewTimeout(ctx, time.Second)
			return lifted.Run(ctx, func(ctx context.Context) error {
				check.NoError(t, lifted.Reschedule(time.Time{}))
				check.Equal(t, "no deadline", lifted.When().IsZero(), true)
				return sleepsLong(ctx)
			})
		})
		check.NoError(t, task.Sleep(ctx, time.Minute))
		tk.Cancel()
		check.Cancelled(t, second(tk.Await(ctx)), "")
		check.Equal(t, "expired", lifted.Expired(), false)

		past := task.NewTimeout(ctx, time.Hour)
		expired(t, past.Run(ctx, func(ctx context.Context) error {
			check.NoError(t, past.Reschedule(start))
			return sleepsLong(ctx)
		}))
	})
}

// The time is counted from the start, also if the deadline was moved since.
func TestTimeoutErrorSaysHowLongItWas(t *testing.T) {
	in := func(ctx context.Context, d time.Duration) time.Time { return loop.Running(ctx).Time().Add(d) }
	for _, test := range []struct {
		name string
		run  func(ctx context.Context) error
		want time.Duration
		text string
	}{
		{"WithTimeout", func(ctx context.Context) error {
			return task.WithTimeout(ctx, 10*ms, sleepsLong)
		}, 10 * ms, "task: timed out after 10ms"},
		{"WithTimeoutAt", func(ctx context.Context) error {
			return task.WithTimeoutAt(ctx, in(ctx, 20*ms), sleepsLong)
		}, 20 * ms, "task: timed out after 20ms"},
		{"without time", func(ctx context.Context) error {
			return task.WithTimeout(ctx, -time.Second, sleepsLong)
		}, 0, "timed out"},
		{"at a time in the past", func(ctx context.Context) error {
			return task.WithTimeoutAt(ctx, in(ctx, -time.Second), sleepsLong)
		}, 0, "timed out"},
		{"WaitFor", func(ctx context.Context) error {
			return second(task.WaitFor(ctx, returns(time.Hour, 1), 2*time.Second))
		}, 2 * time.Second, "task: timed out after 2s"},
		{"WaitFor without time", func(ctx context.Context) error {
			return second(task.WaitFor(ctx, returns(time.Hour, 1), -time.Second))
		}, 0, "timed out"},
		{"run later than made", func(ctx context.Context) error {
			timeout := task.NewTimeout(ctx, time.Second)
			check.NoError(t, task.Sleep(ctx, 300*ms))
			return timeout.Run(ctx, sleepsLong)
		}, time.Second, "task: timed out after 1s"},
		{"made for a time, run later", func(ctx context.Context) error {
			timeout := task.NewTimeoutAt(in(ctx, time.Second))
			check.NoError(t, task.Sleep(ctx, 300*ms))
			return timeout.Run(ctx, sleepsLong)
		}, 700 * ms, "task: timed out after 700ms"},
		{"rescheduled", func(ctx context.Context) error {
			timeout := task.NewTimeout(ctx, time.Second)
			return timeout.Run(ctx, func(ctx context.Context) error {
				for range 3 {
					check.NoError(t, task.Sleep(ctx, 500*ms))
					check.NoError(t, timeout.Reschedule(in(ctx, time.Second)))
				}
				return sleepsLong(ctx)
			})
		}, 2500 * ms, "task: timed out after 2.5s"},
		{"rescheduled to the past", func(ctx context.Context) error {
			timeout := task.NewTimeout(ctx, time.Hour)
			return timeout.Run(ctx, func(ctx context.Context) error {
				check.NoError(t, timeout.Reschedule(in(ctx, -time.Second)))
				return sleepsLong(ctx)
			})
		}, 0, "timed out"},
		{"without a deadline at first: since there is one", func(ctx context.Context) error {
			timeout := task.NewTimeout(ctx, task.Forever)
			return timeout.Run(ctx, func(ctx context.Context) error {
				check.NoError(t, task.Sleep(ctx, time.Minute))
				check.NoError(t, timeout.Reschedule(in(ctx, time.Second)))
				return sleepsLong(ctx)
			})
		}, time.Second, "task: timed out after 1s"},
		{"without a deadline for a while: since there is one again", func(ctx context.Context) error {
			timeout := task.NewTimeout(ctx, time.Hour)
			return timeout.Run(ctx, func(ctx context.Context) error {
				check.NoError(t, timeout.Reschedule(time.Time{}))
				check.NoError(t, task.Sleep(ctx, time.Minute))
				check.NoError(t, timeout.Reschedule(in(ctx, time.Second)))
				return sleepsLong(ctx)
			})
		}, time.Second, "task: timed out after 1s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				err := test.run(ctx)
				expired(t, err)
				var timeout *future.TimeoutError
				if errors.As(err, &timeout) {
					check.Equal(t, "After", timeout.After, test.want)
				}
				check.Equal(t, "text", err.Error(), test.text)
			})
		})
	}
}

func TestTimeoutCannotBeRescheduledUnlessActive(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Hour)
		check.Is(t, timeout.Reschedule(time.Time{}), task.ErrTimeoutState, "<Timeout [created]>", "has not been entered")
		check.NoError(t, timeout.Run(ctx, func(context.Context) error { return nil }))
		check.Is(t, timeout.Reschedule(time.Time{}), task.ErrTimeoutState, "<Timeout [finished]>", "cannot be changed")

		timeout = task.NewTimeout(ctx, 0)
		check.NoError(t, timeout.Run(ctx, func(ctx context.Context) error {
			_ = sleepsLong(ctx)
			check.Is(t, timeout.Reschedule(time.Time{}), task.ErrTimeoutState, "<Timeout [expiring]>", "cannot be changed")
			return nil
		}))
		check.Is(t, timeout.Reschedule(time.Time{}), task.ErrTimeoutState, "<Timeout [expired]>", "cannot be changed")
	})
}

func TestTimeoutString(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		nothing := func(context.Context) error { return nil }
		timeout := task.NewTimeoutAt(time.Unix(90, 0).UTC())
		check.Equal(t, "created", timeout.String(), "<Timeout [created]>")
		check.NoError(t, timeout.Run(ctx, func(context.Context) error {
			check.Equal(t, "active", timeout.String(), "<Timeout [active] when=00:01:30.000>")
			return nil
		}))
		check.Equal(t, "finished", timeout.String(), "<Timeout [finished]>")

		timeout = task.NewTimeout(ctx, task.Forever)
		check.NoError(t, timeout.Run(ctx, func(context.Context) error {
			check.Equal(t, "without a deadline", timeout.String(), "<Timeout [active] when=none>")
			return nothing(ctx)
		}))

		timeout = task.NewTimeout(ctx, 0)
		expired(t, timeout.Run(ctx, sleepsLong))
		check.Equal(t, "expired", timeout.String(), "<Timeout [expired]>")
	})
}

func TestTimeoutIsRunOnce(t *testing.T) {
	never := func(context.Context) error { panic("the body was called") }
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Hour)
		check.NoError(t, timeout.Run(ctx, func(ctx context.Context) error {
			check.Is(t, timeout.Run(ctx, never), task.ErrTimeoutState, "<Timeout [active]", "already been entered")
			return nil
		}))
		check.Is(t, timeout.Run(ctx, never), task.ErrTimeoutState, "<Timeout [finished]>", "already been entered")
	})
}

func TestTimeoutNeedsATaskAndABody(t *testing.T) {
	never := func(context.Context) error { panic("the body was called") }
	check.Is(t, task.WithTimeout(context.Background(), time.Second, never), future.ErrNoTask, "WithTimeout")
	check.Is(t, check.Panics(t, func() { task.NewTimeout(context.Background(), time.Second) }), loop.ErrNotRunning)
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Hour)
		check.Is(t, timeout.Run(loop.NewContext(context.Background(), loop.Running(ctx)), never), future.ErrNoTask, "Timeout.Run")
		check.Is(t, timeout.Run(ctx, nil), loop.ErrNilFunc)
		other := task.Go(ctx, sleepsLong)
		check.Is(t, timeout.Run(other.Context(), never), task.ErrNotCurrent)
		check.Equal(t, "state", timeout.String(), "<Timeout [created]>") // none of these has entered it
		other.Cancel()
		tick(ctx)
	})
}

func TestTimeoutIsOverWhenItsBodyPanics(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Second)
		check.Equal(t, "panic", check.Panics(t, func() {
			_ = timeout.Run(ctx, func(context.Context) error { panic(errBody) })
		}), errBody)
		check.Equal(t, "state", timeout.String(), "<Timeout [finished]>")
		check.NoError(t, task.Sleep(ctx, time.Minute)) // nothing is left of it
	})
}

func TestTimeoutContextEndsWithTheTimeout(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var scope context.Context
		check.NoError(t, task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			scope = ctx
			return scope.Err()
		}))
		check.Equal(t, "error of the scope", scope.Err(), context.Canceled)
	})
}

// The alarm is in the ready queue already when the deadline is moved.
func TestTimeoutRescheduledWhenItsTimeIsOverDoesNotExpire(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Second)
		loop.Running(ctx).CallLater(time.Second, func() {
			check.NoError(t, timeout.Reschedule(start.Add(time.Minute)))
		})
		check.NoError(t, timeout.Run(ctx, func(ctx context.Context) error {
			return task.Sleep(ctx, 2*time.Second)
		}))
	})
}
