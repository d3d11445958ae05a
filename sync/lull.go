package sync

// lull counts the items that were taken from a buffer since it was more than an
// eighth full. When they are as many as it has room for, it may be halved: a queue
// that is filled and emptied again and again keeps its room, one that once had a
// bad day does not keep it for ever.
type lull int

// after is told of each item that is taken, with n left in a buffer for size. It
// reports whether the buffer is to be halved.
func (l *lull) after(n, size int) bool {
	if n > size/8 || size <= 8*smallestRing {
		*l = 0
		return false
	}
	*l++
	if int(*l) < size {
		return false
	}
	*l = 0
	return true
}
