package loop

import (
	"runtime"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// RunForever runs the loop on the calling goroutine until it is stopped. It may be run
// again afterwards.
//
// RunForever returns nil if the loop was stopped, and the fatal error if one ended the
// run: see [IsFatal]. The error matches [ErrClosed] if the loop is closed, and
// [ErrRunning] if it is running or the caller is itself a task or callback of a loop.
//
// Any goroutine may call it. It is asyncio's run_forever.
func (l *Loop) RunForever() error {
	return l.run("RunForever", (*kernel.Kernel).Run)
}

// Poll runs one iteration of the loop on the calling goroutine, without sleeping. It is
// for programs with a main loop of their own.
//
// The result next is when the loop has something to do again, by its own clock; ok is
// false if nothing is scheduled. The error is that of RunForever.
//
// Any goroutine may call it. asyncio has nothing of the kind.
func (l *Loop) Poll() (next time.Time, ok bool, err error) {
	err = l.run("Poll", func(k *kernel.Kernel) (raised error, goexit bool) {
		raised, goexit = k.RunOnce()
		if raised == nil && !goexit {
			next, ok = k.Next() // before the run ends, and another goroutine may close the loop
		}
		return raised, goexit
	})
	return next, ok, err
}

// run is what RunForever and Poll have in common. If a task has called runtime.Goexit,
// so does run: the caller must not go on as if the task had returned.
func (l *Loop) run(operation string, run func(*kernel.Kernel) (raised error, goexit bool)) error {
	k := l.kernel
	switch {
	case k.IsClosed():
		return misuse(operation, ErrClosed)
	case k.IsRunning():
		return misuse(operation, ErrRunning)
	case kernel.OnLoop():
		return misuse(operation+": another loop runs the caller", ErrRunning)
	case !k.Begin(): // another goroutine was faster
		if k.IsClosed() {
			return misuse(operation, ErrClosed)
		}
		return misuse(operation, ErrRunning)
	}
	defer k.End()
	raised, goexit := run(k)
	if goexit {
		runtime.Goexit()
	}
	k.Age()
	return raised
}
