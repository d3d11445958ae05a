package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

var errFatal = errors.New("fatal")

// errand is a Job that notes what becomes of it.
type errand struct {
	name  string
	steps *steps
}

func (e *errand) Run()  { e.steps.add("run " + e.name) }
func (e *errand) Drop() { e.steps.add("drop " + e.name) }

func (e *errand) String() string { return e.name }

func newErrand(s *steps, name string) *Handle {
	h := new(Handle)
	h.Init(Internal, &errand{name, s})
	return h
}

func TestHandleIsPushedAgainAndAgain(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	h := newErrand(&s, "a")
	for range 3 {
		k.Push(h)
		runOnce(t, k)
	}
	s.check(t, "run a", "run a", "run a")
}

func TestHandleOfTheProgramLetsGoOfItsFunction(t *testing.T) {
	k, _ := newKernel(t)
	ran := soon(k, func() {})
	runOnce(t, k)
	cancelled := soon(k, func() {})
	cancelled.Cancel()
	shared := new(Handle)
	shared.InitShared(func() {})
	shared.Cancel()
	var timer Timer
	timer.InitCallback(func() {})
	k.PushTimer(&timer, time.Second)
	timer.Cancel()
	for _, h := range []*Handle{ran, cancelled, shared, &timer.Handle} {
		if j := h.Job(); j != nil {
			t.Errorf("the handle %v still refers to %v", h, j)
		}
	}
}

func TestTimerFiresInItsPlace(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var later, at, stop Timer
	later.Init(Internal, &errand{"later", &s})
	at.Init(Internal, &errand{"at", &s})
	stop.InitCallback(k.Stop)
	k.PushTimer(&later, time.Second)
	k.PushTimerAt(&at, start.Add(time.Millisecond))
	k.PushTimer(&stop, time.Second)
	run(t, k)
	s.check(t, "run at", "run later")
}

func TestTimerThatIsCancelledIsGoneAtOnce(t *testing.T) {
	k, _ := newKernel(t)
	all := make([]*Timer, 300)
	for i := range all {
		all[i] = new(Timer)
		all[i].InitCallback(func() {})
		k.PushTimer(all[i], time.Hour+time.Duration(i))
		if i == 200 {
			k.Next() // finds a place for those so far
		}
	}
	for i, timer := range all {
		timer.Cancel()
		if got, want := k.timers.Len(), len(all)-i-1; got != want {
			t.Fatalf("%d timers are left after %d of %d were cancelled", got, i+1, len(all))
		}
	}
}

func TestCloseEmptiesTheKernel(t *testing.T) {
	k, _ := newKernel(t)
	mustBe(t, "IsClosed", k.IsClosed(), false)
	soon(k, func() {})
	var timer Timer
	timer.InitCallback(func() {})
	k.PushTimer(&timer, time.Hour)
	k.Post(newErrand(new(steps), "posted"))
	k.Begin()
	if k.Close() {
		t.Error("Close closed a loop that runs")
	}
	k.End()
	for range 2 {
		if !k.Close() {
			t.Error("Close refused a loop that does not run")
		}
	}
	if k.Begin() {
		t.Error("a closed loop begins to run")
	}
	mustBe(t, "IsClosed", k.IsClosed(), true)
	mustBe(t, "the size of the ready queue", k.ready.Cap(), 0)
	if k.ready.Len() != 0 || k.timers.Len() != 0 || !k.nothing() {
		t.Errorf("after Close there are %d handles, %d timers, an empty inbox: %t", k.ready.Len(), k.timers.Len(), k.nothing())
	}
}

func TestCloseTellsJobsThatTheyAreDropped(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.Post(newErrand(&s, "collected"))
	soon(k, func() {}) // collects what was posted
	k.Push(newErrand(&s, "ready"))
	cancelled := newErrand(&s, "cancelled")
	k.Push(cancelled)
	cancelled.Cancel()
	k.Post(newErrand(&s, "posted"))
	k.Close()
	slices.Sort(s) // the order does not matter
	s.check(t, "drop collected", "drop posted", "drop ready")
}

func TestClosedKernelIgnoresWhatItsLibraryPushes(t *testing.T) {
	k, _ := newKernel(t)
	k.Close()
	var s steps
	k.Push(newErrand(&s, "late"))
	var timer Timer
	timer.Init(Internal, &errand{"late", &s})
	k.PushTimer(&timer, 0)
	if k.timers.Len() != 0 {
		t.Error("a timer was scheduled")
	}
	k.PushTimerAt(&timer, start)
	if k.Post(newErrand(&s, "late")) {
		t.Error("a closed loop takes what is posted")
	}
	if k.ready.Len() != 0 || k.timers.Len() != 0 {
		t.Errorf("%d handles and %d timers", k.ready.Len(), k.timers.Len())
	}
	timer.Cancel()
	s.check(t)
}

