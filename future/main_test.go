package future_test

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
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

var errTest = errors.New("test error")

// newLoop returns a loop on a virtual clock, which is closed at the end of the
// test.
func newLoop(t testing.TB) *loop.Loop {
	l := loop.New(loop.WithClock(timers.NewVirtual(time.Time{})))
	t.Cleanup(func() { noError(t, l.Close()) })
	return l
}

// iterate runs n iterations of the loop.
func iterate(l *loop.Loop, n int) {
	for range n {
		l.Poll()
	}
}

// run runs main as a task.
func run(t *testing.T, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	noError(t, err)
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

// checked makes a loop refuse all calls of foreign goroutines. On processors where it is
// slow to tell goroutines apart most are refused in debug mode only.
func checked(l *loop.Loop) *loop.Loop {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		l.SetDebug(true)
	}
	return l
}
