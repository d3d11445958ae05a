package sync

import (
	"context"
	"fmt"
	"iter"
	"strings"
)

// A Queue passes items from tasks that produce them to tasks that consume them,
// first in, first out: asyncio.Queue. The zero value is unbounded; [NewQueue]
// makes bounded ones.
//
// Fairness: getters are woken in the order in which they began to wait, one for
// each item, and so are putters, one for each free place. An item is not kept for
// the getter that it has woken: a task that calls Get or GetNowait before that
// getter has run takes the item, and the getter goes back to the end of the line.
//
// Cancellation: a getter or putter that is cancelled after it was woken wakes the
// next one. No item is lost, and none is put by a Put that fails.
type Queue[T any] struct {
	queue[T, fifo[T], *fifo[T]]
}

// NewQueue makes a queue that holds at most maxSize items. Zero or less means that
// there is no limit.
func NewQueue[T any](maxSize int) *Queue[T] {
	q := new(Queue[T])
	q.maxSize = maxSize
	return q
}

// A LifoQueue is a [Queue] that returns the item put last: asyncio.LifoQueue. The
// zero value is unbounded; [NewLifoQueue] makes bounded ones.
type LifoQueue[T any] struct {
	queue[T, lifo[T], *lifo[T]]
}

// NewLifoQueue makes a queue that holds at most maxSize items. Zero or less means
// that there is no limit.
func NewLifoQueue[T any](maxSize int) *LifoQueue[T] {
	q := new(LifoQueue[T])
	q.maxSize = maxSize
	return q
}

// store is what the kinds of queues differ in: which item is the next one.
type store[T any] interface {
	kind() string
	check() error // whether the store can be used at all
	push(item T)
	pop() T
	len() int
	All() iter.Seq[T]
}

// queue is all of a queue, for a store S, whose methods are those of P.
type queue[T, S any, P interface {
	*S
	store[T]
}] struct {
	bound
	items      S
	maxSize    int
	unfinished int // items put and not yet reported as done
	shutDown   bool
	getters    waiters
	putters    waiters
	joiners    waiters
}

func (q *queue[T, S, P]) store() P {
	return &q.items
}

// Put adds an item, waiting while the queue is full.
//
// It returns [ErrQueueShutDown] if the queue is shut down, or while it waits
// becomes so. Any other error is that of a cancelled wait or of a misuse
// ([future.ErrOtherLoop]). With an error, the item is not put.
func (q *queue[T, S, P]) Put(ctx context.Context, item T) error {
	for q.Full() {
		if q.shutDown {
			return ErrQueueShutDown
		}
		waiting, err := q.bind(ctx, q)
		if err != nil {
			return err
		}
		if woken, err := q.putters.wait(ctx, waiting); err != nil {
			if woken && !q.Full() {
				q.putters.popNext() // the place we were woken for
			}
			return err
		}
	}
	return q.PutNowait(item)
}

// PutNowait adds an item at once. It returns [ErrQueueShutDown] if the queue is
// shut down, or else [ErrQueueFull] if it is full. It needs no task: callbacks may
// call it.
func (q *queue[T, S, P]) PutNowait(item T) error {
	if q.shutDown {
		return ErrQueueShutDown
	}
	if q.Full() {
		return ErrQueueFull
	}
	if err := q.store().check(); err != nil {
		return err
	}
	q.store().push(item)
	q.unfinished++
	q.getters.popNext()
	return nil
}

// Get takes the next item, waiting while the queue is empty.
//
// It returns [ErrQueueShutDown] if the queue is empty and shut down, or while it
// waits becomes so. Any other error is that of a cancelled wait or of a misuse
// ([future.ErrOtherLoop]).
func (q *queue[T, S, P]) Get(ctx context.Context) (item T, err error) {
	for q.Empty() {
		if q.shutDown {
			return item, ErrQueueShutDown
		}
		waiting, err := q.bind(ctx, q)
		if err != nil {
			return item, err
		}
		if woken, err := q.getters.wait(ctx, waiting); err != nil {
			if woken && !q.Empty() {
				q.getters.popNext() // the item we were woken for
			}
			return item, err
		}
	}
	return q.GetNowait()
}

