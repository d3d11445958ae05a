package loop_test

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errTest = errors.New("test error")

// start is when virtual clocks begin.
var start = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// testClock is a virtual clock that notes what the loop sleeps for, and ends a
// run in which nothing can happen any more. It gives other goroutines, which may
// still have news, some time first.
type testClock struct {
	*timers.Virtual
	sleeps   []time.Duration // since the start; -1 without a deadline
	deadlock func()
}

func (c *testClock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.sleeps = append(c.sleeps, until.Sub(start))
		c.Virtual.Sleep(until, wake)
		return
	}
	c.sleeps = append(c.sleeps, -1)
	guard := time.NewTimer(20 * time.Second)
	defer guard.Stop()
	select {
	case <-wake:
	case <-guard.C:
		c.deadlock()
	}
}

// newLoop returns a loop on a virtual clock, which is closed at the end of the
// test.
func newLoop(t testing.TB, opts ...loop.Option) (*loop.Loop, *testClock) {
	t.Helper()
	c := &testClock{Virtual: timers.NewVirtual(start)}
	l := loop.New(append([]loop.Option{loop.WithClock(c)}, opts...)...)
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	t.Cleanup(func() { noError(t, l.Close()) })
	return l, c
}

// run runs the loop until it is stopped.
func run(t testing.TB, l *loop.Loop) {
	t.Helper()
	noError(t, l.RunForever())
}

// runOnce runs one iteration.
func runOnce(t testing.TB, l *loop.Loop) {
	t.Helper()
	l.Stop()
	run(t, l)
}

// steps notes in which order things happen.
type steps []string

func (s *steps) add(name string) { *s = append(*s, name) }

// of returns a callback that notes its name.
func (s *steps) of(name string) func() {
	return func() { s.add(name) }
}

func (s *steps) check(t testing.TB, want ...string) {
	t.Helper()
	if got := strings.Join(*s, " "); got != strings.Join(want, " ") {
		t.Errorf("it went: %s\nwant: %s", got, strings.Join(want, " "))
	}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
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

// isError checks that err matches target and begins with prefix.
func isError(t testing.TB, err, target error, prefix string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.HasPrefix(err.Error(), prefix) {
		t.Errorf("got error %q, want one that begins with %q and matches %v", err, prefix, target)
	}
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
			err = errors.New("no panic")
		}
	}()
	fn()
	return nil
}

// pollError returns the error of Poll.
func pollError(l *loop.Loop) error {
	_, _, err := l.Poll()
	return err
}

// elsewhere calls fn on another goroutine and waits for it.
func elsewhere(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

// checked makes a loop refuse all calls of foreign goroutines. On processors where it is
// slow to tell goroutines apart most are refused in debug mode only.
func checked(l *loop.Loop) *loop.Loop {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		l.SetDebug(true)
	}
	return l
}
