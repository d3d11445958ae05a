package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// errDoneCallback is what done callbacks of a Concurrent panic with, on the goroutine that
// completes it.
var errDoneCallback = &fault{name: "of a done callback"}

// apartForeign calls fn on a foreign goroutine.
func (p *program) apartForeign(fn func()) {
	p.foreign.Go(func() {
		defer func() {
			if value := recover(); value != nil && value != errDoneCallback {
				panic(value)
			}
		}()
		fn()
	})
}

func (a *actor) startForeign() error {
	a.p.startForeign(split(a.r))
	return nil
}

// startForeign starts a goroutine that uses the loop from outside.
func (p *program) startForeign(r *rand.Rand) {
	if p.foreigns.Add(1) > maxForeign {
		return
	}
	f := &foreigner{p: p, r: r}
	p.apartForeign(f.live)
}

// foreigner is a goroutine outside the loop.
type foreigner struct {
	p       *program
	r       *rand.Rand
	handles []*loop.Handle
	results []*future.Concurrent[int]
}

// live does a few operations. The loop may be closed meanwhile.
func (f *foreigner) live() {
	l := f.p.loop
	for range 1 + f.r.IntN(12) {
		func() {
			if f.r.IntN(3) == 0 {
				defer l.Hold()()
			}
			f.act()
		}()
		if f.r.IntN(3) == 0 {
			time.Sleep(time.Duration(f.r.IntN(100)) * time.Microsecond)
		}
	}
	for _, c := range f.results { // each one ends, by Close at the latest
		_, err := c.Result(context.Background())
		f.p.log("foreign result: %s", text(err))
	}
}

func (f *foreigner) act() {
	p, l := f.p, f.p.loop
	switch f.r.IntN(12) {
	case 0, 1:
		a := &actor{p: p, r: split(f.r), depth: 1}
		h, err := l.CallSoonThreadsafe(a.callback())
		if err == nil {
			f.handles = append(f.handles, h)
		} else if !l.IsClosed() {
			p.fault("CallSoonThreadsafe: %v", err)
		}
	case 2:
		if len(f.handles) > 0 {
			h := pick(f.r, f.handles)
			h.Cancel()
			_ = h.String()
		}
	case 3, 4, 5:
		f.results = append(f.results, f.submit())
	case 6:
		if len(f.results) > 0 {
			pick(f.r, f.results).Cancel()
		}
	case 7:
		if len(f.results) > 0 {
			c := pick(f.r, f.results)
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(f.r.IntN(200))*time.Microsecond)
			_, _ = c.Result(ctx)
			cancel()
			_, _ = c.Err(), c.String()
		}
	case 8:
		if f.r.IntN(6) == 0 {
			l.Stop()
		}
	case 9:
		select {
		case p.channel <- f.r.IntN(100):
		case <-time.After(50 * time.Microsecond):
		}
	case 10:
		_, _, _, _ = l.IsRunning(), l.IsClosed(), l.Time(), l.String()
	default:
		runtime.Gosched()
	}
}

// submit submits a coroutine.
func (f *foreigner) submit() *future.Concurrent[int] {
	p, r := f.p, split(f.r)
	c := task.RunCoroutineThreadsafe(p.loop, func(ctx context.Context) (int, error) {
		n := p.newNode(r) // only now, on the loop
		n.depth = 2
		return n.coroutine()(ctx)
	})
	a := &actor{p: p, r: f.r}
	a.watch(c)
	return c
}

// watch adds a callback to a Concurrent that is called by whoever completes it.
func (a *actor) watch(c *future.Concurrent[int]) {
	p := a.p
	choice := a.r.IntN(8)
	called := 0
	var once sync.Mutex
	c.AddDoneCallback(func() {
		once.Lock()
		called++
		if called > 1 {
			p.fault("a done callback of %v was called twice", c)
		}
		once.Unlock()
		switch {
		case choice == 0:
			panic(errDoneCallback)
		case choice == 1 && kernel.OnLoop():
			runtime.Goexit()
		case choice == 2 && kernel.OnLoop() && !p.loop.IsClosed():
			task.FormatTaskTree(loop.NewContext(context.Background(), p.loop))
			task.CreateOn(p.loop, task.Coro(noop), task.Eager())
		}
	})
}

// submit submits a coroutine from the loop itself, and awaits its result.
func (a *actor) submit() error {
	n := a.newNode()
	if n == nil {
		return nil
	}
	c := task.RunCoroutineThreadsafe(a.p.loop, n.coroutine())
	a.watch(c)
	f := future.Wrap(a.p.loop, c)
	return a.await(func(ctx context.Context) error { _, err := f.Await(ctx); return err })
}

// receive receives from a channel that somebody may send to, or that is closed.
func (a *actor) receive() error {
	ch := a.p.channel
	switch a.r.IntN(4) {
	case 0:
		ch = make(chan int)
		close(ch)
	case 1:
		own := make(chan int, 1)
		ch = own
		a.p.apartForeign(func() { own <- 1 })
	}
	a.p.received[task.Current(a.ctx).Kernel()] = true
	return a.await(func(ctx context.Context) error {
		_, _, err := task.Receive(ctx, ch)
		return err
	})
}

// thread is a function for an executor.
func (a *actor) thread() func(ctx context.Context) (int, error) {
	p, r, failure, value := a.p, split(a.r), a.error(), a.panicValue()
	return func(ctx context.Context) (int, error) {
		switch r.IntN(8) {
		case 0:
			return 0, failure
		case 1:
			panic(value)
		case 2:
			runtime.Goexit()
		case 3:
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(r.IntN(100)) * time.Microsecond):
			}
		case 4:
			_, _ = p.loop.CallSoonThreadsafe(func() { p.touched++ })
		}
		return r.IntN(100), nil
	}
}

func (a *actor) toThread() error {
	fn := a.thread()
	return a.await(func(ctx context.Context) error { _, err := task.ToThread(ctx, fn); return err })
}

func (a *actor) runInExecutor() error {
	fn := a.thread()
	ctx := a.ctx
	var ex loop.Executor
	if a.r.IntN(2) == 0 {
		ex = a.p.executor
	}
	f := task.RunInExecutor(a.p.loop, ex, func() (int, error) { return fn(ctx) })
	if a.r.IntN(3) == 0 {
		f.Cancel()
	}
	return nil
}

func (a *actor) shutExecutor() error {
	if a.r.IntN(4) > 0 {
		return nil // seldom, because it is for good
	}
	d := pick(a.r, []time.Duration{0, time.Millisecond, task.Forever})
	return a.await(func(ctx context.Context) error { return task.ShutdownDefaultExecutor(ctx, d) })
}

// executor is an executor that may refuse its work.
type executor struct {
	pool loop.Pool
	p    *program
	mu   sync.Mutex
	r    *rand.Rand
}

func (e *executor) Submit(fn func()) error {
	e.mu.Lock()
	choice := e.r.IntN(6)
	e.mu.Unlock()
	switch {
	case choice == 0:
		return fmt.Errorf("no: %w", loop.ErrExecutorShutdown)
	case choice == 1:
		panic(&fault{name: "of an executor"})
	}
	return e.pool.Submit(fn)
}

func (e *executor) Shutdown(ctx context.Context) error { return e.pool.Shutdown(ctx) }
