package sync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests run random operations, several in one iteration of the loop, and
// compare the objects with models. The models can be simple because the comparison
// waits until all woken tasks have run. Cancellations hit waiters in every state:
// not started, waiting, and woken but not yet resumed.

// A call is a task that makes one waiting call.
type call struct {
	id        int
	task      *task.Task[struct{}]
	done      bool // as the model sees it
	cancelled bool
}

// calls are all the calls of a test, by id.
type calls []*call

// start makes the next call.
func (cs *calls) start(ctx context.Context, fn func(ctx context.Context, id int) error) *call {
	c := &call{id: len(*cs)}
	c.task = spawn(ctx, func(ctx context.Context) error { return fn(ctx, c.id) })
	*cs = append(*cs, c)
	return c
}

// cancel cancels one of the calls that, for the model, are neither done nor
// cancelled. It returns nil if there is none.
func (cs calls) cancel(rng *rand.Rand) *call {
	var open calls
	for _, c := range cs[max(0, len(cs)-30):] {
		if !c.done && !c.cancelled {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	c := open[rng.IntN(len(open))]
	c.cancelled = true
	c.task.Cancel()
	return c
}

// check checks that exactly the calls are done that are done for the model.
func (cs calls) check(t testing.TB) {
	t.Helper()
	for _, c := range cs {
		c.done = c.done || c.cancelled
		if c.task.Done() != c.done || c.task.Cancelled() != c.cancelled {
			t.Errorf("call %d: done=%t cancelled=%t, want done=%t cancelled=%t",
				c.id, c.task.Done(), c.task.Cancelled(), c.done, c.cancelled)
		}
	}
}

// end cancels the calls that still wait.
func (cs calls) end(t *tasktest.T, ctx context.Context) {
	for _, c := range cs {
		if !c.done {
			c.task.Cancel()
			c.cancelled = true
		}
	}
	check.NoError(t, t.WaitAllBlocked(ctx))
	cs.check(t)
}

// againstModel runs a test with several seeds, each in a loop of its own.
func againstModel(t *testing.T, test func(t *tasktest.T, ctx context.Context, rng *rand.Rand)) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				test(t, ctx, rand.New(rand.NewPCG(seed, 5)))
			})
		})
	}
}

const rounds = 120

func TestLocksAgainstModel(t *testing.T) {
	for name, c := range map[string]struct {
		object  func() lockable
		permits int
		bounded bool
	}{
		"Lock":                {func() lockable { return new(Lock) }, 1, true},
		"Condition":           {func() lockable { return new(Condition) }, 1, true},
		"Semaphore(0)":        {func() lockable { return NewSemaphore(0) }, 0, false},
		"Semaphore(2)":        {func() lockable { return NewSemaphore(2) }, 2, false},
		"BoundedSemaphore(3)": {func() lockable { return NewBoundedSemaphore(3) }, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			againstModel(t, func(t *tasktest.T, ctx context.Context, rng *rand.Rand) {
				object, free := c.object(), c.permits
				var all, queue calls
				var got, want []int
				for range rounds {
					releases := 0
					for range 1 + rng.IntN(4) {
						switch rng.IntN(3) {
						case 0:
							queue = append(queue, all.start(ctx, func(ctx context.Context, id int) error {
								err := object.Acquire(ctx)
								if err == nil {
									got = append(got, id)
								}
								return err
							}))
						case 1:
							// A bounded object is never released more often than
							// it is held, a lock only once in an iteration.
							if !c.bounded || free+releases < c.permits {
								releases++
								release(t, object)
							}
						case 2:
							all.cancel(rng)
						}
					}
					free += releases
					queue = slices.DeleteFunc(queue, func(c *call) bool { return c.cancelled })
					for free > 0 && len(queue) > 0 {
						free--
						queue[0].done = true
						want = append(want, queue[0].id)
						queue = queue[1:]
					}
					check.NoError(t, t.WaitAllBlocked(ctx))
					all.check(t)
					check.Equal(t, "order", got, want)
					check.Equal(t, "Locked", object.Locked(), free == 0)
					if t.Failed() {
						return
					}
				}
				all.end(t, ctx)
			})
		})
	}
}

func TestEventAgainstModel(t *testing.T) {
	againstModel(t, func(t *tasktest.T, ctx context.Context, rng *rand.Rand) {
		var e Event
		var all, waiting, fresh calls
		var got, want []int
		set := false
		for range rounds {
			fresh = fresh[:0]
			var woken calls
			for range 1 + rng.IntN(4) {
				switch rng.IntN(4) {
				case 0, 1:
					fresh = append(fresh, all.start(ctx, func(ctx context.Context, id int) error {
						err := e.Wait(ctx)
						if err == nil {
							got = append(got, id)
						}
						return err
					}))
				case 2:
					if set = rng.IntN(2) == 0; set {
						e.Set()
						woken = append(woken, waiting...)
						waiting = nil
					} else {
						e.Clear()
					}
				case 3:
					all.cancel(rng)
				}
			}
			// Calls that start while the event is set may go on before those that
			// Set woke. The model does not follow that, so the order is not compared.
			finish := func(cs calls) {
				for _, c := range cs {
					if !c.cancelled {
						c.done = true
						want = append(want, c.id)
					}
				}
			}
			finish(woken)
			if set {
				finish(fresh)
			} else {
				waiting = append(waiting, fresh...)
			}
			waiting = slices.DeleteFunc(waiting, func(c *call) bool { return c.cancelled })
			check.NoError(t, t.WaitAllBlocked(ctx))
			all.check(t)
			slices.Sort(got)
			slices.Sort(want)
			check.Equal(t, "those that passed", got, want)
			check.Equal(t, "IsSet", e.IsSet(), set)
			check.Equal(t, "waiters", e.waiters.n, len(waiting))
			if t.Failed() {
				return
			}
		}
		all.end(t, ctx)
	})
}

