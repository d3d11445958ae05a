package tasktest

import (
	"context"
	"fmt"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// Fuzz makes a fuzz test of fn, whose bytes are the decisions of a schedule: see [Explore].
// So go test -fuzz looks for schedules that run code which no other one has run. Asyncio's own
// order is what no bytes at all stand for, and is tried first.
func Fuzz(f *testing.F, fn func(ctx context.Context, t *T), opts ...Option) {
	f.Helper()
	s := newSettings(opts)
	mayRun(f, "Fuzz", fn)
	s.site, s.tag = callSite(), s.label(f)
	f.Add([]byte(nil))
	defer s.checkGoroutines(f)
	f.Fuzz(func(t *testing.T, data []byte) { // the fuzzer's own goroutines have no label
		t.Helper()
		defer s.giveLabel(t)()
		newSearch(t, fn, s).fuzz(data)
	})
}

// fuzz makes the run that the bytes stand for. A failing one is not made simpler here: the
// fuzzer does that with the bytes.
func (x *search) fuzz(data []byte) {
	x.t.Helper()
	source := choice.Bytes(data)
	o := x.once(&source, false)
	s := choice.ScheduleOf(o.taken)
	switch {
	case o.skipped:
		x.skip(s)
	case o.failure == nil:
		return
	}
	loud := x.once(s.Replay(), true)
	if loud.failure == nil {
		x.notDeterministic(s, o.failure)
	}
	fmt.Fprintf(x.t.Output(), "the schedule of these bytes. %s\n", x.deviations(loud))
	x.showDeviations(loud)
	x.t.FailNow()
}
