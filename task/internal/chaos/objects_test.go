package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/goasyncio/asyncio/sync"
)

// objects are the locks and queues of a program, and what must be true of them.
type objects struct {
	lock    sync.Lock
	cond    *sync.Condition // shares the lock
	sem     *sync.Semaphore
	bounded *sync.BoundedSemaphore
	event   sync.Event
	barrier *sync.Barrier
	queues  []queue

	locked      int // who hold the lock
	permits     int // of the semaphore
	taken       int // of them
	more        int // permits of the bounded semaphore
	moreTaken   int
	filled      int // cycles of the barrier
	passed      int // the barrier, tasks
	items       []item
	queueOfItem map[int]int
}

// item is the state of an item of a queue.
type item uint8

const (
	offered item = iota
	added
	refused
	delivered
	dropped
)

// queue is any kind of queue.
type queue interface {
	Put(ctx context.Context, item int) error
	PutNowait(item int) error
	Get(ctx context.Context) (int, error)
	GetNowait() (int, error)
	All(ctx context.Context) iter.Seq2[int, error]
	Join(ctx context.Context) error
	TaskDone() error
	Shutdown(immediate bool)
	Empty() bool
	Full() bool
	Size() int
	String() string
}

func newObjects(r *rand.Rand) *objects {
	o := &objects{permits: r.IntN(3), more: 1 + r.IntN(2), queueOfItem: map[int]int{}}
	o.cond = sync.NewCondition(&o.lock)
	o.sem = sync.NewSemaphore(o.permits)
	o.bounded = sync.NewBoundedSemaphore(o.more)
	o.barrier = sync.NewBarrier(1 + r.IntN(3))
	o.queues = []queue{
		sync.NewQueue[int](r.IntN(3)),
		sync.NewLifoQueue[int](r.IntN(3)),
		sync.NewPriorityQueue[int](r.IntN(3)),
		sync.NewPriorityQueueFunc(r.IntN(3), func(a, b int) int { return -cmp.Compare(a, b) }),
	}
	return o
}

// holding is a body that counts those who are in it at once.
func (a *actor) holding(count *int, most int, what string) func(ctx context.Context) error {
	body := a.body(nil)
	return func(ctx context.Context) error {
		*count++
		defer func() { *count-- }()
		if *count > most {
			a.p.fault("%s: %d hold the %s", a.who(), *count, what)
		}
		return body(ctx)
	}
}

func (a *actor) lock() error {
	o := a.p.objects
	body := a.holding(&o.locked, 1, "lock")
	if a.r.IntN(2) == 0 {
		return a.await(func(ctx context.Context) error {
			return o.lock.With(ctx, func() error { return body(a.ctx) })
		})
	}
	err := a.await(o.lock.Acquire)
	if err != nil {
		return err
	}
	defer func() {
		// When the loop is closed, a task that waits for the condition releases the lock
		// without having got it back.
		if err := o.lock.Release(); err != nil && !a.p.loop.IsClosed() {
			a.p.fault("%s: Release: %v", a.who(), err)
		}
	}()
	return a.await(body)
}

func (a *actor) semaphore() error {
	o := a.p.objects
	body := a.holding(&o.taken, o.permits, "semaphore")
	return a.await(func(ctx context.Context) error {
		return o.sem.With(ctx, func() error { return body(a.ctx) })
	})
}

func (a *actor) boundedSemaphore() error {
	o := a.p.objects
	body := a.holding(&o.moreTaken, o.more, "bounded semaphore")
	if a.r.IntN(2) == 0 {
		return a.await(func(ctx context.Context) error {
			return o.bounded.With(ctx, func() error { return body(a.ctx) })
		})
	}
	return a.await(func(ctx context.Context) error {
		if err := o.bounded.Acquire(ctx); err != nil {
			return err
		}
		defer func() {
			if err := o.bounded.Release(); err != nil {
				a.p.fault("%s: Release: %v", a.who(), err)
			}
		}()
		return body(a.ctx)
	})
}

