package sync

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// parties runs n tasks of coro to their end, and checks that they succeed.
func parties(t testing.TB, ctx context.Context, n int, coro func(ctx context.Context) error) {
	t.Helper()
	var tasks []*task.Task[struct{}]
	for range n {
		tasks = append(tasks, spawn(ctx, coro))
	}
	for _, tk := range tasks {
		succeeds(t, ctx, tk)
	}
}

// waitOn is Wait for tests that do not look at the index.
func waitOn(b *Barrier) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := b.Wait(ctx)
		return err
	}
}

func isBroken(err error) bool {
	return errors.Is(err, ErrBrokenBarrier)
}

// isReady checks that the barrier is in its initial state.
func isReady(t testing.TB, b *Barrier) {
	t.Helper()
	check.Equal(t, "NWaiting", b.NWaiting(), 0)
	check.False(t, "Broken", b.Broken())
	check.Equal(t, "state", b.state, filling)
}

func TestBarrierStringShowsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(5)
		var tasks []*task.Task[struct{}]
		arrive := func(n int) {
			for range n {
				tasks = append(tasks, spawn(ctx, waitOn(b)))
			}
			yield(ctx)
		}
		check.Equal(t, "fresh", b.String(), "<Barrier [filling, waiters:0/5]>")
		arrive(2)
		check.Equal(t, "two have arrived", b.String(), "<Barrier [filling, waiters:2/5]>")
		arrive(b.Parties() - b.NWaiting())
		check.Equal(t, "all have arrived", b.String(), "<Barrier [draining, waiters:0/5]>")
		arrive(2)
		check.NoError(t, b.Reset(ctx))
		check.Equal(t, "reset", b.String(), "<Barrier [resetting, waiters:0/5]>")
		arrive(2)
		check.NoError(t, b.Abort(ctx))
		check.Equal(t, "aborted", b.String(), "<Barrier [broken]>")
		check.True(t, "Broken", b.Broken())
		for _, tk := range tasks {
			_, _ = tk.Await(ctx)
		}
	})
}

func TestBarrierStatesHaveNames(t *testing.T) {
	var names []string
	for s := filling; s <= broken; s++ {
		names = append(names, s.String())
	}
	check.Equal(t, "names", names, []string{"filling", "draining", "resetting", "broken"})
}

func TestBarrierWithoutPartiesPanics(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		check.IsExactly(t, check.Panics(t, func() { NewBarrier(0) }), ErrInvalidSize, "sync: barrier: parties (0) must be > 0: invalid size")
	})
	t.Run("less than none", func(t *testing.T) {
		check.IsExactly(t, check.Panics(t, func() { NewBarrier(-4) }), ErrInvalidSize, "sync: barrier: parties (-4) must be > 0: invalid size")
	})
}

func TestBarrierZeroValueIsRefused(t *testing.T) {
	for name, operation := range map[string]func(b *Barrier, ctx context.Context) error{
		"Wait":  func(b *Barrier, ctx context.Context) error { return waitOn(b)(ctx) },
		"Reset": (*Barrier).Reset,
		"Abort": (*Barrier).Abort,
		"With": func(b *Barrier, ctx context.Context) error {
			return b.With(ctx, func(int) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b Barrier
			check.Is(t, operation(&b, context.Background()), ErrInvalidSize)
			isReady(t, &b)
		})
	}
}

func TestBarrierWithRefusesANilBody(t *testing.T) {
	b := NewBarrier(1)
	check.Is(t, b.With(context.Background(), nil), loop.ErrNilFunc)
	isReady(t, b)
}

func TestBarrierWithGivesEachTaskAnIndex(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(3)
		var indexes []int
		parties(t, ctx, 3, func(ctx context.Context) error {
			return b.With(ctx, func(index int) error {
				indexes = append(indexes, index)
				return nil
			})
		})
		// The last one to arrive goes on first.
		check.Equal(t, "indexes", indexes, []int{2, 0, 1})
		isReady(t, b)
	})
}

