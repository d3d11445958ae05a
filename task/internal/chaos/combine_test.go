package chaos

import (
	"context"
	"errors"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

func (a *actor) awaitables() (aws []future.Awaitable[int]) {
	for range a.r.IntN(4) {
		aws = append(aws, a.awaitable())
	}
	return aws
}

func (a *actor) gather() error {
	aws := a.awaitables()
	settled := a.r.IntN(2) == 0
	return a.await(func(ctx context.Context) error {
		if settled {
			all, err := task.GatherSettled[int](ctx, aws...).Await(ctx)
			if err == nil && len(all) != len(aws) {
				a.p.fault("GatherSettled of %d has %d results", len(aws), len(all))
			}
			return err
		}
		all, err := task.Gather[int](ctx, aws...).Await(ctx)
		if err == nil && len(all) != len(aws) {
			a.p.fault("Gather of %d has %d results", len(aws), len(all))
		}
		return err
	})
}

// gatherAndLeave lets a gather go on by itself, and perhaps cancels it.
func (a *actor) gatherAndLeave() error {
	aws := a.awaitables()
	var f *future.Future[[]int]
	a.p.outside(func() { f = task.Gather[int](a.ctx, aws...) })
	if a.r.IntN(2) == 0 {
		a.p.loop.CallLater(a.time(), func() { f.Cancel("left alone") })
	}
	return nil
}

func (a *actor) waitOptions() (opts []task.WaitOption, within time.Duration) {
	within = task.Forever
	if a.r.IntN(2) == 0 {
		within = a.time()
		opts = append(opts, task.Within(within))
	}
	return opts, within
}

func (a *actor) wait() error {
	fs := a.waitables()
	opts, within := a.waitOptions()
	when := pick(a.r, []task.ReturnWhen{task.AllCompleted, task.FirstCompleted, task.FirstException})
	opts = append(opts, when)
	start := a.p.loop.Time()
	var done, pending []future.Typed[int]
	err := a.await(func(ctx context.Context) (err error) {
		done, pending, err = task.Wait(ctx, fs, opts...)
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range pending {
		if f.Done() {
			a.p.fault("%s: Wait says that %v is pending", a.who(), f.Kernel().State())
		}
	}
	for _, f := range done {
		if !f.Done() {
			a.p.fault("%s: Wait says that a pending future is done", a.who())
		}
	}
	if len(pending) > 0 && when == task.AllCompleted {
		a.early("Wait", start, within)
	}
	return nil
}

func (a *actor) asCompleted() error {
	fs := a.waitables()
	opts, _ := a.waitOptions()
	unique := map[any]bool{}
	for _, f := range fs {
		unique[f.Kernel()] = true
	}
	seen := 0
	err := a.await(func(ctx context.Context) error {
		all := task.AsCompleted(ctx, fs, opts...)
		for range 2 { // the second goes on where the first has stopped
			for f, err := range all {
				seen++
				if err != nil {
					return err
				}
				if !f.Done() {
					a.p.fault("%s: AsCompleted yields a pending future", a.who())
				}
				if a.r.IntN(4) == 0 {
					break
				}
			}
		}
		return nil
	})
	if seen > len(unique) {
		a.p.fault("%s: AsCompleted of %d futures yields %d", a.who(), len(unique), seen)
	}
	return err
}

func (a *actor) waitFor() error {
	aw := a.awaitable()
	d := a.time()
	if a.r.IntN(6) == 0 {
		d = task.Forever
	}
	return a.await(func(ctx context.Context) error {
		_, err := task.WaitFor(ctx, aw, d)
		return err
	})
}

func (a *actor) shield() error {
	aw := a.awaitable()
	early := a.r.IntN(4) == 0
	return a.await(func(ctx context.Context) error {
		f := task.Shield(ctx, aw)
		if early {
			f.Cancel("the shield")
		}
		_, err := f.Await(ctx)
		return err
	})
}

func (a *actor) ensure() error {
	aw := a.awaitable()
	a.p.outside(func() { task.EnsureFuture(a.ctx, aw) })
	return nil
}

func (a *actor) timeout() error {
	l := a.p.loop
	d := a.time()
	if a.r.IntN(3) == 0 {
		body := a.body(nil)
		return a.await(func(ctx context.Context) error {
			if d == 0 {
				return task.WithTimeoutAt(ctx, l.Time().Add(d), body)
			}
			return task.WithTimeout(ctx, d, body)
		})
	}
	timeout := task.NewTimeout(a.ctx, d)
	move := func(r int) {
		var to time.Time
		if r < 12 {
			to = l.Time().Add(time.Duration(r) * a.p.unit / 2)
		}
		_ = timeout.Reschedule(to) // it may be too late
	}
	if a.r.IntN(3) == 0 {
		r := a.r.IntN(16)
		l.CallLater(a.time(), func() { move(r) })
	}
	err := a.await(func(ctx context.Context) error {
		return timeout.Run(ctx, a.body(func(b *actor) error {
			if b.r.IntN(3) == 0 {
				move(b.r.IntN(16))
			}
			return nil
		}))
	})
	if timeout.Expired() && l.Time().Before(timeout.When()) {
		a.p.fault("%s: %v expired early", a.who(), timeout)
	}
	return err
}

func (a *actor) group() error {
	p := a.p
	g := task.NewGroup()
	_ = g.String()
	create := func(ctx context.Context, coro task.Coroutine[int], opts ...task.Option) *task.Task[int] {
		return task.CreateIn(g, coro, opts...)
	}
	var children []*node
	spawn := func(b *actor) {
		if n := b.spawn(create); n != nil {
			children = append(children, n)
		}
	}
	if a.r.IntN(16) == 0 {
		g.Cancel()
	}
	if a.r.IntN(5) == 0 {
		p.loop.CallLater(a.time(), g.Cancel)
	}
	running := true
	if a.r.IntN(5) == 0 { // a callback adds a task, unless the group is over
		b := &actor{p: p, r: split(a.r), depth: a.depth + 1, ctx: a.ctx, node: nil}
		p.loop.CallLater(a.time(), func() {
			p.enter()
			defer p.leave()
			defer func() {
				if value := recover(); value != nil && running {
					if err, _ := value.(error); !errors.Is(err, task.ErrGroupClosed) {
						panic(value)
					}
				}
			}()
			spawn(b)
		})
	}
	defer func() { running = false }()
	err := a.await(func(ctx context.Context) error {
		return g.Run(ctx, func(ctx context.Context, _ *task.Group) error {
			return a.body(func(b *actor) error {
				for range b.r.IntN(4) {
					spawn(b)
				}
				if n := b.newNode(); n != nil && b.r.IntN(3) == 0 {
					coro := n.coroutine()
					p.outside(func() { g.Go(func(ctx context.Context) error { _, err := coro(ctx); return err }) })
				}
				if b.r.IntN(12) == 0 {
					g.Cancel()
				}
				return nil
			})(ctx)
		})
	})
	if err != nil && !isCancelled(err) {
		// The parts of a group of errors are all of it.
		matched, rest := task.Except(err, func(err error) bool { _, ok := err.(*fault); return ok })
		_, _ = text(matched), text(rest)
		if matched == nil && rest == nil {
			p.fault("%s: nothing is left of %s", a.who(), text(err))
		}
	}
	for _, n := range children {
		if n.task != nil && !n.task.Done() {
			p.fault("%s: the group is over and %v is not: %v", a.who(), n, n.task.Kernel().State())
		}
	}
	return err
}

func (a *actor) staggeredRace() error {
	var coros []task.Coroutine[int]
	for range a.r.IntN(4) {
		if n := a.newNode(); n != nil {
			coros = append(coros, n.coroutine())
		}
	}
	d := a.time()
	if a.r.IntN(3) == 0 {
		d = task.Forever
	}
	return a.await(func(ctx context.Context) error {
		_, index, errs, err := task.StaggeredRace(ctx, coros, d)
		switch {
		case err == nil && (index < 0 || index >= len(errs) || errs[index] != nil):
			a.p.fault("%s: the race was won by %d of %d", a.who(), index, len(errs))
		case err != nil && index != -1:
			a.p.fault("%s: the race failed and was won by %d", a.who(), index)
		}
		return err
	})
}
