package timers_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// asked notes what a clock asks, and answers jump.
func asked(v *timers.Virtual, jump bool) *[]time.Time {
	var questions []time.Time
	v.SetIdle(func(until time.Time, _ <-chan struct{}) bool {
		questions = append(questions, until)
		return jump
	})
	return &questions
}

func TestVirtualAsksBeforeItJumps(t *testing.T) {
	for _, jump := range []bool{true, false} {
		v := timers.NewVirtual(start)
		questions := asked(v, jump)
		v.Sleep(start.Add(time.Hour), make(chan struct{}))
		if !slices.Equal(*questions, []time.Time{start.Add(time.Hour)}) {
			t.Errorf("it asked %v", *questions)
		}
		if jumped := v.Now().Equal(start.Add(time.Hour)); jumped != jump {
			t.Errorf("the clock shows %v, though the answer was %t", v.Now(), jump)
		}
	}
}

func TestVirtualAsksBeforeItWaitsForEver(t *testing.T) {
	v := timers.NewVirtual(start)
	questions := asked(v, false)
	v.Sleep(time.Time{}, make(chan struct{}))
	if !slices.Equal(*questions, []time.Time{{}}) || !v.Now().Equal(start) {
		t.Errorf("it asked %v, and it is %v", *questions, v.Now())
	}
	synctest.Test(t, func(t *testing.T) {
		questions, wake, returned := asked(v, true), make(chan struct{}), false
		go func() {
			v.Sleep(time.Time{}, wake)
			returned = true
		}()
		synctest.Wait()
		if len(*questions) != 1 || returned {
			t.Errorf("%d questions, returned=%t", len(*questions), returned)
		}
		wake <- struct{}{}
	})
}

func TestVirtualDoesNotAskWhenItIsWokenAtOnce(t *testing.T) {
	v := timers.NewVirtual(start)
	questions, wake := asked(v, true), awake()
	v.Sleep(start.Add(time.Hour), wake)
	if len(*questions) != 0 || len(wake) != 0 || !v.Now().Equal(start) {
		t.Errorf("it asked %v, and it is %v", *questions, v.Now())
	}
}

// Who asks wants to know when the clock is released, too, even if there is no deadline.
func TestVirtualDoesNotAskWhileItIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, until := range []time.Time{{}, start.Add(time.Hour)} {
			v := timers.NewVirtual(start)
			questions, release, returned := asked(v, true), v.Hold(), false
			go func() {
				v.Sleep(until, make(chan struct{}))
				returned = true
			}()
			synctest.Wait()
			if len(*questions) != 0 || returned {
				t.Errorf("%d questions while it was held, returned=%t", len(*questions), returned)
			}
			release()
			synctest.Wait()
			if len(*questions) != 0 || !returned || !v.Now().Equal(start) {
				t.Errorf("%d questions, returned=%t, and it is %v", len(*questions), returned, v.Now())
			}
		}
	})
}

func TestVirtualsIdleFunctionMayUseTheClock(t *testing.T) {
	v := timers.NewVirtual(start)
	wake := make(chan struct{}, 1)
	v.SetIdle(func(until time.Time, w <-chan struct{}) bool {
		wake <- struct{}{}
		<-w
		v.Advance(time.Minute)
		v.Hold()()
		v.SetIdle(nil)
		return false
	})
	v.Sleep(start.Add(time.Hour), wake)
	if now := v.Now(); !now.Equal(start.Add(time.Minute)) {
		t.Errorf("it is %v", now)
	}
	v.Sleep(start.Add(time.Hour), wake) // nobody is asked
	if now := v.Now(); !now.Equal(start.Add(time.Hour)) {
		t.Errorf("it is %v", now)
	}
}
