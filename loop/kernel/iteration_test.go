package kernel

import (
	"runtime"
	"testing"
	"time"
)

// testScheduler notes what the kernel asks of it.
type testScheduler struct {
	steps      steps
	beforeJump func()
}

func (s *testScheduler) IdleWorkers() int { return 0 }
func (s *testScheduler) BeforeJump() {
	s.steps.add("before jump")
	s.beforeJump()
}
func (s *testScheduler) Pending() string { return "" }
func (s *testScheduler) Lends() bool     { return false }
func (s *testScheduler) Errand()         { s.steps.add("errand") }
func (s *testScheduler) Unwind()         { s.steps.add("unwind") }

func TestSchedulerIsMadeOnceAndUnwoundOnce(t *testing.T) {
	k, _ := newKernel(t)
	first := &testScheduler{}
	for range 2 {
		got := k.Scheduler(func(*Kernel) Scheduler { return first })
		mustBe(t, "the scheduler", got, Scheduler(first))
		mustBe(t, "the other's", k.Scheduler(func(*Kernel) Scheduler { return &testScheduler{} }), Scheduler(first))
	}
	k.Close()
	k.Close()
	first.steps.check(t, "unwind")
}

// What BeforeJump makes ready runs at the time before the jump.
func TestSchedulerIsAskedBeforeTheClockJumps(t *testing.T) {
	k, _ := newKernel(t)
	ready := time.Time{}
	s := &testScheduler{}
	s.beforeJump = func() {
		if len(s.steps) == 1 {
			soon(k, func() { ready = k.Clock().Now() })
		}
	}
	k.Scheduler(func(*Kernel) Scheduler { return s })
	var stop Timer
	stop.InitCallback(k.Stop)
	k.PushTimer(&stop, time.Hour)
	run(t, k)
	s.steps.check(t, "before jump", "before jump")
	mustBe(t, "the time at which it ran", ready, start)
	mustBe(t, "the time at the end", k.Clock().Now(), start.Add(time.Hour))
}

// If there is something to run, or the run is over, there is no sleep to prepare for.
func TestSchedulerIsAskedBeforeSleepsOnly(t *testing.T) {
	k, _ := newKernel(t)
	s := &testScheduler{beforeJump: func() {}}
	k.Scheduler(func(*Kernel) Scheduler { return s })
	k.Stop()
	run(t, k)
	posted := new(Handle)
	posted.InitCallback(k.Stop)
	k.Post(posted)
	run(t, k)
	s.steps.check(t)
	k.clock = sleeper{k.clock, k.Stop} // a clock that does not jump
	run(t, k)
	s.steps.check(t)
}

func TestIdleLoopSleepsUntilTheFirstTimer(t *testing.T) {
	k, _ := newKernel(t)
	r := record(k)
	cancelled := pushAfter(k, time.Second, func() {})
	woken := false
	pushAfter(k, 2*time.Second, func() { woken = k.inbox.state.asleep() })
	cancelled.Cancel()
	run(t, k)
	if len(r.sleeps) != 2 || r.sleeps[0] != start.Add(2*time.Second) || !r.sleeps[1].IsZero() {
		t.Errorf("it slept until %v", r.sleeps)
	}
	mustBe(t, "whether the next post would wake the loop", woken, false)
}

// What comes at the last moment keeps the loop from going to sleep.
func TestIdleLoopLooksAgainBeforeItSleeps(t *testing.T) {
	for name, last := range map[string]func(k *Kernel){
		"post": func(k *Kernel) {
			h := new(Handle)
			h.InitCallback(k.Stop)
			k.Post(h)
		},
		"stop": (*Kernel).Stop,
	} {
		k, _ := newKernel(t)
		r := record(k)
		k.Scheduler(func(*Kernel) Scheduler { return &testScheduler{beforeJump: func() { last(k) }} })
		run(t, k)
		if len(r.sleeps) != 0 {
			t.Errorf("%s: it slept until %v", name, r.sleeps)
		}
	}
}

