package kernel

import "iter"

// Ring is a queue in a buffer whose size doubles when it is full, and shrinks only by
// [Ring.Resize]. Items can also be taken from its end. The zero Ring is empty.
type Ring[T any] struct {
	buffer []T // its length is 0 or a power of two
	head   int // index of the first item
	n      int // number of items
}

// smallestRing is the length of the first buffer.
const smallestRing = 8

// Push appends an item.
func (r *Ring[T]) Push(item T) {
	if r.n == len(r.buffer) {
		r.grow()
	}
	r.buffer[(r.head+r.n)&(len(r.buffer)-1)] = item
	r.n++
}

// PushFront inserts an item before the first one.
func (r *Ring[T]) PushFront(item T) {
	if r.n == len(r.buffer) {
		r.grow()
	}
	r.head = (r.head - 1) & (len(r.buffer) - 1)
	r.buffer[r.head] = item
	r.n++
}

// PopFront removes the first item and returns it. There must be one.
func (r *Ring[T]) PopFront() T {
	var none T
	item := r.buffer[r.head]
	r.buffer[r.head] = none // or the buffer would keep the item alive
	r.head = (r.head + 1) & (len(r.buffer) - 1)
	r.n--
	return item
}

// PopBack removes the last item and returns it. There must be one.
func (r *Ring[T]) PopBack() T {
	var none T
	place := &r.buffer[(r.head+r.n-1)&(len(r.buffer)-1)]
	item := *place
	*place = none
	r.n--
	return item
}

// Front returns the first item. There must be one.
func (r *Ring[T]) Front() T { return r.buffer[r.head] }

// Len returns the number of items.
func (r *Ring[T]) Len() int { return r.n }

// Cap returns the number of items that the buffer has room for.
func (r *Ring[T]) Cap() int { return len(r.buffer) }

// All yields the items from the first to the last.
func (r *Ring[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range r.n {
			if !yield(r.buffer[(r.head+i)&(len(r.buffer)-1)]) {
				return
			}
		}
	}
}

// grow doubles a full buffer. It is apart from Resize so that Push can be inlined.
func (r *Ring[T]) grow() {
	buffer := make([]T, max(smallestRing, 2*len(r.buffer)))
	n := copy(buffer, r.buffer[r.head:])
	copy(buffer[n:], r.buffer[:r.head])
	r.buffer, r.head = buffer, 0
}

// Resize gives the ring a buffer for size items. The size must be 0 or a power of two,
// and not less than Len.
func (r *Ring[T]) Resize(size int) {
	buffer := make([]T, size)
	n := copy(buffer, r.buffer[r.head:min(r.head+r.n, len(r.buffer))])
	copy(buffer[n:], r.buffer[:r.n-n])
	r.buffer, r.head = buffer, 0
}
