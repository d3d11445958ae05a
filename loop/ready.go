package loop

// ring is the ready queue: handles first in, first out, in a buffer that
// doubles when it is full. Its length is a power of two. It keeps its size when
// it empties, since a loop that was busy once will be busy again, except that a
// very large one is given up (see shrink).
type ring struct {
	buffer []*Handle
	head   int // index of the first handle
	n      int
}

const (
	smallRing = 64
	largeRing = 1 << 16
)

func (r *ring) push(h *Handle) {
	if r.n == len(r.buffer) {
		r.grow()
	}
	r.buffer[(r.head+r.n)&(len(r.buffer)-1)] = h
	r.n++
}

// pop takes the first handle; there must be one.
func (r *ring) pop() *Handle {
	h := r.buffer[r.head]
	r.buffer[r.head] = nil
	r.head = (r.head + 1) & (len(r.buffer) - 1)
	r.n--
	return h
}

// peek returns the first handle; there must be one.
func (r *ring) peek() *Handle {
	return r.buffer[r.head]
}

func (r *ring) grow() {
	larger := make([]*Handle, max(smallRing, 2*len(r.buffer)))
	n := copy(larger, r.buffer[r.head:])
	copy(larger[n:], r.buffer[:r.head])
	r.buffer, r.head = larger, 0
}

// shrink gives the buffer of an empty ring back if it is very large: called
// when the loop idles, so that one burst does not keep its memory for ever.
func (r *ring) shrink() {
	if r.n == 0 && len(r.buffer) > largeRing {
		r.buffer, r.head = nil, 0
	}
}
