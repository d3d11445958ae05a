package sync

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	"github.com/goasyncio/asyncio/loop"
)

// A PriorityQueue is a [Queue] that returns the least item first:
// asyncio.PriorityQueue. It is made by [NewPriorityQueue] or
// [NewPriorityQueueFunc]; the zero value knows no order and refuses items.
//
// Items that are equal come out in no particular order, though always in the same
// one, which is CPython's. Let the order look at a sequence number if it matters.
type PriorityQueue[T any] struct {
	queue[T, binaryHeap[T], *binaryHeap[T]]
}

// NewPriorityQueue makes a queue of items in their natural order that holds at
// most maxSize items. Zero or less means that there is no limit.
func NewPriorityQueue[T cmp.Ordered](maxSize int) *PriorityQueue[T] {
	return NewPriorityQueueFunc(maxSize, cmp.Compare[T])
}

// NewPriorityQueueFunc makes a queue of items in the order of compare, which is
// negative if a comes before b, as for [slices.SortFunc]. It holds at most maxSize
// items; zero or less means that there is no limit.
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

// binaryHeap is the store of a PriorityQueue. It does what CPython's heapq does,
// comparison by comparison, since that decides in what order equal items come out.
// The standard library's container/heap would give another order, and box each
// item. Items move by being swapped, so that a panic of compare leaves none of them
// in two places.
type binaryHeap[T any] struct {
	items   []T
	compare func(a, b T) int
	lull    lull
}

func (h *binaryHeap[T]) kind() string     { return "PriorityQueue" }
func (h *binaryHeap[T]) len() int         { return len(h.items) }
func (h *binaryHeap[T]) all() iter.Seq[T] { return slices.Values(h.items) }

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
	if h.lull.after(last, cap(h.items)) {
		h.items = append(make([]T, 0, cap(h.items)/2), h.items...)
	}
	return item
}

// up moves the item at i towards the root, to its place.
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

// down moves the item at the root all the way to a leaf, along the lesser
// children, and from there up to its place. As it came from the bottom, it most
// likely belongs there, which saves the comparisons with it on the way down.
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
