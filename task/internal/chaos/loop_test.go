package chaos

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func (a *actor) callSoon() error {
	h := a.p.loop.CallSoon(a.callback())
	_ = h.String()
	if a.r.IntN(4) == 0 {
		h.Cancel()
		if !h.Cancelled() {
			a.p.fault("a cancelled handle is not: %v", h)
		}
	}
	return nil
}

func (a *actor) callLater() error {
	l, d, fn := a.p.loop, a.time(), a.callback()
	if a.r.IntN(12) == 0 { // so many that they come in bursts
		for range 40 {
			l.CallLater(d, func() { a.p.touched++ })
		}
	}
	when := l.Time().Add(d)
	check := func() {
		if now := l.Time(); now.Before(when) {
			a.p.fault("a timer is early by %v", when.Sub(now))
		}
		fn()
	}
	var t *loop.TimerHandle
	if a.r.IntN(2) == 0 {
		t = l.CallAt(when, check)
	} else {
		t = l.CallLater(d, check)
	}
	if !t.When().Equal(when) && t.When().Before(when) {
		a.p.fault("a timer for %v is due at %v", when, t.When())
	}
	a.p.timers = append(a.p.timers, t)
	return nil
}

func (a *actor) cancelTimer() error {
	if len(a.p.timers) > 0 {
		t := pick(a.r, a.p.timers)
		t.Cancel()
		_ = t.String()
	}
	return nil
}

func (a *actor) report() error {
	a.p.loop.CallExceptionHandler(loop.ExceptionContext{Message: "reported", Err: a.error()})
	return nil
}

func (a *actor) stop() error {
	if a.r.IntN(4) == 0 {
		a.p.loop.Stop()
	}
	return nil
}

// configure changes how the loop works.
func (a *actor) configure() error {
	l := a.p.loop
	switch a.r.IntN(5) {
	case 4:
		if a.r.IntN(8) == 0 {
			runtime.GC() // which finds exceptions that nobody retrieved
		}
	case 0:
		l.SetDebug(a.p.debug || a.r.IntN(2) == 0)
	case 1:
		l.SetSlowCallbackDuration(a.time())
	case 2:
		if a.r.IntN(4) == 0 {
			l.SetDefaultExecutor(a.p.executor)
		}
	case 3:
		l.SetExceptionHandler(l.ExceptionHandler())
	}
	return nil
}

// breakRule breaks a rule that is answered by an error or panic.
func (a *actor) breakRule() error {
	l := a.p.loop
	switch a.r.IntN(8) {
	case 0:
		a.refused(loop.ErrRunning, func() error { return l.RunForever() })
		a.refused(loop.ErrRunning, func() error { return l.Close() })
	case 1:
		a.refused(loop.ErrNilFunc, func() error { l.CallSoon(nil); return nil })
		a.refused(task.ErrNilCoroutine, func() error { task.Create[int](a.ctx, nil); return nil })
	case 2:
		a.refused(loop.ErrRunning, func() error { return task.Main(context.Background(), task.Yield) })
		a.refused(loop.ErrNotRunning, func() error { task.Create(context.Background(), task.Coro(noop)); return nil })
	case 3:
		other := loop.New()
		defer func() { _ = other.Close() }()
		f := future.New[int](other)
		a.refused(future.ErrOtherLoop, func() error { task.Shield[int](a.ctx, f); return nil })
		if a.node != nil {
			return a.await(func(ctx context.Context) error {
				_, err := f.Await(ctx)
				if err == nil {
					a.p.fault("%s: a future of another loop was awaited", a.who())
				}
				return err
			})
		}
	case 4:
		if t := task.Current(a.ctx); t != nil {
			return a.await(func(ctx context.Context) error {
				if err := task.Join(ctx, t); !errors.Is(err, task.ErrAwaitsItself) && !future.IsCancelled(err) && ctx.Err() == nil {
					a.p.fault("%s: a task awaits itself: %v", a.who(), err)
				}
				return nil
			})
		}
	case 5: // another task's context
		if t := a.any(); t != nil && t != task.Current(a.ctx) {
			a.refused(task.ErrNotCurrent, func() error { return task.Yield(t.Context()) })
			a.refused(task.ErrNotCurrent, func() error { return task.Sleep(t.Context(), time.Hour) })
		}
	default:
		a.abroad()
	}
	return nil
}

func noop(context.Context) (int, error) { return 0, nil }

// abroad breaks a rule on another goroutine, while the loop waits for the answer.
func (a *actor) abroad() {
	l, f := a.p.loop, a.future()
	choice := a.r.IntN(12)
	done := make(chan struct{})
	go func() {
		defer close(done)
		switch {
		case choice == 0:
			a.refused(loop.ErrWrongGoroutine, func() error { task.CreateOn(l, noop); return nil })
		case choice == 1:
			a.refused(loop.ErrWrongGoroutine, func() error { task.Go(a.ctx, task.Yield); return nil })
		case choice == 2 && a.node != nil:
			a.refused(task.ErrNotCurrent, func() error { return task.Sleep(a.ctx, time.Hour) })
		case choice == 3 && a.node != nil:
			a.refused(task.ErrNotCurrent, func() error { return task.WithGroup(a.ctx, func(context.Context, *task.Group) error { return nil }) })
		case choice == 4:
			a.refused(loop.ErrRunning, func() error { return l.Close() })
		case choice == 5:
			a.refused(loop.ErrWrongGoroutine, func() error { l.CallSoon(func() {}); return nil })
		case choice == 6:
			a.refused(loop.ErrWrongGoroutine, func() error { l.CallLater(1, func() {}); return nil })
		case choice == 7:
			a.refused(loop.ErrWrongGoroutine, func() error { f.Cancel(); return nil })
		case choice == 8:
			a.refused(loop.ErrWrongGoroutine, func() error { return f.SetResult(1) })
		case choice == 9:
			a.refused(loop.ErrWrongGoroutine, func() error { f.AddDoneCallback(func() {}); return nil })
		case choice == 10:
			a.refused(loop.ErrWrongGoroutine, func() error { task.FormatTaskTree(a.ctx); return nil })
		case choice == 11:
			a.refused(loop.ErrWrongGoroutine, func() error { task.Gather(a.ctx, f); return nil })
		}
	}()
	<-done
}

// refused checks that breaking a rule is answered by an error or panic that matches it.
func (a *actor) refused(rule error, do func() error) {
	defer func() {
		if value := recover(); value != nil {
			if err, _ := value.(error); !errors.Is(err, rule) {
				a.p.fault("%s: breaking the rule %q panicked: %s", a.who(), rule, text(value))
			}
		}
	}()
	if err := do(); !errors.Is(err, rule) {
		a.p.fault("%s: breaking the rule %q returned %s", a.who(), rule, text(err))
	}
}