func TestGoexitInACallbackIsNoFailure(t *testing.T) {
	k, h := newKernel(t)
	soon(k, runtime.Goexit)
	k.Push(newErrand(&h.steps, "rest"))
	elsewhere(func() {
		k.Begin()
		defer k.End()
		defer func() { mustBe(t, "OnLoop while the goroutine ends", OnLoop(), false) }()
		k.Stop()
		_, _ = k.Run()
	})
	h.steps.check(t)
	runOnce(t, k)
	h.steps.check(t, "run rest")
}

func TestGoexitOfATaskEndsTheRun(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	soon(k, k.Goexit)
	k.Push(newErrand(&s, "rest"))
	k.Begin()
	raised, goexit := k.Run()
	k.End()
	mustBe(t, "the error", raised, nil)
	mustBe(t, "goexit", goexit, true)
	s.check(t)
}

func TestBeginIsForOneAtATime(t *testing.T) {
	k, _ := newKernel(t)
	mustBe(t, "IsRunning", k.IsRunning(), false)
	mustBe(t, "Begin", k.Begin(), true)
	mustBe(t, "IsRunning", k.IsRunning(), true)
	mustBe(t, "the second Begin", k.Begin(), false)
	k.End()
	mustBe(t, "IsRunning", k.IsRunning(), false)
	mustBe(t, "Begin after End", k.Begin(), true)
	k.End()
}

// A run leaves nothing behind that the next one would find.
func TestEndForgetsTheRun(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	soon(k, func() { k.Raise(errFatal) })
	k.Push(newErrand(&s, "first"))
	k.Begin()
	_, _ = k.RunOnce()
	k.Stop() // too late for this one
	k.End()
	var stop Timer
	stop.InitCallback(k.Stop)
	k.PushTimer(&stop, time.Second)
	run(t, k) // it neither is over at once, nor fails, nor is only one iteration
	s.check(t, "run first")
	mustBe(t, "the time", k.Clock().Now(), start.Add(time.Second))
}

func TestRunOnceNeitherSleepsNorGoesOn(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var later Timer
	later.Init(Internal, &errand{"later", &s})
	k.PushTimer(&later, time.Second)
	soon(k, func() { k.Push(newErrand(&s, "next")) })
	once := func() {
		k.Begin()
		defer k.End()
		if raised, goexit := k.RunOnce(); raised != nil || goexit {
			t.Errorf("it ended with %v, %t", raised, goexit)
		}
	}
	once()
	s.check(t)
	once()
	s.check(t, "run next")
	once()
	s.check(t, "run next")
	mustBe(t, "the time", k.Clock().Now(), start)
}

func TestNextTellsWhenThereIsSomethingToRun(t *testing.T) {
	k, _ := newKernel(t)
	check := func(what string, want time.Time, wantOK bool) {
		t.Helper()
		when, ok := k.Next()
		mustBe(t, "when with "+what, when, want)
		mustBe(t, "ok with "+what, ok, wantOK)
	}
	check("nothing", time.Time{}, false)
	var timer Timer
	timer.InitCallback(func() {})
	k.PushTimer(&timer, time.Minute)
	check("a timer", start.Add(time.Minute), true)
	k.Post(newErrand(new(steps), "posted"))
	check("something posted", start, true)
	check("something ready", start, true)
}

func TestNextStepEndsWithTheRun(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var step Handle
	step.Init(Step, &stepJob{errand{"step", &s}})
	inARun := func(fn func()) {
		t.Helper()
		soon(k, func() {
			k.Push(&step) // for the next iteration
			fn()
			if j := k.NextStep(); j != nil {
				t.Errorf("the next step is %v", j)
			}
		})
	}
	for name, end := range map[string]func(){
		"stop":  k.Stop,
		"fatal": func() { k.Raise(errFatal) },
	} {
		s = nil
		inARun(end)
		k.Begin()
		_, _ = k.Run()
		k.End()
		s.check(t) // it is left
		runOnce(t, k)
		if len(s) != 1 {
			t.Errorf("%s: it went: %q", name, s)
		}
	}
	s = nil
	inARun(func() {})
	k.Begin()
	_, _ = k.RunOnce()
	k.End()
	s.check(t)
	runOnce(t, k)
	s.check(t, "run step")
}