func (a *actor) waitEvent() error { return a.await(a.p.objects.event.Wait) }

func (a *actor) setEvent() error {
	e := &a.p.objects.event
	if a.r.IntN(2) == 0 {
		e.Set()
	} else {
		e.Clear()
	}
	return nil
}

// waitCondition waits with the lock held. When the loop is closed, the deferred functions run
// without the lock.
func (a *actor) waitCondition() error {
	o := a.p.objects
	return a.await(func(ctx context.Context) error {
		return o.cond.With(ctx, func() error {
			o.locked++
			defer func() { o.locked-- }()
			if o.locked > 1 {
				a.p.fault("%s: %d hold the lock of the condition", a.who(), o.locked)
			}
			wait := func() error {
				o.locked--
				defer func() { o.locked++ }()
				return o.cond.Wait(ctx)
			}
			err := wait()
			if !o.cond.Locked() {
				a.p.fault("%s: Wait returned %s without the lock", a.who(), text(err))
			}
			if err == nil && a.r.IntN(2) == 0 {
				tries := 0
				o.locked--
				defer func() { o.locked++ }()
				err = o.cond.WaitFor(ctx, func() bool {
					a.p.enter()
					defer a.p.leave()
					tries++
					return tries > 2
				})
			}
			return err
		})
	})
}

func (a *actor) notify() error {
	o := a.p.objects
	n := a.r.IntN(3)
	return a.await(func(ctx context.Context) error {
		return o.cond.With(ctx, func() error {
			if n == 2 {
				return o.cond.NotifyAll()
			}
			return o.cond.Notify(n)
		})
	})
}

func (a *actor) barrier() error {
	o := a.p.objects
	return a.await(func(ctx context.Context) error {
		index, err := o.barrier.Wait(ctx)
		switch n := o.barrier.Parties(); {
		case err != nil && index != -1 || err == nil && (index < 0 || index >= n):
			a.p.fault("%s: the barrier says %d, %s", a.who(), index, text(err))
		case err == nil:
			o.passed++
			if index == n-1 {
				o.filled++
			}
			if o.passed > o.filled*n {
				a.p.fault("%s: %d have passed a barrier for %d in %d cycles", a.who(), o.passed, n, o.filled)
			}
		}
		return err
	})
}

func (a *actor) resetBarrier() error {
	b := a.p.objects.barrier
	if a.r.IntN(4) == 0 && !b.Broken() {
		return a.resetAndPass(b)
	}
	if a.r.IntN(4) == 0 {
		return a.await(b.Abort)
	}
	return a.await(b.Reset)
}

// resetAndPass mends a barrier and passes it, with a function behind it.
func (a *actor) resetAndPass(b *sync.Barrier) error {
	if err := a.await(b.Reset); err != nil {
		return err
	}
	o := a.p.objects
	body := a.body(nil)
	return a.await(func(ctx context.Context) error {
		return b.With(ctx, func(index int) error {
			o.passed++
			if index == b.Parties()-1 {
				o.filled++
			}
			return body(a.ctx)
		})
	})
}

// offer makes an item for a queue.
func (a *actor) offer(to int) int {
	o := a.p.objects
	o.items = append(o.items, offered)
	n := len(o.items) - 1
	o.queueOfItem[n] = to
	return n
}

// put notes what became of an offer.
func (o *objects) put(n int, err error) {
	switch {
	case err != nil:
		o.items[n] = refused
	case o.items[n] == offered:
		o.items[n] = added
	}
}

// took notes that an item was delivered.
func (a *actor) took(n, from int, err error) {
	o := a.p.objects
	if err != nil {
		return
	}
	if o.items[n] != added || o.queueOfItem[n] != from {
		a.p.fault("%s: item %d of queue %d is delivered by queue %d in state %d", a.who(), n, o.queueOfItem[n], from, o.items[n])
	}
	o.items[n] = delivered
	if err := o.queues[from].TaskDone(); err != nil {
		a.p.fault("%s: TaskDone: %v", a.who(), err)
	}
}

