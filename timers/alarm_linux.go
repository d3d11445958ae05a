package timers

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// An alarm tells its clock of one point in time, exactly. It is a timerfd, a descriptor that
// can be read when its time has come. Go's runtime waits for its own timers in whole
// milliseconds, but it notices at once that a descriptor can be read.
//
// The alarm has a goroutine only while it is set. It ends when the alarm rings, also if the
// clock does not wait for that any more. So a clock that nobody uses leaves none behind, and
// the runtime can still say that all goroutines are asleep. To start one each time costs no
// more than to pass something on to one that waits.
type alarm struct {
	file *os.File
	conn syscall.RawConn
	rung chan struct{} // has room for one
	due  time.Time     // what it is set for; zero if nothing comes from rung any more

	d    time.Duration // for set
	fail error         // of set

	// Functions that are made once.
	set  func(fd uintptr)             // makes it ring after d
	wait func()                       // the goroutine
	read func(fd uintptr) (rang bool) // reads the descriptor
}

const clockMonotonic = 1 // Go's timers go by that, too

// newAlarm returns nil if there can be none.
func newAlarm() *alarm {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil
	}
	a := &alarm{file: os.NewFile(fd, "timerfd"), rung: make(chan struct{}, 1)}
	a.conn, _ = a.file.SyscallConn() // no error, because there is a file
	a.set, a.wait, a.read = a.setTimer, a.await, readTimer
	return a
}

// at makes the alarm ring when until is reached, or earlier, and returns the channel that
// then has something to receive. Who receives it calls off. It returns nil if the alarm does
// not work.
func (a *alarm) at(until time.Time) (rung <-chan struct{}) {
	if a.covers(until) {
		return a.rung // to set it costs more than to be woken in vain, once
	}
	waits := !a.due.IsZero()
	a.d = time.Until(until)
	if err := a.conn.Control(a.set); err != nil || a.fail != nil {
		return nil
	}
	a.due = until
	if !waits {
		go a.wait()
	}
	return a.rung
}

// covers reports whether the alarm is set to ring when until is reached, or earlier.
func (a *alarm) covers(until time.Time) bool { return !a.due.IsZero() && !until.Before(a.due) }

// off notes that the alarm has rung.
func (a *alarm) off() { a.due = time.Time{} }

func (a *alarm) close() { _ = a.file.Close() }

func (a *alarm) await() {
	if a.conn.Read(a.read) == nil { // else the file is closed
		a.rung <- struct{}{}
	}
}

// The system calls are raw ones because they do not block. For others the runtime would wake
// the thread that watches those.

func (a *alarm) setTimer(fd uintptr) {
	spec := struct{ interval, value syscall.Timespec }{
		value: syscall.NsecToTimespec(max(int64(a.d), 1)), // 0 means never
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	if errno != 0 {
		a.fail = errno
	}
}

func readTimer(fd uintptr) (rang bool) {
	var times uint64
	n, _, _ := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&times)), unsafe.Sizeof(times))
	return n == unsafe.Sizeof(times)
}
