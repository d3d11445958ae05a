package sync

import "github.com/goasyncio/asyncio/loop/kernel"

// ring is the items of a queue, in the order in which they were put.
type ring[T any] struct {
	kernel.Ring[T]
	quiet quiet
}

func (r *ring[T]) push(item T)  { r.Push(item) }
func (r *ring[T]) check() error { return nil }

// fit halves the buffer after a spike.
func (r *ring[T]) fit() {
	if r.quiet.after(r.Len(), r.Cap()) {
		r.Resize(r.Cap() / 2)
	}
}

// fifo is the store of a Queue.
type fifo[T any] struct{ ring[T] }

func (f *fifo[T]) kind() string { return "Queue" }

func (f *fifo[T]) pop() T {
	item := f.PopFront()
	f.fit()
	return item
}

// lifo is the store of a LifoQueue.
type lifo[T any] struct{ ring[T] }

func (l *lifo[T]) kind() string { return "LifoQueue" }

func (l *lifo[T]) pop() T {
	item := l.PopBack()
	l.fit()
	return item
}

// quiet counts the items that were taken from a buffer since it was more than an
// eighth full. When they are as many as it has room for, the buffer may be halved:
// after a spike it shrinks, while a queue that is filled and emptied again and again
// keeps its room.
type quiet int

// smallBuffer is the size up to which a buffer does not shrink.
const smallBuffer = 64

// after counts an item that was taken, with n left in a buffer for size. It reports
// whether the buffer is to be halved.
func (q *quiet) after(n, size int) bool {
	if n > size/8 || size <= smallBuffer {
		*q = 0
		return false
	}
	*q++
	if int(*q) < size {
		return false
	}
	*q = 0
	return true
}
