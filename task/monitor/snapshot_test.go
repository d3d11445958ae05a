package monitor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// here is the path of this package.
const here = "github.com/goasyncio/asyncio/task/monitor."

func consume(ctx context.Context) error {
	_, err := sync.NewQueue[int](0).Get(ctx)
	return err
}

func fetch(ctx context.Context) (int, error) { return 0, nap(ctx) }

func nap(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }

func TestTasksShowsWhatTasksAreAndWait(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {
		task.Go(ctx, consume, task.Name("orders"))
		fetching := task.Create(ctx, fetch)
		task.Go(ctx, func(ctx context.Context) error { return fetching.Join(ctx) }, task.Name("user"))
		stubborn := task.Go(ctx, func(ctx context.Context) error { _ = forever(ctx); return forever(ctx) }, task.Name("stubborn"))
		iterations(ctx, 3)
		stubborn.Cancel()
		iterations(ctx, 3)
	})
	s := st.tasks(Query{Places: true})
	check.Equal(t, "total", s.Total, 5)
	check.Equal(t, "found", s.Found, 5)
	check.Equal(t, "slices", s.Slices, 0)
	var names []string
	for _, tk := range s.Tasks {
		names = append(names, tk.Name)
		check.Equal(t, "state of "+tk.Name, tk.State, StateWaiting)
		check.Equal(t, "loop of "+tk.Name, tk.Loop, 1)
		check.False(t, tk.Name+" is older than the monitor", tk.Before || tk.Since.IsZero())
	}
	check.Equal(t, "names", names, []string{"main", "orders", "Task-2", "user", "stubborn"})

	orders, fetching, user := s.named(t, "orders"), s.named(t, "Task-2"), s.named(t, "user")
	check.Equal(t, "coroutine of orders", orders.Coroutine.Func, here+"consume")
	check.Equal(t, "file", path.Base(orders.Coroutine.File), "snapshot_test.go")
	check.Equal(t, "orders waits", fmt.Sprint(*orders.Waits), fmt.Sprint(Waits{In: "sync.(*Queue).Get"}))
	check.Equal(t, "place of orders", orders.Place.Func, here+"consume")
	check.Equal(t, "line of orders", orders.Place.Line, orders.Coroutine.Line+1)
	check.Equal(t, "coroutine of the fetching task", fetching.Coroutine.Func, here+"fetch")
	check.Equal(t, "its place", fetching.Place.Func, here+"nap")
	check.Equal(t, "it waits", fmt.Sprint(*fetching.Waits), fmt.Sprint(Waits{In: "task.Sleep"}))
	check.Equal(t, "it is awaited by", fetching.AwaitedBy, []uint64{user.ID})
	check.Equal(t, "the user waits", fmt.Sprint(*user.Waits), fmt.Sprint(Waits{In: "task.(*Task).Join", On: []uint64{fetching.ID}}))
	check.Equal(t, "requests", s.named(t, "stubborn").Cancelling, 1)
	check.Equal(t, "no stack", fetching.Stack == nil, true)
	check.Equal(t, "ids", []uint64{s.Tasks[0].ID, orders.ID, fetching.ID}, []uint64{1, 2, 3})
}

func TestTasksHasStacks(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {
		task.Create(ctx, fetch, task.Name("fetch"))
		iterations(ctx, 2)
		task.Create(ctx, fetch, task.Name("new")) // it has not begun when the picture is taken
	})
	s := st.tasks(Query{Stacks: true, Name: "fetch"})
	var functions []string
	for _, f := range s.named(t, "fetch").Stack {
		functions = append(functions, f.Func)
	}
	check.Equal(t, "stack", functions, []string{module + "/task.Sleep", here + "nap", here + "fetch"})
}

func TestTasksSelectsSortsAndLimits(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {
		for _, name := range []string{"b", "c", "a"} {
			task.Go(ctx, consume, task.Name(name))
		}
		task.Go(ctx, nap, task.Name("d"))
		iterations(ctx, 2)
	})
	for _, test := range []struct {
		what  string
		q     Query
		want  []string
		found int
	}{
		{"all", Query{}, []string{"main", "b", "c", "a", "d"}, 5},
		{"a loop", Query{Loop: 1, Limit: 1}, []string{"main"}, 5},
		{"a name", Query{Name: "consume", Sort: "name"}, []string{"a", "b", "c"}, 3},
		{"a coroutine", Query{Name: "nap"}, []string{"d"}, 1},
		{"an id", Query{Task: 3}, []string{"c"}, 1},
		{"a state", Query{State: StateNew}, nil, 0},
		{"another state", Query{State: StateWaiting, Limit: 2}, []string{"main", "b"}, 5},
		{"by name", Query{Sort: "name", Limit: 2}, []string{"a", "b"}, 5},
		{"by coroutine", Query{Sort: "coroutine", Limit: 4}, []string{"b", "c", "a", "d"}, 5},
		{"by state", Query{Sort: "state"}, []string{"main", "b", "c", "a", "d"}, 5},
	} {
		s := st.tasks(test.q)
		var names []string
		for _, tk := range s.Tasks {
			names = append(names, tk.Name)
		}
		check.Equal(t, test.what, names, test.want)
		check.Equal(t, "found: "+test.what, s.Found, test.found)
		check.Equal(t, "total: "+test.what, s.Total, 5)
	}
	for _, q := range []Query{{Sort: "size"}, {Loop: 2}} {
		_, err := st.m.Tasks(context.Background(), q)
		check.Is(t, err, loop.ErrInvalidArgument, "monitor: Tasks")
	}
}