func TestOwnsBatonTellsWhoMayTouchTheLoop(t *testing.T) {
	k, _ := newKernel(t)
	check := func(where string, want bool) {
		t.Helper()
		if k.OwnsBaton() != want {
			t.Errorf("OwnsBaton %s is %t", where, !want)
		}
	}
	elsewhere(func() { check("while nothing runs", true) })
	soon(k, func() {
		check("in a callback", true)
		elsewhere(func() {
			check("elsewhere", false)
			k.SetStepOwner(Goroutine())
			check("in a step", true)
			mustBe(t, "StepOwner in a step", k.StepOwner(), Goroutine())
		})
		check("on the loop's goroutine while a step runs", false)
		k.EndStep()
		mustBe(t, "StepOwner in a callback", k.StepOwner(), uintptr(0))
		mustBe(t, "RunsCaller in a callback after a step", k.RunsCaller(), true)
	})
	runOnce(t, k)
}

func TestRaiseEndsTheRunAfterTheCallback(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	soon(k, func() {
		k.Raise(errFatal)
		k.Raise(errors.New("too late"))
		s.add("ran to its end")
	})
	k.Push(newErrand(&s, "rest"))
	k.Begin()
	if raised, goexit := k.Run(); raised != errFatal || goexit {
		t.Errorf("the run ended with %v, goexit=%t", raised, goexit)
	}
	k.End()
	mustBe(t, "what is left of the iteration", k.todo, 0)
	s.check(t, "ran to its end")
	runOnce(t, k)
	s.check(t, "ran to its end", "run rest")
}

func TestRaiseBeforeTheRunEndsItAtOnce(t *testing.T) {
	k, _ := newKernel(t)
	r := record(k)
	k.Raise(errFatal)
	k.Begin()
	raised, _ := k.Run()
	k.End()
	mustBe(t, "the error", raised, errFatal)
	mustBe(t, "the number of sleeps", len(r.sleeps), 0)
}

func TestPushKeepsTheOrderAmongWhatWasPosted(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.Push(newErrand(&s, "a"))
	k.Post(newErrand(&s, "b"))
	k.Push(newErrand(&s, "c"))
	if handles := k.inbox.posted.spare[:1]; handles[0] != nil {
		t.Error("the inbox still refers to what was collected")
	}
	runOnce(t, k)
	s.check(t, "run a", "run b", "run c")
}

func TestHandleThatIsCancelledRunsNothing(t *testing.T) {
	k, h := newKernel(t)
	cancelled := newErrand(&h.steps, "cancelled")
	k.Push(cancelled)
	cancelled.Cancel()
	k.Push(newErrand(&h.steps, "rest"))
	runOnce(t, k)
	h.steps.check(t, "run rest")
}

// A shared handle belongs to whoever gets its state first.
func TestHandleThatIsSharedIsRunOrCancelled(t *testing.T) {
	var s steps
	shared := func() *Handle {
		h := newErrand(&s, "a")
		h.shared = true
		return h
	}
	run := shared()
	mustBe(t, "the description", run.String(), "<Handle threadsafe>")
	if run.take() == nil {
		t.Fatal("it has no job")
	}
	run.Cancel() // too late
	mustBe(t, "Cancelled", run.Cancelled(), true)
	if run.job == nil {
		t.Error("the job was dropped while it may be running")
	}
	cancelled := shared()
	cancelled.state.Store(handleCancelled) // as another goroutine begins to cancel it
	if cancelled.take() != nil {
		t.Error("a cancelled job is run")
	}
	var h Handle
	h.InitShared(func() {})
	mustBe(t, "the description", h.String(), "<Handle threadsafe>")
}

func TestDebugAndExecutorUsedAnswerForTheLoop(t *testing.T) {
	k, h := newKernel(t)
	for _, on := range []bool{true, false} {
		k.SetDebug(on)
		mustBe(t, "Debug", k.Debug(), on)
		h.executorUsed = on
		mustBe(t, "ExecutorUsed", k.ExecutorUsed(), on)
	}
}

func TestStopOfALoopThatDoesNotRunWakesNobody(t *testing.T) {
	k, _ := newKernel(t)
	k.Stop()
	mustBe(t, "the number of wake-ups", len(k.inbox.wake), 0)
}

func TestRunGoesOnAfterACallbackThatPanics(t *testing.T) {
	k, h := newKernel(t)
	soon(k, func() { panic("first") })
	k.Push(newErrand(&h.steps, "second"))
	runOnce(t, k)
	h.steps.check(t, "failed first", "run second")
}

// stepJob is a step that is taken by NextStep.
type stepJob struct{ errand }

func TestNextStepRunsInternalHandlesAndLeavesCallbacks(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var step Handle
	job := &stepJob{errand{"step", &s}}
	step.Init(Step, job)
	soon(k, func() {
		k.Push(newErrand(&s, "internal"))
		k.Push(&step)
		soon(k, func() {
			s.add("callback")
			k.Stop()
		})
		if j := k.NextStep(); j != Job(job) { // across the end of the iteration
			t.Errorf("the next step is %v", j)
		}
		if j := k.NextStep(); j != nil {
			t.Errorf("a callback was passed over for %v", j)
		}
	})
	run(t, k)
	s.check(t, "run internal", "callback")
}