// In debug mode each step is timed, on the loop's goroutine.
func TestNextStepLeavesAllToTheLoopInDebugMode(t *testing.T) {
	k, _ := newKernel(t)
	k.SetDebug(true)
	var s steps
	var step Handle
	step.Init(Step, &stepJob{errand{"step", &s}})
	soon(k, func() {
		if j := k.NextStep(); j != nil {
			t.Errorf("the next step is %v", j)
		}
	})
	k.Push(&step)
	runOnce(t, k)
	s.check(t, "run step")
}

func TestNextStepIsFoundInTheInbox(t *testing.T) {
	k, _ := newKernel(t)
	var step Handle
	job := &stepJob{errand{"step", new(steps)}}
	step.Init(Step, job)
	soon(k, func() {
		k.Post(&step)
		if j := k.NextStep(); j != Job(job) {
			t.Errorf("the next step is %v", j)
		}
		k.Stop()
	})
	run(t, k)
}

func TestNextStepPassesOverWhatIsCancelled(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var step, other Handle
	job := &stepJob{errand{"step", &s}}
	step.Init(Step, job)
	other.Init(Step, &stepJob{errand{"other", &s}})
	soon(k, func() {
		soon(k, func() { s.add("cancelled") }).Cancel()
		k.Push(&other)
		other.Cancel()
		k.Post(&step) // it is in the inbox: the queue is empty after these two
		if j := k.NextStep(); j != Job(job) {
			t.Errorf("the next step is %v", j)
		}
		if j := k.NextStep(); j != nil {
			t.Errorf("and then %v", j)
		}
		k.Stop()
	})
	run(t, k)
	s.check(t)
}

func TestNextStepLeavesLibraryCodeForTheLoopsGoroutine(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	var here Handle
	here.Init(OnLoopGoroutine, &errand{"here", &s})
	soon(k, func() {
		k.Push(&here)
		if j := k.NextStep(); j != nil {
			t.Errorf("the next step is %v", j)
		}
		s.check(t)
		k.Stop()
	})
	run(t, k)
	runOnce(t, k)
	s.check(t, "run here")
}

// slowJob takes time.
type slowJob struct {
	named
	work func()
}

func (j slowJob) Run() { j.work() }

// slowStep is part of a task, whose description it has.
type slowStep struct{ slowJob }

func (slowStep) DescribeStep() string { return "task" }

func TestDebugModeTellsWhatTookLong(t *testing.T) {
	k, h := newKernel(t)
	k.SetDebug(true)
	k.SetSlow(time.Second)
	takes := func(d time.Duration) {
		work := func() { k.Clock().Sleep(k.Clock().Now().Add(d), nil) }
		for _, j := range []Job{slowJob{"job", work}, slowStep{slowJob{"step", work}}} {
			var handle Handle
			handle.Init(Internal, j)
			k.Push(&handle)
		}
		runOnce(t, k)
	}
	takes(time.Second - 1)
	h.steps.check(t)
	takes(time.Second)
	h.steps.check(t, "<Handle job> took 1s", "task took 1s")
	k.SetDebug(false)
	takes(time.Hour)
	h.steps.check(t, "<Handle job> took 1s", "task took 1s")
}

func TestStopEndsTheSleepOfARunningLoop(t *testing.T) {
	k, _ := newKernel(t)
	asleep := make(chan struct{})
	k.clock = sleeper{k.clock, func() { close(asleep) }}
	go func() {
		<-asleep
		k.Stop()
	}()
	run(t, k)
}

// sleeper is a clock that does not jump, and tells when the loop goes to sleep.
type sleeper struct {
	clock interface{ Now() time.Time }
	tell  func()
}

func (s sleeper) Now() time.Time { return s.clock.Now() }
func (s sleeper) Sleep(_ time.Time, wake <-chan struct{}) {
	s.tell()
	<-wake
}

func TestLaterDoesNotOverflow(t *testing.T) {
	const largest = 1<<63 - 1
	mustBe(t, "later", later(5, 7), int64(12))
	mustBe(t, "later of a negative delay", later(5, -7), int64(-2))
	mustBe(t, "later of no delay", later(largest, 0), int64(largest))
	mustBe(t, "later of a long delay", later(1, largest), int64(largest))
}
