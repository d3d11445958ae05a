package timers

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// An alarm tells its clock of one point in time, exactly. It is a timerfd: the descriptor
// can be read when its time has come, and Go's runtime, which waits for its own timers in
// whole milliseconds, notices that at once.
//
// There is a goroutine of the alarm only while it is set. It ends when the alarm rings, also
// if nobody waits for that any more. So a clock that nobody uses leaves none behind, and
// the runtime still finds out when all goroutines are asleep.
type alarm struct {
	file *os.File
	conn syscall.RawConn
	rung chan struct{} // has room for one

	due time.Time // what it is set for; zero if it has rung
	d   time.Duration
	set func(fd uintptr) // sets it to ring after d
	reader func()
	err error   // of set
	buf [8]byte // for the goroutine
}

const clockMonotonic = 1 // which Go's own timers go by

// newAlarm returns nil if there can be none.
func newAlarm() *alarm {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil
	}
	a := &alarm{file: os.NewFile(fd, "timerfd"), rung: make(chan struct{}, 1)}
	conn, err := a.file.SyscallConn()
	if err != nil {
		_ = a.file.Close()
		return nil
	}
	a.conn = conn
	a.set, a.reader = a.setTimer, a.wait
	return a
}

// at makes the alarm ring when until is reached, or earlier, and returns the channel that
// tells so. What is received from it must be passed to off. It returns nil if the alarm does
// not work.
func (a *alarm) at(until time.Time) <-chan struct{} {
	waits := !a.due.IsZero()
	if waits && !until.Before(a.due) {
		return a.rung // to set it again costs more than to be woken in vain, once
	}
	a.d = time.Until(until)
	if err := a.conn.Control(a.set); err != nil || a.err != nil {
		return nil
	}
	a.due = until
	if !waits {
		go a.reader()
	}
	return a.rung
}

// off notes that the alarm has rung.
func (a *alarm) off() { a.due = time.Time{} }

// close ends the alarm.
func (a *alarm) close() { _ = a.file.Close() }

// wait is the goroutine.
func (a *alarm) wait() {
	if _, err := a.file.Read(a.buf[:]); err == nil { // else the alarm is closed
		a.rung <- struct{}{}
	}
}

func (a *alarm) setTimer(fd uintptr) {
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(max(int64(a.d), 1))} // 0 would be never
	_, _, errno := syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		a.err = errno
	}
}
