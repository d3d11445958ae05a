package examples

import (
	"expvar"

	"github.com/goasyncio/asyncio/loop"
)

// Publish shows the statistics of a loop under a name at /debug/vars. Durations are in
// nanoseconds.
func Publish(name string, l *loop.Loop) {
	expvar.Publish(name, expvar.Func(func() any { return l.Stats() }))
}
