package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests cancel tasks at every place at which that can happen, one place in each run.
// All the others must go on as if the cancelled one had never come.

// atNoCost is a context for operations that must not wait: they fail if they have to.
var atNoCost = context.Background()

func TestCancelEverywhere(t *testing.T) { check.CancelEverywhere(t, scenarios()) }

func TestCancelEverywhereIsEverywhere(t *testing.T) {
	check.Covered(t, scenarios(), map[string]string{
		"Barrier.Reset": "it never waits: nobody awaits anything with the lock of a barrier",
		"Barrier.Abort": "it never waits, as Reset",
	})
}

// scenarios returns all of them.
func scenarios() []check.Scenario {
	all := []check.Scenario{
		{Of: []string{"Event.Wait"}, Play: eventWakesAll},
		{Of: []string{"Condition.Wait"}, Play: conditionNotifies("Condition.Wait", waitUntil)},
		{Of: []string{"Condition.WaitFor"}, Play: conditionNotifies("Condition.WaitFor", (*Condition).WaitFor)},
		{Of: []string{"Barrier.Wait"}, Play: barrierOpens("Barrier.Wait", (*Barrier).Wait)},
		{Of: []string{"Barrier.With"}, Play: barrierOpens("Barrier.With", barrierWith)},
	}
	for _, name := range []string{"Lock", "Condition", "Semaphore", "BoundedSemaphore"} {
		acquire, with := name+".Acquire", name+".With"
		all = append(all,
			check.Scenario{Of: []string{acquire}, Play: permitsComeBack(name, 1, acquireAndRelease(acquire))},
			check.Scenario{Of: []string{with}, Play: permitsComeBack(name, 1, withCall(with))},
		)
		if _, ok := manyPermits(name, 2); ok {
			all = append(all, check.Scenario{Of: []string{acquire}, Play: permitsComeBack(name, 2, acquireAndRelease(acquire))})
		}
	}
	for _, k := range kinds {
		all = append(all,
			check.Scenario{Of: []string{k.name + ".Get"}, Play: itemsAreTaken(k, ".Get", func(ctx context.Context, q anyQueue[int]) (int, error) {
				return q.Get(ctx)
			})},
			check.Scenario{Of: []string{k.name + ".All"}, Play: itemsAreTaken(k, ".All", func(ctx context.Context, q anyQueue[int]) (int, error) {
				for item, err := range q.All(ctx) {
					return item, err
				}
				return 0, ErrQueueShutDown
			})},
			check.Scenario{Of: []string{k.name + ".Put"}, Play: placesAreUsed(k)},
			check.Scenario{Of: []string{k.name + ".Put", k.name + ".Get", k.name + ".Join"}, Play: allWorkIsDone(k)},
		)
	}
	return all
}

// user is what a task does with a lock: it calls fn while it holds it.
type user func(ctx context.Context, p *check.Play, l lockable, fn func() error) error

func acquireAndRelease(operation string) user {
	return func(ctx context.Context, p *check.Play, l lockable, fn func() error) error {
		if err := p.Try(ctx, operation, l.Acquire); err != nil {
			return err
		}
		defer release(p, l)
		return fn()
	}
}

func withCall(operation string) user {
	return func(ctx context.Context, p *check.Play, l lockable, fn func() error) error {
		var inside error
		if err := p.Try(ctx, operation, func(ctx context.Context) error {
			return l.With(ctx, func() error {
				inside = fn()
				return nil
			})
		}); err != nil {
			return err
		}
		return inside
	}
}

