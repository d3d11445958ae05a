package loop

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// An Executor calls functions that may block, on goroutines other than the loop's. Any
// goroutine may call its methods. It is Python's concurrent.futures.Executor.
type Executor interface {
	// Submit makes the executor call fn, and does not wait for fn to return. After
	// Shutdown it returns an error that matches ErrExecutorShutdown.
	Submit(fn func()) error
	// Shutdown makes Submit refuse further functions. Then it waits until those
	// submitted before have returned, or ctx ends.
	Shutdown(ctx context.Context) error
}

// Pool is an [Executor] that calls a limited number of functions at a time; further
// ones wait in line. The zero Pool has no limit. Any goroutine may call its methods. It
// is Python's ThreadPoolExecutor.
type Pool struct {
	limit int

	mu       sync.Mutex
	work     func() // Pool.run, made once: a go statement with it allocates nothing
	running  int    // goroutines
	starting int    // those of them that have not got a function yet
	line     kernel.Ring[func()]
	down     bool
	idle     chan struct{} // made by Shutdown, closed when no function runs any more
}

// NewPool returns a pool that calls at most limit functions at a time, or any number
// if limit is 0. It panics if limit is negative ([ErrInvalidArgument]).
func NewPool(limit int) *Pool {
	if limit < 0 {
		panic(misuse(fmt.Sprintf("NewPool: the limit is %d: it must not be negative", limit), ErrInvalidArgument))
	}
	return &Pool{limit: limit}
}

// Submit calls fn on another goroutine as soon as the limit allows, and does not wait
// for it. The error matches [ErrExecutorShutdown] after Shutdown, and [ErrNilFunc] if
// fn is nil.
func (p *Pool) Submit(fn func()) error {
	switch {
	case fn == nil:
		return misuse("Pool.Submit", ErrNilFunc)
	case p == nil:
		return misuse("Pool.Submit: the pool is nil", ErrInvalidArgument)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return misuse("Pool.Submit", ErrExecutorShutdown)
	}
	p.line.Push(fn)
	if p.limit == 0 || p.running < p.limit {
		p.running++
		p.start()
	}
	return nil
}

// start starts a goroutine for a function in line. The pool is locked.
func (p *Pool) start() {
	if p.work == nil {
		p.work = p.run
	}
	p.starting++
	go p.work()
}

func (p *Pool) run() {
	defer p.done() // deferred because a function may call runtime.Goexit
	for fn := p.first(); fn != nil; fn = p.next() {
		fn()
	}
}

// first returns the function that a new goroutine begins with.
func (p *Pool) first() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
	return p.take()
}

// next returns the function that a goroutine goes on with, nil if there is none.
func (p *Pool) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting() == 0 {
		return nil
	}
	return p.take()
}

// waiting is how many functions there are in line for which no goroutine starts.
func (p *Pool) waiting() int { return p.line.Len() - p.starting }

func (p *Pool) take() func() {
	fn := p.line.PopFront()
	if p.line.Len() == 0 && p.line.Cap() > largeLine {
		p.line.Resize(0) // one burst must not keep its memory
	}
	return fn
}

const largeLine = 1 << 10

func (p *Pool) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting() > 0 { // a function called runtime.Goexit: another goroutine takes over
		p.start()
		return
	}
	p.running--
	if p.running == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// Shutdown makes Submit refuse further functions, and waits until those submitted
// before have returned. If ctx ends first, it returns context.Cause(ctx).
func (p *Pool) Shutdown(ctx context.Context) error {
	switch {
	case ctx == nil:
		return misuse("Pool.Shutdown: the context is nil", ErrInvalidArgument)
	case p == nil:
		return misuse("Pool.Shutdown: the pool is nil", ErrInvalidArgument)
	}
	p.mu.Lock()
	p.down = true
	if p.running == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.idle == nil {
		p.idle = make(chan struct{})
	}
	idle := p.idle
	p.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load returns how many functions are running, and how many wait in line.
func (p *Pool) load() (running, waiting int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running, p.waiting()
}

// executorState is the default executor of a loop.
type executorState struct {
	mu       sync.Mutex
	executor Executor
	down     bool
}

func (s *executorState) set(e Executor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executor = e
}

// load is that of the default executor, if there is one and it is a pool.
func (s *executorState) load() (running, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.executor.(*Pool); ok && p != nil {
		return p.load()
	}
	return 0, 0
}

func (s *executorState) get() (Executor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, misuse("default executor", ErrExecutorShutdown)
	}
	if s.executor == nil {
		s.executor = NewPool(0)
	}
	return s.executor, nil
}

func (s *executorState) shutdown() Executor {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = true
	return s.executor
}

// used reports whether there is an executor, shut down or not.
func (s *executorState) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executor != nil
}

// abandon shuts the executor down without waiting for what it runs.
func (s *executorState) abandon() {
	if e := s.shutdown(); e != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = e.Shutdown(ctx) // the error says only that it did not wait
	}
}

// SetDefaultExecutor sets the executor that task.ToThread uses, and task.RunInExecutor
// if it is given none. A loop without one makes a [Pool] without a limit.
//
// It panics if e is nil ([ErrInvalidArgument]). After the default executor has been shut
// down it has no effect. Any goroutine may call it. It is asyncio's
// set_default_executor.
func (l *Loop) SetDefaultExecutor(e Executor) {
	if e == nil {
		panic(misuse("SetDefaultExecutor: the executor is nil", ErrInvalidArgument))
	}
	l.executor.set(e)
}

// DefaultExecutor returns the default executor. The error matches
// [ErrExecutorShutdown] if it has been shut down. Any goroutine may call it.
func (l *Loop) DefaultExecutor() (Executor, error) {
	return l.executor.get()
}

// ShutdownDefaultExecutor makes the default executor refuse further functions, and
// waits until those submitted before have returned, for at most timeout. task.Forever
// means no limit.
//
// The error matches context.DeadlineExceeded if the time was not enough.
//
// Any goroutine may call it, but it blocks: in a task, use
// task.ShutdownDefaultExecutor. A task.Runner calls it when it is closed. It is
// asyncio's shutdown_default_executor.
func (l *Loop) ShutdownDefaultExecutor(timeout time.Duration) error {
	e := l.executor.shutdown()
	if e == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := e.Shutdown(ctx); err != nil {
		return fmt.Errorf("loop: the executor did not finish within %v: %w", timeout, err)
	}
	return nil
}
