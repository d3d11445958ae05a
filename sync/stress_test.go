package sync

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A waiter that is cancelled after it was woken must pass on what it was woken for.
// In these tests, tasks use an object at random. A task that wakes a waiter often
// hits one in the same iteration: it cancels the waiter's task, or ends the context
// of its wait. A task that was hit sleeps before it tries again, each until a
// different time. So it wakes up when all other tasks are at rest, and can check
// that none of them waits for something that is there.

// hammer hits tasks that wait.
type hammer struct {
	t     testing.TB
	rng   *rand.Rand
	lost  func() bool // whether a task waits for something that is there
	alarm time.Time   // the latest time until which a task sleeps
	waits []func()    // each hits a task that waits, or was woken just now
	total int         // waits so far
	hits  int         // waits that ended by a hit
}

var errHit = errors.New("hit")

// wait makes a waiting call that may be hit. It returns true if the call succeeds and
// false if it is hit; any other error fails the test.
func (h *hammer) wait(ctx context.Context, call func(ctx context.Context) error) bool {
	h.t.Helper()
	ending, end := context.WithCancelCause(ctx)
	self := task.Current(ctx)
	done := false
	arrived := func() {}
	h.waits = append(h.waits, func() {
		switch {
		case done:
		case h.rng.IntN(2) == 0:
			self.Cancel()
		default:
			// The end of a context reaches the loop from another goroutine. Until
			// then the clock must not jump to the timeout.
			arrived = loop.Running(ctx).Hold()
			end(errHit)
		}
	})
	h.total++
	err := call(ending)
	done = true
	end(nil)
	arrived()
	switch {
	case err == nil:
		return true
	case future.IsCancelled(err):
		self.Uncancel()
	case !errors.Is(err, errHit):
		h.t.Errorf("unexpected error: %v", err)
	}
	h.hits++
	return false
}

// insist repeats the call until it succeeds.
func (h *hammer) insist(ctx context.Context, call func(ctx context.Context) error) {
	h.t.Helper()
	for !h.wait(ctx, call) {
		h.rest(ctx)
	}
}

// rest sleeps until a time that is no other task's, and then checks that nothing is
// lost.
func (h *hammer) rest(ctx context.Context) {
	h.t.Helper()
	now := loop.Running(ctx).Time()
	if h.alarm.Before(now) {
		h.alarm = now
	}
	h.alarm = h.alarm.Add(time.Millisecond)
	check.NoError(h.t, task.Sleep(ctx, h.alarm.Sub(now)))
	if h.lost() {
		h.t.Error("a wake-up was lost")
	}
}

// hit hits a waiting task, two times out of three.
func (h *hammer) hit() {
	if n := len(h.waits); n > 0 && h.rng.IntN(3) > 0 {
		i := h.rng.IntN(n)
		h.waits[i]()
		h.waits[i] = h.waits[n-1]
		h.waits = h.waits[:n-1]
	}
	if len(h.waits) > 16 { // most of these waits are over
		h.waits = h.waits[8:]
	}
}

// pause lets other tasks run, or not.
func (h *hammer) pause(ctx context.Context) {
	for range h.rng.IntN(3) {
		yield(ctx)
	}
}

// A worker is the work of one task, which is told its number.
type worker func(ctx context.Context, h *hammer, number int)

// strike runs workers until all are done, several times. Each time prepare makes the
// worker function, and a function that reports whether a task waits for something
// that is there.
func strike(t *testing.T, workers int, prepare func() (w worker, lost func() bool)) {
	for seed := range uint64(4) {
		run(t, func(ctx context.Context) {
			work, lost := prepare()
			h := &hammer{t: t, rng: rand.New(rand.NewPCG(seed, 6)), lost: lost}
			_, err := task.WaitFor(ctx, task.Void(func(ctx context.Context) error {
				return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
					for number := range workers {
						g.Go(func(ctx context.Context) error {
							work(ctx, h, number)
							return nil
						})
					}
					return nil
				})
			}), 1000*time.Hour)
			if err != nil {
				t.Errorf("seed %d: %v: the workers did not end", seed, err)
			}
			if h.hits == 0 || h.hits == h.total {
				t.Errorf("seed %d: %d of %d waits were hit", seed, h.hits, h.total)
			}
		})
	}
}

func waitersOf(object lockable) int {
	switch l := object.(type) {
	case *Lock:
		return l.waiters.n
	case *Condition:
		return l.own.waiters.n
	case *Semaphore:
		return l.waiters.n
	case *BoundedSemaphore:
		return l.waiters.n
	}
	panic("unknown kind")
}

