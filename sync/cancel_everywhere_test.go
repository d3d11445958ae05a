package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests cancel tasks at every place at which that can happen, one place in each run.
// All the others must go on as if the cancelled one had never come.

// A scenario is a program that uses some operations. It must end well, whichever of its
// tasks is cancelled wherever.
type scenario struct {
	of   []string // the operations, as "Lock.Acquire"
	play func(ctx context.Context, p *play)
}

// play is one run of a scenario.
type play struct {
	*tasktest.T
	hits  map[string]int   // how often operations were cancelled, in all runs
	waits []*interruptible // those that interrupt may end; nil if it does nothing
	harsh bool             // interrupt ends waits
}

// interruptible is a wait with a context of its own.
type interruptible struct{ end func(cause error) }

var errInterrupted = errors.New("interrupted")

// try calls an operation that waits, again if it was interrupted, and notes if it was
// cancelled.
func (p *play) try(ctx context.Context, operation string, call func(ctx context.Context) error) error {
	for {
		ending, end := context.WithCancelCause(ctx)
		w := &interruptible{end}
		if p.harsh {
			p.waits = append(p.waits, w)
		}
		err := call(ending)
		p.waits = slices.DeleteFunc(p.waits, func(other *interruptible) bool { return other == w })
		end(nil)
		if !errors.Is(err, errInterrupted) {
			if future.IsCancelled(err) {
				p.hits[operation]++
			}
			return err
		}
	}
}

// interrupt may end the context of a wait, which is tried again then. Scenarios call it when
// they have woken a task, as that is the moment to lose what it was woken for.
func (p *play) interrupt() {
	if n := len(p.waits); n > 0 {
		if i := p.Choose(n+1, "whose context ends"); i > 0 {
			p.waits[i-1].end(errInterrupted)
			p.waits = slices.Delete(p.waits, i-1, i)
		}
	}
}

// start starts a task that may be cancelled.
func (p *play) start(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.Go(ctx, fn, task.Name(name))
}

// end waits until tasks have ended, which must have succeeded or been cancelled.
func (p *play) end(ctx context.Context, tasks ...*task.Task[struct{}]) {
	p.Helper()
	_, _, err := task.Wait(ctx, tasks)
	check.NoError(p, err)
	for _, tk := range tasks {
		if !tk.Cancelled() {
			check.NoError(p, tk.Err())
		}
	}
}

// allDone reports whether all tasks have ended.
func allDone(tasks []*task.Task[struct{}]) bool {
	return !slices.ContainsFunc(tasks, func(tk *task.Task[struct{}]) bool { return !tk.Done() })
}

// settled waits until nobody else can go on.
func (p *play) settled(ctx context.Context) {
	p.Helper()
	check.NoError(p, p.WaitAllBlocked(ctx))
}

// atNoCost is a context for operations that must not wait: they fail if they have to.
var atNoCost = context.Background()

func TestCancelEverywhere(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(strings.Join(s.of, ","), func(t *testing.T) {
			hits := map[string]int{}
			tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
				s.play(ctx, &play{T: t, hits: hits})
			})
			for _, operation := range s.of {
				if hits[operation] == 0 {
					t.Errorf("no run has cancelled %s while it waited", operation)
				}
			}
		})
	}
}

func TestCancelEverywhereIsEverywhere(t *testing.T) {
	var covered []string
	for _, s := range scenarios() {
		covered = append(covered, s.of...)
	}
	check.Covered(t, ".", covered, map[string]string{
		"Barrier.Reset": "it never waits: nobody awaits anything with the lock of a barrier",
		"Barrier.Abort": "it never waits, as Reset",
	})
}

