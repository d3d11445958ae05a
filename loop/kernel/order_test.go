package kernel

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// testOrder is an Order made of functions, asyncio's where one is nil. It notes what it is
// asked.
type testOrder struct {
	steps    steps
	anywhere bool
	begin    func(ready bool)
	arrange  func(batch []Ready) ([]Ready, int)
}

func (o *testOrder) Anywhere() bool { return o.anywhere }

func (o *testOrder) Begin(ready bool) {
	o.steps.add(fmt.Sprint("begin ", ready))
	if o.begin != nil {
		o.begin(ready)
	}
}

func (o *testOrder) Arrange(batch []Ready) ([]Ready, int) {
	line := "arrange"
	for _, r := range batch {
		line += fmt.Sprintf(" %d:%s", r.Arrival, r.Describe())
	}
	o.steps.add(line)
	if o.arrange != nil {
		return o.arrange(batch)
	}
	return batch, len(batch)
}

// errandAfter pushes a timer for an errand.
func errandAfter(k *Kernel, d time.Duration, s *steps, name string) *Timer {
	timer := new(Timer)
	timer.Init(Internal, &errand{name, s})
	k.PushTimer(timer, d)
	return timer
}

// putOff is an Arrange that lets only the first n run, once.
func putOff(n int) func([]Ready) ([]Ready, int) {
	return func(batch []Ready) ([]Ready, int) {
		run := min(n, len(batch))
		n = len(batch) + 100
		return batch, run
	}
}

func TestOrderGetsWhatIsReadyInAsynciosOrder(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	o := &testOrder{}
	k.SetOrder(o)
	errandAfter(k, -1, &s, "second timer")
	errandAfter(k, -2, &s, "first timer")
	errandAfter(k, 1, &s, "not due")
	k.PushIO(newErrand(&s, "event"))
	k.Push(newErrand(&s, "pushed"))
	k.Post(newErrand(&s, "posted"))
	runOnce(t, k)
	o.steps.check(t, "begin true", "arrange 0:pushed 0:posted 1:event 2:first timer 2:second timer")
	s.check(t, "run pushed", "run posted", "run event", "run first timer", "run second timer")
}

func TestOrderIsToldWhenNothingIsReady(t *testing.T) {
	k, _ := newKernel(t)
	o := &testOrder{}
	k.SetOrder(o)
	pushAfter(k, time.Second, k.Stop)
	run(t, k)
	o.steps[1] = "arrange the timer" // whose function has a long name
	o.steps.check(t, "begin false", "arrange the timer")
}

func TestOrderKnowsTheDeadlines(t *testing.T) {
	k, _ := newKernel(t)
	var whens []time.Duration
	k.SetOrder(&testOrder{arrange: func(batch []Ready) ([]Ready, int) {
		for _, r := range batch {
			whens = append(whens, r.When)
		}
		return batch, len(batch)
	}})
	pushAfter(k, time.Second, k.Stop)
	soon(k, func() {})
	run(t, k)
	if !slices.Equal(whens, []time.Duration{0, time.Second}) {
		t.Errorf("the deadlines are %v", whens)
	}
}

func TestOrderMayPermute(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.SetOrder(&testOrder{arrange: func(batch []Ready) ([]Ready, int) {
		slices.Reverse(batch)
		return batch, len(batch)
	}})
	k.Push(newErrand(&s, "pushed"))
	errandAfter(k, 0, &s, "timer")
	runOnce(t, k)
	s.check(t, "run timer", "run pushed")
}

func TestOrderMayPostAndMoveTheClockWhenAnIterationBegins(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.SetOrder(&testOrder{begin: func(bool) {
		k.Push(newErrand(&s, "posted by the order"))
		k.clock.(interface{ Advance(time.Duration) }).Advance(time.Second)
	}})
	errandAfter(k, time.Second, &s, "timer")
	runOnce(t, k)
	s.check(t, "run posted by the order", "run timer")
}

func TestOrderMayAddHandles(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.SetOrder(&testOrder{arrange: func(batch []Ready) ([]Ready, int) {
		return append([]Ready{{Handle: newErrand(&s, "added")}}, batch...), len(batch) + 1
	}})
	k.Push(newErrand(&s, "pushed"))
	runOnce(t, k)
	s.check(t, "run added", "run pushed")
}

// What is put off comes in the next iteration, in the place of its kind: before those of the
// kind that are new, timers by their deadlines.
func TestOrderMayPutOff(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	o := &testOrder{arrange: putOff(1)}
	k.SetOrder(o)
	k.Push(newErrand(&s, "a"))
	k.Push(newErrand(&s, "b"))
	k.PushIO(newErrand(&s, "event"))
	errandAfter(k, -1, &s, "timer")
	runOnce(t, k)
	s.check(t, "run a")
	k.Push(newErrand(&s, "c"))
	k.PushIO(newErrand(&s, "next event"))
	errandAfter(k, -2, &s, "earlier timer")
	runOnce(t, k)
	o.steps.check(t, "begin true", "arrange 0:a 0:b 1:event 2:timer",
		"begin true", "arrange 0:b 0:c 1:event 1:next event 2:earlier timer 2:timer")
	s.check(t, "run a", "run b", "run c", "run event", "run next event", "run earlier timer", "run timer")
}

// A loop that has put something off neither sleeps nor moves its clock.
func TestOrderThatPutsOffKeepsTheLoopAwake(t *testing.T) {
	k, _ := newKernel(t)
	ran := time.Time{}
	k.SetOrder(&testOrder{arrange: putOff(0)})
	pushAfter(k, 0, func() { ran = k.clock.Now() })
	pushAfter(k, time.Second, k.Stop)
	runOnce(t, k)
	mustBe(t, "whether nothing is ready", k.nothing(), false)
	when, ok := k.Next()
	mustBe(t, "whether something is next", ok, true)
	mustBe(t, "when", when, start)
	run(t, k)
	mustBe(t, "the time at which it ran", ran, start)
}

