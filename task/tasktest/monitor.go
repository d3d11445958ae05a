package tasktest

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// Monitors are looked at when an iteration begins and nothing runs, so they see each state
// that other tasks could see. They take no part in the program: no handle and no timer of
// the loop is theirs.

// monitor is a predicate that is to be true: always, or once until a deadline.
type monitor struct {
	name     string
	pred     func() bool
	always   bool
	within   time.Duration
	deadline time.Time // unless it is always to be true
	over     bool
	wake     *loop.TimerHandle // in a bubble, at the deadline
}

// Always fails the test if pred is false between two iterations of the loop, from now on to
// the end of the test. That is reported once. The function pred runs on the loop's own
// goroutine and must not wait; it may end the run by Fatal. Always panics if pred is nil
// ([loop.ErrNilFunc]).
func (t *T) Always(name string, pred func() bool) {
	t.run.monitor("Always", &monitor{name: name, pred: pred, always: true})
}

// Eventually fails the test if pred is not true between two iterations of the loop at some
// time within that time of the loop's clock. What happens exactly then counts. The end of the
// test function waits for it, before the functions of [T.AsyncCleanup] are called and tasks of
// [T.Background] end. The function pred runs on the loop's own goroutine and must not wait;
// it may end the run by Fatal. Eventually panics if pred is nil ([loop.ErrNilFunc]), and if
// within is negative ([loop.ErrInvalidArgument]).
func (t *T) Eventually(name string, within time.Duration, pred func() bool) {
	if within < 0 {
		panic(fmt.Errorf("tasktest: Eventually: %s within %v: time does not go back: %w", name, within, loop.ErrInvalidArgument))
	}
	t.run.monitor("Eventually", &monitor{name: name, pred: pred, within: within, deadline: t.run.loop.Time().Add(within)})
}

func (r *run) monitor(operation string, m *monitor) {
	r.kernel.MustOwn(operation, r.t)
	if m.pred == nil {
		panic(fmt.Errorf("tasktest: %s: %s: %w", operation, m.name, loop.ErrNilFunc))
	}
	if r.clock == nil && !m.always { // package time moves the clock
		m.wake = r.loop.CallLater(m.within+1, func() {})
	}
	r.monitors = append(r.monitors, m)
}

// lookAround looks at all monitors.
func (r *run) lookAround() {
	if len(r.monitors) == 0 {
		return
	}
	for _, m := range r.monitors {
		late := !m.always && r.loop.Time().After(m.deadline)
		switch {
		case m.over:
		case late:
			r.unfulfilled(m)
		default:
			r.look(m)
		}
	}
	r.monitors = slices.DeleteFunc(r.monitors, func(m *monitor) bool {
		if m.over && m.wake != nil {
			m.wake.Cancel()
		}
		return m.over
	})
	if r.satisfied != nil && len(r.outstanding()) == 0 {
		_ = r.satisfied.SetResult(struct{}{}) // unless it was cancelled
		r.satisfied = nil
	}
}

// looksAround is lookAround for an idle loop. It reports whether there is something to do now.
func (r *run) looksAround() bool {
	if len(r.monitors) == 0 {
		return false
	}
	r.lookAround()
	when, some := r.kernel.Next()
	return some && !when.After(r.loop.Time())
}

// look calls a predicate. One that panics, or ends the run, is not called again.
func (r *run) look(m *monitor) {
	m.over = true
	defer func() {
		if v := recover(); v != nil {
			r.fail("panic", fmt.Sprintf("the predicate %s: panic: %v\n\n%s", m.name, v, debug.Stack()))
		}
	}()
	ok := m.pred()
	m.over = ok != m.always
	if m.always && !ok {
		r.fail("always", fmt.Sprintf("always %s: not true at %v", m.name, r.elapsed()))
	}
}

// lookLast fails those that are not true though their time is over: everything has happened
// that happens at this time.
func (r *run) lookLast() {
	for _, m := range r.outstanding() {
		if !m.deadline.After(r.clock.Now()) {
			r.unfulfilled(m)
		}
	}
}

func (r *run) unfulfilled(m *monitor) {
	m.over = true
	r.fail("eventually", fmt.Sprintf("eventually %s: not true within %v", m.name, m.within))
}

// outstanding returns what has yet to become true.
func (r *run) outstanding() (some []*monitor) {
	for _, m := range r.monitors {
		if !m.always && !m.over {
			some = append(some, m)
		}
	}
	return some
}

// deadline is the first time at which something has to be true that is not yet.
func (r *run) deadline() (first time.Time, some bool) {
	for _, m := range r.outstanding() {
		if !some || m.deadline.Before(first) {
			first, some = m.deadline, true
		}
	}
	return first, some
}

// describeOutstanding lists what has yet to become true, for a report.
func (r *run) describeOutstanding() string {
	var b strings.Builder
	for _, m := range r.outstanding() {
		fmt.Fprintf(&b, "\nnot true yet: %s (within %v)", m.name, m.within)
	}
	return b.String()
}

// awaitEventually is the end of a test function: it waits until all that is to be true
// eventually was, or was late.
func (r *run) awaitEventually(ctx context.Context) error {
	for len(r.outstanding()) > 0 && !r.failed() {
		r.satisfied = future.New[struct{}](r.loop)
		if _, err := r.satisfied.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// atEnd reports whether a stack is that of the main task in awaitEventually.
func atEnd(stack []task.Frame) bool {
	return slices.ContainsFunc(stack, func(f task.Frame) bool { return strings.HasSuffix(f.Function, ".(*run).awaitEventually") })
}

// endMonitors looks at the monitors for the last time.
func (r *run) endMonitors() {
	r.lookAround()
	if r.failed() || r.skipped.Load() {
		return
	}
	for _, m := range r.outstanding() { // of a clean-up
		r.fail("eventually", fmt.Sprintf("eventually %s: not true at the end of the test", m.name))
	}
}