// scenarios returns all of them.
func scenarios() []scenario {
	all := []scenario{
		{[]string{"Event.Wait"}, eventWakesAll},
		{[]string{"Condition.Wait"}, conditionNotifies("Condition.Wait", waitUntil)},
		{[]string{"Condition.WaitFor"}, conditionNotifies("Condition.WaitFor", (*Condition).WaitFor)},
		{[]string{"Barrier.Wait"}, barrierOpens("Barrier.Wait", (*Barrier).Wait)},
		{[]string{"Barrier.With"}, barrierOpens("Barrier.With", barrierWith)},
	}
	for _, name := range []string{"Lock", "Condition", "Semaphore", "BoundedSemaphore"} {
		acquire, with := name+".Acquire", name+".With"
		all = append(all,
			scenario{[]string{acquire}, permitsComeBack(name, 1, acquireAndRelease(acquire))},
			scenario{[]string{with}, permitsComeBack(name, 1, withCall(with))},
		)
		if _, ok := manyPermits(name, 2); ok {
			all = append(all, scenario{[]string{acquire}, permitsComeBack(name, 2, acquireAndRelease(acquire))})
		}
	}
	for _, k := range kinds {
		all = append(all,
			scenario{[]string{k.name + ".Get"}, itemsAreTaken(k, ".Get", func(ctx context.Context, q anyQueue[int]) (int, error) {
				return q.Get(ctx)
			})},
			scenario{[]string{k.name + ".All"}, itemsAreTaken(k, ".All", func(ctx context.Context, q anyQueue[int]) (int, error) {
				for item, err := range q.All(ctx) {
					return item, err
				}
				return 0, ErrQueueShutDown
			})},
			scenario{[]string{k.name + ".Put"}, placesAreUsed(k)},
			scenario{[]string{k.name + ".Put", k.name + ".Get", k.name + ".Join"}, allWorkIsDone(k)},
		)
	}
	return all
}

// user is what a task does with a lock: it calls fn while it holds it.
type user func(ctx context.Context, p *play, l lockable, fn func() error) error

func acquireAndRelease(operation string) user {
	return func(ctx context.Context, p *play, l lockable, fn func() error) error {
		if err := p.try(ctx, operation, l.Acquire); err != nil {
			return err
		}
		defer release(p, l)
		return fn()
	}
}