// GetNowait takes the next item at once. If the queue is empty, it returns
// [ErrQueueShutDown] or [ErrQueueEmpty]. It needs no task: callbacks may call it.
func (q *queue[T, S, P]) GetNowait() (item T, err error) {
	if q.Empty() {
		if q.shutDown {
			return item, ErrQueueShutDown
		}
		return item, ErrQueueEmpty
	}
	item = q.store().pop()
	q.putters.popNext()
	return item, nil
}

// All returns an iterator that gets items until the queue is shut down and empty:
//
//	for item, err := range q.All(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//		q.TaskDone()
//	}
//
// Any other error that Get returns comes out once, with the zero item, and ends
// the loop. The iterator does not call TaskDone.
func (q *queue[T, S, P]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := q.Get(ctx)
			if err == ErrQueueShutDown || !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// TaskDone reports that the work on an item that was taken is done; [Queue.Join]
// counts these reports. It returns an error that matches [ErrTooOften] if there
// were as many as items.
func (q *queue[T, S, P]) TaskDone() error {
	if q.unfinished <= 0 {
		return refuse(q, "TaskDone", ErrTooOften)
	}
	q.finish(1)
	return nil
}

func (q *queue[T, S, P]) finish(n int) {
	q.unfinished -= n
	if q.unfinished == 0 {
		q.joiners.wakeAll()
	}
}

// Join waits until TaskDone was called for every item that was put. Only items
// that are put before the last of these calls delay it.
//
// The error is that of a cancelled wait or of a misuse ([future.ErrOtherLoop]).
func (q *queue[T, S, P]) Join(ctx context.Context) error {
	if q.unfinished == 0 {
		return nil
	}
	waiting, err := q.bind(ctx, q)
	if err != nil {
		return err
	}
	_, err = q.joiners.wait(ctx, waiting)
	return err
}

// Shutdown makes the queue refuse new items, and Get fail once it is empty, with
// [ErrQueueShutDown]. If immediate, it also drops the items that are there, as if
// TaskDone had been called for each of them. Whoever waits in Put fails, and so
// does whoever waits in Get. Shutdown can be called again, to do it immediately.
func (q *queue[T, S, P]) Shutdown(immediate bool) {
	q.shutDown = true
	if immediate {
		dropped := q.Size()
		for !q.Empty() {
			q.store().pop()
		}
		q.finish(min(dropped, q.unfinished))
	}
	for q.getters.popNext() {
	}
	for q.putters.popNext() {
	}
}

// Size is the number of items in the queue: asyncio's qsize.
func (q *queue[T, S, P]) Size() int {
	return q.store().len()
}

// MaxSize is the greatest number of items, zero or less if there is no limit.
func (q *queue[T, S, P]) MaxSize() int {
	return q.maxSize
}

// Empty reports whether there is no item in the queue.
func (q *queue[T, S, P]) Empty() bool {
	return q.Size() == 0
}

// Full reports whether there is no room in the queue. A queue without a limit is
// never full.
func (q *queue[T, S, P]) Full() bool {
	return q.maxSize > 0 && q.Size() >= q.maxSize
}

// String shows the items and whatever else is the case, as in
// "<Queue maxsize=2 _queue=[1, 2] _putters[1] tasks=3 shutdown>".
func (q *queue[T, S, P]) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s maxsize=%d", q.store().kind(), q.maxSize)
	separator := " _queue=["
	for item := range q.store().All() {
		b.WriteString(separator)
		separator = ", "
		if s, ok := any(item).(string); ok {
			fmt.Fprintf(&b, "%q", s)
		} else {
			fmt.Fprint(&b, item)
		}
	}
	if !q.Empty() {
		b.WriteString("]")
	}
	if q.getters.n > 0 {
		fmt.Fprintf(&b, " _getters[%d]", q.getters.n)
	}
	if q.putters.n > 0 {
		fmt.Fprintf(&b, " _putters[%d]", q.putters.n)
	}
	if q.unfinished > 0 {
		fmt.Fprintf(&b, " tasks=%d", q.unfinished)
	}
	if q.shutDown {
		b.WriteString(" shutdown")
	}
	b.WriteString(">")
	return b.String()
}
