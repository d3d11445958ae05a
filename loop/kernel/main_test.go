package kernel

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start is when virtual clocks begin.
var start = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// testHost notes what the kernel asks of it.
type testHost struct {
	steps        steps
	executorUsed bool
}

func (h *testHost) CallbackFailed(_ *Handle, description string, _ []uintptr, value any) {
	h.steps.add(fmt.Sprintf("failed %v", value))
}
func (h *testHost) Report(r Report) { h.steps.add("report " + r.Message) }
func (h *testHost) TookLong(description string, d time.Duration) {
	h.steps.add(fmt.Sprintf("%s took %v", description, d))
}
func (h *testHost) Warn(message string)              { h.steps.add(message) }
func (h *testHost) WrongGoroutine(what string) error { return errors.New(what) }
func (h *testHost) ExecutorUsed() bool               { return h.executorUsed }

// newKernel returns a kernel on a virtual clock, which is closed at the end of the
// test.
func newKernel(t testing.TB) (*Kernel, *testHost) {
	t.Helper()
	h := &testHost{}
	k := New(timers.NewVirtual(start), h, nil)
	t.Cleanup(func() { k.Close() })
	return k, h
}

// recorder is a virtual clock that notes what the loop sleeps for.
type recorder struct {
	*timers.Virtual
	sleeps  []time.Time
	forever func() // called in place of a sleep without an end
}

func (r *recorder) Sleep(until time.Time, wake <-chan struct{}) {
	r.sleeps = append(r.sleeps, until)
	if until.IsZero() {
		r.forever()
		return
	}
	r.Virtual.Sleep(until, wake)
}

// record makes the kernel use a recorder, which stops the run when nothing can happen
// any more.
func record(k *Kernel) *recorder {
	r := &recorder{Virtual: timers.NewVirtual(start), forever: k.Stop}
	k.clock = r
	return r
}

// pushAfter pushes a timer that calls fn after d.
func pushAfter(k *Kernel, d time.Duration, fn func()) *Timer {
	timer := new(Timer)
	timer.InitCallback(fn)
	k.PushTimer(timer, d)
	return timer
}

// run runs the loop until it is stopped.
func run(t testing.TB, k *Kernel) {
	t.Helper()
	if !k.Begin() {
		t.Fatal("the loop is running")
	}
	defer k.End()
	if raised, goexit := k.Run(); raised != nil || goexit {
		t.Errorf("the run ended with %v, goexit=%t", raised, goexit)
	}
}

// runOnce runs one iteration.
func runOnce(t testing.TB, k *Kernel) {
	t.Helper()
	k.Stop()
	run(t, k)
}

// soon pushes a callback.
func soon(k *Kernel, fn func()) *Handle {
	h := new(Handle)
	h.InitCallback(fn)
	k.Push(h)
	return h
}

// steps notes in which order things happen.
type steps []string

func (s *steps) add(name string) { *s = append(*s, name) }

func (s *steps) check(t testing.TB, want ...string) {
	t.Helper()
	if !slices.Equal(*s, want) {
		t.Errorf("it went: %q\nwant: %q", *s, want)
	}
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
