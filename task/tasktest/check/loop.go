package check

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// RunOn runs main as a task of a loop, and checks that the run ends well.
func RunOn(t testing.TB, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	NoError(t, err)
}

// SlowIdentity says that a loop cannot afford to find out who calls it, as on all but the most
// common processors: then it checks only awaits and what makes tasks, unless in debug mode.
const SlowIdentity = runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64"

// ForeignCalls makes a loop refuse all calls of foreign goroutines, by debug mode if need be.
func ForeignCalls(l *loop.Loop) *loop.Loop {
	if SlowIdentity {
		l.SetDebug(true)
	}
	return l
}

// Asleep returns a channel that is closed when the loop of a clock has nothing to do. The
// loop then sleeps until somebody wakes it, whatever its timers say. That happens once.
func Asleep(c *timers.Virtual) <-chan struct{} {
	asleep := make(chan struct{})
	var once sync.Once
	c.SetIdle(func(_ time.Time, wake <-chan struct{}) (jump bool) {
		jump = true
		once.Do(func() {
			close(asleep)
			<-wake
			jump = false
		})
		return jump
	})
	return asleep
}
