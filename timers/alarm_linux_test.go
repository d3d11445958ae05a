package timers

import (
	"syscall"
	"testing"
	"time"
)

// openAlarm returns an alarm that is closed at the end of the test.
func openAlarm(t *testing.T) *alarm {
	t.Helper()
	a := newAlarm()
	if a == nil {
		t.Fatal("there is no alarm")
	}
	t.Cleanup(a.close)
	return a
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

func TestAlarmRings(t *testing.T) {
	a := openAlarm(t)
	for _, d := range []time.Duration{time.Millisecond, time.Microsecond, 0, -time.Hour, time.Millisecond} {
		until := in(d)
		<-a.at(until)
		a.off()
		if now := time.Now(); now.Before(until) {
			t.Errorf("it rang at %v, before %v", now, until)
		}
	}
}

func TestAlarmRingsEarlierIfItIsSetToThat(t *testing.T) {
	a := openAlarm(t)
	for range 3 {
		a.at(in(time.Hour))
		<-a.at(in(time.Millisecond))
		a.off()
	}
}

func TestAlarmThatIsSetStaysForALaterDeadline(t *testing.T) {
	a := openAlarm(t)
	due := in(time.Millisecond)
	a.at(due)
	<-a.at(in(time.Hour))
	if !a.due.Equal(due) {
		t.Errorf("it was set for %v, and rang for %v", due, a.due)
	}
}

// It has rung for the sleep before, which nobody has noticed.
func TestAlarmThatHasRungRingsForTheNextDeadline(t *testing.T) {
	a := openAlarm(t)
	a.at(in(0))
	for len(a.rung) == 0 {
		time.Sleep(0)
	}
	<-a.at(in(time.Hour))
	a.off()
	<-a.at(in(time.Millisecond))
}

// The goroutine ends, or TestMain would find it.
func TestClosedAlarmDoesNotRing(t *testing.T) {
	for _, begin := range []bool{false, true} {
		a := openAlarm(t)
		if begin {
			a.at(in(time.Hour))
		}
		a.close()
		if rung := a.at(in(time.Minute)); rung != nil {
			t.Errorf("it can be set, begin=%t", begin)
		}
	}
}

func TestAlarmIsNotInherited(t *testing.T) {
	a := openAlarm(t)
	err := a.conn.Control(func(fd uintptr) {
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFD, 0)
		if errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
			t.Errorf("flags %#x, %v", flags, errno)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAlarmThatCannotBeSet(t *testing.T) {
	a := openAlarm(t)
	a.d = time.Second
	a.setTimer(^uintptr(0))
	if rung := a.at(in(time.Hour)); rung != nil || a.fail != syscall.EBADF {
		t.Errorf("%v, rung=%v", a.fail, rung)
	}
}
