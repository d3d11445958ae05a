package onloop

import (
	"fmt"
	"io"
	"runtime/trace"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tracing"
)

// Observed returns the flavours of a loop that somebody looks at. What they cost more than
// the flavour "loop" is what looking costs.
func Observed() []Flavour {
	return []Flavour{
		{Name: "loop-stats", What: "this module, with Loop.Stats 10 times a second", setUp: readStats},
		{Name: "loop-watch", What: "this module, watched by a monitor", setUp: watch},
		{Name: "loop-labels", What: "this module, with pprof labels", setUp: func(l *loop.Loop) func() {
			tracing.Install(l, tracing.Options{Labels: true})
			return func() {}
		}},
		{Name: "loop-trace", What: "this module, while an execution trace is taken", setUp: traced},
	}
}

func readStats(l *loop.Loop) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			l.Stats()
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

func watch(l *loop.Loop) (stop func()) {
	m := monitor.New()
	if err := m.Attach(l); err != nil {
		panic(err)
	}
	return func() { m.Close() }
}

func traced(l *loop.Loop) (stop func()) {
	if err := trace.Start(io.Discard); err != nil {
		panic(fmt.Errorf("an execution trace is being taken already: %w", err))
	}
	tracing.Install(l, tracing.Options{Trace: true})
	return trace.Stop
}
