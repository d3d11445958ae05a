package tasktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// Run calls fn as the main task of a loop on a virtual clock, on the test's own goroutine.
//
// The clock jumps to the next deadline when nothing else can happen, so that the test takes
// no time. The test fails if it waits for ever, if it runs for ever, if a report reaches
// the loop's exception handler, and if anything is left at its end: tasks, exceptions that
// nobody retrieved, goroutines. The report says which tasks there are, and what they wait
// for.
func Run(t testing.TB, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	s := newSettings(opts)
	if kernel.OnLoop() {
		t.Fatal("tasktest: Run: another loop runs the caller: make a task instead")
	}
	labelled(t, s, func() {
		t.Helper()
		newRun(t, s).do(fn)
	})
}

// run is one run of a test function, on a loop of its own.
type run struct {
	settings
	outer    testing.TB
	explorer *explorer // nil in Run
	quiet    bool      // failures are noted and not reported
	t        *T

	// For the loop.
	loop      *loop.Loop
	kernel    *kernel.Kernel
	clock     *timers.Virtual // nil in a bubble
	ctx       context.Context // of main
	main      *task.Task[struct{}]
	random    *rand.Rand
	cleanups  []func()
	tearDowns []func(ctx context.Context) error
	expected  []func(loop.ExceptionContext) bool
	spared    map[task.Any]bool // that are not cancelled: main and Background
	iteration int
	lastMove  int // the iteration after which the clock moved
	epoch     int // how often it has
	frozen    bool
	blocked   []*future.Future[struct{}] // of WaitAllBlocked
	advance   *advance                   // nil if there is none
	monitors  []*monitor
	satisfied *future.Future[struct{}] // main waits for what is to be true eventually; nil if it does not
	wrong     *wrong                   // why the loop was stopped
	stuck     bool                     // there was a deadlock or livelock
	ending    bool                     // the main task is done, or is to be
	events    *Events
	label     string // of the goroutines

	suspensions []*suspension // calls of NeverSuspends

	// For any goroutine.
	progress atomic.Uint64 // iterations and sleeps
	asleep   atomic.Bool
	skipped  atomic.Bool
	mu       sync.Mutex
	failure  *failure // the first
}

// failure is what went wrong first in a run.
type failure struct {
	kind  string // "error", or the check that failed
	place string // in the test
	text  string
}

// wrong is why a run cannot go on. What it says is found out when the loop has stopped.
type wrong struct {
	kind     string
	describe func() string
}

func newRun(t testing.TB, s settings) *run {
	r := &run{settings: s, outer: t, spared: map[task.Any]bool{}}
	r.t = &T{TB: t, run: r}
	return r
}

// do runs fn, and what comes after it.
func (r *run) do(fn func(ctx context.Context, t *T)) {
	r.outer.Helper()
	defer r.cleanUp()
	r.makeLoop()
	defer r.startWatchdog()()
	defer r.finish() // also if a coroutine called runtime.Goexit
	r.start(fn)
	r.spin(r.main.Done)
}

func (r *run) makeLoop() {
	r.clock = timers.NewVirtual(r.settings.start)
	r.clock.SetIdle(r.idle)
	r.loop = loop.New(append(r.loopOptions[:len(r.loopOptions):len(r.loopOptions)], loop.WithClock(r.clock))...)
	r.kernel = r.loop.Kernel()
	r.kernel.KeepReports()
	r.kernel.SetOrder(r)
	if r.debug {
		r.loop.SetDebug(true)
	}
	task.SetHandoff(r.loop, r.handoff)
	r.loop.SetExceptionHandler(r.reported)
	if r.explorer != nil {
		r.explorer.begin(r)
	}
}

// start makes the main task.
func (r *run) start(fn func(ctx context.Context, t *T)) {
	ctx := loop.NewContext(context.WithoutCancel(r.outer.Context()), r.loop)
	r.main = task.Go(ctx, func(ctx context.Context) error {
		r.ctx = ctx
		defer r.tearDown(ctx) // also after Fatal
		fn(ctx, r.t)
		return r.awaitEventually(ctx)
	}, task.Name("main"))
	r.spared[r.main] = true
	r.stopWhenDone(r.main)
}

// stopWhenDone ends the loop's run when a future is done.
func (r *run) stopWhenDone(f future.Waitable) {
	c := &kernel.Callback{}
	c.Init(kernel.Internal, stopper{r.loop})
	f.Kernel().Register(c)
}

