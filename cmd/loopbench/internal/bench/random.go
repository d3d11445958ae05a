package bench

import "time"

// Random is the generator that all peers use, so that all of them sort the same deadlines: Park and Miller's, whose
// products fit in the 53 bits that JavaScript counts with.
type Random struct{ state int64 }

// NewRandom starts the sequence over.
func NewRandom() *Random { return &Random{state: 42} }

// Fraction is the next number in (0, 1).
func (r *Random) Fraction() float64 {
	r.state = r.state * 16807 % 2147483647
	return float64(r.state) / 2147483647
}

// Between is the next duration from low to high.
func (r *Random) Between(low, high time.Duration) time.Duration {
	return low + time.Duration(r.Fraction()*float64(high-low))
}