func TestConditionAgainstModel(t *testing.T) {
	againstModel(t, func(t *tasktest.T, ctx context.Context, rng *rand.Rand) {
		var c Condition
		var all, waiting calls
		var got, want []int
		for range rounds {
			for range rng.IntN(4) {
				waiting = append(waiting, all.start(ctx, func(ctx context.Context, id int) error {
					return c.With(ctx, func() error {
						err := c.Wait(ctx)
						check.True(t, "Locked", c.Locked())
						if err == nil {
							got = append(got, id)
						}
						return err
					})
				}))
			}
			check.NoError(t, t.WaitAllBlocked(ctx))
			all.check(t)

			// Notify and cancel in any order, in one iteration. Each cancelled
			// waiter notifies another one, notified or not: it cannot tell.
			check.NoError(t, c.Acquire(ctx))
			more := 0
			var notified calls
			notify := func() {
				if len(waiting) > 0 {
					notified = append(notified, waiting[0])
					waiting = waiting[1:]
				}
			}
			for range rng.IntN(4) {
				if rng.IntN(2) == 0 {
					n := rng.IntN(3)
					check.NoError(t, c.Notify(n))
					for range n {
						notify()
					}
				} else if all.cancel(rng) != nil {
					more++
					waiting = slices.DeleteFunc(waiting, func(c *call) bool { return c.cancelled })
				}
			}
			if rng.IntN(2) == 0 {
				yield(ctx) // they are waiting for the lock by now
				if all.cancel(rng) != nil {
					more++
					waiting = slices.DeleteFunc(waiting, func(c *call) bool { return c.cancelled })
				}
			}
			check.NoError(t, c.Release())
			for range more {
				notify()
			}
			for _, c := range notified {
				if !c.cancelled {
					c.done = true
					want = append(want, c.id)
				}
			}
			check.NoError(t, t.WaitAllBlocked(ctx))
			all.check(t)
			check.Equal(t, "order", got, want)
			check.False(t, "Locked", c.Locked())
			check.Equal(t, "waiters", c.waiters.n, len(waiting))
			if t.Failed() {
				return
			}
		}
		all.end(t, ctx)
	})
}

// barrierModel is a barrier with a loop of its own: a list of things to do, and a
// list of the tasks that wait, inside or outside.
type barrierModel struct {
	parties, count int
	state          barrierState
	todo           []func()
	waiting        []*waitModel
	passed         []indexed
}

type waitModel struct {
	call *call
	at   *int // its index; nil if it waits to get in
	done bool // woken or cancelled
}

type indexed struct{ id, index int } // index -1: broken

func (m *barrierModel) later(fn func()) { m.todo = append(m.todo, fn) }

func (m *barrierModel) run() {
	for len(m.todo) > 0 {
		do := m.todo[0]
		m.todo = m.todo[1:]
		do()
	}
}

func (m *barrierModel) finish(c *call, index int) {
	c.done = true
	m.passed = append(m.passed, indexed{c.id, index})
}

func (m *barrierModel) enter(c *call) {
	switch m.state {
	case draining, resetting:
		m.waiting = append(m.waiting, &waitModel{call: c})
	case broken:
		m.finish(c, -1)
	case filling:
		index := m.count
		m.count++
		if m.count < m.parties {
			m.waiting = append(m.waiting, &waitModel{call: c, at: &index})
			return
		}
		m.change(draining)
		m.finish(c, index)
		m.leave()
	}
}

func (m *barrierModel) leave() {
	m.count--
	if m.count == 0 {
		if m.state != broken {
			m.state = filling
		}
		m.change(m.state)
	}
}

func (m *barrierModel) change(s barrierState) {
	m.state = s
	m.notify(len(m.waiting))
}

func (m *barrierModel) notify(n int) {
	for _, w := range m.waiting {
		if n > 0 && !w.done {
			n--
			w.done = true
			m.later(func() { m.resume(w) })
		}
	}
}

func (m *barrierModel) cancel(c *call) {
	for _, w := range m.waiting {
		if w.call == c && !w.done {
			w.done = true
			m.later(func() { m.resume(w) })
		}
	}
}

