package timers

import (
	"fmt"
	"iter"

	"github.com/google/btree"
)

// degree is the degree of the tree. Its nodes take about a kilobyte, and a million
// timers make it four levels deep.
const degree = 32

// Heap is a priority queue of items with deadlines. Items with the same deadline keep
// the order in which they were pushed. Make one with [NewHeap]. Only one goroutine at a
// time may use a Heap.
//
// Most timers are cancelled long before they are due. So a new item first goes to an
// unsorted list, where adding and removing it costs next to nothing. It moves to a
// B-tree only when the order matters: when an unsorted item may be due, or when Peek
// asks for the earliest deadline. In the tree, adding an item, removing one and taking
// the first are O(log n).
//
// A binary heap would be simpler. But it either keeps a removed item until it is due, or
// has to tell its items each time that they move.
type Heap[T any] struct {
	tree     *btree.BTreeG[placed[T]]
	unsorted []*Item[T]
	soonest  int64 // no unsorted item is due earlier
	seq      uint64
	// first is the earliest entry of the tree, valid if isFirst is true. The loop asks
	// for it in every iteration; walking down the tree each time would cost more than
	// the rest of an iteration.
	first   placed[T]
	isFirst bool
}

// Item is an item of a [Heap]. The zero Item is in no heap. An Item may be a field of
// the struct that its Value points to: then a timer costs no further allocation.
type Item[T any] struct {
	Value T
	when  int64
	seq   uint64 // 0 if it was never pushed
	place int    // its index in unsorted, or nowhere, or inTree
}

const (
	nowhere = -1 - iota
	inTree
)

// placed is an entry of the tree. It has a copy of the item's key, so that walking down
// the tree does not touch the items' memory.
type placed[T any] struct {
	when int64
	seq  uint64
	item *Item[T]
}

// before is the order of the tree.
func before[T any](a, b placed[T]) bool {
	if a.when != b.when {
		return a.when < b.when
	}
	return a.seq < b.seq
}

// NewHeap returns an empty heap.
func NewHeap[T any]() *Heap[T] {
	return &Heap[T]{tree: btree.NewG(degree, before[T])}
}

// When returns the deadline that the item was last pushed with, in nanoseconds since the
// owner's epoch.
func (i *Item[T]) When() int64 { return i.when }

// Push adds an item with the deadline when, in nanoseconds since the owner's epoch. It
// panics if the item is in a heap ([ErrInvalidArgument]).
func (h *Heap[T]) Push(item *Item[T], when int64) {
	if item.seq != 0 && item.place != nowhere {
		panic(inHeap())
	}
	h.seq++
	item.when, item.seq, item.place = when, h.seq, len(h.unsorted)
	if len(h.unsorted) == 0 || when < h.soonest {
		h.soonest = when
	}
	h.unsorted = append(h.unsorted, item)
}

// inHeap is apart from Push because it is rare.
//
//go:noinline
func inHeap() error {
	return fmt.Errorf("timers: Heap.Push: the item is in a heap: %w", ErrInvalidArgument)
}

// Remove removes the item, and reports whether it was in the heap. The item must not be
// in another heap.
func (h *Heap[T]) Remove(item *Item[T]) bool {
	switch {
	case item.seq == 0 || item.place == nowhere:
		return false
	case item.place == inTree:
		if h.isFirst && h.first.item == item {
			h.first, h.isFirst = placed[T]{}, false
		}
		h.tree.Delete(placed[T]{when: item.when, seq: item.seq})
	default:
		last := len(h.unsorted) - 1
		moved := h.unsorted[last]
		h.unsorted[item.place], moved.place = moved, item.place
		h.unsorted[last] = nil
		h.unsorted = h.unsorted[:last]
	}
	item.place = nowhere
	return true
}

// settle moves the unsorted items to the tree.
func (h *Heap[T]) settle() {
	for i, item := range h.unsorted {
		p := placed[T]{when: item.when, seq: item.seq, item: item}
		item.place = inTree
		if h.isFirst && before(p, h.first) {
			h.first = p
		}
		h.tree.ReplaceOrInsert(p)
		h.unsorted[i] = nil
	}
	h.unsorted = h.unsorted[:0]
}

// Peek returns the earliest deadline, and false if the heap is empty.
func (h *Heap[T]) Peek() (when int64, ok bool) {
	h.settle()
	h.findFirst()
	return h.first.when, h.isFirst
}

// Soonest returns a lower bound for the earliest deadline, and false if the heap is
// empty. Unlike [Heap.Peek] it does not sort new items.
func (h *Heap[T]) Soonest() (when int64, ok bool) {
	h.findFirst()
	if len(h.unsorted) > 0 && (!h.isFirst || h.soonest < h.first.when) {
		return h.soonest, true
	}
	return h.first.when, h.isFirst
}

// findFirst sets first and isFirst, unless the tree is empty.
func (h *Heap[T]) findFirst() {
	if !h.isFirst {
		h.first, h.isFirst = h.tree.Min()
	}
}

// PopDue removes the earliest item and returns it if its deadline is not later than now.
// Otherwise it returns false.
func (h *Heap[T]) PopDue(now int64) (item *Item[T], ok bool) {
	if len(h.unsorted) > 0 && h.soonest <= now {
		h.settle()
	}
	h.findFirst()
	if !h.isFirst || h.first.when > now {
		return nil, false
	}
	item = h.first.item
	h.tree.DeleteMin()
	h.first, h.isFirst = placed[T]{}, false
	item.place = nowhere
	return item, true
}

// All yields the values of all items, by their deadlines. The heap must not change
// meanwhile.
func (h *Heap[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		h.settle()
		h.tree.Ascend(func(p placed[T]) bool { return yield(p.item.Value) })
	}
}

// Len returns the number of items.
func (h *Heap[T]) Len() int {
	return h.tree.Len() + len(h.unsorted)
}

// Clear removes all items.
func (h *Heap[T]) Clear() {
	h.tree.Ascend(func(p placed[T]) bool {
		p.item.place = nowhere
		return true
	})
	for _, item := range h.unsorted {
		item.place = nowhere
	}
	h.tree.Clear(false)
	h.unsorted = nil
	h.first, h.isFirst = placed[T]{}, false
}
