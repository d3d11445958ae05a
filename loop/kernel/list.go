package kernel

// List is a doubly linked list whose nodes contain their values, so that being in
// it costs no allocation and leaving it takes constant time. The zero List is
// empty.
//
// A list does not know which nodes are in it: its user does.
type List[T any] struct {
	first, last *Node[T]
}

// Node is a value that can be in one [List] at a time.
type Node[T any] struct {
	Value      T
	prev, next *Node[T]
}

// First is the node at the front, nil if the list is empty.
func (l *List[T]) First() *Node[T] { return l.first }

// Empty reports whether nothing is in the list.
func (l *List[T]) Empty() bool { return l.first == nil }

// Next is the node behind n in its list, nil if n is the last one.
func (n *Node[T]) Next() *Node[T] { return n.next }

// PushBack appends n, which must not be in a list.
func (l *List[T]) PushBack(n *Node[T]) {
	n.prev = l.last
	if l.last == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
}

// Remove takes n out, which must be in this list.
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

// TakeAll empties the list and returns what was its first node. The caller walks
// on with [Node.Detach].
func (l *List[T]) TakeAll() *Node[T] {
	first := l.first
	l.first, l.last = nil, nil
	return first
}

// Detach cuts n off from the nodes that were taken together with it, and returns
// the one behind it.
func (n *Node[T]) Detach() (next *Node[T]) {
	next = n.next
	n.prev, n.next = nil, nil
	return next
}
