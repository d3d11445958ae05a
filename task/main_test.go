package task_test

import (
	"context"
	"errors"
	"flag"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// errTest is what coroutines fail with.
var errTest = errors.New("test error")

// guardedClock is a virtual clock that ends a run in which everybody waits for
// ever. It gives other goroutines, which may still have news, some time first.
type guardedClock struct {
	*timers.Virtual
	deadlock func()
}

func (c *guardedClock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.Virtual.Sleep(until, wake)
		return
	}
	guard := time.NewTimer(20 * time.Second)
	defer guard.Stop()
	select {
	case <-wake:
	case <-guard.C:
		c.deadlock()
	}
}

// onPull runs the tests with the other way to hand over control.
var onPull = flag.Bool("pull", false, "hand over with task.IterPull")

// newTestLoop returns a loop on a virtual clock, which is closed at the end of
// the test.
func newTestLoop(t testing.TB) *loop.Loop {
	c := &guardedClock{Virtual: timers.NewVirtual(time.Time{})}
	l := loop.New(loop.WithClock(c))
	if *onPull {
		task.SetHandoff(l, task.IterPull)
	}
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// runTest runs main as the main task of a loop on a virtual clock, and then
// closes the loop, tasks or not.
func runTest(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	l := newTestLoop(t)
	runTestOn(t, l, main)
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func runTestOn(t *testing.T, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	if err != nil {
		t.Errorf("the loop ended with %v", err)
	}
}

// reports collects what the loop's exception handler is told.
type reports struct {
	mu  sync.Mutex
	all []loop.ExceptionContext
}

func collectReports(l *loop.Loop) *reports {
	r := &reports{}
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, e)
	})
	return r
}

func (r *reports) taken() []loop.ExceptionContext {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// messages returns the messages of the reports so far, and forgets them.
func (r *reports) messages() []string {
	all := []string{}
	for _, e := range r.taken() {
		all = append(all, e.Message)
	}
	return all
}

// tick lets the loop run one iteration.
func tick(ctx context.Context) {
	if err := task.Yield(ctx); err != nil {
		panic(err)
	}
}

// ticks lets the loop run n iterations.
func ticks(ctx context.Context, n int) {
	for range n {
		tick(ctx)
	}
}

// elapsed is the loop's time since its start, which is the Unix epoch.
func elapsed(ctx context.Context) time.Duration {
	return loop.Running(ctx).Time().Sub(time.Unix(0, 0))
}

func newFuture[T any](ctx context.Context) *future.Future[T] {
	return future.New[T](loop.Running(ctx))
}

// returns makes a coroutine that sleeps and then returns v.
func returns[T any](d time.Duration, v T) task.Coroutine[T] {
	return func(ctx context.Context) (T, error) { return task.SleepResult(ctx, d, v) }
}

// fails makes a coroutine that sleeps and then fails.
func fails[T any](d time.Duration, failure error) task.Coroutine[T] {
	return func(ctx context.Context) (v T, err error) {
		if err := task.Sleep(ctx, d); err != nil {
			return v, err
		}
		return v, failure
	}
}

// waits makes a coroutine that awaits aw.
func waits[T any](aw future.Awaitable[T]) task.Coroutine[T] {
	return func(ctx context.Context) (T, error) { return aw.Await(ctx) }
}

// equal compares with ==, and slices element by element: pointers, and so errors
// and tasks, have to be the same.
func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !same(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// contains checks that a text has a part.
func contains(t testing.TB, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q does not contain %q", text, part)
	}
}

func same(got, want any) bool {
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	if g.Kind() != reflect.Slice || w.Kind() != reflect.Slice {
		return got == want
	}
	ok := g.Type() == w.Type() && g.Len() == w.Len()
	for i := 0; ok && i < g.Len(); i++ {
		ok = same(g.Index(i).Interface(), w.Index(i).Interface())
	}
	return ok
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

// isError checks that err matches target and that its text has all the parts.
func isError(t testing.TB, err, target error, parts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got error %v, want one that matches %v", err, target)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// isCancellation checks that err is a cancellation, with that message.
func isCancellation(t testing.TB, err error, message string) {
	t.Helper()
	var c *future.CancelledError
	if !future.IsCancelled(err) || !errors.As(err, &c) {
		t.Errorf("got error %v, want a cancellation", err)
		return
	}
	equal(t, "message of the cancellation", c.Message, message)
}

// gives awaits aw and checks its result.
func gives[T any](t testing.TB, ctx context.Context, aw future.Awaitable[T], want T) {
	t.Helper()
	got, err := aw.Await(ctx)
	noError(t, err)
	equal(t, "result", got, want)
}

// panicOf returns the error that fn panics with.
func panicOf(t testing.TB, fn func()) (err error) {
	t.Helper()
	defer func() {
		t.Helper()
		value := recover()
		var ok bool
		if err, ok = value.(error); !ok {
			t.Errorf("got panic %v, want one with an error", value)
		}
	}()
	fn()
	return nil
}

// slowIdentity says that the loop cannot afford to find out who calls, as on all but the
// most common processors: then it checks only awaits and what makes tasks.
const slowIdentity = runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64"

// checked makes a loop refuse all calls of foreign goroutines, by debug mode if need be.
func checked(l *loop.Loop) *loop.Loop {
	if slowIdentity {
		l.SetDebug(true)
	}
	return l
}
