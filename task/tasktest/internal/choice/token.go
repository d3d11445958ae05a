package choice

import (
	"fmt"
	"strconv"
	"strings"
)

// A Token names a run: by a seed, as in "17", by a seed of PCT and its depth, as in "p3.17",
// or by a schedule, as in "@2.2,5.1".
type Token struct {
	Depth    int // of PCT, otherwise 0
	Seed     uint64
	Schedule Schedule
	exact    bool // it is a schedule
}

// ParseToken reads a token.
func ParseToken(text string) (Token, error) {
	if strings.HasPrefix(text, "@") {
		s, err := ParseSchedule(text)
		return Token{Schedule: s, exact: true}, err
	}
	var t Token
	seed := text
	if rest, ok := strings.CutPrefix(text, "p"); ok {
		depth, after, _ := strings.Cut(rest, ".")
		var err error
		if t.Depth, err = strconv.Atoi(depth); err != nil || t.Depth < 1 {
			return t, noToken(text)
		}
		seed = after
	}
	var err error
	if t.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
		return t, noToken(text)
	}
	return t, nil
}

func noToken(text string) error {
	return fmt.Errorf("%q is no token: it must be like 17, p3.17, or @2.2,5.1", text)
}

// Exact reports whether the token is a schedule. Then its source is a [*Replay].
func (t Token) Exact() bool { return t.exact }

// String is the inverse of ParseToken.
func (t Token) String() string {
	switch {
	case t.exact:
		return t.Schedule.String()
	case t.Depth > 0:
		return fmt.Sprintf("p%d.%d", t.Depth, t.Seed)
	}
	return strconv.FormatUint(t.Seed, 10)
}

// Source returns the source of the run. The default run makes that many decisions.
func (t Token) Source(decisions int) Source {
	switch {
	case t.exact:
		return t.Schedule.Replay()
	case t.Depth > 0:
		return newPCT(t.Depth, t.Seed, decisions)
	}
	return newRandom(t.Seed)
}
