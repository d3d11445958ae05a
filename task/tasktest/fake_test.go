package tasktest_test

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// fakeTB is a test that may fail: it notes what happens to it. Each line of its log begins
// with the method, and without the place, which only a real test can tell.
type fakeTB struct {
	testing.TB
	mu       sync.Mutex
	log      strings.Builder
	failed   bool
	skipped  bool
	finished bool // by FailNow or SkipNow
	cleanups []func()
}

// fake calls fn with a test that may fail, on a goroutine of its own.
func fake(t testing.TB, fn func(t testing.TB)) *fakeTB {
	t.Helper()
	f := &fakeTB{TB: t}
	done, returned := make(chan struct{}), false
	go func() {
		defer close(done)
		defer f.cleanUp()
		fn(f)
		returned = true
	}()
	<-done
	if !returned && !f.finished {
		t.Error("the test was ended neither by FailNow nor by SkipNow")
	}
	return f
}

func (f *fakeTB) cleanUp() {
	for n := len(f.cleanups); n > 0; n = len(f.cleanups) {
		fn := f.cleanups[n-1]
		f.cleanups = f.cleanups[:n-1]
		fn()
	}
}

func (f *fakeTB) write(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log.WriteString(text)
}

// text is what the test has said.
func (f *fakeTB) text() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func (f *fakeTB) Name() string { return "TestFake" }
func (f *fakeTB) Helper()      {}
func (f *fakeTB) Cleanup(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cleanups = append(f.cleanups, fn)
}
func (f *fakeTB) Log(args ...any) { f.write("log: " + fmt.Sprintln(args...)) }
func (f *fakeTB) Logf(format string, args ...any) {
	f.write("log: " + fmt.Sprintf(format, args...) + "\n")
}
func (f *fakeTB) Error(args ...any) {
	f.write("error: " + fmt.Sprintln(args...))
	f.Fail()
}
func (f *fakeTB) Errorf(format string, args ...any) { f.Error(fmt.Sprintf(format, args...)) }
func (f *fakeTB) Fatal(args ...any) {
	f.write("fatal: " + fmt.Sprintln(args...))
	f.FailNow()
}
func (f *fakeTB) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }
func (f *fakeTB) Fail() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
}
func (f *fakeTB) FailNow() {
	f.Fail()
	f.finished = true
	runtime.Goexit()
}
func (f *fakeTB) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}
func (f *fakeTB) SkipNow() {
	f.skipped, f.finished = true, true
	runtime.Goexit()
}
func (f *fakeTB) Skipped() bool     { return f.skipped }
func (f *fakeTB) Output() io.Writer { return (*fakeOutput)(f) }

type fakeOutput fakeTB

func (o *fakeOutput) Write(text []byte) (int, error) {
	(*fakeTB)(o).write(string(text))
	return len(text), nil
}

// says checks all that the test has said. In want N stands for the number of a line.
func (f *fakeTB) says(t testing.TB, want string) {
	t.Helper()
	got := lineNumber.ReplaceAllString(f.text(), ".go:N")
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("the test said:\n%s\nwant:\n%s", got, want)
	}
}

var lineNumber = regexp.MustCompile(`\.go:\d+`)

// contains checks that the test has said a part.
func (f *fakeTB) contains(t testing.TB, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(f.text(), part) {
			t.Errorf("the test said:\n%s\nwithout %q", f.text(), part)
		}
	}
}

// passes checks that the test has passed, and has said nothing.
func (f *fakeTB) passes(t testing.TB) {
	t.Helper()
	if f.Failed() || f.text() != "" {
		t.Errorf("the test failed=%t, and said:\n%s", f.Failed(), f.text())
	}
}

// fails checks that the test has failed, and all that it has said: see says.
func (f *fakeTB) fails(t testing.TB, want string) {
	t.Helper()
	if !f.Failed() {
		t.Error("the test passed")
	}
	f.says(t, want)
}

// onBoth calls fn with both handoffs, in parallel.
func onBoth(t *testing.T, fn func(t *testing.T, h task.Handoff)) {
	t.Helper()
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(h.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, h)
		})
	}
}

// runFake is Run of a test that may fail, with both handoffs; check checks how it went.
func runFake(t *testing.T, fn func(ctx context.Context, t *tasktest.T), check func(t *testing.T, f *fakeTB), opts ...tasktest.Option) {
	t.Helper()
	onBoth(t, func(t *testing.T, h task.Handoff) {
		check(t, fake(t, func(t testing.TB) { tasktest.Run(t, fn, append(opts, tasktest.Handoff(h))...) }))
	})
}

// failing checks that a test fails with that text.
func failing(want string) func(t *testing.T, f *fakeTB) {
	return func(t *testing.T, f *fakeTB) { f.fails(t, want) }
}

func passes(t *testing.T, f *fakeTB) { f.passes(t) }
