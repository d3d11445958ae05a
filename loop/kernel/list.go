package kernel

// List is a doubly linked list whose nodes contain their values: to add a node costs no
// allocation, and to remove one takes constant time. The zero List is empty.
//
// A list cannot tell whether a node is in it. Its owner must know.
type List[T any] struct {
	first, last *Node[T]
}

// Node is a value that can be in one [List] at a time.
type Node[T any] struct {
	Value      T
	prev, next *Node[T]
}

// First returns the first node, nil if the list is empty.
func (l *List[T]) First() *Node[T] { return l.first }

// Empty reports whether the list has no nodes.
func (l *List[T]) Empty() bool { return l.first == nil }

// Next returns the node after n, nil if n is the last one.
func (n *Node[T]) Next() *Node[T] { return n.next }

// PushBack appends n. It must not be in a list.
func (l *List[T]) PushBack(n *Node[T]) {
	n.prev = l.last
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
}

// Remove removes n. It must be in this list.
func (l *List[T]) Remove(n *Node[T]) {
	if n.prev == nil {
		l.first = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		l.last = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
}

// TakeAll empties the list and returns the node that was the first. The nodes are still
// linked: [Node.Detach] leads from one to the next.
func (l *List[T]) TakeAll() *Node[T] {
	first := l.first
	l.first, l.last = nil, nil
	return first
}

// Detach unlinks n, which TakeAll has taken from a list, and returns the node after it.
func (n *Node[T]) Detach() (next *Node[T]) {
	next = n.next
	n.prev, n.next = nil, nil
	return next
}
