package loop

import (
	"errors"
	"runtime"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// errGoexit stands for "a coroutine has called runtime.Goexit" in Loop.raised.
var errGoexit = errors.New("loop: a coroutine called runtime.Goexit")

// RunForever runs the loop on the calling goroutine until it is stopped:
// asyncio's run_forever. It returns nil then, or the fatal error that ended the
// run (see [IsFatal]), after which the loop can be run again. The error matches
// [ErrClosed] if the loop is closed, and [ErrRunning] if it is running or if the
// caller is itself run by a loop.
func (l *Loop) RunForever() error {
	if err := l.begin("RunForever"); err != nil {
		return err
	}
	defer l.end()
	err := l.run()
	if err == errGoexit {
		runtime.Goexit()
	}
	return err
}

// Poll runs one iteration of the loop, without sleeping, on the calling
// goroutine. It is for programs that have a main loop of their own. It returns
// when the next iteration is due, which is now if something is ready, and false
// if nothing is scheduled. It panics as RunForever fails, and with a fatal
// error if there is one.
func (l *Loop) Poll() (next time.Time, ok bool) {
	if err := l.begin("Poll"); err != nil {
		panic(err)
	}
	defer l.end()
	l.single = true
	switch err := l.run(); {
	case err == errGoexit:
		runtime.Goexit()
	case err != nil:
		panic(err)
	}
	if !l.inbox.empty() {
		l.collect()
	}
	if l.ready.n > 0 {
		return l.Time(), true
	}
	if when, some := l.timers.Peek(); some {
		return l.epoch.Add(time.Duration(when)), true
	}
	return time.Time{}, false
}

func (l *Loop) begin(operation string) error {
	switch {
	case l.ended.Load():
		return misuse(operation, ErrClosed)
	case l.running.Load():
		return misuse(operation, ErrRunning)
	case OnLoop():
		return misuse(operation+": another loop runs the caller", ErrRunning)
	case !l.running.CompareAndSwap(false, true):
		return misuse(operation, ErrRunning)
	}
	l.home.Store(goroutine())
	return nil
}

func (l *Loop) end() {
	l.todo = 0
	l.single = false
	l.home.Store(0)
	l.raised = nil
	l.stopping.Store(false)
	l.running.Store(false)
}

// run is the loop. The baton may leave this goroutine inside of runReady: when
// it is back, tasks may have run the rest of the iteration and further ones, so
// that nothing about the iteration is kept in local variables.
func (l *Loop) run() error {
	for {
		if l.ready.n == 0 && l.inbox.empty() && !l.single && !l.stopping.Load() && l.raised == nil {
			l.idle()
		}
		l.beginIteration()
		for l.todo > 0 && l.raised == nil {
			l.runReady()
		}
		switch {
		case l.raised != nil:
			return l.raised
		case l.single || l.stopping.Load():
			return nil
		}
	}
}

// idle sleeps until the first timer is due or something is posted.
func (l *Loop) idle() {
	l.ready.shrink()
	// To wake up for a timer that was cancelled does no harm, but a clock that
	// jumps must not stop there.
	earliest := l.timers.Soonest
	if _, jumps := l.clock.(timers.Holder); jumps {
		earliest = l.timers.Peek
		if l.coroutines != nil {
			if l.coroutines.BeforeJump(); l.ready.n > 0 {
				return
			}
		}
	}
	var until time.Time
	if when, ok := earliest(); ok {
		until = l.epoch.Add(time.Duration(when))
	}
	if l.inbox.fallAsleep() {
		if !l.stopping.Load() { // Stop looks at the sleeper after it has set the flag
			l.asleep.Store(true)
			l.clock.Sleep(until, l.inbox.wake)
			l.asleep.Store(false)
		}
		l.inbox.wakeAgain()
	}
}

// beginIteration makes ready what is due, and fixes what the iteration runs:
// first what others posted, then timers, in the order of their deadlines.
func (l *Loop) beginIteration() {
	if !l.inbox.empty() {
		l.collect()
	}
	if l.timers.Len() > 0 {
		l.collectTimers()
	}
	l.todo = l.ready.n
}

func (l *Loop) collectTimers() {
	now := l.now()
	for {
		item, ok := l.timers.PopDue(now)
		if !ok {
			return
		}
		l.ready.push(&item.Value.Handle)
	}
}

// runReady runs handles until the iteration is over or one of them panics. That
// it returns then, and is called again, saves a deferred call for each handle.
func (l *Loop) runReady() {
	var h *Handle
	var r Runner
	done := false
	defer func() {
		if done {
			return
		}
		value := recover()
		if value == nil {
			return // runtime.Goexit: it ends this goroutine
		}
		l.callbackFailed(describe(r), h, value)
	}()
	for l.todo > 0 && l.raised == nil {
		h = l.ready.pop()
		l.todo--
		r = h.take()
		if r == nil {
			continue // cancelled
		}
		if l.debug {
			l.runTimed(r)
		} else {
			r.Run()
		}
	}
	done = true
}
