package monitor

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// sleeper is a loop that sleeps, until the test wakes it. The function asleep waits until it
// sleeps again.
func sleeper(s *scene, main func(ctx context.Context, wake <-chan struct{})) (l *loop.Loop, asleep func(), wake chan struct{}) {
	wake = make(chan struct{}, 1)
	l = loop.New(s.m.Watch())
	s.start(l, func(ctx context.Context) { main(ctx, wake) })
	last := uint64(0)
	asleep = func() {
		for {
			if sleep, stranded := l.Kernel().Stranded(); stranded && sleep > last {
				last = sleep
				return
			}
			runtime.Gosched()
		}
	}
	asleep()
	return l, asleep, wake
}

// receives is a task that waits for the test n times.
func receives(n int) func(ctx context.Context, wake <-chan struct{}) {
	return func(ctx context.Context, wake <-chan struct{}) {
		for range n {
			task.Receive(ctx, wake)
		}
	}
}

// onLongSleep has the scene's monitor note the loops that sleep for long.
func (s *scene) onLongSleep() (noted *[]int) {
	noted = new([]int)
	s.m.onLongSleep = func(w *watched) {
		*noted = append(*noted, w.number)
		check.NoError(s.t, w.onLoop(context.Background(), func(s *sched.Sched) {})) // which disturbs it
	}
	return noted
}

func TestLongSleepIsNotedOnce(t *testing.T) {
	s := newScene(t)
	noted := s.onLongSleep()
	_, asleep, wake := sleeper(s, receives(2))
	s.tick(1)
	s.tickAfter(longSleep - 1)
	check.Equal(t, "noted", len(*noted), 0)
	s.tickAfter(1)
	check.Equal(t, "noted", *noted, []int{1})
	asleep() // again, after it was looked at
	s.tickAfter(10 * longSleep)
	check.Equal(t, "noted", *noted, []int{1})
	wake <- struct{}{}
	asleep() // and it has done something
	s.tick(1)
	s.tickAfter(longSleep)
	check.Equal(t, "noted", *noted, []int{1, 1})
	wake <- struct{}{}
}

// A page that asks each second must not hide that a loop sleeps.
func TestLongSleepIsNotInterruptedBySnapshots(t *testing.T) {
	s := newScene(t)
	l, _, wake := sleeper(s, receives(1))
	w := s.m.all()[0]
	beat := func() uint64 { return l.Kernel().Pulse().Beat - w.own.Load() }
	before, all := beat(), l.Kernel().Pulse().Beat
	_, err := s.m.Tasks(context.Background(), Query{Stacks: true})
	check.NoError(t, err)
	check.Equal(t, "beat of the program", beat(), before)
	check.True(t, "beat", l.Kernel().Pulse().Beat > all)
	wake <- struct{}{}
}

func TestLongSleepOfALoopWithoutTasksIsNotNoted(t *testing.T) {
	s := newScene(t)
	noted := s.onLongSleep()
	ended, asleep := make(chan error), make(chan struct{}, 10)
	l := loop.New(loop.WithClock(announced{timers.System(), asleep}), s.m.Watch())
	go func() { ended <- l.RunForever() }()
	<-asleep
	s.tick(1)
	s.tickAfter(2 * longSleep)
	check.Equal(t, "noted", len(*noted), 0)
	l.Stop()
	check.NoError(t, <-ended)
	check.NoError(t, l.Close())
}

func TestWatchdogParksWhileAllLoopsSleep(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.m.onLongSleep = nil
	pause := func() time.Duration { // -1 if there is no timer
		pause, some := s.m.dog.pause(s.now())
		if !some {
			return -1
		}
		return pause
	}
	_, asleep, wake := sleeper(s, receives(3))
	_, asleepOther, other := sleeper(s, receives(1))
	s.tick(1)
	check.Equal(t, "at first", pause(), period)
	s.tickAfter(untilParked)
	check.Equal(t, "after a second", pause(), -1)
	wake <- struct{}{}
	asleep()
	s.tick(1)
	check.Equal(t, "if one of them has woken up", pause(), period)
	s.tickAfter(untilParked)
	check.Equal(t, "after a second", pause(), -1)

	_, asleepToo, wakeToo := sleeper(s, func(ctx context.Context, wake <-chan struct{}) {
		task.Receive(ctx, wake)
		hold(d)
		task.Receive(ctx, wake)
	})
	s.tick(1)
	s.tickAfter(untilParked)
	check.Equal(t, "after a second", pause(), -1)
	wakeToo <- struct{}{}
	<-d.entered
	check.Equal(t, "if one of them is awake", pause(), period)
	d.through()
	asleepToo()
	s.tick(1)

	s.onLongSleep()
	wake <- struct{}{}
	asleep()
	s.tick(1)
	s.tickAfter(untilParked)
	check.Equal(t, "if it is to be noted that the other one sleeps", pause(), longSleep-4*untilParked-4*period)
	s.tickAfter(longSleep)
	for _, again := range []func(){asleep, asleepOther, asleepToo} {
		again() // each was looked at
	}
	check.Equal(t, "once that was noted", pause(), -1)
	wake <- struct{}{}
	other <- struct{}{}
	wakeToo <- struct{}{}
}

func TestWatchdogIsKickedByALoopThatWakesUp(t *testing.T) {
	s := newScene(t)
	l, asleep, wake := sleeper(s, receives(2))
	kick := make(chan struct{}, 1)
	check.True(t, "sleeps", l.Kernel().KickAwake(kick))
	wake <- struct{}{}
	asleep()
	<-kick
	wake <- struct{}{}
}
