package check

import (
	"strings"
	"testing"
)

// Steps notes in which order things happen.
type Steps []string

// Add notes a step.
func (s *Steps) Add(name string) { *s = append(*s, name) }

// Of returns a callback that notes its name.
func (s *Steps) Of(name string) func() {
	return func() { s.Add(name) }
}

// Check checks that these steps have happened, in this order.
func (s *Steps) Check(t testing.TB, want ...string) {
	t.Helper()
	if got := strings.Join(*s, " "); got != strings.Join(want, " ") {
		t.Errorf("it went: %s\nwant: %s", got, strings.Join(want, " "))
	}
}
