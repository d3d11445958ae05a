package streams

import "sync"

// The sizes of blocks that are used again. Most connections have a message at most in
// their buffer; a busy one fills what one read takes from the kernel. A buffer that holds
// several of these has a block of two, four or eight times the size.
const (
	smallBlock = 4 << 10
	largeBlock = 64 << 10
)

// blocks are memory for the connections of one loop, to be used again. Any goroutine may
// use them.
type blocks struct{ small, large, two, four, eight sync.Pool }

// get returns a block of at least size bytes.
func (p *blocks) get(size int) []byte {
	switch {
	case size <= smallBlock:
		return blockOf[[smallBlock]byte](&p.small)[:]
	case size <= largeBlock:
		return blockOf[[largeBlock]byte](&p.large)[:]
	case size <= 2*largeBlock:
		return blockOf[[2 * largeBlock]byte](&p.two)[:]
	case size <= 4*largeBlock:
		return blockOf[[4 * largeBlock]byte](&p.four)[:]
	case size <= 8*largeBlock:
		return blockOf[[8 * largeBlock]byte](&p.eight)[:]
	}
	return make([]byte, size)
}

// blockOf takes a block out of a pool of arrays, or makes one.
func blockOf[Array any](pool *sync.Pool) *Array {
	if a, ok := pool.Get().(*Array); ok {
		return a
	}
	return new(Array)
}

// put takes a block back. Its length must be that with which get returned it.
func (p *blocks) put(block []byte) {
	switch len(block) {
	case smallBlock:
		p.small.Put((*[smallBlock]byte)(block))
	case largeBlock:
		p.large.Put((*[largeBlock]byte)(block))
	case 2 * largeBlock:
		p.two.Put((*[2 * largeBlock]byte)(block))
	case 4 * largeBlock:
		p.four.Put((*[4 * largeBlock]byte)(block))
	case 8 * largeBlock:
		p.eight.Put((*[8 * largeBlock]byte)(block))
	}
}

// A buffer holds bytes between their arrival and their use. It has memory only while it
// holds some.
type buffer struct {
	blocks     *blocks // where its memory comes from
	block      []byte
	start, end int
}

func (b *buffer) len() int { return b.end - b.start }

// bytes returns what the buffer holds. The slice is valid until the next change.
func (b *buffer) bytes() []byte { return b.block[b.start:b.end] }

// append adds p at the end.
func (b *buffer) append(p []byte) {
	b.grow(len(p))
	b.end += copy(b.block[b.end:], p)
}

// grow makes room for n bytes at the end. What it moves it moves seldom, so that many
// small appends take linear time.
func (b *buffer) grow(n int) {
	if b.end+n <= len(b.block) {
		return
	}
	held := b.len()
	if b.start > held && held+n <= len(b.block) {
		copy(b.block, b.bytes())
	} else {
		block := b.blocks.get(max(held+n, min(2*len(b.block), largeBlock), len(b.block)*3/2))
		copy(block, b.bytes())
		b.blocks.put(b.block)
		b.block = block
	}
	b.start, b.end = 0, held
}

// take replaces the contents of b, which must be empty, by those of other, which is empty
// afterwards.
func (b *buffer) take(other *buffer) {
	b.block, b.start, b.end = other.block, other.start, other.end
	other.block, other.start, other.end = nil, 0, 0
}

// move appends the contents of other, which is empty afterwards.
func (b *buffer) move(other *buffer) {
	if b.len() == 0 {
		b.clear()
		b.take(other)
		return
	}
	b.append(other.bytes())
	other.clear()
}

// discard removes the first n bytes.
func (b *buffer) discard(n int) {
	b.start += n
	if b.start == b.end {
		b.clear()
	}
}

// clear removes all bytes.
func (b *buffer) clear() {
	b.blocks.put(b.block)
	b.block, b.start, b.end = nil, 0, 0
}
