package task

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// WithTimeout runs body, and cancels what it awaits once d has passed: asyncio's
// timeout. If the cancellation comes out of body, WithTimeout returns an error
// that matches [future.ErrTimeout] in its place; any other result of body is
// returned as it is. [Forever] is no timeout; a d that is not positive expires
// at the first await that suspends.
//
// To ask whether the time was over, compare with context.DeadlineExceeded:
//
//	errors.Is(err, context.DeadlineExceeded)
//
// That is true of all timeouts: of this one, of [WaitFor], of [AsCompleted] with
// [Within], and of contexts with a deadline. A [*future.TimeoutError] says how long
// it was.
//
// The body runs in the calling task. Its context is done when the time is over
// or body returns.
func WithTimeout(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error {
	l, ok := loop.FromContext(ctx)
	if !ok {
		return fmt.Errorf("task: WithTimeout: %w", future.ErrNoTask)
	}
	return newTimeout(l, d).Run(ctx, body)
}

// WithTimeoutAt is WithTimeout with a deadline by the loop's clock: asyncio's
// timeout_at. The zero time is no deadline.
func WithTimeoutAt(ctx context.Context, when time.Time, body func(ctx context.Context) error) error {
	return NewTimeoutAt(when).Run(ctx, body)
}

// Timeout is a timeout that can be rescheduled while it runs: asyncio's Timeout.
// See [NewTimeout]. Call its methods only from tasks and callbacks of one loop.
type Timeout struct {
	when     time.Time
	allowed  time.Duration // from its start to when; 0 if it has not begun to count
	task     *sched.Task
	requests int32 // of the task, on entry
	state    timeoutState
	alarm    *alarm
	first    alarm // saves an allocation: most timeouts are scheduled once
	scope    sched.Scope
}

type timeoutState uint8

const (
	timeoutCreated timeoutState = iota
	timeoutActive
	timeoutExpiring
	timeoutExpired
	timeoutFinished
)

func (s timeoutState) String() string {
	return [...]string{"created", "active", "expiring", "expired", "finished"}[s]
}

// NewTimeout returns a timeout that expires d from now, by the clock of the loop
// that ctx carries. It panics if ctx carries none.
func NewTimeout(ctx context.Context, d time.Duration) *Timeout {
	return newTimeout(loop.Running(ctx), d)
}

func newTimeout(l *loop.Loop, d time.Duration) *Timeout {
	if d == Forever {
		return &Timeout{}
	}
	return &Timeout{when: l.Time().Add(d), allowed: d}
}

// NewTimeoutAt returns a timeout with that deadline by the loop's clock; the zero
// time is none.
func NewTimeoutAt(when time.Time) *Timeout {
	return &Timeout{when: when}
}

// Run runs body under the timeout, once: see [WithTimeout]. The error matches
// [ErrTimeoutState] if it was run before.
func (t *Timeout) Run(ctx context.Context, body func(ctx context.Context) error) error {
	task, err := mayAwait(ctx, "Timeout.Run")
	switch {
	case err != nil:
		return err
	case body == nil:
		return fmt.Errorf("task: Timeout.Run: %w", loop.ErrNilFunc)
	case t.state != timeoutCreated:
		return fmt.Errorf("task: %v has already been entered: %w", t, ErrTimeoutState)
	}
	t.task, t.requests = task, int32(task.Cancelling())
	t.state = timeoutActive
	t.scope.Enter(ctx)
	t.schedule()
	returned := false
	defer func() {
		if !returned { // a panic goes on its way, the timeout is over all the same
			_ = t.exit(nil)
		}
	}()
	err = body(&t.scope)
	returned = true
	return t.exit(err)
}

func (t *Timeout) exit(err error) error {
	t.cancelAlarm()
	switch t.state {
	case timeoutExpiring:
		t.state = timeoutExpired
		if t.task.Uncancel() <= int(t.requests) && future.IsCancelled(err) {
			err = timedOut(err, t.allowed)
		}
	case timeoutActive:
		t.state = timeoutFinished
	}
	t.scope.End(context.Canceled)
	return err
}

// timedOut is the error of a timeout that allowed d.
func timedOut(cause error, d time.Duration) error {
	return &future.TimeoutError{Cause: cause, After: max(d, 0)}
}

// When returns the deadline, zero if there is none: asyncio's when.
func (t *Timeout) When() time.Time { return t.when }

// Expired reports whether the time was over before the body was: asyncio's expired.
func (t *Timeout) Expired() bool {
	return t.state == timeoutExpiring || t.state == timeoutExpired
}

// Reschedule moves the deadline: asyncio's reschedule. The zero time is none. The
// error matches [ErrTimeoutState] unless the body is running and the time is not over.
func (t *Timeout) Reschedule(when time.Time) error {
	if t.task != nil {
		if err := t.task.Kernel().Check("Reschedule", t); err != nil {
			return err
		}
	}
	switch t.state {
	case timeoutActive:
	case timeoutCreated:
		return fmt.Errorf("task: %v has not been entered: %w", t, ErrTimeoutState)
	default:
		return fmt.Errorf("task: the deadline of %v cannot be changed: %w", t, ErrTimeoutState)
	}
	if t.when.IsZero() || when.IsZero() {
		t.allowed = 0
	} else {
		t.allowed += when.Sub(t.when)
	}
	t.when = when
	t.cancelAlarm()
	t.schedule()
	return nil
}

func (t *Timeout) schedule() {
	if t.when.IsZero() {
		return
	}
	a := &t.first
	if a.timeout != nil {
		a = new(alarm)
	}
	a.timeout = t
	t.alarm = a
	k := t.task.Kernel()
	a.timer.Init(kernel.Internal, a)
	now := k.Clock().Now()
	if t.allowed == 0 {
		t.allowed = t.when.Sub(now)
	}
	if t.when.After(now) {
		k.PushTimerAt(&a.timer, t.when)
	} else {
		k.Push(&a.timer.Handle)
	}
}

func (t *Timeout) cancelAlarm() {
	if t.alarm != nil {
		t.alarm.timer.Cancel()
	}
}

// String shows the state and the deadline of a timeout that runs, as in
// "<Timeout [active] when=12:00:01.000>" or "<Timeout [active] when=none>".
func (t *Timeout) String() string {
	if t == nil {
		return "<nil>"
	}
	s := "<Timeout [" + t.state.String() + "]"
	switch {
	case t.state != timeoutActive:
	case t.when.IsZero():
		s += " when=none"
	default:
		s += " when=" + t.when.Format("15:04:05.000")
	}
	return s + ">"
}

// alarm is one scheduling of a timeout.
type alarm struct {
	timer   kernel.Timer
	timeout *Timeout
}

// String says whose timeout it is.
func (a *alarm) String() string { return "the timeout of " + kernel.Plain(a.timeout.task.Name()) }

// Interrupts is the task that runs the body: see sched.Interrupter.
func (a *alarm) Interrupts() *sched.Task { return a.timeout.task }

// Run is called when the time is over.
func (a *alarm) Run() {
	t := a.timeout
	t.task.Cancel("")
	t.state = timeoutExpiring
	t.scope.End(context.DeadlineExceeded)
}