func TestTasksOfTheCallersLoopAreSeenAtOnce(t *testing.T) {
	var s, eager *Snapshot
	m := New(func(s *settings) { s.looks.maxAge = 0 })
	defer m.Close()
	err := task.Main(context.Background(), func(ctx context.Context) error {
		task.Current(ctx).SetName("main")
		look := func() *Snapshot {
			s, err := m.Tasks(context.Background(), Query{Places: true})
			check.NoError(t, err)
			return s
		}
		task.Go(ctx, nap, task.Name("waits"))
		yields := task.Go(ctx, task.Yield, task.Name("yields"))
		if err := task.Yield(ctx); err != nil {
			return err
		}
		task.Go(ctx, nap, task.Name("new"))
		s = look()
		task.Go(ctx, func(context.Context) error { eager = look(); return nil }, task.Eager(), task.Name("inner"))
		return yields.Join(ctx)
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
	for name, want := range map[string]State{"main": StateRunning, "waits": StateWaiting, "yields": StateReady, "new": StateNew} {
		check.Equal(t, name, s.named(t, name).State, want)
	}
	check.Equal(t, "main while it starts another task", eager.named(t, "main").State, StateLent)
	check.Equal(t, "the task that it starts", eager.named(t, "inner").State, StateRunning)
	check.Equal(t, "place of main", s.named(t, "main").Place.Func != "", true)
}

func TestGroupsCountTasksByCoroutine(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {
		task.Go(ctx, nap, task.Name("first"))
		for range 3 {
			task.Go(ctx, consume)
		}
		iterations(ctx, 2)
		task.Go(ctx, nap)
		iterations(ctx, 2)
	})
	groups, err := st.m.Groups(context.Background(), "")
	check.NoError(t, err)
	check.Equal(t, "groups", len(groups), 3)
	g := groups[0]
	check.Equal(t, "largest", g.Coroutine.Func, here+"consume")
	check.Equal(t, "its size", g.Count, 3)
	check.Equal(t, "its states", fmt.Sprint(g.States), "map[waiting:3]")
	check.Equal(t, "oldest of the next", groups[1].Oldest.Name, "first")
	_, err = st.m.Groups(context.Background(), "name")
	check.Is(t, err, loop.ErrInvalidArgument, "monitor: Groups")
}

func TestTasksOfAClosedMonitor(t *testing.T) {
	m := New()
	check.NoError(t, m.Close())
	_, err := m.Tasks(context.Background(), Query{})
	check.Is(t, err, ErrClosed, "monitor: Tasks")
	_, err = m.Groups(context.Background(), "")
	check.Is(t, err, ErrClosed, "monitor: Groups")
}

func TestTasksOfALoopThatIsBlocked(t *testing.T) {
	st := newStage(t, func(ctx context.Context) { iterations(ctx, 1) })
	blocked, release := make(chan struct{}), make(chan struct{})
	_, err := st.loop.CallSoonThreadsafe(func() { close(blocked); <-release })
	check.NoError(t, err)
	<-blocked
	st.m.settings.looks.patience = 0
	s, err := st.m.Tasks(context.Background(), Query{})
	var e *BlockedError
	check.True(t, "it is a BlockedError", errors.As(err, &e))
	check.Equal(t, "loop", e.Loop, 1)
	check.False(t, "it is stopped", e.Stopped)
	check.Equal(t, "tasks, when there was no answer before", s.Total, 0)
	close(release)
	st.m.settings.looks.patience = time.Minute
	check.Equal(t, "afterwards", st.tasks(Query{}).Total, 1)

	blocked, release = make(chan struct{}), make(chan struct{})
	_, err = st.loop.CallSoonThreadsafe(func() { close(blocked); <-release })
	check.NoError(t, err)
	<-blocked
	st.m.settings.looks.patience = 0
	s, err = st.m.Tasks(context.Background(), Query{Places: true})
	check.True(t, "it is a BlockedError", errors.As(err, &e))
	check.Equal(t, "tasks of the latest answer", s.Total, 1)
	check.Equal(t, "its time", e.Since, s.Time)
	close(release)
}