// permitsComeBack lets tasks acquire more permits than there are. Whenever nobody can go on,
// none of them waits for a permit that is there.
func permitsComeBack(name string, permits int, use user) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		l, _ := manyPermits(name, permits)
		held := 0
		work := func(ctx context.Context, work func(ctx context.Context) error) error {
			defer p.Interrupt() // the permit is free by then
			return use(ctx, p, l, func() error {
				if held++; held > permits {
					p.Errorf("%d permits are held", held)
				}
				defer func() { held-- }()
				return work(ctx)
			})
		}
		var tasks []*task.Task[struct{}]
		for i := range permits + 2 {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("user", i), func(ctx context.Context) error {
				if err := work(ctx, task.Yield); err != nil {
					return err
				}
				return work(ctx, func(ctx context.Context) error {
					return task.Sleep(ctx, time.Duration(i)*time.Millisecond)
				})
			}))
		}
		for p.Settle(ctx); !check.AllDone(tasks); p.Settle(ctx) {
			if waitersOf(l) > 0 && !l.Locked() {
				p.Fatalf("a permit was lost: %v", l)
			}
			check.NoError(p, task.Sleep(ctx, time.Millisecond/2))
		}
		p.End(ctx, tasks...)
		check.Equal(p, "waiters", waitersOf(l), 0)
		for range permits {
			check.NoError(p, l.Acquire(atNoCost))
		}
		check.True(p, "Locked", l.Locked())
	}
}

// manyPermits makes a lockable with that many permits, if it can have them.
func manyPermits(name string, n int) (l lockable, ok bool) {
	switch {
	case name == "Semaphore":
		return NewSemaphore(n), true
	case name == "BoundedSemaphore":
		return NewBoundedSemaphore(n), true
	}
	return lockables()[name], n == 1
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

// eventWakesAll sets an event for several tasks, twice.
func eventWakesAll(ctx context.Context, p *check.Play) {
	var e Event
	var tasks []*task.Task[struct{}]
	for i := range 3 {
		tasks = append(tasks, p.Start(ctx, fmt.Sprint("waiter", i), func(ctx context.Context) error {
			for range 2 {
				if err := p.Try(ctx, "Event.Wait", e.Wait); err != nil {
					return err
				}
				if err := task.Yield(ctx); err != nil { // until it is cleared
					return err
				}
			}
			return nil
		}))
	}
	for range 2 {
		p.Settle(ctx)
		sleepers := len(tasks) - done(tasks)
		check.Equal(p, "waiters", e.waiters.n, sleepers)
		e.Set()
		p.Interrupt()
		e.Clear()
		p.Interrupt()
	}
	p.Settle(ctx)
	for !check.AllDone(tasks) { // they were interrupted
		e.Set()
		p.Settle(ctx)
	}
	p.End(ctx, tasks...)
	check.Equal(p, "waiters", e.waiters.n, 0)
}

// done counts the tasks that have ended.
func done(tasks []*task.Task[struct{}]) (n int) {
	for _, tk := range tasks {
		if tk.Done() {
			n++
		}
	}
	return n
}

// waitUntil is Condition.WaitFor, as a program writes it with Wait.
func waitUntil(c *Condition, ctx context.Context, pred func() bool) error {
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// conditionNotifies makes items one by one. Each is notified once, so that it stays if the
// task that was notified does not take it, nor tells another one.
func conditionNotifies(operation string, wait func(c *Condition, ctx context.Context, pred func() bool) error) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		const users = 3
		var c Condition
		items, holders := 0, 0
		exclusive := func(ctx context.Context) error {
			if holders++; holders > 1 {
				p.Errorf("%d tasks hold the lock", holders)
			}
			defer func() { holders-- }()
			return task.Yield(ctx)
		}
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("user", i), func(ctx context.Context) error {
				return c.With(ctx, func() error {
					err := p.Try(ctx, operation, func(ctx context.Context) error {
						return wait(&c, ctx, func() bool { return items > 0 })
					})
					if err == nil {
						items--
					}
					if later := exclusive(ctx); later != nil {
						err = later
					}
					return err
				})
			}))
		}
		for range users {
			p.Settle(ctx)
			check.NoError(p, c.With(ctx, func() error {
				items++
				check.NoError(p, c.Notify(1))
				p.Interrupt()
				return exclusive(ctx)
			}))
			p.Interrupt()
			p.Settle(ctx)
			if items > 0 && !check.AllDone(tasks) {
				p.Errorf("a notification was lost: %d items, %v", items, &c)
				return
			}
		}
		p.End(ctx, tasks...)
		check.NoError(p, c.Acquire(atNoCost))
		check.Equal(p, "waiters", c.waiters.n, 0)
	}
}

