package kernel

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

var errTest = errors.New("test error")

// testOwner is the owner of a future. It notes the requests that it gets.
type testOwner struct{ steps steps }

func (o *testOwner) CancelFuture(message string) bool {
	o.steps.add("cancel " + message)
	return true
}
func (o *testOwner) DescribeFuture() string { return "<Test>" }
func (o *testOwner) FutureKind() string     { return "Test" }

func newFuture(k *Kernel) *Promise {
	p := new(Promise)
	p.Init(k, nil)
	return p
}

// notes returns a callback that notes its name, registered with f.
func notes(f *Future, s *steps, name string) *Callback {
	c := new(Callback)
	c.Init(Internal, &errand{name, s})
	f.Register(c)
	return c
}

// madeByCancelled is what Take gets to make the error of a cancelled future.
func madeByCancelled(message string) error { return errors.New("cancelled: " + message) }

func mustBe(t testing.TB, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestFutureIsPendingUntilItIsFinished(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	check := func(state State, done, cancelled, failed bool) {
		t.Helper()
		mustBe(t, "State", p.State(), state)
		mustBe(t, "Done", p.Done(), done)
		mustBe(t, "Cancelled", p.Cancelled(), cancelled)
		mustBe(t, "Failed", p.Failed(), failed)
	}
	check(Pending, false, false, false)
	mustBe(t, "String", p.String(), "<Future pending>")
	p.Finish(nil)
	check(Finished, true, false, false)
	mustBe(t, "Retrieved", p.Retrieved(), true) // there is nothing to retrieve
	mustBe(t, "String", p.String(), "<Future finished>")
	p = newFuture(k)
	p.Finish(errTest)
	check(Finished, true, false, true)
	mustBe(t, "Peek", p.Peek(), errTest)
	mustBe(t, "String", p.String(), `<Future finished exception="test error">`)
	p.Forget()
	p = newFuture(k)
	p.FinishCancelled("tea", errTest)
	check(Cancelled, true, true, false)
	mustBe(t, "String", p.String(), "<Future cancelled>")
}

func TestFuturePushesItsCallbacksInOrder(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	var s steps
	notes(&p.Future, &s, "a")
	b := notes(&p.Future, &s, "b")
	notes(&p.Future, &s, "c")
	d := notes(&p.Future, &s, "d")
	mustBe(t, "RemoveDoneCallback", p.RemoveDoneCallback(b), 1)
	mustBe(t, "RemoveDoneCallback again", p.RemoveDoneCallback(b), 0)
	if p.Unregister(nil) || newFuture(k).Unregister(d) {
		t.Error("a callback was removed that is not there")
	}
	p.Finish(nil)
	if p.Unregister(d) {
		t.Error("a callback was removed that the loop has already")
	}
	s.check(t)
	runOnce(t, k)
	s.check(t, "run a", "run c", "run d")
	p.Register(b) // late
	mustBe(t, "String", p.String(), "<Future finished>")
	s.check(t, "run a", "run c", "run d")
	runOnce(t, k)
	s.check(t, "run a", "run c", "run d", "run b")
}

func TestFutureThatIsCancelledPushesItsCallbacks(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	p := newFuture(k)
	notes(&p.Future, &s, "cancelled")
	mustBe(t, "Cancel", p.Cancel("tea"), true)
	mustBe(t, "Message", p.Message(), "tea")
	mustBe(t, "Cancel again", p.Cancel("coffee"), false)
	mustBe(t, "Message", p.Message(), "tea")
	p = newFuture(k)
	notes(&p.Future, &s, "ended")
	p.FinishCancelled("", nil)
	runOnce(t, k)
	s.check(t, "run cancelled", "run ended")
}

func TestFutureCallsAFunctionOfTheProgramOnce(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	var s steps
	p.AddDoneCallback(func() { s.add("called") })
	p.Wake()
	runOnce(t, k)
	runOnce(t, k)
	s.check(t, "called")
}

func TestFutureIsWokenOnce(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	mustBe(t, "the first Wake", p.Wake(), true)
	mustBe(t, "the second Wake", p.Wake(), false)
	mustBe(t, "State", p.State(), Finished)
	p = newFuture(k)
	p.Cancel("")
	mustBe(t, "Wake after Cancel", p.Wake(), false)
	mustBe(t, "State", p.State(), Cancelled)
}

func TestFutureCancelOfOneThatIsDoneOnlyRetrievesItsException(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	p.Finish(errTest)
	mustBe(t, "Retrieved", p.Retrieved(), false)
	mustBe(t, "Cancel", p.Cancel("tea"), false)
	mustBe(t, "Retrieved", p.Retrieved(), true)
	mustBe(t, "State", p.State(), Finished)
	mustBe(t, "Message", p.Message(), "")
}

func TestFutureCancelGoesToTheOwner(t *testing.T) {
	k, _ := newKernel(t)
	var o testOwner
	var p Promise
	p.Init(k, &o)
	mustBe(t, "Owner", p.Owner(), Owner(&o))
	mustBe(t, "Cancel", p.Cancel("tea"), true)
	mustBe(t, "State", p.State(), Pending)
	mustBe(t, "String", p.String(), "<Test>")
	o.steps.check(t, "cancel tea")
}

// The error that ended a task belongs to the first who asks.
func TestFutureThatIsCancelledReturnsItsErrorOnce(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	p.FinishCancelled("tea", errTest)
	mustBe(t, "the first error", p.Take(madeByCancelled), errTest)
	mustBe(t, "the second error", p.Take(madeByCancelled).Error(), "cancelled: tea")
	p = newFuture(k)
	p.Cancel("")
	mustBe(t, "the error of one without", p.Take(madeByCancelled).Error(), "cancelled: ")
}

func TestFutureMessageIsThatOfTheLastRequest(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	p.SetMessage("tea")
	mustBe(t, "Message", p.Message(), "tea")
	p.SetMessage("")
	mustBe(t, "Message", p.Message(), "")
	p.SetMessage("tea")
	p.FinishCancelled("", nil)
	mustBe(t, "Message", p.Message(), "")
}

func TestFutureTakeRetrievesTheException(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	mustBe(t, "Retrieved of a pending future", p.Retrieved(), true)
	p.Finish(errTest)
	mustBe(t, "Retrieved", p.Retrieved(), false)
	for range 2 {
		mustBe(t, "Take", p.Take(madeByCancelled), errTest)
		mustBe(t, "Retrieved", p.Retrieved(), true)
	}
	p = newFuture(k)
	p.Finish(nil)
	mustBe(t, "Take", p.Take(madeByCancelled), nil)
}

func TestReportComesFromTheGarbageCollector(t *testing.T) {
	for _, old := range []bool{true, false} {
		k, h := newKernel(t)
		newFuture(k).Finish(errTest)
		if old {
			k.Age()
		}
		for len(h.steps) == 0 {
			runtime.GC()
			runOnce(t, k)
		}
		h.steps.check(t, "report Future exception was never retrieved")
	}
}

// The garbage collector calls lost; these tests do it in its place.
func TestReportOfAnExceptionThatNobodyRetrieved(t *testing.T) {
	k, h := newKernel(t)
	p := newFuture(k)
	p.Finish(errTest)
	k.Age()
	lost(p.report)
	h.steps.check(t) // the handler is called on the loop
	runOnce(t, k)
	h.steps.check(t, "report Future exception was never retrieved")
	p.Forget()

	var owned Promise
	owned.Init(k, new(testOwner))
	owned.Finish(errTest)
	k.Age()
	lost(owned.report)
	runOnce(t, k)
	h.steps.check(t, "report Future exception was never retrieved", "report Test exception was never retrieved")
	owned.Forget()
}

func TestReportComesOnceWhenTheLoopIsClosed(t *testing.T) {
	k, h := newKernel(t)
	old, young := newFuture(k), newFuture(k)
	old.Finish(errTest)
	k.Age()
	young.Finish(errTest)
	n := old.report
	k.Close()
	h.steps.check(t, "report Future exception was never retrieved", "report Future exception was never retrieved")
	lost(n)
	old.Forget()
	young.Forget()
	h.steps.check(t, "report Future exception was never retrieved", "report Future exception was never retrieved")
}

func TestReportOfAFailureAfterCloseGoesToTheHandlerAtOnce(t *testing.T) {
	k, h := newKernel(t)
	k.Close()
	p := newFuture(k)
	p.Finish(errTest)
	h.steps.check(t)
	lost(p.report)
	h.steps.check(t, "report Future exception was never retrieved")
	p.Forget()

	p = newFuture(k)
	p.Finish(errTest)
	n := p.report
	p.Forget()
	lost(n)
	h.steps.check(t, "report Future exception was never retrieved")
}

func TestReportThatComesAfterTheExceptionWasRetrievedIsDropped(t *testing.T) {
	k, h := newKernel(t)
	for _, old := range []bool{false, true} {
		p := newFuture(k)
		p.Finish(errTest)
		n := p.report
		if old {
			k.Age()
		}
		p.Forget()
		if old {
			lost(n) // it was under way
		}
	}
	runOnce(t, k)
	k.Close()
	h.steps.check(t)
}

func TestFutureShowsWhoAwaitsIt(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	var s steps
	visit := func() (names []string) {
		p.Awaited(func(j Job) {
			names = append(names, j.(*errand).name)
		})
		return names
	}
	mustBe(t, "the number of those who await nothing", len(visit()), 0)
	notes(&p.Future, &s, "a")
	notes(&p.Future, &s, "cancelled").Handle().Cancel() // it has no job any more
	notes(&p.Future, &s, "b")
	if names := visit(); len(names) != 2 || names[0] != "a" || names[1] != "b" {
		t.Errorf("it is awaited by %q", names)
	}
}

// named is a job with a name.
type named string

func (named) Run()             {}
func (n named) String() string { return string(n) }

func TestFutureDescriptionHasTheFirstAndTheLastCallback(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	for _, c := range []struct{ added, want string }{
		{"a", "<Tea hot green cb=[a]>"},
		{"b", "<Tea hot green cb=[a, b]>"},
		{"c", "<Tea hot green cb=[a, <1 more>, c]>"},
		{"d", "<Tea hot green cb=[a, <2 more>, d]>"},
	} {
		callback := new(Callback)
		callback.Init(Internal, named(c.added))
		p.Register(callback)
		mustBe(t, "the description", p.Describe("Tea", "hot", "green"), c.want)
	}
	p.Finish(nil)
	mustBe(t, "the description", p.Describe("Tea", "", ""), "<Tea finished>")
}

// looped is a result that contains its future.
type looped struct{ f *Future }

func (l looped) String() string { return "(" + l.f.DescribeResult(&l) + ")" }

func TestFutureDescriptionOfAResultThatContainsItEnds(t *testing.T) {
	k, _ := newKernel(t)
	p := newFuture(k)
	for range 2 { // the second time as the first
		mustBe(t, "the result", p.DescribeResult(&looped{&p.Future}), "result=(result=...)")
	}
	seven := 7
	mustBe(t, "another result", p.DescribeResult(&seven), "result=7")
}

func TestStateHasAName(t *testing.T) {
	mustBe(t, "String", Pending.String()+Finished.String()+Cancelled.String(), "pendingfinishedcancelled")
}

func TestTimerStringHasTheDeadline(t *testing.T) {
	k, _ := newKernel(t)
	var timer Timer
	timer.Init(Internal, named("tea"))
	k.PushTimer(&timer, time.Millisecond)
	mustBe(t, "When", timer.When(), start.Add(time.Millisecond))
	mustBe(t, "String", timer.String(), "<TimerHandle when=00:00:00.001000 tea>")
	timer.Cancel()
	mustBe(t, "String", timer.String(), "<TimerHandle cancelled when=00:00:00.001000>")
}
