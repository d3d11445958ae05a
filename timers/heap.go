package timers

import "github.com/google/btree"

// degree of the tree: nodes of about a kilobyte, wide enough to keep a million
// timers four levels deep.
const degree = 32

// A Key orders the entries of a [Heap]: by deadline, and by the order of
// insertion where deadlines are equal. It also names an entry for Remove.
type Key struct {
	// When is the deadline, in nanoseconds since whatever its user counts from.
	When int64
	seq  uint64
}

// Heap is a set of deadlines with a value each. Push, Remove and taking the
// first are O(log n), and what is removed is gone at once. The zero Heap is not
// usable; see [NewHeap]. It is not safe for concurrent use.
//
// It is a B-tree and not a binary heap because a timer is cancelled far more
// often than it fires: in a tree a cancelled timer leaves at once, while a
// binary heap either keeps it until it is due or must tell every entry where
// it stands.
type Heap[T any] struct {
	tree *btree.BTreeG[entry[T]]
	seq  uint64
	// first is the earliest entry, if known: the loop asks for it in every
	// iteration, and walking down the tree for it would cost more than the
	// rest of the iteration.
	first   entry[T]
	isFirst bool
}

type entry[T any] struct {
	key   Key
	value T
}

func before[T any](a, b entry[T]) bool {
	if a.key.When != b.key.When {
		return a.key.When < b.key.When
	}
	return a.key.seq < b.key.seq
}

// NewHeap returns an empty heap.
func NewHeap[T any]() *Heap[T] {
	return &Heap[T]{tree: btree.NewG(degree, before[T])}
}

// Push adds a value with a deadline and returns the key that removes it.
func (h *Heap[T]) Push(when int64, value T) Key {
	h.seq++
	e := entry[T]{key: Key{When: when, seq: h.seq}, value: value}
	if h.isFirst && before(e, h.first) || h.tree.Len() == 0 {
		h.first, h.isFirst = e, true
	}
	h.tree.ReplaceOrInsert(e)
	return e.key
}

// Remove takes out the entry of that key. It reports whether there was one.
func (h *Heap[T]) Remove(key Key) bool {
	if h.isFirst && h.first.key == key {
		h.first, h.isFirst = entry[T]{}, false
	}
	_, ok := h.tree.Delete(entry[T]{key: key})
	return ok
}

// Peek returns the earliest deadline, and false if the heap is empty.
func (h *Heap[T]) Peek() (when int64, ok bool) {
	if !h.isFirst {
		h.first, h.isFirst = h.tree.Min()
	}
	return h.first.key.When, h.isFirst
}

// PopDue takes out the earliest entry if its deadline is not later than now.
func (h *Heap[T]) PopDue(now int64) (value T, ok bool) {
	when, any := h.Peek()
	if !any || when > now {
		return value, false
	}
	value = h.first.value
	h.tree.DeleteMin()
	h.first, h.isFirst = entry[T]{}, false
	return value, true
}

// Len is the number of entries.
func (h *Heap[T]) Len() int {
	return h.tree.Len()
}

// Clear removes everything.
func (h *Heap[T]) Clear() {
	h.tree.Clear(false)
	h.first, h.isFirst = entry[T]{}, false
}
