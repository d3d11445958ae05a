package monitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestSnapshotServesAllClients(t *testing.T) {
	var looks, later atomic.Int64 // no two looks at the clock give the same time
	st := newStage(t, func(context.Context) {}, func(s *settings) {
		MaxAge(time.Second)(s)
		s.now = func() time.Time { return start.Add(time.Duration(looks.Add(1) + later.Load())) }
	})
	blocked, release := make(chan struct{}), make(chan struct{})
	_, err := st.loop.CallSoonThreadsafe(func() { close(blocked); <-release })
	check.NoError(t, err)
	<-blocked
	times := make(chan time.Time, 10)
	var clients sync.WaitGroup
	for range cap(times) {
		clients.Go(func() { times <- st.tasks(Query{}).Time })
	}
	close(release)
	clients.Wait()
	first := <-times
	for range cap(times) - 1 {
		check.Equal(t, "time", <-times, first)
	}
	later.Store(int64(time.Second / 2))
	check.Equal(t, "time a while later", st.tasks(Query{Places: true}).Time, first)
	later.Store(int64(time.Second))
	check.True(t, "there is a new one after a second", st.tasks(Query{}).Time.After(first.Add(time.Second-1)))
}

func TestMaxAgeIsNotNegative(t *testing.T) {
	check.Is(t, check.Panics(t, func() { MaxAge(-1) }), loop.ErrInvalidArgument, "monitor: MaxAge(-1ns)")
}

func TestSnapshotHasTheStacksOfTasksThatAreThere(t *testing.T) {
	var ends *task.Task[struct{}]
	st := newStage(t, func(ctx context.Context) {
		ends = task.Go(ctx, nap, task.Name("ends"))
		task.Go(ctx, nap, task.Name("stays"))
		iterations(ctx, 2)
	}, MaxAge(time.Hour))
	check.Equal(t, "tasks", st.tasks(Query{}).Total, 3)
	st.onLoop(func() { ends.Cancel() })
	st.onLoop(func() {})
	for range 2 { // the picture keeps the stacks
		s := st.tasks(Query{Places: true})
		check.Equal(t, "a task that is gone has no place", s.named(t, "ends").Place == nil, true)
		check.Equal(t, "place of another one", s.named(t, "stays").Place.Func, here+"nap")
	}
}

func TestSnapshotInSlices(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {
		for range 20 {
			task.Go(ctx, nap)
		}
		iterations(ctx, 2)
	}, func(s *settings) { s.looks.pace.slice, s.looks.pace.every = 0, 4 })
	s := st.tasks(Query{Stacks: true})
	check.Equal(t, "slices", s.Slices, 6)
	check.Equal(t, "tasks", s.Total, 21)
	for _, tk := range s.Tasks {
		check.Equal(t, fmt.Sprint(tk.Name, " has a stack"), len(tk.Stack) > 0, true)
	}
}

func TestTasksOfALoopThatDoesNotRun(t *testing.T) {
	m := New(func(s *settings) { s.looks.patience = 0 })
	defer m.Close()
	l := loop.New(m.Watch())
	tk := task.CreateOn(l, task.Void(func(context.Context) error { return nil }))
	s, err := m.Tasks(context.Background(), Query{})
	check.Is(t, err, loop.ErrNotRunning, "monitor: loop 1")
	check.Equal(t, "tasks", s.Total, 0)
	_, err = task.RunUntilComplete(l, tk)
	check.NoError(t, err)
	check.NoError(t, l.Close())
	s, err = m.Tasks(context.Background(), Query{})
	check.NoError(t, err)
	check.Equal(t, "tasks when it is closed", s.Total, 0)
}

func TestTasksGiveUpWithTheContext(t *testing.T) {
	st := newStage(t, func(context.Context) {})
	blocked, release := make(chan struct{}), make(chan struct{})
	_, err := st.loop.CallSoonThreadsafe(func() { close(blocked); <-release })
	check.NoError(t, err)
	<-blocked
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = st.m.Tasks(ctx, Query{})
	var e *BlockedError
	check.True(t, "it is a BlockedError", errors.As(err, &e))
	_, err = st.m.Groups(ctx, "")
	check.True(t, "it is a BlockedError", errors.As(err, &e))
	close(release)
}

