package timers

import "github.com/google/btree"

// degree of the tree: nodes of about a kilobyte, wide enough to keep a million
// timers four levels deep.
const degree = 32

// Heap is a set of deadlines: those with the same deadline are in the order in
// which they were pushed. What is removed is gone at once. See [NewHeap]; a Heap
// is not safe for concurrent use.
//
// Timers are cancelled far more often than they fire, and mostly soon. So a new
// entry waits in a list without order, the nursery, where adding and removing it
// costs next to nothing, and moves to a B-tree only when its place among the
// others matters: when one of the nursery may be due, or the earliest deadline is
// asked for. In the tree adding, removing and taking the first are O(log n).
//
// It is a B-tree and not a binary heap because a binary heap either keeps what is
// removed until it is due or must tell every entry, again and again, where it
// stands.
type Heap[T any] struct {
	tree    *btree.BTreeG[placed[T]]
	nursery []*Item[T]
	soonest int64 // no entry of the nursery is earlier
	seq     uint64
	// first is the earliest entry of the tree, if known: the loop asks for it in
	// every iteration, and walking down the tree for it would cost more than the
	// rest of the iteration.
	first   placed[T]
	isFirst bool
}

// Item is an entry of a [Heap], or one that has not been pushed. It may be part
// of what it stands for.
type Item[T any] struct {
	Value T
	when  int64
	seq   uint64
	place int // index in the nursery, or one of the following
}

const (
	nowhere = -1 - iota
	inTree
)

// placed is an entry in the tree: the key by value, so that walking down the
// tree does not visit the items.
type placed[T any] struct {
	when int64
	seq  uint64
	item *Item[T]
}

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

// When is the deadline that the item was pushed with last, in nanoseconds since
// whatever its user counts from.
func (i *Item[T]) When() int64 { return i.when }

// Push adds an item, which must not be in a heap, with a deadline.
func (h *Heap[T]) Push(item *Item[T], when int64) {
	h.seq++
	item.when, item.seq, item.place = when, h.seq, len(h.nursery)
	if len(h.nursery) == 0 || when < h.soonest {
		h.soonest = when
	}
	h.nursery = append(h.nursery, item)
}

// Remove takes the item out of the heap. It reports whether it was in it.
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
		last := len(h.nursery) - 1
		moved := h.nursery[last]
		h.nursery[item.place], moved.place = moved, item.place
		h.nursery[last] = nil
		h.nursery = h.nursery[:last]
	}
	item.place = nowhere
	return true
}

// settle moves the nursery into the tree.
func (h *Heap[T]) settle() {
	for i, item := range h.nursery {
		p := placed[T]{when: item.when, seq: item.seq, item: item}
		item.place = inTree
		if h.isFirst && before(p, h.first) {
			h.first = p
		}
		h.tree.ReplaceOrInsert(p)
		h.nursery[i] = nil
	}
	h.nursery = h.nursery[:0]
}

// Peek returns the earliest deadline, and false if the heap is empty.
func (h *Heap[T]) Peek() (when int64, ok bool) {
	h.settle()
	h.findFirst()
	return h.first.when, h.isFirst
}

// Soonest returns a time that no deadline is earlier than, and false if the heap is
// empty. Unlike [Heap.Peek] it leaves new entries where they are, and they cost next
// to nothing if they are removed before that time.
func (h *Heap[T]) Soonest() (when int64, ok bool) {
	h.findFirst()
	if len(h.nursery) > 0 && (!h.isFirst || h.soonest < h.first.when) {
		return h.soonest, true
	}
	return h.first.when, h.isFirst
}

func (h *Heap[T]) findFirst() {
	if !h.isFirst {
		h.first, h.isFirst = h.tree.Min()
	}
}

// PopDue takes out the earliest item if its deadline is not later than now.
func (h *Heap[T]) PopDue(now int64) (item *Item[T], ok bool) {
	if len(h.nursery) > 0 && h.soonest <= now {
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

// Len is the number of entries.
func (h *Heap[T]) Len() int {
	return h.tree.Len() + len(h.nursery)
}

// Clear removes everything.
func (h *Heap[T]) Clear() {
	h.tree.Ascend(func(p placed[T]) bool {
		p.item.place = nowhere
		return true
	})
	for _, item := range h.nursery {
		item.place = nowhere
	}
	h.tree.Clear(false)
	h.nursery = nil
	h.first, h.isFirst = placed[T]{}, false
}
