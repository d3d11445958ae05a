package sync

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A Queue passes items between tasks, first in, first out. The zero value has no
// limit; [NewQueue] makes queues that have one.
//
// Tasks that wait in Get are woken in the order in which they came, one for each
// item, and tasks that wait in Put, one for each free place. The item or place is
// not reserved: if another task takes it before the woken one has run, that one
// waits again, behind the others. If the woken task is cancelled, the next one is
// woken. A Get or Put that fails neither takes nor adds an item.
//
// Use a Queue only from tasks and callbacks of one loop; from elsewhere, go through
// [loop.Loop.CallSoonThreadsafe]. It is asyncio.Queue.
type Queue[T any] struct {
	queue[T, fifo[T], *fifo[T]]
}

// NewQueue returns a queue that holds at most maxSize items. It has no limit if
// maxSize <= 0.
func NewQueue[T any](maxSize int) *Queue[T] {
	q := new(Queue[T])
	q.maxSize = maxSize
	return q
}

// A LifoQueue is a [Queue] whose next item is the one put last. The zero value has
// no limit; [NewLifoQueue] makes queues that have one.
//
// Use a LifoQueue only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.LifoQueue.
type LifoQueue[T any] struct {
	queue[T, lifo[T], *lifo[T]]
}

// NewLifoQueue returns a queue that holds at most maxSize items. It has no limit
// if maxSize <= 0.
func NewLifoQueue[T any](maxSize int) *LifoQueue[T] {
	q := new(LifoQueue[T])
	q.maxSize = maxSize
	return q
}

// store holds the items of a queue, and is all in which the kinds of queues differ:
// it decides which item is next.
type store[T any] interface {
	kind() string
	check() error // refuses a store that cannot take items
	push(item T)
	pop() T
	All() iter.Seq[T]
}