func TestLocksStressLosesNoPermit(t *testing.T) {
	for name, c := range map[string]struct {
		object  func() lockable
		permits int
	}{
		"Lock":             {func() lockable { return new(Lock) }, 1},
		"Condition":        {func() lockable { return new(Condition) }, 1},
		"Semaphore":        {func() lockable { return NewSemaphore(3) }, 3},
		"BoundedSemaphore": {func() lockable { return NewBoundedSemaphore(3) }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			var object lockable
			strike(t, 8, func() (worker, func() bool) {
				object = c.object()
				held := 0
				return func(ctx context.Context, h *hammer, _ int) {
					for range 200 {
						h.insist(ctx, object.Acquire)
						held++
						if held > c.permits {
							t.Errorf("%d permits are held", held)
						}
						h.pause(ctx)
						held--
						release(t, object)
						h.hit()
					}
				}, func() bool { return waitersOf(object) > 0 && !object.Locked() }
			})
			for range c.permits {
				check.False(t, "Locked in the end", object.Locked())
				check.NoError(t, object.Acquire(context.Background()))
			}
		})
	}
}

func TestEventStressWakesAll(t *testing.T) {
	strike(t, 8, func() (worker, func() bool) {
		var e Event
		return func(ctx context.Context, h *hammer, number int) {
			if number > 0 {
				for range 100 {
					h.insist(ctx, e.Wait)
					h.pause(ctx)
				}
				return
			}
			for range 500 {
				e.Set()
				h.hit()
				e.Clear()
				h.pause(ctx)
			}
			e.Set()
		}, func() bool { return e.set && e.waiters.n > 0 }
	})
}

func TestConditionStressLosesNoNotification(t *testing.T) {
	const each = 200
	strike(t, 8, func() (worker, func() bool) {
		var c Condition
		items, used := 0, 0
		return func(ctx context.Context, h *hammer, number int) {
			if number < 4 { // one item, one notification
				for range each {
					h.insist(ctx, c.Acquire)
					items++
					check.NoError(t, c.Notify(1))
					h.hit()
					check.NoError(t, c.Release())
					h.hit()
					h.pause(ctx)
				}
				return
			}
			for mine := 0; mine < each; {
				h.insist(ctx, c.Acquire)
				got := h.wait(ctx, func(ctx context.Context) error {
					err := c.WaitFor(ctx, func() bool { return items > 0 })
					check.True(t, "Locked", c.Locked())
					return err
				})
				if got {
					items--
					used++
					mine++
				}
				check.NoError(t, c.Release())
				if !got {
					h.rest(ctx)
				}
			}
			if used == 4*each {
				check.Equal(t, "items left", items, 0)
				check.False(t, "Locked in the end", c.Locked())
			}
		}, func() bool { return !c.Locked() && (c.own.waiters.n > 0 || items > 0 && c.waiters.n > 0) }
	})
}

func TestBarrierStressOpensWheneverAllHaveArrived(t *testing.T) {
	const n, cycles = 4, 100
	strike(t, n, func() (worker, func() bool) {
		b := NewBarrier(n)
		passed := 0
		return func(ctx context.Context, h *hammer, number int) {
			wait := func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				if isBroken(err) && passed >= n*cycles {
					return nil // it is over
				}
				return err
			}
			for passed < n*cycles {
				if h.wait(ctx, wait) {
					passed++
				} else {
					h.rest(ctx)
				}
				h.hit()
				h.pause(ctx)
			}
			b.change(broken) // for those that wait in a cycle that will never be full
		}, func() bool { return b.state == draining || b.state == resetting || b.count != b.cond.waiters.n }
	})
}

// waitsForNothing reports whether a task waits in Get although there is an item, or
// in Put although there is room.
func waitsForNothing(q anyQueue[int]) bool {
	text := q.String()
	return strings.Contains(text, "_getters") && !q.Empty() || strings.Contains(text, "_putters") && !q.Full()
}

func TestQueueStressLosesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		const each = 100
		for _, maxSize := range []int{0, 1, 3} {
			var q anyQueue[int]
			var seen map[int]bool
			strike(t, 8, func() (worker, func() bool) {
				q, seen = k.queue(maxSize), map[int]bool{}
				return func(ctx context.Context, h *hammer, number int) {
					for i := range each {
						if number < 4 {
							item := number*each + i
							h.insist(ctx, func(ctx context.Context) error { return q.Put(ctx, item) })
						} else {
							h.insist(ctx, func(ctx context.Context) error {
								item, err := q.Get(ctx)
								if err == nil {
									check.False(t, "the item came before", seen[item])
									seen[item] = true
									check.NoError(t, q.TaskDone())
								}
								return err
							})
						}
						h.hit()
						h.pause(ctx)
					}
				}, func() bool { return waitsForNothing(q) }
			})
			check.Equal(t, "items", len(seen), 4*each)
			check.True(t, "Empty", q.Empty())
			check.NoError(t, q.Join(context.Background()))
		}
	})
}
