package scenario

import (
	"runtime"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// seconds is a span of virtual time; programs know whole seconds only.
func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// clock is the virtual time of one run. It starts at 0 and jumps to the next
// deadline when nothing is ready. When there is no deadline either, the loop is
// idle, and the clock asks it to stop, which ends a run of the language.
type clock struct {
	mu   sync.Mutex
	now  time.Time
	idle func() // stops the loop
	lent *lent  // nil unless others take the loop's baton
}

// epoch is the time that programs call 0.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// at is the time that programs call n.
func at(n int64) time.Time { return epoch().Add(seconds(n)) }

// number is what programs call the time t.
func number(t time.Time) int64 { return int64(t.Sub(epoch()) / time.Second) }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep moves the clock instead of waiting. Nothing outside the loop's own goroutine takes
// part in a program, so wake need not be listened to, unless the baton is lent.
func (c *clock) Sleep(until time.Time, wake <-chan struct{}) {
	if until.IsZero() {
		c.idle()
		return
	}
	if until.After(c.Now()) {
		c.mu.Lock()
		c.now = until
		c.mu.Unlock()
	}
	if c.lent != nil {
		c.lent.take(wake)
	}
}

// lent has the baton of a sleeping loop taken by another goroutine.
type lent struct {
	kernel *kernel.Kernel
	event  kernel.Handle
}

func newLent(k *kernel.Kernel) *lent {
	l := &lent{kernel: k}
	l.event.Init(kernel.Internal, l)
	return l
}

// take posts an event on another goroutine, and sleeps on until the loop is woken, or sleeps
// again.
func (l *lent) take(wake <-chan struct{}) {
	posted := make(chan struct{})
	go func() {
		l.kernel.Post(&l.event)
		close(posted)
	}()
	<-posted
	for !l.kernel.Pulse().Asleep {
		select {
		case <-wake:
			return
		default:
			runtime.Gosched() // a task runs
		}
	}
}

// Run is the event, which has no effect but the iteration that it begins.
func (*lent) Run() {}
