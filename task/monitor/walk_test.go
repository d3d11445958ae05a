package monitor

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// stopwatch is a clock that goes on by a step each time that somebody looks.
type stopwatch struct {
	time time.Time
	step time.Duration
}

func (s *stopwatch) now() time.Time {
	s.time = s.time.Add(s.step)
	return s.time
}

func TestWalkLooksAtTheClockNowAndThen(t *testing.T) {
	for _, test := range []struct {
		tasks, every int
		step         time.Duration
		want         []int // tasks in each slice
	}{
		{10, 4, 0, []int{10}},
		{10, 4, time.Millisecond, []int{4, 4, 2}},
		{10, 4, time.Millisecond / 2, []int{8, 2}}, // it takes the next look to notice
		{8, 4, time.Millisecond, []int{4, 4}},      // nothing is left
		{3, 1, time.Hour, []int{1, 1, 1}},
	} {
		tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) {
			for range test.tasks - 1 { // and this one
				task.Go(ctx, nap)
			}
			watch := &stopwatch{start, test.step}
			var got []int
			looks, slices := 0, 0
			over := make(chan struct{})
			w := &walk{
				watched: &watched{loop: loop.Running(ctx)},
				pace:    pace{time.Millisecond, test.every, watch.now},
				begin:   func(*sched.Sched) {},
				look:    func(*sched.Task) bool { looks++; return true },
				over:    func(n int, _ bool) { slices = n; close(over) },
			}
			check.True(t, "it starts", w.start(kernel.OnLoopGoroutine)) // nothing of this task is between
			for open := true; open; {
				iterations(ctx, 1)
				got = append(got, looks)
				looks = 0
				select {
				case <-over:
					open = false
				default:
				}
			}
			check.Equal(t, "tasks in slices", got, test.want)
			check.Equal(t, "slices", slices, len(test.want))
			for _, other := range task.All(ctx) {
				if other != task.Current(ctx) {
					other.(*task.Task[struct{}]).Cancel()
				}
			}
		})
	}
}

// TestWalkSurvivesAllChangesBetweenSlices has tasks finish and begin at random while a walk
// looks at one task after the other.
func TestWalkSurvivesAllChangesBetweenSlices(t *testing.T) {
	for seed := range uint64(200) {
		tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			var alive []*task.Task[struct{}]
			create := func() { alive = append(alive, task.Go(ctx, nap)) }
			finish := func(i int) {
				alive[i].Cancel()
				alive = append(alive[:i:i], alive[i+1:]...)
			}
			for range random.IntN(8) {
				create()
			}
			iterations(ctx, 1)
			before := task.All(ctx)
			index := make(map[*sched.Task]int)
			for i, tk := range before {
				index[sched.TaskOf(tk.Kernel())] = i
			}
			seen, last, over := make(map[int]bool), -1, false
			w := &walk{
				watched: &watched{loop: loop.Running(ctx)},
				pace:    pace{0, 1, time.Now},
				begin:   func(*sched.Sched) {},
				look: func(tk *sched.Task) bool {
					i, there := index[tk]
					if !there || i <= last || tk.Done() {
						t.Errorf("seed %d: it looks at task %d (%v), which is done: %v, after task %d", seed, i, there, tk.Done(), last)
					}
					last, seen[i] = i, true
					return true
				},
				over: func(int, bool) { over = true },
			}
			check.True(t, "it starts", w.start(kernel.Internal))
			for !over {
				iterations(ctx, 1)
				for range random.IntN(4) {
					if n := len(alive); n > 0 && random.IntN(2) == 0 {
						finish(random.IntN(n))
					} else {
						create()
					}
				}
			}
			for i, tk := range before {
				if !seen[i] && !tk.(interface{ Done() bool }).Done() && tk.Cancelling() == 0 {
					t.Errorf("seed %d: it has not looked at task %d of %d", seed, i, len(before))
				}
			}
			for len(alive) > 0 {
				finish(0)
			}
		})
	}
}

func TestWalkEndsWhenTheLoopIsClosed(t *testing.T) {
	for _, pauses := range []int{0, 1} {
		l := loop.New()
		task.SetHandoff(l, tasktest.DefaultHandoff())
		l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // of pending tasks
		for range 3 {
			task.CreateOn(l, task.Void(nap))
		}
		closed := false
		w := &walk{
			watched: &watched{loop: l}, pace: pace{0, 1, time.Now}, begin: func(*sched.Sched) {},
			look: func(*sched.Task) bool { return true },
			over: func(_ int, c bool) { closed = c },
		}
		check.True(t, "it starts", w.start(kernel.Internal))
		for range pauses {
			l.CallSoon(l.Stop)
			check.NoError(t, l.RunForever())
		}
		check.NoError(t, l.Close())
		check.Equal(t, "slices", w.slices, pauses)
		check.True(t, "it knows that the loop is closed", closed)
		check.False(t, "another one starts", w.start(kernel.Internal))
	}
}
