package timers_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

func TestVirtualThatIsHeldSleepsUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := timers.NewVirtual(start)
		first, second := v.Hold(), v.Hold()
		returned := false
		go func() {
			v.Sleep(start.Add(time.Hour), nil)
			returned = true
		}()
		synctest.Wait()
		second()
		synctest.Wait()
		if returned {
			t.Error("Sleep returned while somebody held the clock")
		}
		first()
		synctest.Wait()
		if !returned {
			t.Error("Sleep did not return when nobody held the clock")
		}
		if now := v.Now(); !now.Equal(start) {
			t.Errorf("the clock jumped to %v", now)
		}
	})
}

func TestVirtualSleepEndsByItselfNeverIfNothingIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wake := make(chan struct{})
		go timers.NewVirtual(start).Sleep(time.Time{}, wake)
		synctest.Wait() // nil is not called meanwhile
		wake <- struct{}{}
	})
}

func TestVirtualTellsWhenItHasWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := timers.NewVirtual(start)
		told := 0
		v.Watch(time.Second, func() { told++ })
		wake := make(chan struct{})
		sleep := func(d time.Duration) {
			go v.Sleep(time.Time{}, wake)
			time.Sleep(d)
			synctest.Wait()
			wake <- struct{}{}
		}
		sleep(time.Second - 1)
		if told != 0 {
			t.Error("told too early")
		}
		sleep(time.Second)
		if told != 1 {
			t.Errorf("told %d times, want once", told)
		}
		time.Sleep(time.Hour) // nobody waits
		v.Watch(0, nil)
		sleep(time.Hour)
		if told != 1 {
			t.Errorf("told %d times, want once", told)
		}
	})
}

func TestVirtualHoldersAreThoseWhoHaveNotReleased(t *testing.T) {
	v := timers.NewVirtual(start)
	check := func(want ...string) {
		t.Helper()
		places := v.Holders()
		match := func(place, prefix string) bool { return strings.HasPrefix(place, prefix) }
		if !slices.EqualFunc(places, want, match) {
			t.Errorf("held by %q, want %q", places, want)
		}
	}
	check()
	l := loop.New(loop.WithClock(v))
	byLoop := holdLoop(l)
	byClock := holdClock(v)
	check("timers_test.holdClock at hold_test.go:", "timers_test.holdLoop at hold_test.go:")
	byClock()
	check("timers_test.holdLoop at hold_test.go:")
	byLoop()
	check()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

//go:noinline
func holdLoop(l *loop.Loop) func() { return l.Hold() }

//go:noinline
func holdClock(v *timers.Virtual) func() { return v.Hold() }
