package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

func TestScheduledYieldsWhatTheLoopIsGoingToRun(t *testing.T) {
	k, _ := newKernel(t)
	var s steps
	ready, posted, event, cancelled := newErrand(&s, "ready"), newErrand(&s, "posted"), newErrand(&s, "event"), newErrand(&s, "cancelled")
	shared := new(Handle)
	shared.InitShared(func() {})
	var timer, gone Timer
	timer.Init(Internal, &errand{"timer", &s})
	gone.Init(Internal, &errand{"gone", &s})
	k.Push(ready)
	k.Push(cancelled)
	cancelled.Cancel()
	k.PushTimer(&timer, time.Second)
	k.PushTimer(&gone, time.Second)
	gone.Cancel()
	k.Post(posted)
	k.Post(shared) // another goroutine may be cancelling it
	k.inbox.post(&k.inbox.events, event)
	var late Handle
	late.Init(Internal, &errand{"late", &s})
	k.late = append(k.late, Ready{Handle: &late})
	var names []string
	for j := range k.Scheduled() {
		names = append(names, j.(*errand).name)
	}
	if want := []string{"ready", "late", "posted", "event", "timer"}; !slices.Equal(names, want) {
		t.Errorf("scheduled: %v, want %v", names, want)
	}
	for n := 1; n <= len(names); n++ { // a break ends it
		left := n
		for range k.Scheduled() {
			if left--; left == 0 {
				break
			}
		}
	}
}

func TestStrandedIsALoopThatSleepsWithoutTimer(t *testing.T) {
	k, _ := newKernel(t)
	stranded := func(what string, want bool) {
		t.Helper()
		if _, got := k.Stranded(); got != want {
			t.Errorf("%s: stranded is %t", what, got)
		}
	}
	stranded("not running", false)
	if !k.fallAsleep() {
		t.Fatal("it does not fall asleep")
	}
	stranded("asleep", true)
	first, _ := k.Stranded()
	var timer Timer
	timer.Init(Internal, &errand{"timer", new(steps)})
	k.PushTimer(&timer, time.Second)
	stranded("asleep until a timer", false)
	timer.Cancel()
	h := newErrand(new(steps), "posted")
	k.Post(h)
	stranded("about to wake up", false)
	k.inbox.wakeAgain()
	k.collect()
	stranded("awake", false)
	k.fallAsleep()
	stranded("asleep again", true)
	if second, _ := k.Stranded(); second == first {
		t.Error("two sleeps have the same number")
	}
}

func TestAloneIsALoopOnAVirtualClockThatNobodyHolds(t *testing.T) {
	clock := timers.NewVirtual(start)
	k := New(clock, &testHost{}, nil)
	if !k.Alone() {
		t.Error("nobody holds the clock")
	}
	release := clock.Hold()
	if k.Alone() {
		t.Error("somebody holds the clock")
	}
	release()
	if New(plainClock{clock}, &testHost{}, nil).Alone() {
		t.Error("on another clock, somebody may always come")
	}
}
