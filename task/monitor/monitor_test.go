package monitor

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// untouched checks that nothing of a monitor is on a loop that does not run.
func untouched(t *testing.T, l *loop.Loop) {
	t.Helper()
	check.Equal(t, "attention", l.Kernel().Attention(), 0)
	check.True(t, "nothing to do at the end", sched.Of(l.Kernel()).AtClose.Empty())
}

// runOnce runs one iteration of a loop.
func runOnce(t *testing.T, l *loop.Loop) {
	t.Helper()
	_, _, err := l.Poll()
	check.NoError(t, err)
}

func numbers(m *Monitor) (numbers []int) {
	for n := range m.Loops() {
		numbers = append(numbers, n)
	}
	return numbers
}

func TestAttachRefuses(t *testing.T) {
	m, other, closed := New(), New(), New()
	defer m.Close()
	defer other.Close()
	check.NoError(t, closed.Close())
	l, gone := loop.New(), loop.New()
	defer l.Close()
	check.NoError(t, gone.Close())

	check.IsFrom(t, m.Attach(nil), loop.ErrInvalidArgument, "monitor: Attach")
	check.IsFrom(t, m.Attach(gone), loop.ErrClosed, "monitor: Attach")
	check.IsFrom(t, closed.Attach(l), ErrClosed, "monitor: Attach")
	check.NoError(t, m.Attach(l))
	check.IsFrom(t, m.Attach(l), ErrAttached, "monitor: Attach")
	check.IsFrom(t, other.Attach(l), ErrAttached, "monitor: Attach")
	check.IsFrom(t, check.Panics(t, func() { loop.New(m.Watch(), other.Watch()) }), ErrAttached, "monitor: Watch")
	check.Equal(t, "loops", numbers(m), []int{1, 2}) // the second is that of loop.New, which has panicked

	unwatched := loop.New(closed.Watch())
	untouched(t, unwatched)
	check.NoError(t, unwatched.Close())
}

func TestAttachTakesEffectOnTheLoop(t *testing.T) {
	m, l := New(), loop.New()
	defer m.Close()
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { _ = m.Attach(l) })
	}
	calls.Wait()
	untouched(t, l)
	check.Equal(t, "loops", numbers(m), []int{1})
	runOnce(t, l)
	const watched = kernel.AttendBeat | kernel.AttendTasks
	check.Equal(t, "attention", l.Kernel().Attention()&watched, watched)
	check.NoError(t, l.Close())
	check.Equal(t, "loops", len(numbers(m)), 0)
}

func TestLoopsAreLetGoWhenTheyAreClosed(t *testing.T) {
	s := newScene(t)
	follow, stop := s.m.Follow()
	defer stop()
	watched, never := loop.New(s.m.Watch()), loop.New()
	check.NoError(t, s.m.Attach(never))
	third := loop.New(s.m.Watch())
	check.Equal(t, "loops", numbers(s.m), []int{1, 2, 3})
	check.NoError(t, watched.Close())
	check.NoError(t, third.Close())
	check.NoError(t, never.Close()) // it could not answer to Attach
	for n, text := range []string{"Loop 1 was closed", "Loop 3 was closed", "Loop 2 was closed"} {
		i := <-follow
		check.Equal(t, "kind", i.Kind, Closed)
		check.Equal(t, "number", i.Number, n+1)
		check.Equal(t, "text", i.Text, text)
	}
	check.Equal(t, "loops", len(numbers(s.m)), 0)
}

func TestCloseTakesEverythingOff(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		m, l := New(), loop.New()
		defer l.Close()
		task.SetHandoff(l, h)
		check.NoError(t, m.Attach(l))
		_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			check.True(t, "is watched", l.Kernel().Attention() != 0)
			check.NoError(t, m.Close()) // by a task of its own loop
			check.Equal(t, "attention", l.Kernel().Attention(), 0)
			return nil
		}))
		check.NoError(t, err)
		untouched(t, l)
		check.NoError(t, m.Close())
		check.IsFrom(t, m.Attach(l), ErrClosed, "monitor: Attach")

		next := New()
		check.NoError(t, next.Attach(l))
		runOnce(t, l)
		check.NoError(t, next.Close()) // the loop does not run: it does so at the next occasion
		third := New()
		check.NoError(t, third.Attach(l))
		runOnce(t, l)
		check.True(t, "is watched", l.Kernel().Attention() != 0)
		check.NoError(t, third.Close())
		runOnce(t, l)
		untouched(t, l)
	})
}

