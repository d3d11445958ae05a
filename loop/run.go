package loop

import (
	"runtime"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// RunForever runs the loop on the calling goroutine until it is stopped:
// asyncio's run_forever. It returns nil then, or the fatal error that ended the
// run (see [IsFatal]), after which the loop can be run again. The error matches
// [ErrClosed] if the loop is closed, and [ErrRunning] if it is running or if the
// caller is itself run by a loop.
func (l *Loop) RunForever() error {
	return l.run("RunForever", (*kernel.Kernel).Run)
}

// Poll runs one iteration of the loop, without sleeping, on the calling
// goroutine. It is for programs that have a main loop of their own. It returns
// when the next iteration is due, which is now if something is ready, and false
// if nothing is scheduled. The error is as that of RunForever.
func (l *Loop) Poll() (next time.Time, ok bool, err error) {
	if err := l.run("Poll", (*kernel.Kernel).RunOnce); err != nil {
		return time.Time{}, false, err
	}
	next, ok = l.kernel.Next()
	return next, ok, nil
}

func (l *Loop) run(operation string, run func(*kernel.Kernel) (raised error, goexit bool)) error {
	k := l.kernel
	switch {
	case k.IsClosed():
		return misuse(operation, ErrClosed)
	case k.IsRunning():
		return misuse(operation, ErrRunning)
	case kernel.OnLoop():
		return misuse(operation+": another loop runs the caller", ErrRunning)
	case !k.Begin():
		return misuse(operation, ErrRunning)
	}
	defer k.End()
	raised, goexit := run(k)
	if goexit {
		runtime.Goexit()
	}
	return raised
}