func TestTasksOfSeveralLoops(t *testing.T) {
	a := newStage(t, func(ctx context.Context) { task.Go(ctx, nap, task.Name("a")) })
	b := newStage(t, func(ctx context.Context) { task.Go(ctx, nap, task.Name("b")) })
	check.NoError(t, b.m.Close()) // a loop has one monitor at a time
	check.NoError(t, a.m.Attach(b.loop))
	s := a.tasks(Query{Sort: "name", Places: true})
	var names []string
	for _, tk := range s.Tasks {
		names = append(names, fmt.Sprint(tk.Loop, tk.Name))
	}
	check.Equal(t, "tasks", names, []string{"1a", "2b", "1main", "2main"})
	check.Equal(t, "of the second", a.tasks(Query{Loop: 2}).Total, 2)
	check.True(t, "a task is older than the monitor", s.named(t, "b").Before)
	check.False(t, "another one is", s.named(t, "a").Before)
}

// TestSnapshotOfRandomGraphs builds random graphs of tasks that await each other in all
// ways, and compares the snapshot with what was built.
func TestSnapshotOfRandomGraphs(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 0))
		n := 2 + random.IntN(7)
		edges := make([][]int, n) // who awaits whom
		st := newStage(t, func(ctx context.Context) {
			loop.Running(ctx).SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // gathers are cancelled at the end
			gate := future.New[int](loop.Running(ctx))
			all := make([]*task.Task[struct{}], n)
			for i := range all {
				for j := range n {
					if j != i && random.IntN(3) == 0 {
						edges[i] = append(edges[i], j)
					}
				}
				way := random.IntN(5)
				if way > 2 && len(edges[i]) > 0 {
					edges[i] = edges[i][:1]
				}
				all[i] = task.Go(ctx, func(ctx context.Context) error {
					if _, err := gate.Await(ctx); err != nil {
						return err
					}
					var on []*task.Task[struct{}]
					for _, j := range edges[i] {
						on = append(on, all[j])
					}
					return awaitAll(ctx, way, on)
				}, task.Name(fmt.Sprint(i)))
			}
			iterations(ctx, 2)
			check.NoError(t, gate.SetResult(1))
			iterations(ctx, 4)
		})
		s := st.tasks(Query{})
		for i := range n {
			tk := s.named(t, fmt.Sprint(i))
			var on, by []uint64
			if tk.Waits != nil {
				on = tk.Waits.On
			}
			by = append(by, tk.AwaitedBy...)
			slices.Sort(on)
			slices.Sort(by)
			var wantOn, wantBy []uint64
			for j := range n {
				if slices.Contains(edges[i], j) {
					wantOn = append(wantOn, s.named(t, fmt.Sprint(j)).ID)
				}
				if slices.Contains(edges[j], i) {
					wantBy = append(wantBy, s.named(t, fmt.Sprint(j)).ID)
				}
			}
			check.Equal(t, fmt.Sprintf("seed %d: %d waits on", seed, i), on, wantOn)
			check.Equal(t, fmt.Sprintf("seed %d: %d is awaited by", seed, i), by, wantBy)
		}
	}
}

// awaitAll awaits the tasks in one of several ways.
func awaitAll(ctx context.Context, way int, on []*task.Task[struct{}]) error {
	if len(on) == 0 {
		return forever(ctx)
	}
	var err error
	switch way {
	case 0:
		var all []future.Waitable
		for _, tk := range on {
			all = append(all, tk)
		}
		_, _, err = task.Wait(ctx, all)
	case 1:
		var all []future.Awaitable[struct{}]
		for _, tk := range on {
			all = append(all, tk)
		}
		_, err = task.Gather(ctx, all...).Await(ctx)
	case 2:
		var all []future.Awaitable[struct{}]
		for _, tk := range on {
			all = append(all, tk)
		}
		_, err = task.Gather(ctx, future.Awaitable[[]struct{}](task.Gather(ctx, all...))).Await(ctx)
	case 3:
		_, err = task.Shield[struct{}](ctx, on[0]).Await(ctx)
	case 4:
		err = on[0].Join(ctx)
	}
	return err
}