func TestBarrierOfOneHoldsNobody(t *testing.T) {
	t.Run("no task needed", func(t *testing.T) {
		b := NewBarrier(1)
		index, err := b.Wait(context.Background())
		check.NoError(t, err)
		check.Equal(t, "index", index, 0)
		isReady(t, b)
	})
	t.Run("again and again", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			b := NewBarrier(1)
			for range 2 {
				tk := task.Create(ctx, b.Wait)
				yield(ctx)
				check.True(t, "Done", tk.Done())
				check.Equal(t, "index", succeeds(t, ctx, tk), 0)
				isReady(t, b)
			}
		})
	})
}

func TestBarrierCountsArrivals(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(3)
		t1 := spawn(ctx, waitOn(b))
		yield(ctx)
		check.Equal(t, "NWaiting", b.NWaiting(), 1)
		t2 := spawn(ctx, waitOn(b))
		yield(ctx)
		check.Equal(t, "NWaiting", b.NWaiting(), 2)
		t3 := spawn(ctx, waitOn(b))
		yield(ctx)
		check.Equal(t, "NWaiting while draining", b.NWaiting(), 0)
		check.True(t, "the last one is through at once", t3.Done())
		check.False(t, "t1.Done", t1.Done())
		yield(ctx)
		check.True(t, "t1.Done", t1.Done())
		check.True(t, "t2.Done", t2.Done())
		isReady(t, b)
	})
}

func TestBarrierCanBePassedRepeatedly(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n = 5
		b := NewBarrier(n)
		first, second := 0, []int(nil)
		parties(t, ctx, n, func(ctx context.Context) error {
			return b.With(ctx, func(int) error {
				first++
				return b.With(ctx, func(index int) error {
					check.Equal(t, "tasks through the first time", first, n)
					second = append(second, index)
					return nil
				})
			})
		})
		slices.Sort(second)
		check.Equal(t, "indexes of the second cycle", second, []int{0, 1, 2, 3, 4})
		isReady(t, b)
	})
}

func TestBarrierDrainsUntilTheLastTaskHasLeft(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(5)
		var states []barrierState
		parties(t, ctx, 5, func(ctx context.Context) error {
			return b.With(ctx, func(int) error {
				states = append(states, b.state)
				return nil
			})
		})
		check.Equal(t, "states", states, []barrierState{draining, draining, draining, draining, filling})
		isReady(t, b)
	})
}

func TestBarrierLetsNobodyInWhileItDrains(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n, again = 5, 2
		b, others := NewBarrier(n), NewBarrier(n-again)
		rest := again
		parties(t, ctx, n, func(ctx context.Context) error {
			if _, err := b.Wait(ctx); err != nil {
				return err
			}
			if rest > 0 {
				// Arrives while the barrier drains.
				rest--
				check.True(t, "draining", b.state == draining)
			} else if _, err := others.Wait(ctx); err != nil {
				return err
			}
			_, err := b.Wait(ctx)
			return err
		})
		isReady(t, b)
		isReady(t, others)
	})
}

func TestBarrierForgetsACancelledTask(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(3)
		passed := 0
		coro := func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			if err == nil {
				passed++
			}
			return err
		}
		t1 := spawn(ctx, coro)
		yield(ctx)
		t2 := spawn(ctx, coro)
		yield(ctx)
		check.Equal(t, "NWaiting", b.NWaiting(), 2)
		t1.Cancel()
		yield(ctx)
		check.Equal(t, "NWaiting", b.NWaiting(), 1)
		isCancelled(t, ctx, t1)

		t3 := spawn(ctx, coro)
		yield(ctx)
		check.Equal(t, "NWaiting", b.NWaiting(), 2)
		t4 := spawn(ctx, coro)
		for _, tk := range []*task.Task[struct{}]{t2, t3, t4} {
			succeeds(t, ctx, tk)
		}
		check.Equal(t, "passed", passed, 3)
		isReady(t, b)
	})
}

