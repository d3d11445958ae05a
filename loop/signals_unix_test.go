//go:build unix

package loop_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// raise sends a signal to this process.
func raise(t testing.TB, sig syscall.Signal) {
	t.Helper()
	check.NoError(t, syscall.Kill(syscall.Getpid(), sig))
}

// witness receives a signal as well, so that it harms nobody, and so that a test
// knows that it has arrived.
func witness(t testing.TB, sig os.Signal) <-chan os.Signal {
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, sig)
	t.Cleanup(func() { signal.Stop(ch) })
	return ch
}

func TestSignalWakesAnIdleLoop(t *testing.T) {
	l := loop.New() // on a clock that really sleeps
	defer l.Close()
	l.CallLater(time.Hour, func() { t.Error("no signal for an hour") })
	for range 3 {
		calls := 0
		check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() {
			calls++
			check.Equal(t, "IsRunning in the handler", l.IsRunning(), true)
			check.Equal(t, "OnLoop in the handler", kernel.OnLoop(), true)
			l.Stop()
		}))
		l.CallSoon(func() { raise(t, syscall.SIGUSR1) })
		run(t, l)
		check.Equal(t, "calls", calls, 1)
	}
}

func TestSignalHandlerIsCalledEachTime(t *testing.T) {
	l, _ := newLoop(t)
	calls := 0
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() {
		if calls++; calls == 3 {
			l.Stop()
			return
		}
		raise(t, syscall.SIGUSR1)
	}))
	l.CallSoon(func() { raise(t, syscall.SIGUSR1) })
	run(t, l)
	check.Equal(t, "calls", calls, 3)
}

func TestSignalsHaveHandlersOfTheirOwn(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() {
		s.Add("1")
		raise(t, syscall.SIGUSR2)
	}))
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR2, func() {
		s.Add("2")
		l.Stop()
	}))
	l.CallSoon(func() { raise(t, syscall.SIGUSR1) })
	run(t, l)
	s.Check(t, "1", "2")

	// Taking one away leaves the other.
	check.Equal(t, "removed", l.RemoveSignalHandler(syscall.SIGUSR1), true)
	l.CallSoon(func() { raise(t, syscall.SIGUSR2) })
	run(t, l)
	s.Check(t, "1", "2", "2")
}

func TestSignalHandlerReplacesTheOneBefore(t *testing.T) {
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("the first handler was called") }))
	calls := 0
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() {
		calls++
		l.Stop()
	}))
	l.CallSoon(func() { raise(t, syscall.SIGUSR1) })
	run(t, l)
	check.Equal(t, "calls", calls, 1)
	check.Equal(t, "removed", l.RemoveSignalHandler(syscall.SIGUSR1), true)
	check.Equal(t, "removed again", l.RemoveSignalHandler(syscall.SIGUSR1), false)
}

func TestSignalAfterRemovalIsIgnored(t *testing.T) {
	arrived := witness(t, syscall.SIGUSR1)
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("the removed handler was called") }))
	check.Equal(t, "removed", l.RemoveSignalHandler(syscall.SIGUSR1), true)
	raise(t, syscall.SIGUSR1)
	<-arrived
	if next, ok, _ := l.Poll(); ok {
		t.Errorf("something is to be called at %v", next)
	}
}

// The default of these signals is to end the process, here a copy of this one.
func TestSignalAfterRemovalHasItsDefaultAgain(t *testing.T) {
	if sig := os.Getenv("RAISE_AFTER_REMOVAL"); sig != "" {
		number, err := strconv.Atoi(sig)
		check.NoError(t, err)
		raiseAfterRemoval(t, syscall.Signal(number))
		return
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(sig) { // as in a script's background job: it has no other default here
			t.Logf("not tried with %v, which this process ignores", sig)
			continue
		}
		c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		c.Env = append(os.Environ(), "RAISE_AFTER_REMOVAL="+strconv.Itoa(int(sig)))
		out, err := c.CombinedOutput()
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != sig {
			t.Errorf("%v: the process ended with %v, not with the signal: %s", sig, err, out)
		}
	}
}