func withCall(operation string) user {
	return func(ctx context.Context, p *play, l lockable, fn func() error) error {
		var inside error
		if err := p.try(ctx, operation, func(ctx context.Context) error {
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
func permitsComeBack(name string, permits int, use user) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		l, _ := manyPermits(name, permits)
		held := 0
		work := func(ctx context.Context, work func(ctx context.Context) error) error {
			defer p.interrupt() // the permit is free by then
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
			tasks = append(tasks, p.start(ctx, fmt.Sprint("user", i), func(ctx context.Context) error {
				if err := work(ctx, task.Yield); err != nil {
					return err
				}
				return work(ctx, func(ctx context.Context) error {
					return task.Sleep(ctx, time.Duration(i)*time.Millisecond)
				})
			}))
		}
		for p.settled(ctx); !allDone(tasks); p.settled(ctx) {
			if waitersOf(l) > 0 && !l.Locked() {
				p.Fatalf("a permit was lost: %v", l)
			}
			check.NoError(p, task.Sleep(ctx, time.Millisecond/2))
		}
		p.end(ctx, tasks...)
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
func eventWakesAll(ctx context.Context, p *play) {
	var e Event
	var tasks []*task.Task[struct{}]
	for i := range 3 {
		tasks = append(tasks, p.start(ctx, fmt.Sprint("waiter", i), func(ctx context.Context) error {
			for range 2 {
				if err := p.try(ctx, "Event.Wait", e.Wait); err != nil {
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
		p.settled(ctx)
		sleepers := len(tasks) - done(tasks)
		check.Equal(p, "waiters", e.waiters.n, sleepers)
		e.Set()
		p.interrupt()
		e.Clear()
		p.interrupt()
	}
	p.settled(ctx)
	for !allDone(tasks) { // they were interrupted
		e.Set()
		p.settled(ctx)
	}
	p.end(ctx, tasks...)
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
func conditionNotifies(operation string, wait func(c *Condition, ctx context.Context, pred func() bool) error) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
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
			tasks = append(tasks, p.start(ctx, fmt.Sprint("user", i), func(ctx context.Context) error {
				return c.With(ctx, func() error {
					err := p.try(ctx, operation, func(ctx context.Context) error {
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
			p.settled(ctx)
			check.NoError(p, c.With(ctx, func() error {
				items++
				check.NoError(p, c.Notify(1))
				p.interrupt()
				return exclusive(ctx)
			}))
			p.interrupt()
			p.settled(ctx)
			if items > 0 && !allDone(tasks) {
				p.Errorf("a notification was lost: %d items, %v", items, &c)
				return
			}
		}
		p.end(ctx, tasks...)
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
func barrierOpens(operation string, wait func(b *Barrier, ctx context.Context) (int, error)) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		const parties, cycles = 3, 2
		b := NewBarrier(parties)
		last := 0     // tasks that came last
		arrivals := 0 // since then, at most
		meet := func(ctx context.Context) error {
			defer p.interrupt()
			return p.try(ctx, operation, func(ctx context.Context) error {
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
			tasks = append(tasks, p.start(ctx, fmt.Sprint("party", i), func(ctx context.Context) error {
				for range cycles {
					if err := meet(ctx); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		p.settled(ctx)
		for n := 0; b.NWaiting() > 0; n++ {
			if n > 2*parties*cycles {
				p.Fatalf("the barrier does not open: %v", b)
			}
			p.Background(ctx, fmt.Sprint("substitute", n), meet)
			p.settled(ctx)
		}
		p.end(ctx, tasks...)
		check.Equal(p, "state", b.state, filling)
		check.Equal(p, "inside", b.count, 0)
		before := last
		p.harsh = false // who is interrupted when the barrier has opened would need company again
		p.end(ctx, p.Background(ctx, "one", meet), p.Background(ctx, "two", meet), p.Background(ctx, "three", meet))
		check.Equal(p, "opened once more", last, before+1)
		check.NoError(p, b.Abort(atNoCost)) // it is free
	}
}

// itemsAreTaken puts items one by one. Each stays if the task that was woken for it does not
// take it, nor wakes another one.
func itemsAreTaken(k kind, operation string, get func(ctx context.Context, q anyQueue[int]) (int, error)) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		const users = 3
		q := k.queue(0)
		var taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("getter", i), func(ctx context.Context) error {
				return p.try(ctx, k.name+operation, func(ctx context.Context) error {
					item, err := get(ctx, q)
					if err == nil {
						taken = append(taken, item)
					}
					return err
				})
			}))
		}
		for item := range users {
			p.settled(ctx)
			check.NoError(p, q.PutNowait(item))
			p.interrupt()
			p.settled(ctx)
			if !q.Empty() && !allDone(tasks) {
				p.Errorf("nobody takes the item: %v", q)
				return
			}
		}
		p.end(ctx, tasks...)
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
func placesAreUsed(k kind) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		const users = 3
		q := k.queue(1)
		check.NoError(p, q.PutNowait(-1))
		var put, taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("putter", i), func(ctx context.Context) error {
				err := p.try(ctx, k.name+".Put", func(ctx context.Context) error { return q.Put(ctx, i) })
				if err == nil {
					put = append(put, i)
				}
				return err
			}))
		}
		for p.settled(ctx); !q.Empty(); p.settled(ctx) {
			item, err := q.GetNowait()
			check.NoError(p, err)
			p.interrupt()
			if item >= 0 {
				taken = append(taken, item)
			}
		}
		if !allDone(tasks) {
			p.Errorf("nobody uses the place: %v", q)
			return
		}
		p.end(ctx, tasks...)
		slices.Sort(put)
		slices.Sort(taken)
		check.Equal(p, "items", taken, put)
	}
}

// allWorkIsDone passes items through a full queue, and waits until they are all done.
func allWorkIsDone(k kind) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		q := k.queue(1)
		put, taken := 0, 0
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("putter", i), func(ctx context.Context) error {
				for item := range 2 {
					if err := p.try(ctx, k.name+".Put", func(ctx context.Context) error { return q.Put(ctx, item) }); err != nil {
						return err
					}
					put++
					p.interrupt()
				}
				return nil
			}))
		}
		work := func(ctx context.Context) error {
			for {
				err := p.try(ctx, k.name+".Get", func(ctx context.Context) error {
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
				p.interrupt()
				err = task.Yield(ctx)
				check.NoError(p, q.TaskDone())
				p.interrupt()
				if err != nil {
					return err
				}
			}
		}
		workers := []*task.Task[struct{}]{p.start(ctx, "worker", work), p.Background(ctx, "another worker", work)}
		joiners := []*task.Task[struct{}]{}
		for i := range 2 {
			joiners = append(joiners, p.start(ctx, fmt.Sprint("joiner", i), func(ctx context.Context) error {
				if err := task.Yield(ctx); err != nil {
					return err
				}
				return p.try(ctx, k.name+".Join", q.Join)
			}))
		}
		p.end(ctx, tasks...)
		check.NoError(p, q.Join(ctx))
		q.Shutdown(false)
		p.end(ctx, append(joiners, workers...)...)
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
		end(errInterrupted)
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