func (m *barrierModel) resume(w *waitModel) {
	m.waiting = slices.DeleteFunc(m.waiting, func(other *waitModel) bool { return other == w })
	switch {
	case w.call.cancelled:
		m.notify(1)
		if w.at != nil {
			m.leave()
		}
	case w.at == nil:
		m.enter(w.call)
	case m.state == filling:
		m.waiting = append(m.waiting, &waitModel{call: w.call, at: w.at})
	case m.state == draining:
		m.finish(w.call, *w.at)
		m.leave()
	default:
		m.finish(w.call, -1)
		m.leave()
	}
}

func TestBarrierAgainstModel(t *testing.T) {
	againstModel(t, func(t *tasktest.T, ctx context.Context, rng *rand.Rand) {
		m := &barrierModel{parties: 1 + rng.IntN(4)}
		b := NewBarrier(m.parties)
		var all calls
		var got []indexed
		for range rounds {
			for range 1 + rng.IntN(6) {
				switch rng.IntN(10) {
				case 0:
					spawn(ctx, b.Abort)
					m.later(func() { m.change(broken) })
				case 1, 2:
					spawn(ctx, b.Reset)
					m.later(func() {
						if m.count > 0 {
							m.change(resetting)
						} else {
							m.change(filling)
						}
					})
				case 3, 4:
					if c := all.cancel(rng); c != nil {
						m.cancel(c)
					}
				default:
					c := all.start(ctx, func(ctx context.Context, id int) error {
						index, err := b.Wait(ctx)
						if err == nil || isBroken(err) {
							got = append(got, indexed{id, index})
							return nil
						}
						return err
					})
					m.later(func() {
						if !c.cancelled { // else it never started
							m.enter(c)
						}
					})
				}
			}
			check.NoError(t, t.WaitAllBlocked(ctx))
			m.run()
			all.check(t)
			check.Equal(t, "outcomes", got, m.passed)
			check.Equal(t, "state", b.state, m.state)
			check.Equal(t, "tasks inside", b.count, m.count)
			check.Equal(t, "tasks waiting", b.waiters.n, len(m.waiting))
			if t.Failed() {
				return
			}
		}
		all.end(t, ctx)
	})
}

func TestQueueAgainstModel(t *testing.T) {
	// The index, in the model, of the item that comes out next.
	next := map[string]func(items []int) int{
		"Queue":         func([]int) int { return 0 },
		"LifoQueue":     func(items []int) int { return len(items) - 1 },
		"PriorityQueue": func(items []int) int { return slices.Index(items, slices.Min(items)) },
	}
	eachKind(t, func(t *testing.T, k kind) {
		againstModel(t, func(t *tasktest.T, ctx context.Context, rng *rand.Rand) {
			maxSize := rng.IntN(4)
			q := k.queue(maxSize)
			var all, gets, puts calls
			var items []int
			unfinished := 0
			take := func(item int, err error) error {
				if err != nil {
					return err
				}
				i := next[k.name](items)
				check.Equal(t, "item", item, items[i])
				items = slices.Delete(items, i, i+1)
				return nil
			}
			give := func(item int, err error) error {
				if err == nil {
					items = append(items, item)
					unfinished++
				}
				return err
			}
			// The model follows each put and get as it happens. Whether any is
			// missing is checked when all woken tasks have run.
			for round := range rounds {
				for range 1 + rng.IntN(5) {
					item := rng.IntN(100)
					op := rng.IntN(8)
					if op > 5 { // one side leads, so that the other has to wait
						op = round / 20 % 2
					}
					switch op {
					case 0:
						gets = append(gets, all.start(ctx, func(ctx context.Context, id int) error {
							err := take(q.Get(ctx))
							all[id].done = err == nil
							return err
						}))
					case 1:
						puts = append(puts, all.start(ctx, func(ctx context.Context, id int) error {
							err := give(item, q.Put(ctx, item))
							all[id].done = err == nil
							return err
						}))
					case 2:
						if !q.Full() {
							check.NoError(t, give(item, q.PutNowait(item)))
						} else {
							check.Equal(t, "PutNowait", q.PutNowait(item), ErrQueueFull)
						}
					case 3:
						if !q.Empty() {
							check.NoError(t, take(q.GetNowait()))
						}
					case 4:
						if unfinished > 0 {
							unfinished--
							check.NoError(t, q.TaskDone())
						} else {
							check.Is(t, q.TaskDone(), ErrTooOften)
						}
					case 5:
						all.cancel(rng)
					}
				}
				check.NoError(t, t.WaitAllBlocked(ctx))
				all.check(t)
				waiting := func(cs calls) (n int) {
					for _, c := range cs {
						if !c.done {
							n++
						}
					}
					return n
				}
				check.Equal(t, "Size", q.Size(), len(items))
				if waiting(gets) > 0 && !q.Empty() {
					t.Errorf("somebody waits to get from %v", q)
				}
				if waiting(puts) > 0 && !q.Full() {
					t.Errorf("somebody waits to put into %v", q)
				}
				if maxSize > 0 && q.Size() > maxSize {
					t.Errorf("too many items in %v", q)
				}
				if t.Failed() {
					return
				}
			}
			q.Shutdown(true)
			for _, c := range all {
				if !c.done {
					_, err := c.task.Await(ctx)
					check.Equal(t, "error of who waited at Shutdown", err, ErrQueueShutDown)
				}
			}
		})
	})
}