// raiseAfterRemoval lets the loop handle sig, takes the handler away, and raises sig
// once more. Another signal is handled as before.
func raiseAfterRemoval(t *testing.T, sig syscall.Signal) {
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(sig, l.Stop))
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR2, l.Stop))
	l.CallSoon(func() { raise(t, sig) })
	run(t, l)
	check.Equal(t, "removed", l.RemoveSignalHandler(sig), true)
	l.CallSoon(func() { raise(t, syscall.SIGUSR2) })
	run(t, l)
	l.CallSoon(func() { raise(t, sig) })
	run(t, l) // in vain: this is the end
}

func TestSignalReceivedBeforeTheRemovalIsDropped(t *testing.T) {
	arrived := witness(t, syscall.SIGUSR1)
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("the removed handler was called") }))
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR2, l.Stop))
	l.CallSoon(func() {
		raise(t, syscall.SIGUSR1)
		<-arrived
		// By now the call may be in line or not. It is not made in any case.
		check.Equal(t, "removed", l.RemoveSignalHandler(syscall.SIGUSR1), true)
		raise(t, syscall.SIGUSR2)
	})
	run(t, l)
	runOnce(t, l)
}

func TestCloseRemovesSignalHandlers(t *testing.T) {
	arrived := witness(t, syscall.SIGUSR1)
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("called") }))
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR2, func() { t.Error("called") }))
	check.NoError(t, l.Close())
	raise(t, syscall.SIGUSR1)
	<-arrived
	check.Equal(t, "removed after Close", l.RemoveSignalHandler(syscall.SIGUSR1), false)
}

func TestSignalHandlerThatPanicsIsReported(t *testing.T) {
	l, _ := newLoop(t)
	var got []error
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
		got = append(got, e.Err)
		l.Stop()
	})
	check.NoError(t, l.AddSignalHandler(syscall.SIGUSR1, failing))
	l.CallSoon(func() { raise(t, syscall.SIGUSR1) })
	run(t, l)
	if len(got) != 1 {
		t.Fatalf("reports: %v", got)
	}
	check.IsFrom(t, got[0], errTest, "panic: test error ["+kernel.FuncName(failing)+"]")
}

func TestSignalHandlerMayRaiseAFatalError(t *testing.T) {
	l, _ := newLoop(t)
	check.NoError(t, l.AddSignalHandler(os.Interrupt, func() { panic(loop.ErrKeyboardInterrupt) }))
	l.CallSoon(func() { raise(t, syscall.SIGINT) })
	if err := l.RunForever(); err != loop.ErrKeyboardInterrupt {
		t.Errorf("the run ended with %v", err)
	}
}

func TestAddSignalHandlerRefusesMisuse(t *testing.T) {
	l, _ := newLoop(t)
	check.IsFrom(t, l.AddSignalHandler(syscall.SIGUSR1, nil), loop.ErrNilFunc, "loop: AddSignalHandler: ")
	for _, misuse := range []struct {
		sig  os.Signal
		want string
	}{
		{nil, "loop: AddSignalHandler: the signal is nil"},
		{os.Kill, "loop: AddSignalHandler: signal killed cannot be caught"},
		{syscall.SIGKILL, "loop: AddSignalHandler: signal killed cannot be caught"},
		{syscall.SIGSTOP, "loop: AddSignalHandler: signal stopped (signal) cannot be caught"},
	} {
		check.IsFrom(t, l.AddSignalHandler(misuse.sig, func() {}), loop.ErrInvalidArgument, misuse.want)
	}
	check.Equal(t, "kill removed", l.RemoveSignalHandler(os.Kill), false)
}

func TestSignalHandlersFromManyGoroutinesRacingClose(t *testing.T) {
	for range 20 {
		l := loop.New()
		var users sync.WaitGroup
		for range 4 {
			users.Go(func() {
				for range 50 {
					if err := l.AddSignalHandler(syscall.SIGUSR2, func() {}); err != nil {
						check.IsFrom(t, err, loop.ErrClosed, "loop: AddSignalHandler: ")
						return
					}
					l.RemoveSignalHandler(syscall.SIGUSR2)
				}
			})
		}
		check.NoError(t, l.Close())
		users.Wait()
		check.Equal(t, "a handler is left", l.RemoveSignalHandler(syscall.SIGUSR2), false)
	}
}
