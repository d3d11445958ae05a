package tasktest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// An idle loop is where the clock may move, and the only place: everybody waits for a
// deadline or for somebody outside.

// idle is asked before the clock jumps to until, or waits for ever if that is zero. It
// reports false if there is something to do without that.
func (r *run) idle(until time.Time, wake <-chan struct{}) (jump bool) {
	switch {
	case r.looksAround(): // before the clock moves
		return false
	case r.explorer != nil && r.explorer.idle(r.advance != nil || !until.IsZero() && !r.frozen):
		return false
	case len(r.blocked) > 0:
		r.unblock()
		return false
	case r.advance != nil:
		return r.advanceTo(until)
	case until.IsZero() || r.frozen:
		r.deadlocked(until, wake)
		return false
	}
	return r.jump(until)
}

// jump lets the clock go to the time until. It stops on the way where something is to be
// true at last, and does not move if that is now and it is not.
func (r *run) jump(until time.Time) (jump bool) {
	now := r.clock.Now()
	deadline, some := r.deadline()
	if some && !deadline.After(now) {
		r.lookLast()
		return false
	}
	r.moved()
	if some && deadline.Before(until) {
		r.clock.Advance(deadline.Sub(now))
		return false
	}
	return true
}

// moved notes that the clock moves. At the end of the test that does not count: who goes on
// and on then must not sleep in between.
func (r *run) moved() {
	if !r.ending {
		r.lastMove = r.iteration
	}
	r.epoch++
}

// unblock ends all calls of WaitAllBlocked.
func (r *run) unblock() {
	blocked := r.blocked
	r.blocked = nil
	for _, done := range blocked {
		done()
	}
}

// advance is an Advance that has not ended.
type advance struct {
	to   time.Time
	done *future.Future[struct{}]
}

// advanceTo moves the clock on its way to the end of an Advance.
func (r *run) advanceTo(until time.Time) (jump bool) {
	if !until.IsZero() && !until.After(r.advance.to) {
		return r.jump(until)
	}
	if r.advance.to.After(r.clock.Now()) {
		if r.jump(r.advance.to) {
			r.clock.Advance(r.advance.to.Sub(r.clock.Now()))
		}
		return false // whatever has to be done there comes first
	}
	_ = r.advance.done.SetResult(struct{}{}) // unless it was cancelled
	r.advance = nil
	return false
}

// Autojump sets whether the clock jumps to the next deadline when nothing else can happen,
// as it does at first. A clock that does not jump stands still, except for [T.Advance].
//
// It panics in a [Bubble], whose clock cannot be stopped ([loop.ErrInvalidArgument]).
func (t *T) Autojump(on bool) {
	if t.run.bubble {
		panic(fmt.Errorf("tasktest: Autojump: the clock of a bubble belongs to testing/synctest, and cannot be stopped: %w", loop.ErrInvalidArgument))
	}
	t.run.frozen = !on
}

// Advance moves the clock on by d. It stops at each deadline on the way until everything
// that is due has happened, and returns when that is so at the end. The error is that of a
// cancelled await, or matches [loop.ErrInvalidArgument] if d is negative or another task
// advances the clock already.
func (t *T) Advance(ctx context.Context, d time.Duration) error {
	r := t.run
	switch {
	case d < 0:
		return fmt.Errorf("tasktest: Advance by %v: time does not go back: %w", d, loop.ErrInvalidArgument)
	case r.bubble:
		if err := task.Sleep(ctx, d); err != nil {
			return err
		}
		return t.WaitAllBlocked(ctx)
	case r.advance != nil:
		return fmt.Errorf("tasktest: Advance: another task advances the clock: %w", loop.ErrInvalidArgument)
	}
	a := &advance{to: t.Now().Add(d), done: future.New[struct{}](r.loop)}
	r.advance = a
	defer func() {
		if r.advance == a {
			r.advance = nil
		}
	}()
	if _, err := a.done.Await(ctx); err != nil {
		return err
	}
	return t.WaitAllBlocked(ctx)
}

// WaitAllBlocked returns when no other task can run unless the clock moves, and nobody holds
// the clock. In a [Bubble] it waits until no goroutine of the bubble can run.
func (t *T) WaitAllBlocked(ctx context.Context) error {
	f := future.New[struct{}](t.run.loop)
	t.run.blocked = append(t.run.blocked, func() { _ = f.SetResult(struct{}{}) }) // unless it was cancelled
	_, err := f.Await(ctx)
	return err
}

// deadlocked is called when nothing more can happen on the loop: it waits for other
// goroutines of the test, and else stops the loop.
func (r *run) deadlocked(until time.Time, wake <-chan struct{}) {
	var others []stack
	if r.explorer == nil || r.allowPosts {
		others = goroutines(r.label, true)
		if len(wake) == 0 && (len(others) > 0 || r.main == nil) {
			grace := time.NewTimer(r.grace)
			defer grace.Stop()
			select {
			case <-wake:
				return
			case <-grace.C:
			}
			others = goroutines(r.label, true)
		}
	}
	if len(wake) > 0 {
		return // a goroutine that has ended since had news
	}
	r.deadlock(r.elapsed(), until, others)
}

// deadlock stops the loop because of a deadlock at that time.
func (r *run) deadlock(at time.Duration, until time.Time, others []stack) {
	r.stuck = true
	r.stop("deadlock", func() string { return r.describeDeadlock(at, until, others) })
}

func (r *run) describeDeadlock(at time.Duration, until time.Time, others []stack) string {
	why := "nothing is ready, no timer is set, nobody holds the clock"
	switch {
	case r.bubble:
		why = "nothing is ready, no timer is set, all goroutines of the bubble wait"
	case !until.IsZero():
		why = "nothing is ready, and the clock stands still (Autojump is off)"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "deadlock at %v: %s\n%s", at, why, taskTree(r.loop))
	if !until.IsZero() {
		b.WriteString("\ntimers that wait:")
		for t := range r.kernel.Timers() {
			b.WriteString("\n  " + r.describeTimer(t))
		}
	}
	b.WriteString(r.describeOutstanding())
	switch {
	case len(others) == 0:
	case r.bubble:
		fmt.Fprintf(&b, "\nother goroutines of the test:\n%s", indent(others))
	default:
		fmt.Fprintf(&b, "\nother goroutines of the test, which did nothing for %v:\n%s", r.grace, indent(others))
	}
	return b.String()
}

// livelocked stops a loop that runs on and on while its clock stands.
func (r *run) livelocked(names []string) {
	r.stuck = true
	r.stop("livelock", func() string {
		return fmt.Sprintf("livelock at %v: %d iterations without the clock moving; what keeps running: %s\n%s",
			r.elapsed(), r.iterations, strings.Join(names, ", "), taskTree(r.loop))
	})
}
