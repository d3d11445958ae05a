package bench

import "time"

// Random is the random number generator that all peers use, so that all of them sort the same deadlines. It is Park and
// Miller's, whose products fit into the 53 bits of JavaScript's numbers.
type Random struct{ state int64 }

// NewRandom returns a generator at the start of the sequence.
func NewRandom() *Random { return &Random{state: 42} }

// Fraction returns the next number, between 0 and 1.
func (r *Random) Fraction() float64 {
	r.state = r.state * 16807 % 2147483647
	return float64(r.state) / 2147483647
}

// Between returns the next duration, from low to high.
func (r *Random) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(r.Fraction()*float64(high-low))
}
