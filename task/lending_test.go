package task_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// sleeper is the machine's clock, but a sleep that has begun ends only when the test says so:
// what happens before happens without the loop's goroutine.
type sleeper struct {
	timers.Clock
	asleep chan time.Time     // until when; one value for each sleep
	wake   chan chan struct{} // ends a sleep, when the loop has been woken
	over   chan error         // of the run
}

func (s *sleeper) Sleep(until time.Time, wake <-chan struct{}) {
	s.asleep <- until
	done := <-s.wake
	<-wake
	close(done)
}

// letWake waits until the loop has been woken, and lets it go on.
func (s *sleeper) letWake() {
	done := make(chan struct{})
	s.wake <- done
	<-done
}

// sleeping runs a loop that sleeps, and has a goroutine for a task. At the end of the test it
// must be asleep again, or stopped.
func sleeping(t *testing.T, opts ...loop.Option) (*loop.Loop, *sleeper) {
	t.Helper()
	if tasktest.DefaultHandoff() != task.Channels {
		t.Skip("the baton is lent with channels only")
	}
	s := &sleeper{timers.System(), make(chan time.Time, 100), make(chan chan struct{}), make(chan error, 1)}
	l := loop.New(append(opts, loop.WithClock(s))...)
	check.RunOn(t, l, func(context.Context) {}) // which leaves a goroutine
	go func() { s.over <- l.RunForever() }()
	<-s.asleep
	t.Cleanup(func() {
		if l.IsRunning() {
			l.Stop()
			s.letWake()
			check.NoError(t, <-s.over)
		}
		check.NoError(t, l.Close())
	})
	return l, s
}

// lent is how often somebody took the loop's baton.
func lent(l *loop.Loop) uint64 { return l.Kernel().Read(0).Lent }

// fallsAsleep waits until the loop sleeps.
func fallsAsleep(l *loop.Loop) {
	for !l.Kernel().Pulse().Asleep {
		runtime.Gosched()
	}
}

func result[T any](t *testing.T, l *loop.Loop, coro task.Coroutine[T]) T {
	t.Helper()
	v, err := task.RunCoroutineThreadsafe(l, coro).Result(context.Background())
	check.NoError(t, err)
	return v
}

func TestTaskRunsWhileTheLoopsGoroutineSleeps(t *testing.T) {
	l, _ := sleeping(t)
	for range 3 {
		got := result(t, l, func(ctx context.Context) (int, error) {
			tick(ctx)
			return task.ToThread(ctx, func(context.Context) (int, error) { return 7, nil })
		})
		check.Equal(t, "result", got, 7)
	}
	fallsAsleep(l)
	check.Equal(t, "the baton was lent", lent(l) > 0, true)
	_, err := task.Call(context.Background(), l, func(ctx context.Context) (int, error) { return 0, errTest })
	check.Is(t, err, errTest, "test error")
}

func TestTaskReceivesWhileTheLoopsGoroutineSleeps(t *testing.T) {
	l, _ := sleeping(t)
	ch, got := make(chan int), make(chan int)
	task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
		for v, ok, err := task.Receive(ctx, ch); ok && err == nil; v, ok, err = task.Receive(ctx, ch) {
			got <- v
		}
		close(got)
		return 0, nil
	})
	for i := range 5 {
		ch <- i
		check.Equal(t, "received", <-got, i)
	}
	close(ch)
	<-got
}

// Functions of the program run on the loop's goroutine, which has to wake up for them.
func TestCallbackRunsOnTheLoopsGoroutineThatWasAsleep(t *testing.T) {
	l, s := sleeping(t)
	called := make(chan uintptr, 2)
	note := func() { called <- kernel.Goroutine() }
	r := task.RunCoroutineThreadsafe(l, func(context.Context) (uintptr, error) {
		l.CallSoon(note)
		return kernel.Goroutine(), nil
	})
	check.Equal(t, "calls while the loop's goroutine sleeps", len(called), 0)
	s.letWake()
	own, err := r.Result(context.Background())
	check.NoError(t, err)
	first := <-called
	<-s.asleep
	if _, err := l.CallSoonThreadsafe(note); err != nil {
		t.Fatal(err)
	}
	check.Equal(t, "calls while the loop's goroutine sleeps", len(called), 0)
	s.letWake()
	check.Equal(t, "both on the same goroutine", <-called, first)
	check.Equal(t, "on that of the task", first == own, false)
	<-s.asleep
}

// A timer that is earlier than what the loop sleeps for wakes it, and it sleeps again.
func TestTimerOfATaskWakesTheLoopThatSleepsLonger(t *testing.T) {
	l, s := sleeping(t)
	result(t, l, func(ctx context.Context) (int, error) {
		l.CallLater(2*time.Hour, func() {})
		return 0, nil
	})
	s.letWake()
	first := <-s.asleep
	check.Equal(t, "a deadline", first.IsZero(), false)
	result(t, l, func(ctx context.Context) (int, error) {
		l.CallLater(3*time.Hour, func() {})
		return 0, nil
	})
	fallsAsleep(l) // and not: wake up
	result(t, l, func(ctx context.Context) (int, error) {
		l.CallLater(time.Hour, func() {})
		return 0, nil
	})
	s.letWake()
	if until := <-s.asleep; !until.Before(first) {
		t.Errorf("it sleeps until %v, before it was until %v", until, first)
	}
}