func (a *actor) put() error {
	o := a.p.objects
	to := a.r.IntN(len(o.queues))
	n := a.offer(to)
	return a.await(func(ctx context.Context) error {
		err := o.queues[to].Put(ctx, n)
		o.put(n, err)
		return err
	})
}

func (a *actor) get() error {
	o := a.p.objects
	from := a.r.IntN(len(o.queues))
	if a.r.IntN(4) == 0 {
		most := a.r.IntN(3)
		return a.await(func(ctx context.Context) error {
			for n, err := range o.queues[from].All(ctx) {
				if a.took(n, from, err); err != nil || most == 0 {
					return err
				}
				most--
			}
			return nil
		})
	}
	return a.await(func(ctx context.Context) error {
		n, err := o.queues[from].Get(ctx)
		a.took(n, from, err)
		return err
	})
}

func (a *actor) nowait() error {
	o := a.p.objects
	i := a.r.IntN(len(o.queues))
	if a.r.IntN(2) == 0 {
		n, err := o.queues[i].GetNowait()
		a.took(n, i, err)
	} else {
		n := a.offer(i)
		o.put(n, o.queues[i].PutNowait(n))
	}
	return nil
}

func (a *actor) joinQueue() error {
	return a.await(pick(a.r, a.p.objects.queues).Join)
}

func (a *actor) shutQueue() error {
	o := a.p.objects
	if a.r.IntN(4) > 0 {
		return nil // seldom, because it is for good
	}
	i := a.r.IntN(len(o.queues))
	immediate := a.r.IntN(2) == 0
	o.queues[i].Shutdown(immediate)
	if immediate {
		for n, state := range o.items {
			if state == added && o.queueOfItem[n] == i {
				o.items[n] = dropped
			}
		}
	}
	return nil
}

// check says what is wrong with the objects while nothing in the loop is ready.
func (o *objects) check() error {
	var wrong []error
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	waits := func(object fmt.Stringer) bool { return strings.Contains(object.String(), "waiters:") }
	if !o.lock.Locked() && waits(&o.lock) {
		fail("%v: a task waits for a free lock", &o.lock)
	}
	if o.locked > 1 || o.locked == 1 && !o.lock.Locked() {
		fail("%v: %d hold it", &o.lock, o.locked)
	}
	if free := o.permits - o.taken; free < 0 || free > 0 && o.sem.Locked() || free == 0 && !o.sem.Locked() {
		fail("%v: %d of %d permits are taken", o.sem, o.taken, o.permits)
	}
	if free := o.more - o.moreTaken; free < 0 || free > 0 && o.bounded.Locked() || free == 0 && !o.bounded.Locked() {
		fail("%v: %d of %d permits are taken", o.bounded, o.moreTaken, o.more)
	}
	if o.event.IsSet() && waits(&o.event) {
		fail("%v: a task waits for an event that is set", &o.event)
	}
	if n := o.barrier.NWaiting(); n >= o.barrier.Parties() {
		fail("%v: %d wait", o.barrier, n)
	}
	if strings.Contains(o.barrier.String(), "draining") {
		fail("%v: it drains and nobody leaves", o.barrier)
	}
	for i, q := range o.queues {
		text := q.String()
		if strings.Contains(text, "_getters") && !q.Empty() || strings.Contains(text, "_putters") && !q.Full() {
			fail("%v: a task waits for what is there", q)
		}
		kept := 0
		for n, state := range o.items {
			if state == added && o.queueOfItem[n] == i {
				kept++
			}
		}
		if kept != q.Size() {
			fail("%v: it has %d items in place of %d", q, q.Size(), kept)
		}
	}
	return errors.Join(wrong...)
}
