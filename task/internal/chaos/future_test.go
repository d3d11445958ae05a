package chaos

import (
	"context"
	"errors"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

func (a *actor) complete() error {
	f := a.future()
	done := f.Done()
	var err error
	switch a.r.IntN(3) {
	case 0:
		err = f.SetResult(a.r.IntN(100))
	case 1:
		err = f.SetException(a.error())
	default:
		if f.Cancel("completed") == done {
			a.p.fault("%s: Cancel of a future that is done (%v) reports %v", a.who(), done, !done)
		}
		return nil
	}
	if (err != nil) != done {
		a.p.fault("%s: a future that is done (%v) was completed: %v", a.who(), done, err)
	}
	return nil
}

func (a *actor) awaitFuture() error {
	f := a.future()
	return a.await(func(ctx context.Context) error { _, err := f.Await(ctx); return err })
}

func (a *actor) promise() error {
	p := future.NewPromise[int](a.p.loop)
	if err := p.Future().SetResult(1); !errors.Is(err, future.ErrInvalidState) {
		a.p.fault("%s: the future of a promise was completed by others: %v", a.who(), err)
	}
	failure := a.error()
	fails := a.r.IntN(3) == 0
	a.p.loop.CallLater(a.time(), func() {
		if fails {
			_ = p.SetException(failure)
		} else {
			_ = p.SetResult(1)
		}
	})
	if a.r.IntN(4) == 0 {
		a.p.loop.CallLater(a.time(), func() { p.Future().Cancel() })
	}
	return a.await(func(ctx context.Context) error { _, err := p.Future().Await(ctx); return err })
}

// wrap awaits a result that a foreign goroutine sets, or cancels.
func (a *actor) wrap() error {
	c := future.NewConcurrent[int]()
	a.watch(c)
	f := future.Wrap(a.p.loop, c)
	failure, choice := a.error(), a.r.IntN(5)
	a.p.apartForeign(func() {
		running := c.SetRunning()
		switch {
		case choice == 0:
			_ = c.SetException(failure)
		case choice == 1:
			if c.Cancel() && running {
				a.p.fault("the work runs and was cancelled")
			}
			_ = c.SetResult(2)
		default:
			_ = c.SetResult(1)
		}
		select {
		case <-c.Done():
		default:
			a.p.fault("%v was completed and is not done", c)
		}
	})
	if a.r.IntN(4) == 0 {
		a.p.loop.CallLater(a.time(), func() { f.Cancel() })
	}
	return a.await(func(ctx context.Context) error { _, err := f.Await(ctx); return err })
}

// printGrim describes results that cannot be printed.
func (a *actor) printGrim() error {
	f := future.New[grim](a.p.loop)
	_ = f.SetResult(grim{})
	defer func() { _ = recover() }() // it may panic, and must leave the future as it was
	_ = f.String()
	_ = f.String()
	return nil
}

// lateFuture and lateTask have methods of their own.
type lateFuture struct {
	*future.Future[int]
	spite
}

type lateTask struct {
	*task.Task[int]
	spite
}

// spite is a method that panics.
type spite uint8

const (
	spiteResult spite = iota
	spiteCancel
	spiteErr
	spiteAwait
	spites
)

var errSpite = &fault{name: "of an overridden method"}

func (s spite) strike(here spite) {
	if s == here {
		panic(errSpite)
	}
}

func (f lateFuture) Result() (int, error) { f.strike(spiteResult); return f.Future.Result() }
func (f lateFuture) Cancel(text ...string) bool {
	f.strike(spiteCancel)
	return f.Future.Cancel(text...)
}
func (f lateFuture) Err() error { f.strike(spiteErr); return f.Future.Err() }

func (f lateFuture) Await(ctx context.Context) (int, error) {
	f.strike(spiteAwait)
	return f.Future.Await(ctx)
}

func (f lateTask) Result() (int, error)       { f.strike(spiteResult); return f.Task.Result() }
func (f lateTask) Cancel(text ...string) bool { f.strike(spiteCancel); return f.Task.Cancel(text...) }
func (f lateTask) Err() error                 { f.strike(spiteErr); return f.Task.Err() }

func (f lateTask) Await(ctx context.Context) (int, error) {
	f.strike(spiteAwait)
	return f.Task.Await(ctx)
}

// overridden returns f, or something that embeds it and overrides a method.
func (a *actor) overridden(f future.Typed[int]) future.Typed[int] {
	if a.r.IntN(6) > 0 {
		return f
	}
	s := spite(a.r.IntN(int(spites)))
	switch f := f.(type) {
	case *future.Future[int]:
		return lateFuture{f, s}
	case *task.Task[int]:
		return lateTask{f, s}
	}
	return f
}
