package tasktest

import (
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

// NewLoop returns a loop on a virtual clock, for tests that run it themselves. It is closed at
// the end of the test. A run in which nothing can happen any more fails the test and is
// stopped.
func NewLoop(t testing.TB, opts ...Option) (*loop.Loop, *timers.Virtual) {
	t.Helper()
	r := newRun(t, newSettings(opts))
	r.makeLoop()
	t.Cleanup(func() {
		if err := r.loop.Close(); err != nil {
			t.Errorf("tasktest: NewLoop: %v", err)
		}
	})
	return r.loop, r.clock
}
