package sync

import "iter"

// ring is a double-ended queue in a buffer whose size is a power of two. It doubles
// when it is full, and halves after a lull, so that adding and taking an item are
// O(1) on average.
type ring[T any] struct {
	buf  []T
	head int // index of the first item
	n    int
	lull lull
}

const smallestRing = 8

// at returns the place of the i-th item.
func (r *ring[T]) at(i int) *T {
	return &r.buf[(r.head+i)&(len(r.buf)-1)]
}

func (r *ring[T]) push(item T) {
	if r.n == len(r.buf) {
		r.resize(max(smallestRing, 2*r.n))
	}
	r.n++
	*r.at(r.n - 1) = item
}

func (r *ring[T]) popFront() T {
	item := r.take(0)
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.shrink()
	return item
}

func (r *ring[T]) popBack() T {
	item := r.take(r.n - 1)
	r.shrink()
	return item
}

// take clears the i-th place, so that the buffer does not keep the item alive.
func (r *ring[T]) take(i int) T {
	var none T
	place := r.at(i)
	item := *place
	*place = none
	r.n--
	return item
}

func (r *ring[T]) shrink() {
	if r.lull.after(r.n, len(r.buf)) {
		r.resize(len(r.buf) / 2)
	}
}

func (r *ring[T]) resize(size int) {
	buf := make([]T, size)
	for i := range r.n {
		buf[i] = *r.at(i)
	}
	r.buf, r.head = buf, 0
}

func (r *ring[T]) len() int {
	return r.n
}

func (r *ring[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range r.n {
			if !yield(*r.at(i)) {
				return
			}
		}
	}
}

func (r *ring[T]) check() error { return nil }

// fifo is the store of a Queue.
type fifo[T any] struct{ ring[T] }

func (f *fifo[T]) kind() string { return "Queue" }
func (f *fifo[T]) pop() T       { return f.popFront() }

// lifo is the store of a LifoQueue.
type lifo[T any] struct{ ring[T] }

func (l *lifo[T]) kind() string { return "LifoQueue" }
func (l *lifo[T]) pop() T       { return l.popBack() }