func TestBarrierResetAndAbortWithNobodyThere(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(1)
		check.NoError(t, b.Reset(ctx))
		isReady(t, b)
		check.NoError(t, b.Abort(ctx))
		check.True(t, "Broken", b.Broken())
		check.Equal(t, "NWaiting", b.NWaiting(), 0)
		index, err := b.Wait(ctx)
		check.Is(t, err, ErrBrokenBarrier)
		check.Equal(t, "text", err.Error(), "sync: <Barrier [broken]>: it was aborted: broken barrier")
		check.Equal(t, "index", index, -1)
		check.NoError(t, b.Reset(ctx))
		isReady(t, b)
		_, err = b.Wait(ctx)
		check.NoError(t, err)
	})
}

func TestBarrierResetBreaksThoseWaiting(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(5)
		brokenOff := 0
		var tasks []*task.Task[struct{}]
		for range 4 {
			tasks = append(tasks, spawn(ctx, func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				if isBroken(err) {
					brokenOff++
				}
				return nil
			}))
		}
		yield(ctx)
		spawn(ctx, b.Reset)
		for _, tk := range tasks {
			succeeds(t, ctx, tk)
		}
		check.Equal(t, "broken off", brokenOff, 4)
		isReady(t, b)
	})
}

func TestBarrierResetWhileDrainingBreaksThoseStillInside(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n = 5
		b := NewBarrier(n)
		brokenOff := 0
		parties(t, ctx, n, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			switch {
			case isBroken(err):
				brokenOff++
				return nil
			case err == nil && b.count == n/2:
				return b.Reset(ctx)
			}
			return err
		})
		check.Equal(t, "broken off", brokenOff, n/2)
		isReady(t, b)
	})
}

func TestBarrierResetWhileDrainingKeepsThoseThatWaitToGetIn(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n, blocked = 5, 5 / 2
		b := NewBarrier(n)
		count, inside, atTheGate := 0, 0, 0
		parties(t, ctx, n, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			if isBroken(err) {
				inside++
				_, err := b.Wait(ctx)
				return err
			}
			check.NoError(t, err)
			count++
			if count > blocked {
				check.NoError(t, b.Reset(ctx))
				_, err := b.Wait(ctx)
				return err
			}
			_, err = b.Wait(ctx)
			if isBroken(err) {
				atTheGate++
			}
			return err
		})
		check.Equal(t, "broken off inside", inside, blocked)
		check.Equal(t, "broken off at the gate", atTheGate, 0)
		isReady(t, b)
	})
}

func TestBarrierCanBePassedAfterReset(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n = 5
		b := NewBarrier(n)
		brokenOff, passed := 0, 0
		var tasks []*task.Task[struct{}]
		for range n - 1 {
			tasks = append(tasks, spawn(ctx, func(ctx context.Context) error {
				if _, err := b.Wait(ctx); isBroken(err) {
					brokenOff++
				}
				_, err := b.Wait(ctx)
				passed++
				return err
			}))
		}
		spawn(ctx, b.Reset)
		yield(ctx)
		tasks = append(tasks, spawn(ctx, func(ctx context.Context) error {
			return b.With(ctx, func(int) error { passed++; return nil })
		}))
		for _, tk := range tasks {
			succeeds(t, ctx, tk)
		}
		check.Equal(t, "broken off", brokenOff, n-1)
		check.Equal(t, "passed", passed, n)
		isReady(t, b)
	})
}

func TestBarrierResetByTheLastToLeaveBreaksNobody(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n = 5
		b := NewBarrier(n)
		left, second, third := 0, 0, 0
		parties(t, ctx, n, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			check.NoError(t, err)
			left++
			if left == n {
				check.Equal(t, "inside", b.count, 0)
				check.NoError(t, b.Reset(ctx))
			}
			_, err = b.Wait(ctx)
			check.NoError(t, err)
			second++
			_, err = b.Wait(ctx)
			third++
			return err
		})
		check.Equal(t, "second cycle", second, n)
		check.Equal(t, "third cycle", third, n)
		isReady(t, b)
	})
}

