package task

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// executorGrace is how long a Runner waits for functions in the default executor.
const executorGrace = 300 * time.Second

// Run runs the coroutine main on a new loop, on the calling goroutine, and
// returns its result: asyncio.run. When main is finished, Run cancels the tasks that
// are left, waits for them, and closes the loop; no goroutine is left.
//
// When ctx ends, main is cancelled, once; if that ends it, Run returns
// context.Cause(ctx). So Run stops on Ctrl+C with a context of signal.NotifyContext.
// The error matches [loop.ErrRunning] if a loop runs the caller. If main fails, and then
// what ends the run fails too, as by a fatal error of a task that is left, it matches
// the latter, and tells of the former in its text.
func Run[T any](ctx context.Context, main Coroutine[T], opts ...RunOption) (result T, err error) {
	r := NewRunner(opts...)
	defer func() { // also if a coroutine called runtime.Goexit
		switch closed := r.Close(); {
		case err == nil:
			err = closed
		case closed != nil: // in asyncio the one of main is its context
			err = fmt.Errorf("task: Run: %w; main ended with: %v", closed, err)
		}
	}()
	return RunIn(r, ctx, main)
}

// Main is [Run] for a main without a result.
func Main(ctx context.Context, main func(ctx context.Context) error, opts ...RunOption) error {
	_, err := Run(ctx, Void(main), opts...)
	return err
}

// A RunOption configures [Run], [Main] and [NewRunner].
type RunOption func(*runSettings)

type runSettings struct {
	options   []loop.Option
	factory   func() *loop.Loop
	debug     bool
	interrupt bool
	handoff   *Handoff
	stuck     *stuckOption // nil if nobody asks
}

// WithLoopOptions gives options to the loop that is made for the run, such as
// loop.WithClock. They cannot be given to a loop of [WithLoopFactory]: then the run fails
// with an error that matches [loop.ErrInvalidArgument].
func WithLoopOptions(opts ...loop.Option) RunOption {
	return func(s *runSettings) { s.options = append(s.options, opts...) }
}

// WithLoopFactory gets the loop for the run from that function: asyncio's
// loop_factory. If it returns nil, the run fails with an error that matches
// [loop.ErrInvalidArgument].
func WithLoopFactory(factory func() *loop.Loop) RunOption {
	return func(s *runSettings) { s.factory = factory }
}

// WithDebug switches the loop's debug mode on: asyncio's debug=True.
func WithDebug() RunOption {
	return func(s *runSettings) { s.debug = true }
}

// WithInterrupt handles Ctrl+C (SIGINT) as asyncio does: the first one cancels the
// main coroutine, and if that ends it, the run ends with [loop.ErrKeyboardInterrupt];
// another one stops the loop at once with that error. Without this option, signals are
// left to the program.
func WithInterrupt() RunOption {
	return func(s *runSettings) { s.interrupt = true }
}

// Runner runs several coroutines, one after the other, on one loop: asyncio's
// Runner. See [NewRunner]. Only one goroutine may use it.
type Runner struct {
	settings runSettings
	loop     *loop.Loop
	closed   bool
}

// NewRunner returns a Runner. It makes its loop when it is first needed.
func NewRunner(opts ...RunOption) *Runner {
	r := &Runner{}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("task: NewRunner: an option is nil: %w", loop.ErrNilFunc))
		}
		opt(&r.settings)
	}
	return r
}

// Loop returns the Runner's loop. The error matches [ErrRunnerClosed] if the
// Runner is closed, and [ErrHandoffFixed] if [WithHandoff] comes too late.
func (r *Runner) Loop() (*loop.Loop, error) {
	if r.closed {
		return nil, fmt.Errorf("task: Runner.Loop: %w", ErrRunnerClosed)
	}
	if r.loop == nil {
		l, err := r.settings.newLoop()
		if err != nil {
			return nil, err
		}
		if h := r.settings.handoff; h != nil && !useHandoff(l, *h) {
			return nil, errors.Join(fmt.Errorf("task: WithHandoff(%v): %w", *h, ErrHandoffFixed), l.Close())
		}
		r.loop = l
	}
	return r.loop, nil
}

func (s *runSettings) newLoop() (*loop.Loop, error) {
	if s.factory == nil {
		l := loop.New(s.options...)
		l.SetDebug(l.Debug() || s.debug)
		return l, nil
	}
	if len(s.options) > 0 {
		return nil, fmt.Errorf("task: WithLoopOptions: the loop comes from WithLoopFactory, which must give it its options itself: %w", loop.ErrInvalidArgument)
	}
	l := s.factory()
	if l == nil {
		return nil, fmt.Errorf("task: WithLoopFactory: the function returned nil: %w", loop.ErrInvalidArgument)
	}
	if s.debug && !l.IsRunning() { // a loop that is running will be refused
		l.SetDebug(true)
	}
	return l, nil
}

