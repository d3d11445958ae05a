package choice

// Bytes is a source that takes its decisions from a fuzzer's bytes, and makes no deviation
// when they run out.
type Bytes []byte

// Choose takes as many bytes as the number of values needs.
func (b *Bytes) Choose(p Point) int {
	v := 0
	for n := p.N - 1; n > 0; n >>= 8 {
		v = v<<8 | b.next()
	}
	return v % p.N
}

func (b *Bytes) next() int {
	if len(*b) == 0 {
		return 0
	}
	v := (*b)[0]
	*b = (*b)[1:]
	return int(v)
}
