package tasktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// BenchmarkSchedules runs programs under random schedules of level Tasks. Each schedule is a
// whole run, from its loop to the checks at its end.
func BenchmarkSchedules(b *testing.B) {
	programs := []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"yields=2x1", yields(2, 1)},
		{"yields=3x3", yields(3, 3)},
		{"yields=5x20", yields(5, 20)},
		{"buffer", boundedBuffer},
	}
	for _, p := range programs {
		for _, handoff := range []task.Handoff{task.Channels, task.IterPull} {
			b.Run(fmt.Sprintf("%s/handoff=%v", p.name, handoff), func(b *testing.B) {
				s := newSettings([]Option{Level(Tasks), Handoff(handoff)})
				s.site = callSite()
				r := rand.New(rand.NewPCG(1, 1))
				steps := 0
				x := newSearch(b, func(ctx context.Context, t *T) {
					steps++ // this one
					t.run.kernel.SetOrder(stepCounter{t.run, &steps})
					if err := p.run(ctx); err != nil {
						t.Error(err)
					}
				}, s)
				for b.Loop() {
					if o := x.once(chance{r, 0.5}, false); o.failure != nil {
						b.Fatalf("a run has failed: %s", o.failure.text)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
				b.ReportMetric(float64(steps)/float64(b.N), "steps/op")
			})
		}
	}
}

// stepCounter counts the steps of tasks: what one does between two waits.
type stepCounter struct {
	*run
	steps *int
}

func (c stepCounter) Arrange(batch []kernel.Ready) ([]kernel.Ready, int) {
	arranged, n := c.run.Arrange(batch)
	for _, h := range arranged[:n] {
		if sched.TaskOfStep(h.Job()) != nil {
			*c.steps++
		}
	}
	return arranged, n
}

// together runs tasks and waits for them.
func together(ctx context.Context, tasks ...func(ctx context.Context) error) error {
	all := make([]*task.Task[struct{}], len(tasks))
	for i, fn := range tasks {
		all[i] = task.Go(ctx, fn)
	}
	for _, t := range all {
		if err := t.Join(ctx); err != nil {
			return err
		}
	}
	return nil
}

// yields is a program of tasks that do nothing but give way.
func yields(tasks, each int) func(ctx context.Context) error {
	fn := func(ctx context.Context) error {
		for range each {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return func(ctx context.Context) error {
		return together(ctx, slices.Repeat([]func(context.Context) error{fn}, tasks)...)
	}
}

// boundedBuffer is a benchmark of Shuttle: 3 producers and 3 consumers pass 27 events on,
// through a buffer for 3 that a lock and two conditions guard.
func boundedBuffer(ctx context.Context) error {
	const producers, consumers, events, room = 3, 3, 27, 3
	var lock sync.Lock
	mayPush, mayPop := sync.NewCondition(&lock), sync.NewCondition(&lock)
	inside := 0
	// pass waits until ready is true, adds n, and notifies the other side.
	pass := func(ctx context.Context, mine, other *sync.Condition, ready func() bool, n int) error {
		return mine.With(ctx, func() error {
			for !ready() {
				if err := mine.Wait(ctx); err != nil {
					return err
				}
			}
			inside += n
			return other.Notify(1)
		})
	}
	var fns []func(ctx context.Context) error
	for range producers {
		fns = append(fns, func(ctx context.Context) error {
			for range events / producers {
				if err := pass(ctx, mayPush, mayPop, func() bool { return inside < room }, 1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for range consumers {
		fns = append(fns, func(ctx context.Context) error {
			for range events / consumers {
				if err := pass(ctx, mayPop, mayPush, func() bool { return inside > 0 }, -1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := together(ctx, fns...); err != nil || inside != 0 {
		return fmt.Errorf("%d events are left, error %w", inside, err)
	}
	return nil
}