// Whoever brought the event has nothing of the loop afterwards.
func TestPosterIsNoPartOfTheLoop(t *testing.T) {
	l, _ := sleeping(t)
	hold, held := make(chan struct{}), make(chan struct{})
	r := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
		close(held)
		<-hold // blocks the loop, so that the baton stays where it is
		return 0, nil
	})
	check.Is(t, check.Panics(t, func() { l.CallSoon(func() {}) }), loop.ErrWrongGoroutine, "CallSoon of")
	<-held
	check.Is(t, check.Panics(t, func() { l.CallSoon(func() {}) }), loop.ErrWrongGoroutine, "CallSoon of")
	close(hold)
	_, err := r.Result(context.Background())
	check.NoError(t, err)
	check.Is(t, check.Panics(t, func() { l.CallSoon(func() {}) }), loop.ErrWrongGoroutine, "CallSoon of")
}

// A goroutine for a task inherits the profiler's labels of the one that starts it, so no
// stranger does.
func TestPosterStartsNoGoroutineForATask(t *testing.T) {
	l, s := sleeping(t)
	release := make(chan struct{})
	waits := func(ctx context.Context) (bool, error) {
		_, _, err := task.Receive(ctx, release)
		return true, err
	}
	first := task.RunCoroutineThreadsafe(l, waits) // takes the goroutine that there is
	fallsAsleep(l)
	second := task.RunCoroutineThreadsafe(l, waits)
	s.letWake()
	<-s.asleep
	close(release)
	for _, r := range []interface {
		Result(context.Context) (bool, error)
	}{first, second} {
		_, err := r.Result(context.Background())
		check.NoError(t, err)
	}
}

// Stop ends the run also if somebody else has the baton.
func TestStopByATaskThatRunsWhileTheLoopsGoroutineSleeps(t *testing.T) {
	l, s := sleeping(t)
	r := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
		l.Stop()
		return 7, nil
	})
	s.letWake()
	check.NoError(t, <-s.over)
	check.RunOn(t, l, tick) // goes on where the other run has ended
	v, err := r.Result(context.Background())
	check.NoError(t, err)
	check.Equal(t, "result", v, 7)
}

// Who is told of each task or step is not told on goroutines that may hold any lock.
func TestBatonIsNotLentToThoseWhoWouldCallTheProgram(t *testing.T) {
	for name, prepare := range map[string]func(l *loop.Loop){
		"debug mode":    func(l *loop.Loop) { l.SetDebug(true) },
		"an instrument": func(l *loop.Loop) { task.AddInstrument(l, &task.Instrument{BeforeStep: func(task.Any) {}}) },
	} {
		t.Run(name, func(t *testing.T) {
			l, s := sleeping(t, loop.WithSetup(prepare))
			r := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) { return 7, nil })
			s.letWake()
			v, err := r.Result(context.Background())
			check.NoError(t, err)
			check.Equal(t, "result", v, 7)
			check.Equal(t, "lent", lent(l), 0)
			<-s.asleep
		})
	}
}

// A monitor, which watches loops in production, changes nothing of that, and wakes nobody.
func TestTaskOfAWatchedLoopRunsWhileTheLoopsGoroutineSleeps(t *testing.T) {
	m := monitor.New()
	t.Cleanup(func() { check.NoError(t, m.Close()) })
	l, s := sleeping(t, m.Watch())
	got := result(t, l, func(context.Context) (int, error) { return 7, nil })
	check.Equal(t, "result", got, 7)
	fallsAsleep(l)
	release := make(chan int)
	r := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
		v, _, err := task.Receive(ctx, release)
		return v, err
	})
	fallsAsleep(l)
	snapshot, err := m.Tasks(context.Background(), monitor.Query{})
	check.NoError(t, err)
	check.Equal(t, "tasks in the snapshot", snapshot.Total, 1)
	release <- 7
	got, err = r.Result(context.Background())
	check.NoError(t, err)
	check.Equal(t, "result", got, 7)
	check.Equal(t, "sleeps that have ended", len(s.asleep), 0)
}

// A factory is a function of the program.
func TestFactoryRunsOnTheLoopsGoroutineThatWasAsleep(t *testing.T) {
	made := make(chan uintptr, 1)
	l, s := sleeping(t, loop.WithSetup(func(l *loop.Loop) {
		task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings {
			select {
			case made <- kernel.Goroutine():
			default:
			}
			return s
		})
	}))
	before := <-made // for the task that came first
	r := task.RunCoroutineThreadsafe(l, func(context.Context) (uintptr, error) { return kernel.Goroutine(), nil })
	s.letWake()
	own, err := r.Result(context.Background())
	check.NoError(t, err)
	inFactory := <-made
	check.Equal(t, "on the goroutine of the task", inFactory == own, false)
	check.Equal(t, "on the goroutine of the test", inFactory == before, false)
	<-s.asleep
}
