package tasktest

import (
	"context"
	"maps"
	"slices"
	"testing"
)

// Table calls fn for each case, as [Run] does: in a parallel subtest that has the name of the
// case, and on a loop of its own. The subtests begin in the order of their names. It fails the
// test if there are no cases, and panics if fn is nil (loop.ErrNilFunc).
func Table[C any](t *testing.T, cases map[string]C, fn func(ctx context.Context, t *T, c C), opts ...Option) {
	notNil("Table", fn == nil)
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("tasktest: Table: there are no cases")
	}
	opts = append([]Option{calledAt(callSite())}, opts...)
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Run(t, func(ctx context.Context, t *T) { fn(ctx, t, cases[name]) }, opts...)
		})
	}
}

// calledAt is the option that the test was called there, for tests in subtests.
func calledAt(site string) Option { return func(s *settings) { s.site = site } }
