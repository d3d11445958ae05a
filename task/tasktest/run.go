package tasktest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
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
	s.site = cmp.Or(s.site, callSite())
	mayRun(t, "Run", fn)
	labelled(t, s, func() { newRun(t, s).do(fn) })
}

// mayRun refuses a test that cannot be run.
func mayRun(t testing.TB, operation string, fn func(ctx context.Context, t *T)) {
	t.Helper()
	if fn == nil {
		panic(fmt.Errorf("tasktest: %s: %w", operation, loop.ErrNilFunc))
	}
	if kernel.OnLoop() {
		t.Fatalf("tasktest: %s: a loop runs the caller, and a test has one loop: make a task instead", operation)
	}
}

// run is one run of a test function, on a loop of its own.
type run struct {
	settings
	outer     testing.TB
	explorer  *explorer // nil in Run
	quiet     bool      // failures are noted and not reported
	bubble    bool      // the clock is that of testing/synctest
	t         *T
	label     string  // of the goroutines
	goroutine uintptr // of the test

	// For the loop.
	loop      *loop.Loop
	kernel    *kernel.Kernel
	clock     *timers.Virtual // nil in a bubble
	ctx       context.Context // of main
	main      *task.Task[struct{}]
	random    *rand.Rand
	tearDowns []func(ctx context.Context) error
	expected  []func(loop.ExceptionContext) bool
	spared    map[task.Any]bool // that are not cancelled: main and Background
	iteration int
	lastMove  int // the iteration after which the clock moved
	epoch     int // how often it has
	frozen    bool
	blocked   []func() // of WaitAllBlocked
	advance   *advance // nil if there is none
	monitors  []*monitor
	satisfied *future.Future[struct{}] // main waits for what is to be true eventually; nil if it does not
	wrong     *wrong                   // why the loop was stopped
	until     func() bool              // ends the loop's run; nil if nothing does
	stuck     bool                     // there was a deadlock or livelock
	tearing   bool                     // the functions of AsyncCleanup are being called
	ending    bool                     // what is left is made to end
	notes     bool                     // sleeps are noted
	sleeps    []time.Duration
	events    *Events

	suspensions []*suspension // calls of NeverSuspends

	// For any goroutine.
	progress atomic.Uint64 // iterations and sleeps
	asleep   atomic.Bool
	engine   atomic.Pointer[sched.Sched]
	skipped  atomic.Bool
	exited   atomic.Bool // by Fatal or Skip
	gaveUp   atomic.Bool // what is left has been
	mu       sync.Mutex
	failure  *failure // the first
	cleanups []func()
	over     bool // even the functions of Cleanup have been called
}

// failure is what went wrong first in a run.
type failure struct {
	kind      string // "error", or the check that failed
	place     string // in the test
	text      string
	iteration int // in which the test has said so itself; 0 if it is not known
}

// wrong is why a run cannot go on. What it says is found out when the loop has stopped.
type wrong struct {
	kind     string
	describe func() string
}

func newRun(t testing.TB, s settings) *run {
	s.site = cmp.Or(s.site, callSite())
	r := &run{settings: s, outer: t, spared: map[task.Any]bool{}, label: s.label(t)}
	r.t = &T{TB: t, run: r}
	return r
}

// do runs fn, and what comes after it.
func (r *run) do(fn func(ctx context.Context, t *T)) {
	r.goroutine = kernel.Goroutine()
	defer r.markSkipped()
	defer r.cleanUp()
	r.makeLoop()
	if !r.bubble {
		defer r.startWatchdog()()
	}
	defer r.finish() // also if a coroutine called runtime.Goexit
	r.start(fn)
	r.spin(r.main.Done)
}

func (r *run) makeLoop() {
	var c timers.Clock
	if r.bubble {
		r.settings.start = time.Now()
		c = &bubbleClock{run: r}
	} else {
		r.clock = timers.NewVirtual(r.settings.start)
		r.clock.SetIdle(r.idle)
		c = &Clock{r.clock, r}
	}
	r.loop = loop.New(append(r.loopOptions[:len(r.loopOptions):len(r.loopOptions)], loop.WithClock(c))...)
	r.kernel = r.loop.Kernel()
	labels.Of(sched.Of(r.kernel)).SetBase(pprof.Labels(labelKey, r.label))
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
	r.kernel.SetOrder(r)
	r.kernel.KeepReports()
	ctx := loop.NewContext(context.WithoutCancel(r.outer.Context()), r.loop)
	r.main = task.Go(ctx, func(ctx context.Context) error {
		r.ctx = ctx
		defer r.beginTearDown(ctx) // also after Fatal
		fn(ctx, r.t)
		return r.awaitEventually(ctx)
	}, task.Name("main"))
	r.spared[r.main] = true
	r.engine.Store(sched.Of(r.kernel))
}

// beginTearDown calls the functions of AsyncCleanup, which begin without the cancellation that
// may have ended the test function.
func (r *run) beginTearDown(ctx context.Context) {
	if r.main.Cancelling() > 0 && len(r.tearDowns) > 0 {
		_ = task.Yield(ctx)
	}
	r.tearDown(ctx)
}

func (r *run) tearDown(ctx context.Context) {
	last := len(r.tearDowns) - 1
	if last < 0 || r.loop.IsClosed() {
		return
	}
	r.tearing = true
	fn := r.tearDowns[last]
	r.tearDowns = r.tearDowns[:last]
	defer r.tearDown(ctx) // also after Fatal
	if err := fn(ctx); err != nil {
		r.fail("cleanup", fmt.Sprintf("AsyncCleanup: %v", err))
	}
}