func TestCheckNamesTheOperationAndTheObject(t *testing.T) {
	k, _ := newKernel(t)
	k.SetDebug(!identityIsCheap)
	p := newFuture(k)
	mustBe(t, "Check while nothing runs", k.Check("Use", p), nil)
	k.MustOwn("Use", p)
	mustBe(t, "Check without a kernel", (*Kernel)(nil).Check("Use", p), nil)
	soon(k, func() {
		mustBe(t, "Check in a callback", k.Check("Use", p), nil)
		mustBe(t, "RunsCaller in a callback", k.RunsCaller(), true)
		elsewhere(func() {
			want := fmt.Sprintf("kernel: Use of <Promise %p>", p)
			mustBe(t, "RunsCaller elsewhere", k.RunsCaller(), false)
			mustBe(t, "Check elsewhere", k.Check("Use", p).Error(), want)
			defer func() { mustBe(t, "the panic", recover().(error).Error(), want) }()
			k.MustOwn("Use", p)
		})
	})
	runOnce(t, k)
}

// What an internal job has the program do comes before everything else, in order, and
// one panic more or less changes nothing.
func TestCallNextComesBeforeWhatIsReady(t *testing.T) {
	k, h := newKernel(t)
	job := &caller{k: k}
	var handle Handle
	handle.Init(Internal, job)
	k.Push(&handle)
	k.Push(newErrand(&h.steps, "rest"))
	job.fns = []func(){
		func() { h.steps.add("first") },
		func() { panic("second") },
		func() { h.steps.add("third") },
	}
	runOnce(t, k)
	h.steps.check(t, "first", "failed second", "third", "run rest")
	k.CallNext(job.fns...) // at once, since nothing runs
	h.steps.check(t, "first", "failed second", "third", "run rest", "first", "failed second", "third")
	runOnce(t, k) // they are not called again
	mustBe(t, "the number of calls", len(h.steps), 7)
}

// tellingHost notes how what has failed is described, and has its goroutine end when it
// gets a report.
type tellingHost struct{ *testHost }

func (h tellingHost) CallbackFailed(_ *Handle, description string, _ []uintptr, value any) {
	h.steps.add(fmt.Sprintf("%s failed %v", description, value))
}
func (h tellingHost) Report(r Report) {
	h.testHost.Report(r)
	runtime.Goexit()
}

func TestCallNextNamesWhatFails(t *testing.T) {
	k, h := newKernel(t)
	k.host = tellingHost{h}
	k.CallNext(fails)
	mustBe(t, "the number of failures", len(h.steps), 1)
	if got := h.steps[0]; !strings.HasPrefix(got, "kernel.fails at kernel_test.go:") {
		t.Errorf("got %q", got)
	}
}

func fails() { panic("oops") }

// The rest is called while the goroutine ends.
func TestCallNextGoesOnAfterGoexit(t *testing.T) {
	k, h := newKernel(t)
	elsewhere(func() {
		k.CallNext(runtime.Goexit, func() { h.steps.add("second") }, runtime.Goexit, func() { h.steps.add("last") })
	})
	h.steps.check(t, "second", "last")
}

func TestCloseGoesOnAfterGoexit(t *testing.T) {
	k, h := newKernel(t)
	k.host = tellingHost{h}
	k.Push(newErrand(&h.steps, "first"))
	var exits Handle
	exits.Init(Internal, dropsOut{})
	k.Push(&exits)
	k.Push(newErrand(&h.steps, "second"))
	for range 2 {
		newFuture(k).Finish(errTest)
	}
	elsewhere(func() { k.Close() })
	h.steps.check(t, "drop first", "drop second",
		"report Future exception was never retrieved", "report Future exception was never retrieved")
}

// dropsOut is a job that ends the goroutine which drops it.
type dropsOut struct{}

func (dropsOut) Run()  {}
func (dropsOut) Drop() { runtime.Goexit() }

// closingClock is a clock that wants to be closed.
type closingClock struct {
	timers.Clock
	steps *steps
}

func (c closingClock) Close() error {
	c.steps.add("close the clock")
	return errTest
}

func TestCloseClosesTheClockLast(t *testing.T) {
	for _, exits := range []bool{false, true} {
		h := &testHost{}
		k := New(closingClock{timers.NewVirtual(start), &h.steps}, h, nil)
		k.Push(newErrand(&h.steps, "job"))
		if exits {
			var h Handle
			h.Init(Internal, dropsOut{})
			k.Push(&h)
		}
		elsewhere(func() {
			for range 2 {
				k.Close()
			}
		})
		h.steps.check(t, "drop job", "close the clock", "the clock was not closed: "+errTest.Error())
	}
}

// What CallNext has not called when the loop is closed is called then.
func TestCloseCallsWhatIsOwed(t *testing.T) {
	k, h := newKernel(t)
	soon(k, func() {
		k.CallNext(func() { panic("owed") }, func() { h.steps.add("owed too") })
		k.Raise(errFatal)
	})
	k.Begin()
	_, _ = k.Run()
	k.End()
	h.steps.check(t)
	k.Close()
	h.steps.check(t, "failed owed", "owed too")
}

// caller is a job that has functions of the program called.
type caller struct {
	k   *Kernel
	fns []func()
}

func (c *caller) Run() { c.k.CallNext(c.fns...) }
