package monitor

import (
	"bytes"
	"context"
	"runtime/pprof"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// waitsForNobody is a coroutine that awaits a future to which nobody else refers.
//
//go:noinline
func waitsForNobody(ctx context.Context) error { return forever(ctx) }

// A goroutine that the profile has marked as leaked must never be woken: the runtime ends
// the process then. A monitor refers to its loops, so that none of theirs is marked.
func TestLeakProfileDoesNotMarkAMonitoredLoop(t *testing.T) {
	leaks := pprof.Lookup("goroutineleak")
	if leaks == nil {
		t.Skip("there is no goroutineleak profile: it takes Go 1.27, or 1.26 with GOEXPERIMENT=goroutineleakprofile")
	}
	st := newStage(t, func(ctx context.Context) {
		task.Go(ctx, waitsForNobody, task.Name("lonely"))
		iterations(ctx, 2)
	})
	st.loop = nil // only the monitor has it
	for range 2 {
		var text bytes.Buffer
		check.NoError(t, leaks.WriteTo(&text, 1))
		if bytes.Contains(text.Bytes(), []byte("waitsForNobody")) {
			t.Errorf("the profile has a goroutine of a monitored loop:\n%s", text.Bytes())
		}
		for _, l := range st.m.Loops() {
			answer := make(chan struct{})
			_, err := l.CallSoonThreadsafe(func() { close(answer) })
			check.NoError(t, err)
			<-answer
		}
		check.Equal(t, "tasks", st.tasks(Query{}).named(t, "lonely").State, StateWaiting)
	}
	_, err := st.m.Stuck(t.Context())
	check.NoError(t, err)
}