// Run is [RunIn] for a function without a result.
func (r *Runner) Run(ctx context.Context, main func(ctx context.Context) error) error {
	_, err := RunIn(r, ctx, Void(main))
	return err
}

// RunIn runs a coroutine on the Runner's loop, to its end: asyncio's Runner.run.
// It treats coro and ctx as [Run] does. Other tasks stay, and go on in the next run. The
// error matches [ErrRunnerClosed] if the Runner is closed, [loop.ErrClosed] if its loop is, and
// [loop.ErrRunning] if a loop runs the caller.
func RunIn[T any](r *Runner, ctx context.Context, coro Coroutine[T]) (T, error) {
	var zero T
	switch {
	case coro == nil:
		return zero, nilCoroutine("Run")
	case ctx == nil:
		return zero, fmt.Errorf("task: Run: the context is nil: %w", loop.ErrInvalidArgument)
	}
	if kernel.OnLoop() {
		return zero, fmt.Errorf("task: Run: cannot be called from a running event loop: %w", loop.ErrRunning)
	}
	l, err := r.Loop()
	if err != nil {
		return zero, err
	}
	switch {
	case l.IsClosed():
		return zero, fmt.Errorf("task: Run: %v: %w", l, loop.ErrClosed)
	case l.IsRunning():
		return zero, fmt.Errorf("task: Run: %v: %w", l, loop.ErrRunning)
	}
	_, inThread := loop.FromContext(ctx)
	main := create[T](l, ctx, coro, nil, !inThread)
	if inThread {
		// It is a task's or that of ToThread. To a task of the same loop the end of such a
		// context says nothing, to this one it does.
		main.engine().WatchParent(ctx)
	}
	main.engine().SetQuiet()
	interrupts := func() bool { return false }
	if r.settings.interrupt {
		interrupts = sync.OnceValue(handleInterrupts(l, main.engine()))
		defer interrupts() // also if a coroutine called runtime.Goexit
	}
	defer r.settings.stuck.watch(l, main.engine())()
	v, err := runUntilComplete(l, future.Typed[T](main), true)
	interrupted := interrupts()
	switch {
	case !future.IsCancelled(err):
	case interrupted && main.Uncancel() == 0:
		err = loop.ErrKeyboardInterrupt
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return v, err
}

// handleInterrupts makes the first SIGINT cancel main, and the next stop the
// loop. The function that it returns ends that, and reports whether there was
// one.
func handleInterrupts(l *loop.Loop, main *sched.Task) (end func() bool) {
	signals := make(chan os.Signal, 4)
	stop := make(chan struct{})
	ended := make(chan struct{})
	var seen atomic.Bool
	signal.Notify(signals, os.Interrupt)
	go func() {
		defer close(ended)
		for {
			select {
			case <-signals:
			case <-stop:
				return
			}
			_, _ = l.CallSoonThreadsafe(func() { // a closed loop is past interrupting
				if seen.CompareAndSwap(false, true) && !main.Done() {
					main.Cancel("")
					return
				}
				l.Kernel().Raise(loop.ErrKeyboardInterrupt)
			})
		}
	}()
	return func() bool {
		signal.Stop(signals)
		close(stop)
		<-ended
		return seen.Load()
	}
}

// Close ends the Runner: it cancels the tasks that are left and waits for them,
// waits up to five minutes for functions in the default executor, and closes
// the loop. It reports tasks that fail meanwhile to the exception handler. Closing a
// closed Runner does nothing. asyncio's Runner.close.
func (r *Runner) Close() (err error) {
	if r.closed {
		return nil
	}
	l := r.loop
	if l == nil {
		r.closed = true
		return nil
	}
	if l.IsRunning() {
		return fmt.Errorf("task: Runner.Close: %w", loop.ErrRunning)
	}
	r.closed = true
	defer func() {
		if closed := l.Close(); err == nil {
			err = closed
		}
	}()
	if l.IsClosed() {
		return nil
	}
	defer r.settings.stuck.watch(l, nil)()
	if err := cancelAll(l); err != nil {
		cutShort(l, err)
		return err
	}
	// Each takes iterations even if there is nothing to shut down, as in asyncio: what was
	// scheduled goes on meanwhile.
	for _, shutdown := range []void{shutdownAsyncgens, shutdownExecutor} {
		if _, err := RunUntilComplete(l, future.Awaitable[struct{}](shutdown)); err != nil {
			return err
		}
	}
	return nil
}

// shutdownAsyncgens stands for asyncio's shutdown_asyncgens. Go has no asynchronous
// generators.
func shutdownAsyncgens(context.Context) error { return nil }

// shutdownExecutor ends the default executor of the loop that is being closed.
func shutdownExecutor(ctx context.Context) error {
	err := ShutdownDefaultExecutor(ctx, executorGrace)
	if kernel.Is(err, context.DeadlineExceeded) {
		loop.Running(ctx).CallExceptionHandler(loop.ExceptionContext{Message: "The executor did not finish", Err: err})
		return nil
	}
	return err
}

// cutShort reports, once for all tasks that are left, that the fatal error err has ended
// the shutdown before they have, as a Ctrl+C does that comes late.
func cutShort(l *loop.Loop, err error) {
	tasks := AllOn(l)
	if len(tasks) == 0 || !loop.IsFatal(err) {
		return
	}
	for _, t := range tasks {
		t.engine().SetQuiet()
	}
	l.CallExceptionHandler(loop.ExceptionContext{
		Message: fmt.Sprintf("The shutdown was cut short: %d pending tasks are destroyed, this one first", len(tasks)),
		Err:     err,
		Task:    tasks[0],
		Created: tasks[0].engine().Created(),
	})
}

// cancelAll cancels the loop's tasks and runs it until they are finished.
func cancelAll(l *loop.Loop) error {
	tasks := AllOn(l)
	if len(tasks) == 0 {
		return nil
	}
	for _, t := range tasks {
		t.Cancel()
	}
	all := future.New[struct{}](l)
	left := len(tasks)
	for _, t := range tasks {
		t.AddDoneCallback(func() {
			if left--; left == 0 {
				_ = all.SetResult(struct{}{})
			}
		})
	}
	if _, err := RunUntilComplete(l, all); err != nil {
		return err
	}
	for _, t := range tasks {
		if t.Cancelled() {
			continue
		}
		if err := t.Err(); err != nil {
			l.CallExceptionHandler(loop.ExceptionContext{
				Message: "unhandled exception during asyncio.run() shutdown",
				Err:     err,
				Task:    t,
				Created: t.engine().Created(),
			})
		}
	}
	return nil
}

// RunUntilComplete runs the loop, on the calling goroutine, until aw is done, and
// returns its result: asyncio's run_until_complete. A coroutine becomes a task.
//
// The error matches [ErrStopped] if the loop was stopped before, and [loop.ErrClosed]
// or [loop.ErrRunning] if it cannot run. If a fatal error ended the run, it is that.
func RunUntilComplete[T any](l *loop.Loop, aw future.Awaitable[T]) (T, error) {
	var zero T
	switch {
	case l == nil:
		return zero, fmt.Errorf("task: RunUntilComplete: the loop is nil: %w", loop.ErrNotRunning)
	case l.IsClosed():
		return zero, fmt.Errorf("task: RunUntilComplete: %w", loop.ErrClosed)
	case l.IsRunning():
		return zero, fmt.Errorf("task: RunUntilComplete: %w", loop.ErrRunning)
	case kernel.OnLoop(): // before anything is created that would run later
		return zero, fmt.Errorf("task: RunUntilComplete: another loop runs the caller: %w", loop.ErrRunning)
	}
	if err := checkAwaitable(aw, l.Kernel(), "RunUntilComplete"); err != nil {
		return zero, err
	}
	f, created := ensure(loop.NewContext(context.Background(), l), aw, "RunUntilComplete")
	if created != nil {
		created.engine().SetQuiet()
	}
	return runUntilComplete(l, f, created != nil)
}

func runUntilComplete[T any](l *loop.Loop, f future.Typed[T], created bool) (T, error) {
	var zero T
	s := &stopper{future: f.Kernel(), loop: l}
	s.callback.Init(kernel.Internal, s)
	s.future.Register(&s.callback)
	defer func() { // also if a coroutine called runtime.Goexit
		s.future.Unregister(&s.callback)
		s.callback.Handle().Cancel() // a stop that is too late would hit the next run
	}()
	err := l.RunForever()
	switch {
	case err != nil:
		if created {
			s.future.Forget()
		}
		return zero, err
	case !f.Done():
		return zero, fmt.Errorf("task: RunUntilComplete: %v: %w", f, ErrStopped)
	}
	return f.Result()
}

// stopper stops the loop when a future is done.
type stopper struct {
	callback kernel.Callback
	future   *kernel.Future
	loop     *loop.Loop
}

// Run is called when the future is done. If it holds a fatal error, that has
// ended the run already.
func (s *stopper) Run() {
	if s.future.Failed() && loop.IsFatal(s.future.Peek()) {
		return
	}
	s.loop.Stop()
}

// String names the callback in descriptions of the future.
func (*stopper) String() string { return "run_until_complete" }
