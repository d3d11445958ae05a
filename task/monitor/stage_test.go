package monitor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// stage is a loop that runs beside a test, and its monitor.
type stage struct {
	t    *testing.T
	m    *Monitor
	loop *loop.Loop
}

// newStage runs main as the task "main", which then goes on to wait until the end of the
// test. The monitor takes a new picture for each question, and is patient.
func newStage(t *testing.T, main func(ctx context.Context), opts ...Option) *stage {
	t.Helper()
	patient := func(s *settings) { s.looks.patience, s.looks.maxAge = time.Minute, 0 }
	st := &stage{t: t, m: New(append([]Option{patient}, opts...)...)}
	ctx, cancel := context.WithCancel(context.Background())
	ready, over := make(chan struct{}), make(chan error, 1)
	go func() {
		over <- task.Main(ctx, func(ctx context.Context) error {
			task.Current(ctx).SetName("main")
			st.loop = loop.Running(ctx)
			main(ctx)
			close(ready)
			return forever(ctx)
		}, task.WithLoopOptions(st.m.Watch()), task.WithHandoff(tasktest.DefaultHandoff()))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-over; !errors.Is(err, context.Canceled) {
			t.Errorf("the loop ended with %v", err)
		}
		check.NoError(t, st.m.Close())
	})
	<-ready
	return st
}

// forever awaits what nobody completes.
func forever(ctx context.Context) error {
	_, err := future.New[int](loop.Running(ctx)).Await(ctx)
	return err
}

// iterations lets the loop run n iterations.
func iterations(ctx context.Context, n int) {
	for range n {
		if err := task.Yield(ctx); err != nil {
			panic(err)
		}
	}
}

func (st *stage) tasks(q Query) *Snapshot {
	st.t.Helper()
	s, err := st.m.Tasks(context.Background(), q)
	check.NoError(st.t, err)
	return s
}

// named returns the task of that name.
func (s *Snapshot) named(t *testing.T, name string) Task {
	t.Helper()
	for _, tk := range s.Tasks {
		if tk.Name == name {
			return tk
		}
	}
	t.Fatalf("there is no task %q in %v", name, s.Tasks)
	return Task{}
}

// onLoop calls fn on the loop, and waits until it has returned.
func (st *stage) onLoop(fn func()) {
	st.t.Helper()
	done := make(chan struct{})
	_, err := st.loop.CallSoonThreadsafe(func() { defer close(done); fn() })
	check.NoError(st.t, err)
	<-done
}
