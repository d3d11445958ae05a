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
// the flavour "loop" is what looking costs. Who looks from time to time has set a timer, and
// a process with one pays for that at each switch of goroutines, since the scheduler of Go
// then looks at the clock: the flavour "loop-timer" is that alone.
func Observed() []Flavour {
	return []Flavour{
		{Name: "loop-timer", What: "this module, while a Go timer is set", setUp: setTimer},
		{Name: "loop-stats", What: "this module, with Loop.Stats 10 times a second", setUp: readStats},
		{Name: "loop-watch", What: "this module, watched by a monitor", setUp: watch},
		{Name: "loop-labels", What: "this module, with pprof labels", setUp: func(l *loop.Loop) func() {
			tracing.Install(l, tracing.Options{Labels: true})
			return func() {}
		}},
		{Name: "loop-trace", What: "this module, while an execution trace is taken", alone: true, setUp: traced},
	}
}

func setTimer(l *loop.Loop) (stop func()) {
	var t *time.Timer
	l.CallSoon(func() { t = time.NewTimer(time.Hour) }) // on the processor that the loop uses
	return func() { t.Stop() }
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
