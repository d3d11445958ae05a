package monitor

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// waits is the histogram of a loop's probes: how many there were, and their sum.
type waited struct {
	count int
	sum   time.Duration
}

func probes(l *loop.Loop) (w waited) {
	h := l.Kernel().Read(0).Probe
	for _, n := range h.Buckets {
		w.count += int(n)
	}
	w.sum = time.Duration(h.Sum)
	return w
}

func TestProbeMeasuresWhatHandlesWait(t *testing.T) {
	s, d := newScene(t), newDoor()
	var got []waited
	s.run(task.Channels, func(ctx context.Context) {
		for range 4 {
			hold(d)
			task.Yield(ctx)
			got = append(got, probes(loop.Running(ctx)))
		}
	})
	<-d.entered
	s.tick(1) // posts it
	s.pass(time.Millisecond)
	d.through()
	<-d.entered
	s.tick(1)
	s.tick(3) // there is one only
	s.pass(time.Millisecond)
	d.through() // 76, 51, 26 and 1 ms
	<-d.entered
	s.tick(1)
	s.tickAfter(time.Hour) // the process was stopped
	d.through()
	<-d.entered
	d.through()
	s.steps.Wait()
	check.Equal(t, "probes", got, []waited{
		{1, time.Millisecond},
		{5, 155 * time.Millisecond},
		{5, 155 * time.Millisecond},
		{5, 155 * time.Millisecond},
	})
}

func TestProbeDoesNotWakeALoop(t *testing.T) {
	s, asleep := newScene(t), make(chan struct{})
	l := loop.New(loop.WithClock(sleepy{asleep, new(atomic.Bool)}), s.m.Watch())
	s.start(l, func(ctx context.Context) {
		task.Sleep(ctx, time.Hour)
		check.Equal(t, "iterations", int(l.Stats().Sleeps), 1)
	})
	<-asleep
	s.tick(10)
	check.Equal(t, "probes", probes(l), waited{10, 0})
	check.Equal(t, "handles from other goroutines", int(l.Stats().Posted), 0)
	<-asleep
	s.steps.Wait()
}

func TestProbeOfALoopThatWasStoppedDoesNotCount(t *testing.T) {
	s, d := newScene(t), newDoor()
	l := loop.New(s.m.Watch())
	ended := make(chan error)
	l.CallSoon(func() {
		d.pass()
		l.Stop()
	})
	go func() { ended <- l.RunForever() }()
	<-d.entered
	s.tick(1)
	d.through()
	check.NoError(t, <-ended)
	s.tick(10)
	l.CallSoon(l.Stop)
	check.NoError(t, l.RunForever())
	check.Equal(t, "probes", probes(l), waited{})
	check.NoError(t, l.Close())
}
