package scenario

import "time"

// seconds is a span of virtual time; programs know whole seconds only.
func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// clock is the virtual time of one run. It starts at 0 and jumps to the next
// deadline when nothing is ready. When there is no deadline either, the loop is
// idle, and the clock asks it to stop, which ends a run of the language.
type clock struct {
	now  time.Time
	idle func() // stops the loop
}

// epoch is the time that programs call 0.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// at is the time that programs call n.
func at(n int64) time.Time { return epoch().Add(seconds(n)) }

// number is what programs call the time t.
func number(t time.Time) int64 { return int64(t.Sub(epoch()) / time.Second) }

func (c *clock) Now() time.Time { return c.now }

// Sleep moves the clock instead of waiting. Nothing outside the loop's own
// goroutine takes part in a program, so wake need not be listened to.
func (c *clock) Sleep(until time.Time, _ <-chan struct{}) {
	switch {
	case until.IsZero():
		c.idle()
	case until.After(c.now):
		c.now = until
	}
}