// barrierWith is Barrier.With as if it were Wait.
func barrierWith(b *Barrier, ctx context.Context) (index int, err error) {
	err = b.With(ctx, func(i int) error {
		index = i
		return nil
	})
	return index, err
}

// barrierOpens lets tasks meet twice. For one that was cancelled another one comes.
func barrierOpens(operation string, wait func(b *Barrier, ctx context.Context) (int, error)) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		const parties, cycles = 3, 2
		b := NewBarrier(parties)
		last := 0     // tasks that came last
		arrivals := 0 // since then, at most
		meet := func(ctx context.Context) error {
			defer p.Interrupt()
			return p.Try(ctx, operation, func(ctx context.Context) error {
				arrivals++
				index, err := wait(b, ctx)
				if err == nil && index == parties-1 {
					last++
					if arrivals -= parties; arrivals < 0 {
						p.Errorf("the barrier has opened for %d tasks", arrivals+parties)
					}
				}
				return err
			})
		}
		var tasks []*task.Task[struct{}]
		for i := range parties {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("party", i), func(ctx context.Context) error {
				for range cycles {
					if err := meet(ctx); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		p.Settle(ctx)
		for n := 0; b.NWaiting() > 0; n++ {
			if n > 2*parties*cycles {
				p.Fatalf("the barrier does not open: %v", b)
			}
			p.Background(ctx, fmt.Sprint("substitute", n), meet)
			p.Settle(ctx)
		}
		p.End(ctx, tasks...)
		check.Equal(p, "state", b.state, filling)
		check.Equal(p, "inside", b.count, 0)
		before := last
		p.Peace() // who is interrupted when the barrier has opened would need company again
		p.End(ctx, p.Background(ctx, "one", meet), p.Background(ctx, "two", meet), p.Background(ctx, "three", meet))
		check.Equal(p, "opened once more", last, before+1)
		check.NoError(p, b.Abort(atNoCost)) // it is free
	}
}

// itemsAreTaken puts items one by one. Each stays if the task that was woken for it does not
// take it, nor wakes another one.
func itemsAreTaken(k kind, operation string, get func(ctx context.Context, q anyQueue[int]) (int, error)) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		const users = 3
		q := k.queue(0)
		var taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("getter", i), func(ctx context.Context) error {
				return p.Try(ctx, k.name+operation, func(ctx context.Context) error {
					item, err := get(ctx, q)
					if err == nil {
						taken = append(taken, item)
					}
					return err
				})
			}))
		}
		for item := range users {
			p.Settle(ctx)
			check.NoError(p, q.PutNowait(item))
			p.Interrupt()
			p.Settle(ctx)
			if !q.Empty() && !check.AllDone(tasks) {
				p.Errorf("nobody takes the item: %v", q)
				return
			}
		}
		p.End(ctx, tasks...)
		for !q.Empty() {
			item, err := q.GetNowait()
			check.NoError(p, err)
			taken = append(taken, item)
		}
		slices.Sort(taken)
		check.Equal(p, "items", taken, []int{0, 1, 2})
	}
}

