package debughttp

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestStatsAreOfTheLastSecond(t *testing.T) {
	l, _ := tasktest.NewLoop(t)
	f := &fake{loops: []*loop.Loop{l}}
	s := sampler{source: f}

	first := s.stats(noon)
	check.Equal(t, "loops", len(first.Loops), 1)
	check.Equal(t, "over", first.Loops[0].Over, 0)
	check.Equal(t, "rates", first.Loops[0].Rates, Rates{})
	check.Equal(t, "state", first.Loops[0].State, "stopped")
	check.Equal(t, "gauges", len(first.Loops[0].Gauges), 1)

	_, err := task.RunUntilComplete(l, task.Coroutine[int](func(context.Context) (int, error) { return 1, nil }))
	check.NoError(t, err)
	again := s.stats(noon.Add(800 * time.Millisecond)) // for another client
	check.Equal(t, "time", again.Time, noon)
	check.Equal(t, "created", again.Loops[0].Stats.TasksCreated, 0)

	next := s.stats(noon.Add(time.Second))
	check.Equal(t, "time", next.Time, noon.Add(time.Second))
	check.Equal(t, "over", next.Loops[0].Over, 1)
	check.Equal(t, "created", next.Loops[0].Stats.TasksCreated, 1)

	check.NoError(t, l.Close())
	check.Equal(t, "state", s.stats(noon.Add(2 * time.Second)).Loops[0].State, "closed")
	f.loops = nil
	check.Equal(t, "loops", len(s.stats(noon.Add(3*time.Second)).Loops), 0)
}

func TestRatesArePerSecond(t *testing.T) {
	before := loop.Stats{Steps: 10, Iterations: 20, Callbacks: 30, Tasks: 7, Posted: 40, Time: noon}
	now := loop.Stats{Steps: 12, Iterations: 24, Callbacks: 36, Tasks: 3, Posted: 50, Time: noon.Add(2 * time.Second)}
	check.Equal(t, "rates", ratesOf(now, before), Rates{Steps: 1, Iterations: 2, Callbacks: 3, Tasks: -2, Posted: 5})
	check.Equal(t, "of a loop that has not answered", ratesOf(before, before), Rates{})
}
