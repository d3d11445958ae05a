package monitor

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// BenchmarkSnapshot takes snapshots of 10,000 parked tasks, with the places of the 200
// oldest. "loop-ns/op" is what one takes of the loop's time.
func BenchmarkSnapshot(b *testing.B) {
	const tasks = 10_000
	m := New(MaxAge(0), func(s *settings) { s.looks.patience = time.Hour })
	defer m.Close()
	ctx, cancel := context.WithCancel(context.Background())
	ready, over := make(chan *loop.Loop), make(chan struct{})
	go func() {
		defer close(over)
		_ = task.Main(ctx, func(ctx context.Context) error {
			for range tasks {
				task.Go(ctx, nap)
			}
			iterations(ctx, 2)
			ready <- loop.Running(ctx)
			return forever(ctx)
		}, task.WithLoopOptions(m.Watch()))
	}()
	l := <-ready
	defer func() { cancel(); <-over }()
	before := l.Stats()
	for b.Loop() {
		if s, err := m.Tasks(ctx, Query{Places: true, Limit: 200}); err != nil || s.Total != tasks+1 {
			b.Fatal(s, err)
		}
	}
	after := l.Stats()
	b.ReportMetric(float64(after.Busy-before.Busy)/float64(b.N), "loop-ns/op")
}

// BenchmarkStacks compares ways of looking at parked tasks, per task, with what each leaves
// of memory for stacks.
func BenchmarkStacks(b *testing.B) {
	const tasks = 10_000
	for _, way := range []struct {
		name string
		look func(ctx context.Context, all []task.Any)
	}{
		{"list", func(ctx context.Context, _ []task.Any) { task.All(ctx) }},
		{"picture", func(ctx context.Context, _ []task.Any) {
			var c camera
			s := sched.Of(loop.Running(ctx).Kernel())
			c.begin(s, time.Time{})
			for t := range s.Tasks() {
				c.see(t, true)
			}
		}},
		{"visit", func(_ context.Context, all []task.Any) {
			var room []uintptr
			for _, t := range all {
				room = sched.TaskOf(t.Kernel()).Trace(room).PCs
			}
		}},
		{"stack", func(_ context.Context, all []task.Any) {
			for _, t := range all {
				t.Stack()
			}
		}},
		{"tree", func(ctx context.Context, _ []task.Any) { task.FormatTaskTree(ctx) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			err := task.Main(context.Background(), func(ctx context.Context) error {
				for range tasks {
					task.Go(ctx, nap)
				}
				iterations(ctx, 2)
				all := task.All(ctx)
				before := stacksInUse()
				for b.Loop() {
					way.look(ctx, all)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tasks, "ns/task")
				b.ReportMetric((stacksInUse()-before)/tasks, "stack-B/task")
				for _, t := range all[1:] {
					t.(*task.Task[struct{}]).Cancel()
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

func stacksInUse() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.StackInuse)
}