// placesAreUsed takes items one by one out of a full queue. The place stays free if the task
// that was woken for it does not use it, nor wakes another one.
func placesAreUsed(k kind) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		const users = 3
		q := k.queue(1)
		check.NoError(p, q.PutNowait(-1))
		var put, taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("putter", i), func(ctx context.Context) error {
				err := p.Try(ctx, k.name+".Put", func(ctx context.Context) error { return q.Put(ctx, i) })
				if err == nil {
					put = append(put, i)
				}
				return err
			}))
		}
		for p.Settle(ctx); !q.Empty(); p.Settle(ctx) {
			item, err := q.GetNowait()
			check.NoError(p, err)
			p.Interrupt()
			if item >= 0 {
				taken = append(taken, item)
			}
		}
		if !check.AllDone(tasks) {
			p.Errorf("nobody uses the place: %v", q)
			return
		}
		p.End(ctx, tasks...)
		slices.Sort(put)
		slices.Sort(taken)
		check.Equal(p, "items", taken, put)
	}
}

// allWorkIsDone passes items through a full queue, and waits until they are all done.
func allWorkIsDone(k kind) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		q := k.queue(1)
		put, taken := 0, 0
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("putter", i), func(ctx context.Context) error {
				for item := range 2 {
					if err := p.Try(ctx, k.name+".Put", func(ctx context.Context) error { return q.Put(ctx, item) }); err != nil {
						return err
					}
					put++
					p.Interrupt()
				}
				return nil
			}))
		}
		work := func(ctx context.Context) error {
			for {
				err := p.Try(ctx, k.name+".Get", func(ctx context.Context) error {
					_, err := q.Get(ctx)
					return err
				})
				if errors.Is(err, ErrQueueShutDown) {
					return nil
				}
				if err != nil {
					return err
				}
				taken++
				p.Interrupt()
				err = task.Yield(ctx)
				check.NoError(p, q.TaskDone())
				p.Interrupt()
				if err != nil {
					return err
				}
			}
		}
		workers := []*task.Task[struct{}]{p.Start(ctx, "worker", work), p.Background(ctx, "another worker", work)}
		joiners := []*task.Task[struct{}]{}
		for i := range 2 {
			joiners = append(joiners, p.Start(ctx, fmt.Sprint("joiner", i), func(ctx context.Context) error {
				if err := task.Yield(ctx); err != nil {
					return err
				}
				return p.Try(ctx, k.name+".Join", q.Join)
			}))
		}
		p.End(ctx, tasks...)
		check.NoError(p, q.Join(ctx))
		q.Shutdown(false)
		p.End(ctx, append(joiners, workers...)...)
		check.Equal(p, "taken", taken, put)
		check.True(p, "Empty", q.Empty())
		check.NoError(p, q.Join(atNoCost))
	}
}

// It is the same if the context ends first, when the task has not heard of that.
func TestConditionWaitWhoseContextEndsAndIsCancelledReturnsTheCancellation(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var c Condition
		var end context.CancelCauseFunc
		tk := spawn(ctx, func(ctx context.Context) error {
			ctx, end = context.WithCancelCause(ctx)
			return c.With(ctx, func() error { return c.Wait(ctx) })
		})
		check.NoError(t, t.WaitAllBlocked(ctx))
		check.NoError(t, c.Acquire(ctx)) // so that the task has to wait for the lock, too
		end(check.ErrInterrupted)
		tk.Cancel()
		check.NoError(t, task.Yield(ctx))
		check.NoError(t, c.Release())
		isCancelled(t, ctx, tk)
	})
}

// The index 0 goes with the task that had it, as in CPython; the last index comes once.
func TestBarrierIndexesAfterACancellation(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		b := NewBarrier(3)
		var indexes []int
		come := func() *task.Task[struct{}] {
			return spawn(ctx, func(ctx context.Context) error {
				index, err := b.Wait(ctx)
				if err == nil {
					indexes = append(indexes, index)
				}
				return err
			})
		}
		first := come()
		come()
		check.NoError(t, t.WaitAllBlocked(ctx))
		first.Cancel()
		check.NoError(t, t.WaitAllBlocked(ctx))
		come()
		come()
		check.NoError(t, t.WaitAllBlocked(ctx))
		check.Equal(t, "indexes", indexes, []int{2, 1, 1})
	})
}
