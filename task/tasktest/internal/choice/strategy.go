package choice

// A Strategy proposes runs, one after the other.
type Strategy interface {
	// Next returns what the next run is. It reports false if there is none left, or if that
	// depends on runs that the strategy has not learned of.
	Next() (run Token, ok bool)
	// Learn tells the strategy which decisions a run has taken. The runs are told of in the
	// order of Next.
	Learn(run Token, taken []Taken)
}

// Seed is the token of a seed of [Random].
func Seed(seed uint64) Token { return Token{Seed: seed} }

// Seeds proposes random runs: those of [Random] and [PCT].
type Seeds struct{ next Token }

// Random returns a strategy whose runs decide at random.
func Random(seed uint64) *Seeds { return &Seeds{Seed(seed)} }

// PCT returns a strategy whose runs give the tasks priorities, and change them at depth-1
// decisions.
func PCT(depth int, seed uint64) *Seeds { return &Seeds{Token{Depth: depth, Seed: seed}} }

// Next returns the next seed.
func (s *Seeds) Next() (run Token, ok bool) {
	run = s.next
	s.next.Seed++
	return run, true
}

// Learn does nothing: the next seed does not depend on it.
func (*Seeds) Learn(Token, []Taken) {}