func TestBarrierAbortBreaksThoseInsideAndAtTheGate(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n, blocked = 5, 5 / 2
		b := NewBarrier(n)
		count, inside, atTheGate := 0, 0, 0
		parties(t, ctx, n, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			if isBroken(err) {
				inside++
				return nil
			}
			check.NoError(t, err)
			count++
			if count > blocked {
				return b.Abort(ctx)
			}
			if _, err := b.Wait(ctx); isBroken(err) {
				atTheGate++
			}
			return nil
		})
		check.True(t, "Broken", b.Broken())
		check.Equal(t, "broken off inside", inside, blocked)
		check.Equal(t, "broken off at the gate", atTheGate, n-blocked-1)
		check.Equal(t, "NWaiting", b.NWaiting(), 0)
	})
}

func TestBarrierAbortBreaksTheNextCycleUntilReset(t *testing.T) {
	run(t, func(ctx context.Context) {
		const n = 5
		b, between := NewBarrier(n), NewBarrier(n)
		second, brokenOff, third := 0, 0, 0
		failure := errors.New("failure")
		parties(t, ctx, n, func(ctx context.Context) error {
			err := b.With(ctx, func(index int) error {
				if index == n/2 {
					return failure
				}
				return nil
			})
			if err == nil {
				_, err = b.Wait(ctx)
			}
			switch {
			case err == nil:
				second++
			case isBroken(err):
				brokenOff++
			case err == failure:
				check.NoError(t, b.Abort(ctx))
			}

			index, err := between.Wait(ctx)
			check.NoError(t, err)
			if index == n/2 {
				check.True(t, "Broken after Abort", b.Broken())
				check.Equal(t, "NWaiting", b.NWaiting(), 0)
				check.NoError(t, b.Reset(ctx))
			}
			_, err = between.Wait(ctx)
			check.NoError(t, err)
			_, err = b.Wait(ctx)
			third++
			return err
		})
		check.Equal(t, "passed the second time", second, 0)
		check.Equal(t, "broken off", brokenOff, n-1)
		check.Equal(t, "passed after Reset", third, n)
		isReady(t, b)
	})
}

func TestBarrierWithReturnsTheErrorOfItsWaitAndOfItsBody(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(1)
		failure := errors.New("enough")
		check.Equal(t, "error of the body", b.With(ctx, func(int) error { return failure }), failure)
		check.NoError(t, b.Abort(ctx))
		check.Is(t, b.With(ctx, func(int) error {
			t.Error("the body was called although nobody met")
			return nil
		}), ErrBrokenBarrier)
	})
}

func TestBarrierWaiterCancelledAtTheGateIsCancelledThoughTheBarrierIsBroken(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(2)
		wait := func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			return err
		}
		first := spawn(ctx, wait)
		yield(ctx)
		second, third := spawn(ctx, wait), spawn(ctx, wait)
		yield(ctx) // the second has let the first go, and the third must wait for that
		third.Cancel()
		check.NoError(t, b.Abort(ctx))
		isCancelled(t, ctx, third)
		succeeds(t, ctx, second)
		_, err := first.Await(ctx)
		check.Is(t, err, ErrBrokenBarrier)
	})
}

// The last to arrive does not wait, and is refused all the same.
func TestBarrierRefusesTheContextOfAnotherTask(t *testing.T) {
	run(t, func(ctx context.Context) {
		b := NewBarrier(2)
		other := task.Go(ctx, func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			return err
		})
		check.NoError(t, task.Yield(ctx))
		before := b.String()
		_, err := b.Wait(other.Context())
		check.Is(t, err, task.ErrNotCurrent)
		check.Is(t, b.Reset(other.Context()), task.ErrNotCurrent)
		check.Is(t, b.Abort(other.Context()), task.ErrNotCurrent)
		check.Equal(t, "state", b.String(), before)
		_, err = b.Wait(ctx)
		check.NoError(t, err)
		check.NoError(t, other.Join(ctx))
	})
}
