package sync

import (
	"context"
	"errors"
	"reflect"
	"runtime"
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

var epoch = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// clock is a virtual clock that ends a run in which all tasks wait forever. It first
// gives other goroutines time to wake the loop.
type clock struct {
	*timers.Virtual
	deadlock func()
}

func (c *clock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.Virtual.Sleep(until, wake)
		return
	}
	select {
	case <-wake:
	case <-time.After(10 * time.Second):
		c.deadlock()
	}
}

func newLoop(t testing.TB) *loop.Loop {
	c := &clock{Virtual: timers.NewVirtual(epoch)}
	l := loop.New(loop.WithClock(c))
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	return l
}

// run runs main as the only task of a loop with a virtual clock, and closes the
// loop.
func run(t testing.TB, main func(ctx context.Context)) {
	t.Helper()
	l := newLoop(t)
	runOn(t, l, main)
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func runOn(t testing.TB, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	if err != nil {
		t.Errorf("the loop ended with %v", err)
	}
}

// yield lets the loop run one iteration.
func yield(ctx context.Context) {
	if err := task.Yield(ctx); err != nil {
		panic(err)
	}
}

// settle lets the loop run until all woken tasks have run.
func settle(ctx context.Context) {
	for range 10 {
		yield(ctx)
	}
}

// spawn starts a task.
func spawn(ctx context.Context, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.Go(ctx, fn)
}

// soon calls fn in a callback of the loop, in its next iteration.
func soon(ctx context.Context, fn func()) {
	loop.Running(ctx).CallSoon(fn)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

// refused checks that an error reports a broken rule.
func refused(t testing.TB, err, rule error) {
	t.Helper()
	if !errors.Is(err, rule) {
		t.Errorf("got error %v, want one that matches %q", err, rule)
	}
}

// panics checks that fn panics with an error that reports a broken rule.
func panics(t testing.TB, fn func(), rule error, text string) {
	t.Helper()
	defer func() {
		t.Helper()
		err, ok := recover().(error)
		if !ok {
			t.Fatal("it did not panic with an error")
		}
		refused(t, err, rule)
		equal(t, "text", err.Error(), text)
	}()
	fn()
}

// equal compares with ==, and slices element by element: pointers, and so errors
// and tasks, have to be the same.
func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !same(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
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

func isTrue(t testing.TB, what string, got bool) {
	t.Helper()
	equal(t, what, got, true)
}

func isFalse(t testing.TB, what string, got bool) {
	t.Helper()
	equal(t, what, got, false)
}

// succeeds awaits a task and checks that it returns no error.
func succeeds[T any](t testing.TB, ctx context.Context, tk *task.Task[T]) T {
	t.Helper()
	v, err := tk.Await(ctx)
	must(t, err)
	return v
}

// isCancelled awaits a task and checks that it ends cancelled.
func isCancelled[T any](t testing.TB, ctx context.Context, tk *task.Task[T]) {
	t.Helper()
	if _, err := tk.Await(ctx); !future.IsCancelled(err) {
		t.Errorf("awaiting the cancelled task: got %v", err)
	}
	isTrue(t, "task.Cancelled()", tk.Cancelled())
}

// gate is a point at which a test holds tasks.
type gate = future.Future[struct{}]

func newGate(ctx context.Context) *gate {
	return future.New[struct{}](loop.Running(ctx))
}

func open(t testing.TB, g *gate) {
	t.Helper()
	must(t, g.SetResult(struct{}{}))
}

func pass(ctx context.Context, g *gate) error {
	_, err := g.Await(ctx)
	return err
}

// checked makes a loop refuse all calls of foreign goroutines. On processors where it is
// slow to tell goroutines apart most are refused in debug mode only.
func checked(l *loop.Loop) *loop.Loop {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		l.SetDebug(true)
	}
	return l
}