func TestOrderKeepsWhatIsPutOffOverTheEndOfARun(t *testing.T) {
	for name, once := range map[string]func(k *Kernel){
		"Stop": func(k *Kernel) { runOnce(t, k) },
		"RunOnce": func(k *Kernel) {
			k.Begin()
			defer k.End()
			k.RunOnce()
		},
	} {
		k, _ := newKernel(t)
		var s steps
		k.SetOrder(&testOrder{arrange: putOff(1)})
		k.Push(newErrand(&s, "pushed"))
		errandAfter(k, 0, &s, "timer")
		once(k)
		if len(s) != 1 {
			t.Errorf("%s: what ran is %v", name, s)
		}
		once(k)
		s.check(t, "run pushed", "run timer")
	}
}

func TestOrderForgetsWhatIsCancelledWhilePutOff(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	o := &testOrder{arrange: putOff(0)}
	k.SetOrder(o)
	late := errandAfter(k, 0, &s, "timer")
	shared := new(Handle)
	shared.InitShared(func() { s.add("shared") })
	k.Post(shared)
	runOnce(t, k)
	late.Cancel()
	elsewhere(shared.Cancel)
	runOnce(t, k)
	s.check(t)
	o.steps.check(t, "begin true", "arrange 0:threadsafe 2:timer", "begin true", "arrange")
	mustBe(t, "whether nothing is ready", k.nothing(), true)
}

func TestOrderLetsCloseDropWhatIsPutOff(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.SetOrder(&testOrder{arrange: putOff(0)})
	k.Push(newErrand(&s, "late"))
	runOnce(t, k)
	k.Close()
	k.Close()
	s.check(t, "drop late")
	mustBe(t, "whether nothing is ready", k.nothing(), true)
}

// A loop that was stopped in the middle of an iteration runs the rest of it next time.
func TestOrderSeesTheRestOfAnIterationThatWasBrokenOff(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	o := &testOrder{}
	k.SetOrder(o)
	h := new(Handle)
	h.Init(OnLoopGoroutine, raiser{k})
	k.Push(h)
	k.Push(newErrand(&s, "rest"))
	k.Begin()
	raised, _ := k.Run()
	k.End()
	mustBe(t, "what was raised", raised, error(errOfTest))
	s.check(t)
	runOnce(t, k)
	s.check(t, "run rest")
	o.steps.check(t, "begin true", "arrange 0:raiser 0:rest", "begin true", "arrange 0:rest")
}

// raiser is a job that ends the run.
type raiser struct{ k *Kernel }

func (r raiser) Run()         { r.k.Raise(errOfTest) }
func (raiser) String() string { return "raiser" }

var errOfTest = errors.New("raised")

// An order says whether a task may begin an iteration on its own goroutine.
func TestOrderSaysOnWhichGoroutineAnIterationMayBegin(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	step := new(Handle)
	step.Init(Step, &errand{"step", &s})
	k.Push(step)
	o := &testOrder{}
	k.SetOrder(o)
	if j := k.NextStep(); j != nil {
		t.Errorf("the next step is %v", j)
	}
	o.steps.check(t)
	o.anywhere = true
	if j := k.NextStep(); j == nil {
		t.Error("there is no next step")
	}
	o.steps.check(t, "begin true", "arrange 0:step")
}

func TestOrderCanBeTakenAway(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	o := &testOrder{}
	k.SetOrder(o)
	k.SetOrder(nil)
	k.Push(newErrand(&s, "a"))
	runOnce(t, k)
	o.steps.check(t)
	s.check(t, "run a")
}

func TestOnPostTellsOfOtherGoroutinesOnlyAndMayRefuse(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	posts, accept := 0, false
	k.OnPost(func() bool {
		posts++
		return accept
	})
	soon(k, func() {
		k.Post(newErrand(&s, "own"))
		k.PostIO(newErrand(&s, "own event"))
		mustBe(t, "the number of posts by the loop's own goroutine", posts, 0)
		for range 2 {
			elsewhere(func() {
				mustBe(t, "the answer to Post", k.Post(newErrand(&s, "other")), true)
				mustBe(t, "the answer to PostIO", k.PostIO(newErrand(&s, "other event")), true)
			})
			accept = true
		}
		mustBe(t, "the number of posts", posts, 4)
	})
	runOnce(t, k)
	runOnce(t, k)
	s.check(t, "run own", "run other", "run own event", "run other event")
}

// Ended contexts are looked for in each iteration, since the news of them may be late.
func TestOrderHasEndedContextsLookedFor(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	scheduler := &testScheduler{}
	scheduler.beforeJump = func() { k.Push(newErrand(&s, "of a context")) }
	k.Scheduler(func(*Kernel) Scheduler { return scheduler })
	o := &testOrder{}
	k.SetOrder(o)
	k.Push(newErrand(&s, "a"))
	runOnce(t, k)
	o.steps.check(t, "begin true", "arrange 0:a 0:of a context")
}

func TestTimersAreListedByTheirDeadlines(t *testing.T) {
	k, _ := newKernel(t)
	late, early := pushAfter(k, 2, func() {}), pushAfter(k, 1, func() {})
	equal, gone := pushAfter(k, 2, func() {}), pushAfter(k, 1, func() {})
	gone.Cancel()
	if got := slices.Collect(k.Timers()); !slices.Equal(got, []*Timer{early, late, equal}) {
		t.Errorf("the timers are %v", got)
	}
	for timer := range k.Timers() { // a break ends it
		mustBe(t, "the first", timer, early)
		break
	}
}
