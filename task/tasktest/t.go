package tasktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// T is the test that a coroutine runs in. It is a testing.TB, whose methods any coroutine or
// callback may call, Fatal and Skip too: they end the run. On other goroutines, such as
// those of task.ToThread, Fatal ends that function only. The methods that testing.TB does
// not have are for the loop's tasks and callbacks.
type T struct {
	testing.TB
	run *run
}

// Context returns the context of the main task.
func (t *T) Context() context.Context { return t.run.ctx }

// Cleanup calls fn at the end of the run, after the loop was closed. Later ones go first.
func (t *T) Cleanup(fn func()) {
	notNil("Cleanup", fn == nil)
	t.run.mu.Lock()
	defer t.run.mu.Unlock()
	t.run.cleanups = append(t.run.cleanups, fn)
}

// Error is testing.TB's.
func (t *T) Error(args ...any) {
	t.Helper()
	t.run.errorf(strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

// Errorf is testing.TB's.
func (t *T) Errorf(format string, args ...any) {
	t.Helper()
	t.run.errorf(fmt.Sprintf(format, args...))
}

// Fail is testing.TB's.
func (t *T) Fail() {
	t.Helper()
	t.run.errorf("")
}

// FailNow is testing.TB's.
func (t *T) FailNow() {
	t.Helper()
	t.run.errorf("")
	t.run.exit()
}

// Fatal is testing.TB's.
func (t *T) Fatal(args ...any) {
	t.Helper()
	t.run.errorf(strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
	t.run.exit()
}

// Fatalf is testing.TB's.
func (t *T) Fatalf(format string, args ...any) {
	t.Helper()
	t.run.errorf(fmt.Sprintf(format, args...))
	t.run.exit()
}

// Failed is testing.TB's.
func (t *T) Failed() bool { return t.run.failed() }

// Skip is testing.TB's.
func (t *T) Skip(args ...any) {
	t.Helper()
	t.run.skip(strings.TrimSuffix(fmt.Sprintln(args...), "\n"))
}

// Skipf is testing.TB's.
func (t *T) Skipf(format string, args ...any) {
	t.Helper()
	t.run.skip(fmt.Sprintf(format, args...))
}

// SkipNow is testing.TB's.
func (t *T) SkipNow() {
	t.Helper()
	t.run.skip("")
}

// Skipped is testing.TB's.
func (t *T) Skipped() bool { return t.run.skipped.Load() }

// Log is testing.TB's. While schedules are explored only the last run is heard.
func (t *T) Log(args ...any) {
	if !t.run.quiet {
		t.Helper()
		t.TB.Log(args...)
	}
}

// Logf is testing.TB's: see Log.
func (t *T) Logf(format string, args ...any) {
	if !t.run.quiet {
		t.Helper()
		t.TB.Logf(format, args...)
	}
}

// Loop returns the loop that the test runs on.
func (t *T) Loop() *loop.Loop { return t.run.loop }

// Now returns the time by the loop's clock. Any goroutine may call it.
func (t *T) Now() time.Time { return t.run.loop.Time() }

// Elapsed returns the time since the test began, by the loop's clock. Any goroutine may call
// it.
func (t *T) Elapsed() time.Duration { return t.run.elapsed() }

// AsyncCleanup calls fn at the end of the main task, on the loop, even if the test was ended
// by Fatal. Later ones go first. An error fails the test.
func (t *T) AsyncCleanup(fn func(ctx context.Context) error) {
	notNil("AsyncCleanup", fn == nil)
	t.run.tearDowns = append(t.run.tearDowns, fn)
}

// Background starts fn as a task that is cancelled and awaited at the end of the test, in
// its turn among the functions of [T.AsyncCleanup]. If it fails before, the test fails
// and its main task is cancelled.
func (t *T) Background(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return t.run.background(ctx, name, fn)
}

// Expect takes reports to the loop's exception handler away that would fail the test: those
// for which match returns true.
func (t *T) Expect(match func(e loop.ExceptionContext) bool) {
	notNil("Expect", match == nil)
	t.run.expected = append(t.run.expected, match)
}

// Choose returns 0 in [Run], and in other schedules of [Explore] any number below n. What
// says what is decided, for the report. 0 should be the simplest, as in "no fault".
func (t *T) Choose(n int, what string) int {
	if n < 1 {
		panic(fmt.Errorf("tasktest: Choose: there are %d possibilities for %s: %w", n, what, loop.ErrInvalidArgument))
	}
	if n == 1 || t.run.explorer == nil {
		return 0
	}
	return t.run.explorer.program(n, what)
}

// Buggify returns false in [Run], and in other schedules of [Explore] it may return true:
// with probability p where decisions are random.
func (t *T) Buggify(p float64) bool {
	if t.run.explorer == nil || p <= 0 {
		return false
	}
	return t.run.explorer.buggify(p)
}

// Rand returns a source of random numbers, which begins anew for each schedule.
func (t *T) Rand() *rand.Rand {
	if t.run.random == nil {
		var seed uint64
		if t.run.explorer != nil {
			seed = t.run.explorer.seed()
		}
		t.run.random = rand.New(rand.NewPCG(seed, 0))
	}
	return t.run.random
}

// place is where the program called a function of this package, as in "x_test.go:12".
func place() string {
	for f := range calls {
		if !ownFile(f) {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
	}
	return ""
}

// callSite is where the test calls this package, as in "x_test.go:12: ": the line of the
// test function, if the stack leads there, and otherwise that of the caller.
func callSite() (site string) {
	for f := range calls {
		if ownFile(f) {
			continue
		}
		isTest := ofTest(f.Function)
		if site == "" || isTest {
			site = fmt.Sprintf("%s:%d: ", path.Base(f.File), f.Line)
		}
		if isTest || strings.HasPrefix(f.Function, "testing.") {
			break
		}
	}
	return site
}

// ofTest reports whether a function is a test, or is inside of one.
func ofTest(function string) bool {
	for part := range strings.SplitSeq(path.Base(function), ".") {
		for _, prefix := range []string{"Test", "Benchmark", "Fuzz"} {
			if strings.HasPrefix(part, prefix) {
				return true
			}
		}
	}
	return false
}

// calls yields the calls that led to its caller, innermost first.
func calls(yield func(f runtime.Frame) bool) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !yield(f) || !more {
			return
		}
	}
}
