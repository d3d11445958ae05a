package sync

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/goasyncio/asyncio/loop"
)

// A PriorityQueue is a [Queue] whose next item is the least one. It is made by
// [NewPriorityQueue] or [NewPriorityQueueFunc]; the zero value has no order, and
// Put returns an error.
//
// Equal items come out in CPython's order, which is not that in which they were
// put. To keep that one, compare a sequence number too.
//
// Use a PriorityQueue only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.PriorityQueue.
type PriorityQueue[T any] struct {
	queue[T, binaryHeap[T], *binaryHeap[T]]
}

// NewPriorityQueue returns a queue, in the natural order of its items, that holds
// at most maxSize of them. It has no limit if maxSize <= 0.
func NewPriorityQueue[T cmp.Ordered](maxSize int) *PriorityQueue[T] {
	return NewPriorityQueueFunc(maxSize, cmp.Compare[T])
}

// NewPriorityQueueFunc returns a queue, in the order of compare, that holds at most
// maxSize items. It has no limit if maxSize <= 0. As for [slices.SortFunc], compare
// returns a negative number if a is less than b, zero if they are equal, and a
// positive number if a is greater. It must not use the queue.
//
// It panics with an error that matches [loop.ErrNilFunc] if compare is nil.
func NewPriorityQueueFunc[T any](maxSize int, compare func(a, b T) int) *PriorityQueue[T] {
	if compare == nil {
		panic(nilFunc("NewPriorityQueueFunc"))
	}
	q := new(PriorityQueue[T])
	q.maxSize = maxSize
	q.items.compare = compare
	return q
}

// binaryHeap is the store of a PriorityQueue. It makes the same comparisons as
// CPython's heapq, because they decide in which order equal items come out. The
// standard library's container/heap makes others, and boxes each item. Items are
// swapped, not moved, so that a panic of compare leaves none of them in two places.
type binaryHeap[T any] struct {
	items   []T
	compare func(a, b T) int
	quiet   quiet
}

func (h *binaryHeap[T]) kind() string     { return "PriorityQueue" }
func (h *binaryHeap[T]) All() iter.Seq[T] { return slices.Values(h.items) }

func (h *binaryHeap[T]) check() error {
	if h.compare == nil {
		return fmt.Errorf("sync: the zero PriorityQueue has no order, make it with NewPriorityQueue: %w", loop.ErrNilFunc)
	}
	return nil
}

func (h *binaryHeap[T]) push(item T) {
	h.items = append(h.items, item)
	h.up(len(h.items) - 1)
}

func (h *binaryHeap[T]) pop() T {
	var none T
	last := len(h.items) - 1
	item := h.items[last]
	h.items[last] = none
	h.items = h.items[:last]
	if last > 0 {
		item, h.items[0] = h.items[0], item
		h.down()
	}
	if h.quiet.after(last, cap(h.items)) {
		h.items = append(make([]T, 0, cap(h.items)/2), h.items...)
	}
	return item
}

// up moves the item at i towards the root until its parent is not greater.
func (h *binaryHeap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h.compare(h.items[i], h.items[parent]) >= 0 {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

// down moves the item at the root down to a leaf, along the lesser children, and
// from there up to its place. The item came from the bottom and most likely belongs
// there, so comparing it on the way down would be wasted.
func (h *binaryHeap[T]) down() {
	i, end := 0, len(h.items)
	for 2*i+1 < end {
		child := 2*i + 1
		if right := child + 1; right < end && h.compare(h.items[child], h.items[right]) >= 0 {
			child = right
		}
		h.items[i], h.items[child] = h.items[child], h.items[i]
		i = child
	}
	h.up(i)
}