type stopper struct{ loop *loop.Loop }

func (s stopper) Run()         { s.loop.Stop() }
func (stopper) String() string { return "run_until_complete" }

// tearDown calls the functions of AsyncCleanup.
func (r *run) tearDown(ctx context.Context) {
	last := len(r.tearDowns) - 1
	if last < 0 || r.loop.IsClosed() {
		return
	}
	fn := r.tearDowns[last]
	r.tearDowns = r.tearDowns[:last]
	defer r.tearDown(ctx) // also after Fatal
	if err := fn(ctx); err != nil {
		r.fail("cleanup", fmt.Sprintf("AsyncCleanup: %v", err))
	}
}

func (r *run) background(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	ending := false
	bg := task.Go(ctx, fn, task.Name(name))
	r.spared[bg] = true
	bg.AddDoneCallback(func() {
		if err := bg.Err(); err != nil && !bg.Cancelled() && !ending {
			r.fail("background", fmt.Sprintf("the background task %s failed: %v", name, err))
			r.main.Cancel("the background task failed")
		}
	})
	r.tearDowns = append(r.tearDowns, func(ctx context.Context) error {
		ending = true
		bg.Cancel()
		_, _, err := task.Wait(ctx, []*task.Task[struct{}]{bg}, task.AllCompleted)
		if err == nil && !bg.Cancelled() && bg.Err() != nil {
			return fmt.Errorf("the background task %s: %w", name, bg.Err())
		}
		return err
	})
	return bg
}

// spin runs the loop until it is stopped, and deals with what stopped it.
func (r *run) spin(done func() bool) {
	if !r.kernel.Begin() {
		r.fail("loop", fmt.Sprintf("the loop cannot run: %v", r.loop))
		return
	}
	raised, goexit := func() (error, bool) {
		defer r.kernel.End()
		return r.kernel.Run()
	}()
	switch {
	case goexit:
		runtime.Goexit()
	case r.wrong != nil:
		w := r.wrong
		r.wrong = nil
		r.fail(w.kind, w.describe())
	case raised != nil:
		r.fail("fatal", fmt.Sprintf("the run was ended by a fatal error: %v", raised))
	case !done():
		r.fail("stopped", "the test stopped the loop before its main task was done")
	}
}

// stop ends the loop's run because something is wrong.
func (r *run) stop(kind string, describe func() string) {
	if r.wrong == nil {
		r.wrong = &wrong{kind, describe}
	}
	r.loop.Stop()
}

// elapsed is the loop's time since the beginning.
func (r *run) elapsed() time.Duration { return r.loop.Time().Sub(r.settings.start) }

// cleanUp calls the functions of Cleanup.
func (r *run) cleanUp() {
	last := len(r.cleanups) - 1
	if last < 0 {
		return
	}
	fn := r.cleanups[last]
	r.cleanups = r.cleanups[:last]
	defer r.cleanUp() // also after Fatal
	fn()
}

// fail reports that a check has failed.
func (r *run) fail(kind, text string) {
	r.outer.Helper()
	r.note(failure{kind: kind, place: firstLine(text), text: text})
}

// errorf is Errorf of T. An empty text is Fail.
func (r *run) errorf(text string) {
	r.outer.Helper()
	f := failure{kind: "error", text: text}
	if r.quiet {
		f.place = place()
	}
	r.note(f)
}

func (r *run) note(f failure) {
	r.outer.Helper()
	r.mu.Lock()
	if r.failure == nil {
		r.failure = &f
	}
	r.mu.Unlock()
	switch {
	case r.quiet:
	case f.text == "":
		r.outer.Fail()
	default:
		r.outer.Error(f.text)
	}
}

func (r *run) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure != nil
}

// exit ends the calling goroutine, and the run if that is one of the loop's.
func (r *run) exit() {
	if r.explorer == nil {
		r.outer.FailNow()
	}
	runtime.Goexit()
}

func (r *run) skip(text string) {
	r.outer.Helper()
	r.skipped.Store(true)
	if text != "" && !r.quiet {
		r.outer.Log(text)
	}
	if r.explorer == nil {
		r.outer.SkipNow()
	}
	runtime.Goexit()
}

// reported is the loop's exception handler.
func (r *run) reported(_ *loop.Loop, e loop.ExceptionContext) {
	for _, match := range r.expected {
		if match(e) {
			return
		}
	}
	r.fail("exception", describeReport(e))
}
