package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

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
	hits map[string]int // how often operations were cancelled, in all runs
}

// tried notes how an operation has ended, and returns its error.
func (p *play) tried(operation string, err error) error {
	if future.IsCancelled(err) {
		p.hits[operation]++
	}
	return err
}

// start starts a task that may be cancelled.
func (p *play) start(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.Go(ctx, fn, task.Name(name))
}

// end waits until tasks have ended, which must have succeeded or been cancelled.
func (p *play) end(ctx context.Context, tasks ...*task.Task[struct{}]) {
	p.Helper()
	_, _, err := task.Wait(ctx, tasks)
	must(p, err)
	for _, tk := range tasks {
		if !tk.Cancelled() {
			must(p, tk.Err())
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
	must(p, p.WaitAllBlocked(ctx))
}

// atNoCost is a context for operations that must not wait: they fail if they have to.
var atNoCost = context.Background()

func TestCancelEverywhere(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(strings.Join(s.of, ","), func(t *testing.T) {
			hits := map[string]int{}
			tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
				s.play(ctx, &play{t, hits})
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
			scenario{[]string{k.name + ".Get"}, itemsAreTaken(k, func(ctx context.Context, p *play, q anyQueue[int]) (int, error) {
				item, err := q.Get(ctx)
				return item, p.tried(k.name+".Get", err)
			})},
			scenario{[]string{k.name + ".All"}, itemsAreTaken(k, func(ctx context.Context, p *play, q anyQueue[int]) (int, error) {
				for item, err := range q.All(ctx) {
					return item, p.tried(k.name+".All", err)
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
		if err := p.tried(operation, l.Acquire(ctx)); err != nil {
			return err
		}
		defer release(p, l)
		return fn()
	}
}

func withCall(operation string) user {
	return func(ctx context.Context, p *play, l lockable, fn func() error) error {
		inside := false
		err := l.With(ctx, func() error {
			inside = true
			return fn()
		})
		if inside {
			return err
		}
		return p.tried(operation, err)
	}
}

// permitsComeBack lets tasks acquire more permits than there are.
func permitsComeBack(name string, permits int, use user) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		l, _ := manyPermits(name, permits)
		held := 0
		var tasks []*task.Task[struct{}]
		for i := range permits + 2 {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("user", i), func(ctx context.Context) error {
				for range 2 {
					if err := use(ctx, p, l, func() error {
						if held++; held > permits {
							p.Errorf("%d permits are held", held)
						}
						defer func() { held-- }()
						return task.Yield(ctx)
					}); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		p.end(ctx, tasks...)
		equal(p, "waiters", waitersOf(l), 0)
		for range permits {
			must(p, l.Acquire(atNoCost))
		}
		isTrue(p, "Locked", l.Locked())
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
				if err := p.tried("Event.Wait", e.Wait(ctx)); err != nil {
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
		e.Set()
		e.Clear()
		equal(p, "sleepers", len(tasks)-done(tasks), e.waiters.n)
	}
	p.end(ctx, tasks...)
	equal(p, "waiters", e.waiters.n, 0)
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
					err := p.tried(operation, wait(&c, ctx, func() bool { return items > 0 }))
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
			must(p, c.With(ctx, func() error {
				items++
				return errors.Join(c.Notify(1), exclusive(ctx))
			}))
			p.settled(ctx)
			if items > 0 && !allDone(tasks) {
				p.Errorf("a notification was lost: %d items, %v", items, &c)
				return
			}
		}
		p.end(ctx, tasks...)
		must(p, c.Acquire(atNoCost))
		equal(p, "waiters", c.waiters.n, 0)
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
		last := 0 // tasks that came last
		meet := func(ctx context.Context) error {
			index, err := wait(b, ctx)
			if err == nil && index == parties-1 {
				last++
			}
			return p.tried(operation, err)
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
			if n > parties*cycles {
				p.Fatalf("the barrier does not open: %v", b)
			}
			p.Background(ctx, fmt.Sprint("substitute", n), meet)
			p.settled(ctx)
		}
		p.end(ctx, tasks...)
		equal(p, "state", b.state, filling)
		equal(p, "inside", b.count, 0)
		equal(p, "cycles", last, cycles)
		must(p, b.Abort(atNoCost)) // it is free
	}
}

// itemsAreTaken puts items one by one. Each stays if the task that was woken for it does not
// take it, nor wakes another one.
func itemsAreTaken(k kind, get func(ctx context.Context, p *play, q anyQueue[int]) (int, error)) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		const users = 3
		q := k.queue(0)
		var taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("getter", i), func(ctx context.Context) error {
				item, err := get(ctx, p, q)
				if err == nil {
					taken = append(taken, item)
				}
				return err
			}))
		}
		for item := range users {
			p.settled(ctx)
			must(p, q.PutNowait(item))
			p.settled(ctx)
			if !q.Empty() && !allDone(tasks) {
				p.Errorf("nobody takes the item: %v", q)
				return
			}
		}
		p.end(ctx, tasks...)
		for !q.Empty() {
			item, err := q.GetNowait()
			must(p, err)
			taken = append(taken, item)
		}
		slices.Sort(taken)
		equal(p, "items", taken, []int{0, 1, 2})
	}
}

// placesAreUsed takes items one by one out of a full queue. The place stays free if the task
// that was woken for it does not use it, nor wakes another one.
func placesAreUsed(k kind) func(context.Context, *play) {
	return func(ctx context.Context, p *play) {
		const users = 3
		q := k.queue(1)
		must(p, q.PutNowait(-1))
		var put, taken []int
		var tasks []*task.Task[struct{}]
		for i := range users {
			tasks = append(tasks, p.start(ctx, fmt.Sprint("putter", i), func(ctx context.Context) error {
				err := p.tried(k.name+".Put", q.Put(ctx, i))
				if err == nil {
					put = append(put, i)
				}
				return err
			}))
		}
		for p.settled(ctx); !q.Empty(); p.settled(ctx) {
			item, err := q.GetNowait()
			must(p, err)
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
		equal(p, "items", taken, put)
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
					if err := p.tried(k.name+".Put", q.Put(ctx, item)); err != nil {
						return err
					}
					put++
				}
				return nil
			}))
		}
		work := func(ctx context.Context) error {
			for {
				_, err := q.Get(ctx)
				if errors.Is(err, ErrQueueShutDown) {
					return nil
				}
				if p.tried(k.name+".Get", err) != nil {
					return err
				}
				taken++
				err = task.Yield(ctx)
				must(p, q.TaskDone())
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
				return p.tried(k.name+".Join", q.Join(ctx))
			}))
		}
		p.end(ctx, tasks...)
		must(p, q.Join(ctx))
		q.Shutdown(false)
		p.end(ctx, append(joiners, workers...)...)
		equal(p, "taken", taken, put)
		isTrue(p, "Empty", q.Empty())
		must(p, q.Join(atNoCost))
	}
}
