package timers

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// newSystem returns a clock that is closed at the end of the test.
func newSystem(t *testing.T) *system {
	t.Helper()
	s := System().(*system)
	t.Cleanup(func() { checkClosed(t, s) })
	return s
}

func checkClosed(t *testing.T, s *system) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// sleeps checks that a sleep of d reaches its deadline.
func sleeps(t *testing.T, s *system, d time.Duration) {
	t.Helper()
	until := s.Now().Add(d)
	s.Sleep(until, nil)
	if now := s.Now(); now.Before(until) {
		t.Errorf("woke at %v, before %v", now, until)
	}
}

// woken sleeps until it was woken, for as long as d each time.
func woken(s *system, d time.Duration) {
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	for len(wake) > 0 {
		s.Sleep(s.Now().Add(d), wake)
	}
}

// getAlarm sleeps until the clock has set its alarm: once, unless the machine stalls.
func getAlarm(s *system) {
	for s.alarm == nil {
		woken(s, near/2)
	}
}

func TestSystemHasAnAlarmOnlyForWhatIsNear(t *testing.T) {
	s := newSystem(t)
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	s.Sleep(time.Time{}, wake)
	woken(s, time.Hour)
	sleeps(t, s, 0)
	if s.alarm != nil {
		t.Error("there is an alarm for what is far away")
	}
	getAlarm(s)
}

func TestSystemIsWokenByItsAlarm(t *testing.T) {
	s := newSystem(t)
	getAlarm(s)
	for range 1000 {
		for !s.alarm.due.IsZero() { // from the sleep before
			s.alarm.off()
			<-s.alarm.rung
		}
		if sleeps(t, s, 1300*time.Microsecond); s.alarm.due.IsZero() {
			return
		}
	}
	t.Error("a thousand times the runtime's timer came before the alarm, which has a millisecond of advantage mostly")
}

func TestSystemSetsItsAlarmAtTheEndOfALongSleep(t *testing.T) {
	s := newSystem(t)
	for s.alarm == nil { // the first time, unless the machine stalls
		sleeps(t, s, near+time.Millisecond)
	}
}

func TestSystemSetsNoAlarmForWhatIsSoon(t *testing.T) {
	s := newSystem(t)
	until := s.Now().Add(near)
	if rung := s.setAlarm(until, soon-1); rung != nil || s.alarm != nil {
		t.Error("there is an alarm")
	}
	if rung := s.setAlarm(until, soon); rung == nil || !s.alarm.due.Equal(until) {
		t.Error("there is no alarm for what comes later")
	}
	if rung := s.setAlarm(until.Add(time.Hour), soon-1); rung == nil {
		t.Error("the alarm that is set is not used")
	}
	if rung := s.setAlarm(until.Add(-1), soon-1); rung != nil || !s.alarm.due.Equal(until) {
		t.Error("the alarm is set again")
	}
}

func TestSystemReachesDeadlinesAfterItWasWoken(t *testing.T) {
	s := newSystem(t)
	for range 3 {
		woken(s, near/2)
		woken(s, time.Millisecond) // before the alarm that is set
		woken(s, time.Hour)
		sleeps(t, s, 2*time.Millisecond) // after it
		sleeps(t, s, time.Microsecond)
	}
}

func TestClosedSystemSleepsWithoutAlarm(t *testing.T) {
	for _, used := range []bool{false, true} {
		s := newSystem(t)
		if used {
			getAlarm(s)
		}
		before := s.alarm
		checkClosed(t, s)
		sleeps(t, s, time.Millisecond)
		woken(s, near/2)
		if s.alarm != before || before != nil && before.conn.Control(func(uintptr) {}) == nil {
			t.Errorf("it has an alarm, used=%t", used)
		}
	}
}

func TestSystemSleepsWithoutDescriptors(t *testing.T) {
	sleeps(t, newSystem(t), time.Microsecond) // the runtime needs descriptors for its first timer
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: 0, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	s := newSystem(t)
	sleeps(t, s, time.Millisecond)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if s.alarm != nil || !s.noAlarm {
		t.Error("it got a descriptor")
	}
	sleeps(t, s, time.Millisecond)
}

// A goroutine that waits for a descriptor would stop the clock of the bubble.
func TestSystemInABubbleHasItsTime(t *testing.T) {
	used := newSystem(t)
	used.setAlarm(time.Now(), soon) // outside
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []*system{System().(*system), used} {
			began, alarm := time.Now(), s.alarm
			for _, d := range []time.Duration{time.Microsecond, near / 2, near, time.Hour} {
				sleeps(t, s, d)
			}
			if took := time.Since(began); took != time.Microsecond+near/2+near+time.Hour {
				t.Errorf("it took %v", took)
			}
			if s.alarm != alarm || s.noAlarm {
				t.Error("the bubble changes the alarm")
			}
		}
	})
}

// Programs may wrap the clock, so that nobody closes it.
func TestSystemThatIsForgottenGoesAway(t *testing.T) {
	forgotten := func() weak.Pointer[os.File] {
		s := System().(*system)
		getAlarm(s)
		return weak.Make(s.alarm.file)
	}()
	for forgotten.Value() != nil {
		runtime.GC()
	}
}