// queue has the fields and methods of all kinds of queues. S is the store, and P
// the pointer to it, which has the methods.
type queue[T, S any, P interface {
	*S
	store[T]
}] struct {
	bound
	items      S
	size       int // the number of items: to ask the store for it costs an indirect call
	maxSize    int
	unfinished int // items put, minus calls of TaskDone
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
// It returns [ErrQueueShutDown] if the queue is shut down, before the call or during
// the wait. It returns an error if the task is cancelled, the context ends, or the
// queue belongs to another loop ([future.ErrOtherLoop]).
func (q *queue[T, S, P]) Put(ctx context.Context, item T) error {
	if _, err := q.checkTask(ctx, "Put", q); err != nil {
		return err
	}
	for q.Full() {
		if q.shutDown {
			return ErrQueueShutDown
		}
		waiting, err := q.bind(ctx, q)
		if err != nil {
			return err
		}
		if woken, err := q.putters.wait(ctx, waiting, nil); err != nil {
			if woken && !q.Full() {
				q.putters.popNext() // offer it the place that this one was woken for
			}
			return err
		}
	}
	return q.put(item)
}

// PutNowait adds an item if there is room, and does not wait. Callbacks may call
// it.
//
// It returns [ErrQueueShutDown] if the queue is shut down, and otherwise
// [ErrQueueFull] if it is full.
func (q *queue[T, S, P]) PutNowait(item T) error {
	if err := q.check("PutNowait", q); err != nil {
		return err
	}
	return q.put(item)
}

func (q *queue[T, S, P]) put(item T) error {
	if q.shutDown {
		return ErrQueueShutDown
	}
	if q.Full() {
		return ErrQueueFull
	}
	if err := q.store().check(); err != nil {
		return err
	}
	q.size++ // now, since a comparison of the program's that panics leaves the item in
	q.store().push(item)
	q.unfinished++
	q.getters.popNext()
	return nil
}

// Get takes the next item, waiting while the queue is empty.
//
// It returns [ErrQueueShutDown] if the queue is empty and shut down, before the
// call or during the wait. It returns an error if the task is cancelled, the
// context ends, or the queue belongs to another loop ([future.ErrOtherLoop]).
func (q *queue[T, S, P]) Get(ctx context.Context) (item T, err error) {
	if _, err := q.checkTask(ctx, "Get", q); err != nil {
		return item, err
	}
	for q.Empty() {
		if q.shutDown {
			return item, ErrQueueShutDown
		}
		waiting, err := q.bind(ctx, q)
		if err != nil {
			return item, err
		}
		if woken, err := q.getters.wait(ctx, waiting, nil); err != nil {
			if woken && !q.Empty() {
				q.getters.popNext() // offer it the item that this one was woken for
			}
			return item, err
		}
	}
	return q.get()
}

// GetNowait takes the next item if there is one, and does not wait. Callbacks may
// call it.
//
// If the queue is empty, it returns [ErrQueueShutDown] if the queue is shut down,
// and otherwise [ErrQueueEmpty].
func (q *queue[T, S, P]) GetNowait() (item T, err error) {
	if err := q.check("GetNowait", q); err != nil {
		return item, err
	}
	return q.get()
}

func (q *queue[T, S, P]) get() (item T, err error) {
	if q.Empty() {
		if q.shutDown {
			return item, ErrQueueShutDown
		}
		return item, ErrQueueEmpty
	}
	item = q.take()
	q.putters.popNext()
	return item, nil
}

// take removes the next item. There must be one.
func (q *queue[T, S, P]) take() T {
	q.size-- // now: see put
	return q.store().pop()
}

// All iterates over the items, taking each by Get, until the queue is shut down and
// empty:
//
//	for item, err := range q.All(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// If Get fails for another reason, the last iteration has the zero item and the
// error. All does not call TaskDone. asyncio has nothing like it.
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

// TaskDone reports that the work on one item is done. A program that uses Join
// calls it once for each item that it has taken.
//
// It returns an error that matches [ErrTooOften] if it is called more often than
// items were put.
func (q *queue[T, S, P]) TaskDone() error {
	if err := q.check("TaskDone", q); err != nil {
		return err
	}
	if q.unfinished <= 0 {
		return misuse(q, "TaskDone", ErrTooOften)
	}
	q.finish(1)
	return nil
}

// finish counts n items as done.
func (q *queue[T, S, P]) finish(n int) {
	q.unfinished -= n
	if q.unfinished == 0 {
		q.joiners.wakeAll()
	}
}

// Join waits until TaskDone has been called as often as items were put. Items that
// are put later, even before the woken task runs, do not make it wait again.
//
// It returns an error if the task is cancelled, the context ends, or the queue
// belongs to another loop ([future.ErrOtherLoop]).
func (q *queue[T, S, P]) Join(ctx context.Context) error {
	if q.unfinished == 0 {
		return nil
	}
	waiting, err := q.bind(ctx, q)
	if err != nil {
		return err
	}
	_, err = q.joiners.wait(ctx, waiting, nil)
	return err
}

// Shutdown makes Put fail, and Get as soon as the queue is empty, with
// [ErrQueueShutDown]. Tasks that wait in Put or Get are woken and fail likewise.
//
// If immediate is true, Shutdown drops all items, and counts each as done as if by
// TaskDone. It may be called again, to drop the items that a first call has left.
func (q *queue[T, S, P]) Shutdown(immediate bool) {
	q.mustOwn("Shutdown", q)
	q.shutDown = true
	if immediate {
		dropped := q.Size()
		for !q.Empty() {
			q.take()
		}
		// TaskDone may have been called for items before they were taken.
		q.finish(min(dropped, q.unfinished))
	}
	for q.getters.popNext() {
	}
	for q.putters.popNext() {
	}
}

// Size returns the number of items in the queue. It is asyncio's qsize.
func (q *queue[T, S, P]) Size() int {
	return q.size
}

// MaxSize returns the greatest possible number of items. The queue has no limit if
// it is <= 0.
func (q *queue[T, S, P]) MaxSize() int {
	return q.maxSize
}

// Empty reports whether the queue has no items.
func (q *queue[T, S, P]) Empty() bool {
	return q.Size() == 0
}

// Full reports whether the queue has no room. A queue without a limit is never
// full.
func (q *queue[T, S, P]) Full() bool {
	return q.maxSize > 0 && q.Size() >= q.maxSize
}

// maxItemsText is how many bytes of items String shows, give or take an item.
const maxItemsText = 1000

// String shows the items, the numbers of waiters and of unfinished items, and
// whether the queue is shut down, as in
// "<Queue maxsize=2 _queue=[1, 2] _putters[1] tasks=3 shutdown>". Of many or large
// items it shows the first ones.
func (q *queue[T, S, P]) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<%s maxsize=%d", q.store().kind(), q.maxSize)
	separator, shown := " _queue=[", 0
	for item := range q.store().All() {
		if b.Len() > maxItemsText {
			fmt.Fprintf(&b, ", <%d more>", q.Size()-shown)
			break
		}
		b.WriteString(separator + kernel.Text(&item))
		separator = ", "
		shown++
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
