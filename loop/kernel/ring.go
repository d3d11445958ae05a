package kernel

import "iter"

// Ring is a double-ended queue in a buffer that doubles when it is full. The zero
// Ring is empty. It never shrinks by itself: see [Ring.Resize].
type Ring[T any] struct {
	buffer []T // its length is a power of two
	head   int // index of the first item
	n      int
}

// smallestRing is the length of a ring's first buffer.
const smallestRing = 8

// Push appends an item.
func (r *Ring[T]) Push(item T) {
	if r.n == len(r.buffer) {
		r.grow()
	}
	r.buffer[(r.head+r.n)&(len(r.buffer)-1)] = item
	r.n++
}

// PopFront takes the first item; there must be one.
func (r *Ring[T]) PopFront() T {
	var none T
	item := r.buffer[r.head]
	r.buffer[r.head] = none // the buffer must not keep it alive
	r.head = (r.head + 1) & (len(r.buffer) - 1)
	r.n--
	return item
}

// PopBack takes the last item; there must be one.
func (r *Ring[T]) PopBack() T {
	var none T
	place := &r.buffer[(r.head+r.n-1)&(len(r.buffer)-1)]
	item := *place
	*place = none
	r.n--
	return item
}

// Front returns the first item; there must be one.
func (r *Ring[T]) Front() T { return r.buffer[r.head] }

// Len is the number of items.
func (r *Ring[T]) Len() int { return r.n }

// Cap is the number of items that there is room for.
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

// grow is Resize for a full buffer. It is small enough for Push to be inlined.
func (r *Ring[T]) grow() {
	buffer := make([]T, max(smallestRing, 2*len(r.buffer)))
	n := copy(buffer, r.buffer[r.head:])
	copy(buffer[n:], r.buffer[:r.head])
	r.buffer, r.head = buffer, 0
}

// Resize gives the ring room for size items, which must be enough, and 0 or a
// power of two.
func (r *Ring[T]) Resize(size int) {
	buffer := make([]T, size)
	n := copy(buffer, r.buffer[r.head:min(r.head+r.n, len(r.buffer))])
	copy(buffer[n:], r.buffer[:r.n-n])
	r.buffer, r.head = buffer, 0
}
