package kernel

import (
	"testing"
	"time"
)

func TestIOEventsComeAfterWhatIsReadyAndBeforeTimers(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	pushAfter(k, 0, func() { s.add("timer") })
	k.PostIO(newErrand(&s, "event 1"))
	k.PushIO(newErrand(&s, "event 2"))
	k.Push(newErrand(&s, "ready"))
	k.Post(newErrand(&s, "posted"))
	runOnce(t, k)
	s.check(t, "run ready", "run posted", "run event 1", "run event 2", "timer")
}

// An append to the ready queue brings what was posted into line, but no event: those wait
// for the next iteration.
func TestIOEventsAreCollectedOnceAnIteration(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	pushAfter(k, 0, func() {
		k.PostIO(newErrand(&s, "event"))
		k.Push(newErrand(&s, "pushed later"))
	})
	runOnce(t, k)
	s.check(t)
	runOnce(t, k)
	s.check(t, "run pushed later", "run event")
}

func TestIOEventWakesASleepingLoop(t *testing.T) {
	b := newInbox()
	b.layDown(false)
	b.post(&b.events, new(Handle))
	if len(b.wake) != 1 {
		t.Error("the loop sleeps on")
	}
	if b.layDown(false) {
		t.Error("the loop may sleep although there is an event")
	}
}

func TestIOEventOfAnAwakeLoopIsNextAtOnce(t *testing.T) {
	k, _ := newKernel(t)
	pushAfter(k, time.Hour, func() {})
	k.PushIO(new(Handle))
	when, ok := k.Next()
	mustBe(t, "whether something is scheduled", ok, true)
	mustBe(t, "when", when, k.Clock().Now())
}

// poller is a job that finds events.
type poller struct {
	k     *Kernel
	found []*Handle
}

func (p *poller) Run() {
	for _, h := range p.found {
		p.k.Push(h)
	}
	p.found = nil
}

func TestPollRunsWhereEventsAreCollected(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	p := &poller{k: k, found: []*Handle{newErrand(&s, "found 1"), newErrand(&s, "found 2")}}
	var poll Handle
	poll.Init(Poll, p)
	pushAfter(k, 0, func() { s.add("timer") })
	k.PushIO(newErrand(&s, "event 1"))
	k.PushIO(&poll)
	k.PushIO(newErrand(&s, "event 2"))
	k.Push(newErrand(&s, "ready"))
	runOnce(t, k)
	s.check(t, "run ready", "run event 1", "run found 1", "run found 2", "run event 2", "timer")
}

func TestCloseDropsIOEventsAndRefusesMore(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.PostIO(newErrand(&s, "a"))
	k.PushIO(newErrand(&s, "b"))
	k.Close()
	s.check(t, "drop a", "drop b")
	if k.PostIO(newErrand(&s, "late")) || k.PushIO(newErrand(&s, "late")) {
		t.Error("a closed loop takes an event")
	}
}

// fakeNetwork notes what is done to it.
type fakeNetwork struct{ s *steps }

func (n *fakeNetwork) Iteration() { n.s.add("iteration") }
func (n *fakeNetwork) Idle()      { n.s.add("idle") }
func (n *fakeNetwork) Shut()      { n.s.add("shut") }
func (n *fakeNetwork) Join()      { n.s.add("join") }

func TestNetworkIsMadeOnceAndClosedOnce(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	create := func(*Kernel) Network {
		s.add("create")
		return &fakeNetwork{&s}
	}
	first := k.Network(create)
	mustBe(t, "the second one", k.Network(create), first)
	k.PostIO(newErrand(&s, "event"))
	k.Close()
	k.Close()
	s.check(t, "create", "drop event", "shut", "join")
}

func TestNetworkIsToldOfIterationsAndSleeps(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	k.Network(func(*Kernel) Network { return &fakeNetwork{&s} })
	pushAfter(k, time.Second, func() {
		k.Stop()
		s.add("timer")
	})
	k.Push(newErrand(&s, "a"))
	run(t, k)
	s.check(t, "iteration", "run a", "idle", "iteration", "timer")
}