func (r *run) background(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	ending, failedBefore := false, false
	bg := task.Go(ctx, fn, task.Name(name))
	r.spared[bg] = true
	bg.AddDoneCallback(func() {
		if ending || bg.Cancelled() {
			return
		}
		if err := bg.Err(); err != nil && !errors.Is(err, task.ErrGoexit) {
			failedBefore = true
			r.fail("background", fmt.Sprintf("the background task %s failed: %v", name, err))
			r.main.Cancel("the background task failed")
		}
	})
	r.tearDowns = append(r.tearDowns, func(ctx context.Context) error {
		ending = true
		bg.Cancel()
		_, _, err := task.Wait(ctx, []*task.Task[struct{}]{bg}, task.AllCompleted)
		if err == nil && !bg.Cancelled() && bg.Err() != nil && !failedBefore {
			return fmt.Errorf("the background task %s: %w", name, bg.Err())
		}
		return err
	})
	return bg
}

// spin runs the loop until done reports true, and deals with what stops it before.
func (r *run) spin(done func() bool) {
	raised := r.turn(done)
	switch w := r.wrong; {
	case w != nil:
		r.wrong = nil
		r.fail(w.kind, w.describe())
	case raised != nil:
		r.fail("fatal", fmt.Sprintf("a fatal error ended the run: %v", raised))
	case !done():
		r.fail("stopped", "the test stopped the loop before its main task was done")
	}
}

// turn runs the loop until done reports true, or something stops it. If that is the
// runtime.Goexit of a task, the caller ends too.
func (r *run) turn(done func() bool) (raised error) {
	if !r.kernel.Begin() {
		return fmt.Errorf("it cannot run: %v", r.loop)
	}
	r.until = done
	defer func() { r.until = nil }()
	raised, goexit := func() (error, bool) {
		defer r.kernel.End()
		return r.kernel.Run()
	}()
	if goexit {
		r.wrong = nil
		r.goexit()
	}
	return raised
}

// goexit ends the goroutine of the test, because a task has ended so.
func (r *run) goexit() {
	over := r.exited.Load() || r.outer.Failed() || r.outer.Skipped() // perhaps by the methods of the outer test
	if !over {
		r.fail("goexit", "a task called runtime.Goexit")
	}
	switch {
	case r.explorer != nil:
		runtime.Goexit()
	case r.outer.Skipped() || r.skipped.Load():
		r.outer.SkipNow()
	}
	r.outer.FailNow()
}

// stop ends the loop's run because something is wrong.
func (r *run) stop(kind string, describe func() string) {
	switch {
	case r.main == nil: // a loop of NewLoop: nobody looks when it has stopped
		r.fail(kind, describe())
	case r.wrong == nil:
		r.wrong = &wrong{kind, describe}
	}
	r.loop.Stop()
}

// elapsed is the loop's time since the beginning.
func (r *run) elapsed() time.Duration { return r.loop.Time().Sub(r.settings.start) }

// cleanUp calls the functions of Cleanup.
func (r *run) cleanUp() {
	r.mu.Lock()
	last := len(r.cleanups) - 1
	if last < 0 {
		r.over = true
		r.mu.Unlock()
		return
	}
	fn := r.cleanups[last]
	r.cleanups = r.cleanups[:last]
	r.mu.Unlock()
	defer r.cleanUp() // also after Fatal
	fn()
}

// fail reports that a check has failed, at the line that began the run. Any goroutine may
// call it.
func (r *run) fail(kind, text string) {
	if r.note(failure{kind: kind, place: firstLine(text), text: text}) {
		fmt.Fprintf(r.outer.Output(), "%s%s\n", r.site, strings.ReplaceAll(text, "\n", "\n    "))
		r.outer.Fail()
	}
}

// errorf is Errorf of T. An empty text is Fail.
func (r *run) errorf(text string) {
	r.outer.Helper()
	if r.gaveUp.Load() && (r.skipped.Load() || strings.Contains(text, isOver)) {
		return // only a consequence
	}
	f := failure{kind: "error", text: text}
	if r.kernel != nil && r.kernel.RunsCaller() {
		f.iteration = r.iteration
	}
	if r.quiet {
		f.place = place()
	}
	switch {
	case !r.note(f):
	case text == "":
		r.outer.Fail()
	default:
		r.outer.Error(text)
	}
}

// note keeps the first failure. It reports whether the test is to hear of this one.
func (r *run) note(f failure) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure = &f
	}
	return !r.quiet
}

func (r *run) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

func (r *run) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failure != nil
}

// exit ends the calling goroutine after Fatal, and the run if that is one of the loop's.
func (r *run) exit() {
	r.exited.Store(true)
	if r.explorer == nil && kernel.Goroutine() == r.goroutine {
		r.outer.FailNow()
	}
	runtime.Goexit()
}

func (r *run) skip(text string) {
	r.outer.Helper()
	r.skipped.Store(true)
	r.exited.Store(true)
	if text != "" && !r.quiet {
		r.outer.Log(text)
	}
	if r.explorer == nil && kernel.Goroutine() == r.goroutine {
		r.outer.SkipNow()
	}
	runtime.Goexit()
}

// markSkipped ends a run in which Skip was called on another goroutine than the loop's.
func (r *run) markSkipped() {
	if r.skipped.Load() && r.explorer == nil && !r.outer.Skipped() {
		r.outer.SkipNow()
	}
}

// reported is the loop's exception handler.
func (r *run) reported(_ *loop.Loop, e loop.ExceptionContext) {
	for _, match := range r.expected {
		if match(e) {
			return
		}
	}
	if r.skipped.Load() || r.isOver() {
		return // what a skipped test leaves behind tells nothing, and some things come too late
	}
	r.fail("exception", describeReport(e))
}