func TestCloseOfAMonitorWhoseLoopHasNotBegunToBeWatched(t *testing.T) {
	m, l := New(), loop.New()
	defer l.Close()
	check.NoError(t, m.Attach(l))
	check.NoError(t, m.Close())
	runOnce(t, l)
	untouched(t, l)
}

func TestCloseWakesALoopThatSleeps(t *testing.T) {
	ended, asleep := make(chan error), make(chan struct{}, 10)
	m := New()
	l := loop.New(loop.WithClock(announced{timers.System(), asleep}), m.Watch())
	go func() { ended <- l.RunForever() }()
	<-asleep
	check.NoError(t, m.Close())
	check.Equal(t, "attention", l.Kernel().Attention(), 0)
	select {
	case <-m.dog.ended:
	default:
		t.Error("the monitor's goroutine has not ended")
	}
	l.Stop()
	check.NoError(t, <-ended)
	untouched(t, l)
	check.NoError(t, l.Close())
}

// announced is a clock that says when its loop falls asleep.
type announced struct {
	timers.Clock
	asleep chan struct{}
}

func (c announced) Sleep(until time.Time, wake <-chan struct{}) {
	c.asleep <- struct{}{}
	c.Clock.Sleep(until, wake)
}

func TestCloseDoesNotWaitForALoopThatIsBlocked(t *testing.T) {
	m, d := New(), newDoor()
	l := loop.New(m.Watch())
	ended := make(chan error)
	l.CallSoon(d.pass)
	l.CallSoon(l.Stop)
	go func() { ended <- l.RunForever() }()
	<-d.entered
	check.NoError(t, m.Close())
	check.True(t, "is watched", l.Kernel().Attention() != 0)
	d.through()
	check.NoError(t, <-ended)
	runOnce(t, l)
	untouched(t, l)
	check.NoError(t, l.Close())
}

func TestCloseByOnBlocked(t *testing.T) {
	var m *Monitor
	closed := make(chan struct{})
	s, d := newScene(t, OnBlocked(func(Incident) {
		_ = m.Close()
		close(closed)
	})), newDoor()
	m = s.m
	s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	s.tick(5)
	<-closed
	d.through()
}

func TestCloseOfALoopEndsItsIncident(t *testing.T) {
	s, d := newScene(t), newDoor()
	l := s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	s.tick(5)
	check.Equal(t, "kind", s.one().Kind, Blocked)
	d.through()
	s.steps.Wait()
	check.True(t, "closed", l.IsClosed())
	check.Equal(t, "kind", s.one().Kind, Unblocked)
	_, some := s.m.Blocked(1)
	check.False(t, "is blocked", some)
}

func TestMonitorFindsNoOrderToChange(t *testing.T) {
	run := func(opts ...loop.Option) []string {
		var steps check.Steps
		var log bytes.Buffer
		l := loop.New(append(opts, loop.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))...)
		defer l.Close()
		check.RunOn(t, l, func(ctx context.Context) {
			for _, name := range []string{"a", "b", "c"} {
				task.Go(ctx, func(ctx context.Context) error {
					for range 3 {
						steps.Add(name)
						task.Yield(ctx)
					}
					return nil
				})
				l.CallSoon(steps.Of("callback"))
			}
			for range 5 {
				steps.Add("main")
				task.Yield(ctx)
			}
		})
		check.Equal(t, "log", log.String(), "")
		return steps
	}
	m := New(Threshold(10 * time.Millisecond))
	defer m.Close()
	check.Equal(t, "steps", run(m.Watch()), run())
}
