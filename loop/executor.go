package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An Executor runs functions on goroutines that are not the loop's: asyncio's
// Executor. Its methods may be called from any goroutine.
type Executor interface {
	// Submit arranges for fn to be called. It does not wait for it. It fails
	// with an error that matches ErrExecutorShutdown after Shutdown.
	Submit(fn func()) error
	// Shutdown refuses further functions, and waits for those that were
	// submitted until ctx ends.
	Shutdown(ctx context.Context) error
}

// Pool is an [Executor]: asyncio's ThreadPoolExecutor. It runs at most a given
// number of functions at a time, each on a goroutine; further ones wait in
// line. The zero Pool has no such limit.
type Pool struct {
	limit int

	mu      sync.Mutex
	running int
	line    []func()
	down    bool
	idle    chan struct{} // closed when down and nothing runs; made by Shutdown
}

// NewPool returns a pool that runs at most limit functions at a time, or any
// number if limit is 0. It panics if limit is negative.
func NewPool(limit int) *Pool {
	if limit < 0 {
		panic(misuse("NewPool", fmt.Errorf("the limit is %d: it must not be negative", limit)))
	}
	return &Pool{limit: limit}
}

// Submit runs fn on a goroutine, as soon as the limit allows. The error matches
// [ErrExecutorShutdown], or [ErrNilFunc] if fn is nil.
func (p *Pool) Submit(fn func()) error {
	if fn == nil {
		return misuse("Pool.Submit", ErrNilFunc)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return misuse("Pool.Submit", ErrExecutorShutdown)
	}
	if p.limit > 0 && p.running == p.limit {
		p.line = append(p.line, fn)
		return nil
	}
	p.running++
	go p.work(fn)
	return nil
}

func (p *Pool) work(fn func()) {
	defer p.done() // also if fn ends the goroutine
	for fn != nil {
		fn()
		fn = p.next()
	}
}

func (p *Pool) next() (fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.line) > 0 {
		fn, p.line[0] = p.line[0], nil
		p.line = p.line[1:]
	}
	return fn
}

func (p *Pool) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.line) > 0 { // fn ended its goroutine: another one goes on
		fn := p.line[0]
		p.line = p.line[1:]
		go p.work(fn)
		return
	}
	p.running--
	if p.running == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// Shutdown refuses further functions and waits for the others until ctx ends;
// it returns the cause of ctx's end then.
func (p *Pool) Shutdown(ctx context.Context) error {
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

// used reports whether there is an executor to shut down.
func (s *executorState) used() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executor != nil && !s.down
}

// abandon shuts the executor down without waiting for what it runs.
func (s *executorState) abandon() {
	if e := s.shutdown(); e != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = e.Shutdown(ctx) // says that it did not wait
	}
}

// SetDefaultExecutor sets what runs the functions of task.ToThread and of
// task.RunInExecutor without an executor: asyncio's set_default_executor. The
// default is a [Pool] without a limit. It panics if e is nil. Any goroutine may
// call it.
func (l *Loop) SetDefaultExecutor(e Executor) {
	if e == nil {
		panic(misuse("SetDefaultExecutor", errors.New("the executor is nil")))
	}
	l.executor.set(e)
}

// DefaultExecutor returns the default executor. The error matches
// [ErrExecutorShutdown] if it was shut down. Any goroutine may call it.
func (l *Loop) DefaultExecutor() (Executor, error) {
	return l.executor.get()
}

// ShutdownDefaultExecutor refuses further functions and waits, for at most
// timeout, until those that were submitted have returned; task.Forever is no limit. It blocks: call it from another goroutine than the
// loop's; task.Runner does so at its end. The error, if the time was not enough,
// matches context.DeadlineExceeded. asyncio's shutdown_default_executor.
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
