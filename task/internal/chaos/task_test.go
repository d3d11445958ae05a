package chaos

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func (a *actor) create() error {
	switch a.r.IntN(4) {
	case 0:
		a.spawn(func(_ context.Context, coro task.Coroutine[int], opts ...task.Option) *task.Task[int] {
			return task.CreateOn(a.p.loop, coro, opts...)
		})
	case 1:
		n := a.newNode()
		if n == nil {
			return nil
		}
		coro, opts := n.coroutine(), a.options()
		a.p.outside(func() {
			task.Go(a.ctx, func(ctx context.Context) error { _, err := coro(ctx); return err }, opts...)
		})
	default:
		ctx, end := a.derived()
		a.spawn(func(_ context.Context, coro task.Coroutine[int], opts ...task.Option) *task.Task[int] {
			return task.Create(ctx, coro, opts...)
		})
		if a.r.IntN(4) == 0 {
			end()
		} else {
			a.p.loop.CallLater(a.time(), end)
		}
	}
	return nil
}

func (a *actor) awaitSome() error {
	n := a.some()
	if n == nil {
		return nil
	}
	return a.await(func(ctx context.Context) (err error) {
		switch a.r.IntN(3) {
		case 0:
			err = n.task.Join(ctx)
		case 1:
			err = task.Join(ctx, n.task)
		default:
			_, err = n.task.Await(ctx)
		}
		return err
	})
}

// circle makes tasks that await each other, and cancels one of them.
func (a *actor) circle() error {
	circle := make([]*task.Task[struct{}], 1+a.r.IntN(4))
	if len(circle) == 1 {
		return nil
	}
	for i := range circle {
		circle[i] = task.CreateOn(a.p.loop, task.Void(func(ctx context.Context) error {
			return circle[(i+1)%len(circle)].Join(ctx)
		}))
	}
	a.p.loop.CallLater(a.time(), func() { circle[0].Cancel() })
	return nil
}

func (a *actor) sleep() error {
	d := a.time()
	start := a.p.loop.Time()
	err := a.await(func(ctx context.Context) error { return task.Sleep(ctx, d) })
	if slept := a.p.loop.Time().Sub(start); err == nil && slept < d {
		a.p.fault("%s slept for %v in place of %v", a.who(), slept, d)
	}
	return err
}

func (a *actor) yield() error { return a.await(task.Yield) }

func (a *actor) cancel() error {
	if n := a.some(); n != nil {
		done := n.task.Done()
		if n.task.Cancel("by "+a.who()) == done {
			a.p.fault("Cancel of a task that is done (%v) reports %v", done, !done)
		}
	}
	return nil
}

func (a *actor) cancelSelf() error {
	if t := task.Current(a.ctx); t != nil {
		t.Cancel()
	}
	return nil
}

func (a *actor) uncancel() error {
	if t := a.any(); t != nil && !t.Done() { // the requests to one that is done are counted in checkTask
		t.Uncancel()
		if left := t.Cancelling(); left < 0 {
			a.p.fault("%d requests are left", left)
		}
	}
	return nil
}

func (a *actor) rename() error {
	if t := a.any(); t != nil {
		t.SetName("renamed")
		if t.Name() != "renamed" {
			a.p.fault("a renamed task is called %q", t.Name())
		}
	}
	return nil
}

// look asks for what can be seen of tasks. Visits run on the goroutines of other tasks.
func (a *actor) look() error {
	t := a.any()
	if t == nil {
		return nil
	}
	switch a.r.IntN(10) {
	case 0:
		t.Stack()
	case 1:
		return t.PrintStack(io.Discard, a.r.IntN(3))
	case 2:
		task.FormatTaskTree(a.ctx)
	case 3:
		task.FormatCallGraph(t)
	case 4:
		return task.PrintCallGraph(io.Discard, task.CaptureCallGraph(t).Future)
	case 5:
		_ = t.String() // which panics if an error cannot be printed
	case 6:
		for _, other := range task.All(a.ctx) {
			if other.Done() {
				a.p.fault("All has %s, which is done", other.Name())
			}
			other.Stack()
		}
	case 7:
		if err := t.Err(); t.Done() == errors.Is(err, future.ErrInvalidState) && !t.Retrieved() {
			a.p.fault("%s: Err of a task that is done (%v): %s", a.who(), t.Done(), text(err))
		}
	default:
		if current := task.CurrentOn(a.p.loop); current != nil && a.node == nil || current == nil && a.node != nil {
			a.p.fault("%s: the current task is %v", a.who(), current)
		}
		t.Coroutine()
		t.Context().Err()
	}
	return nil
}

// errFactory comes out of whatever creates a task.
var errFactory = &fault{name: "of a factory"}

func (a *actor) setFactory() error {
	p, r := a.p, split(a.r)
	switch {
	case a.r.IntN(3) > 0:
		task.SetFactory(p.loop, nil)
	case p.eager && a.r.IntN(2) == 0:
		task.SetFactory(p.loop, task.CreateEagerFactory(func(_ *loop.Loop, s task.Settings) task.Settings { return s }))
	default:
		task.SetFactory(p.loop, func(_ *loop.Loop, s task.Settings) task.Settings {
			p.touched++
			if r.IntN(10) == 0 {
				panic(errFactory)
			}
			s.Name = "made"
			return s
		})
	}
	return nil
}

func (a *actor) addDoneCallback() error {
	var f future.Waitable = a.future()
	if t := a.any(); t != nil && a.r.IntN(2) == 0 {
		f = t
	}
	cb := f.AddDoneCallback(a.callback())
	if a.r.IntN(4) == 0 {
		f.RemoveDoneCallback(cb)
	}
	return nil
}

// early notes that something ended before its time.
func (a *actor) early(what string, start time.Time, d time.Duration) {
	if passed := a.p.loop.Time().Sub(start); passed < d {
		a.p.fault("%s: %s ended after %v in place of %v", a.who(), what, passed, d)
	}
}
