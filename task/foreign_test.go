package task_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A goroutine that the program has started in a task may await with the task's context
// long after that, while the task awaits, ends and gets other names: that is refused
// without a look at anything that belongs to the loop, which the race detector checks.
func TestAwaitOnAForeignGoroutineRacesWithNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		pending := newFuture[int](ctx)
		for range 50 {
			done := make(chan struct{})
			tk := task.Go(ctx, func(ctx context.Context) error {
				self := task.Current(ctx)
				go func() {
					defer close(done)
					for range 20 {
						for _, err := range []error{
							task.Yield(ctx),
							task.Join(ctx, pending),
							task.Join(context.Background(), pending),
							task.Join(context.Background(), self),
						} {
							if !errors.Is(err, task.ErrNotCurrent) && !errors.Is(err, future.ErrNoTask) {
								t.Errorf("not refused: %v", err)
							}
						}
					}
				}()
				self.SetName("renamed")
				return task.Yield(ctx)
			})
			f := newFuture[int](ctx)
			pending.AddDoneCallback(func() {})
			tick(ctx)
			tk.SetName("again")
			check.NoError(t, tk.Join(ctx))
			f.Cancel()
			l.CallSoon(func() {})
			<-done
		}
	})
}

// stage is what a goroutine outside the loop tries its hands on.
type stage struct {
	ctx      context.Context // of the main task
	l        *loop.Loop
	f        *future.Future[int] // awaited by all that follow
	tk       *task.Task[int]
	cb       *future.Callback // of f
	tkcb     *future.Callback // of tk
	group    *task.Group
	grouped  *task.Task[struct{}]
	aborting *task.Group // one of its tasks still cleans up
	aborted  *task.Task[struct{}]
	timeout  *task.Timeout
	timed    *task.Task[struct{}]
	calls    int // of the callbacks of f and tk
}

func newStage(t *testing.T, ctx context.Context) *stage {
	s := &stage{ctx: ctx, l: loop.Running(ctx), f: newFuture[int](ctx), timeout: task.NewTimeout(ctx, task.Forever)}
	join := func(ctx context.Context) error { return task.Join(ctx, s.f) }
	s.tk = task.Create(ctx, waits[int](s.f), task.Name("waiter"))
	s.grouped = task.Go(ctx, func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			s.group = g
			g.Go(join)
			return nil
		})
	})
	s.aborted = task.Go(ctx, func(ctx context.Context) error {
		return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
			s.aborting = g
			g.Go(func(ctx context.Context) error {
				check.Cancelled(t, task.Sleep(ctx, time.Hour), "")
				return join(context.WithoutCancel(ctx))
			})
			return nil
		})
	})
	s.timed = task.Go(ctx, func(ctx context.Context) error { return s.timeout.Run(ctx, join) })
	s.cb = s.f.AddDoneCallback(func() { s.calls++ })
	s.tkcb = s.tk.AddDoneCallback(func() { s.calls++ })
	ticks(ctx, 3)
	s.aborting.Cancel()
	ticks(ctx, 3)
	return s
}

// text is all of the stage that can be seen.
func (s *stage) text() string {
	return fmt.Sprint(s.f, s.tk, s.tk.Cancelling(), s.group, s.aborting, s.timeout, s.grouped, s.aborted, s.timed,
		len(task.All(s.ctx)), s.l.Debug(), task.FactoryOf(s.l) == nil, s.calls)
}

// wrongCalls are all operations but awaits that the loop's tasks and callbacks may call
// and nobody else.
var wrongCalls = []struct {
	name string // how the refusal begins, up to the address
	call func(s *stage) error
}{
	{"task: Cancel of <Task", func(s *stage) error { s.tk.Cancel(); return nil }},
	{"task: Uncancel of <Task", func(s *stage) error { s.tk.Uncancel(); return nil }},
	{"task: AddDoneCallback of <Task", func(s *stage) error { s.tk.AddDoneCallback(func() { s.calls++ }); return nil }},
	{"task: RemoveDoneCallback of <Task", func(s *stage) error { s.tk.RemoveDoneCallback(s.tkcb); return nil }},
	{"task: Result of <Task", func(s *stage) error { return second(s.tk.Result()) }},
	{"task: Err of <Task", func(s *stage) error { return s.tk.Err() }},
	{"task: SetName of <Task", func(s *stage) error { s.tk.SetName("renamed"); return nil }},
	{"task: Stack of <Task", func(s *stage) error { s.tk.Stack(); return nil }},
	{"task: Stack of <Task", func(s *stage) error { return s.tk.PrintStack(io.Discard, 0) }},
	{"task: Create of <Loop", func(s *stage) error { task.Create(s.ctx, seven); return nil }},
	{"task: Create of <Loop", func(s *stage) error { task.CreateOn(s.l, seven); return nil }},
	{"task: Create of <Loop", func(s *stage) error { task.Go(s.ctx, task.Yield); return nil }},
	{"task: Create of <Loop", func(s *stage) error { task.Go(s.ctx, task.Yield, task.Eager()); return nil }},
	{"task: Create of <Loop", func(s *stage) error { task.EnsureFuture(s.ctx, task.Coro(seven)); return nil }},
	{"task: CreateIn of <Group", func(s *stage) error { task.CreateIn(s.group, seven); return nil }},
	{"task: CreateIn of <Group", func(s *stage) error { s.group.Go(task.Yield); return nil }},
	{"task: CreateIn of <Group", func(s *stage) error { s.aborting.Go(task.Yield, task.Name("late")); return nil }},
	{"task: Cancel of <Group", func(s *stage) error { s.group.Cancel(); return nil }},
	{"task: Gather of <Loop", func(s *stage) error { task.Gather(s.ctx, s.f); return nil }},
	{"task: Gather of <Loop", func(s *stage) error { task.Gather(s.ctx, task.Coro(seven)); return nil }},
	{"task: Gather of <Loop", func(s *stage) error { task.GatherSettled(s.ctx, s.tk); return nil }},
	{"task: Shield of <Loop", func(s *stage) error { task.Shield(s.ctx, s.f); return nil }},
	{"task: Create of <Loop", func(s *stage) error { task.Shield(s.ctx, task.Coro(seven)); return nil }},
	{"task: AsCompleted of <Loop", func(s *stage) error {
		task.AsCompleted(s.ctx, []*intFuture{s.f}, task.Within(time.Second))
		return nil
	}},
	{"task: Reschedule of <Timeout", func(s *stage) error { return s.timeout.Reschedule(time.Unix(1, 0)) }},
	{"loop: SetFactory of <Loop", func(s *stage) error { task.SetFactory(s.l, task.EagerFactory); return nil }},
	{"loop: SetHandoff of <Loop", func(s *stage) error { task.SetHandoff(s.l, task.Channels); return nil }},
	{"loop: AllOn of <Loop", func(s *stage) error { task.All(s.ctx); return nil }},
	{"loop: AllOn of <Loop", func(s *stage) error { task.AllOn(s.l); return nil }},
	{"loop: CurrentOn of <Loop", func(s *stage) error { task.CurrentOn(s.l); return nil }},
	{"loop: FormatTaskTree of <Loop", func(s *stage) error { task.FormatTaskTree(s.ctx); return nil }},
	{"kernel: CaptureCallGraph of <Future", func(s *stage) error { task.CaptureCallGraph(s.tk); return nil }},
	{"kernel: CaptureCallGraph of <Future", func(s *stage) error { task.FormatCallGraph(s.f); return nil }},
	{"kernel: CaptureCallGraph of <Future", func(s *stage) error { return task.PrintCallGraph(io.Discard, s.f) }},
	{"loop: RunInExecutor of <Loop", func(s *stage) error {
		task.RunInExecutor(s.l, nil, func() (int, error) { return 0, errors.New("was called") })
		return nil
	}},
}

// wrongAwaits are awaits with the context of the main task, in addition to operations.
var wrongAwaits = map[string]func(s *stage) error{
	"Future.Await": func(s *stage) error { return second(s.f.Await(s.ctx)) },
	"Task.Await":   func(s *stage) error { return second(s.tk.Await(s.ctx)) },
	"Task.Join":    func(s *stage) error { return s.tk.Join(s.ctx) },
	"Join":         func(s *stage) error { return task.Join(s.ctx, s.f) },
	"Wait":         func(s *stage) error { _, _, err := task.Wait(s.ctx, []*intFuture{s.f}); return err },
	"WaitFor":      func(s *stage) error { return second(task.WaitFor(s.ctx, s.f, 0)) },
	"Group.Run": func(s *stage) error {
		return s.group.Run(s.ctx, func(context.Context, *task.Group) error { return errors.New("was called") })
	},
	"Timeout.Run": func(s *stage) error {
		return s.timeout.Run(s.ctx, func(context.Context) error { return errors.New("was called") })
	},
}

// Whatever has an effect on a loop is refused on a goroutine outside of it, changes
// nothing then, and the program goes on. It makes no difference whether the loop sleeps.
func TestForeignGoroutineIsRefused(t *testing.T) {
	for _, state := range []string{"asleep", "running"} {
		t.Run(state, func(t *testing.T) {
			l, clock := tasktest.NewLoop(t)
			check.ForeignCalls(l)
			asleep := check.Asleep(clock.Virtual)
			got := check.Collect(l)
			check.RunOn(t, l, func(ctx context.Context) {
				s := newStage(t, ctx)
				before := s.text()
				gate := newFuture[int](ctx)
				tried := make(chan struct{})
				go func() {
					if state == "asleep" {
						<-asleep
					}
					tryAll(t, s)
					close(tried)
					_, err := l.CallSoonThreadsafe(func() { check.NoError(t, gate.SetResult(3)) })
					check.NoError(t, err)
				}()
				if state == "running" {
					<-tried // and blocks the loop until then
				}
				gives(t, ctx, gate, 3)
				check.Equal(t, "the stage", s.text(), before)
				check.NoError(t, s.f.SetResult(7))
				gives(t, ctx, s.tk, 7)
				for _, tk := range []task.Any{s.grouped, s.aborted, s.timed} {
					check.NoError(t, tk.Join(ctx))
				}
				check.Equal(t, "calls of callbacks", s.calls, 2)
				check.Equal(t, "tasks", len(task.All(ctx)), 1)
			})
			check.NoError(t, l.Close())
			check.Equal(t, "reports", got.Messages(), []string{})
		})
	}
}

// tryAll does all that is refused, on a goroutine outside the loop.
func tryAll(t *testing.T, s *stage) {
	for _, wrong := range wrongCalls {
		returned := false
		err := check.ErrorOf(func() error {
			err := wrong.call(s)
			returned = true
			return err
		})
		check.Is(t, err, loop.ErrWrongGoroutine, wrong.name+" 0x", "use CallSoonThreadsafe")
		op := strings.Fields(wrong.name)[1]
		check.Equal(t, op+" returns the error", returned, slices.Contains([]string{"Result", "Err", "Reschedule"}, op))
	}
	for name, await := range wrongAwaits {
		if err := await(s); !errors.Is(err, task.ErrNotCurrent) {
			t.Errorf("%s: got %v, want %v", name, err, task.ErrNotCurrent)
		}
	}
	for _, op := range operations {
		if err := op.call(s.ctx, s.l); !errors.Is(err, task.ErrNotCurrent) {
			t.Errorf("%s: got %v, want %v", op.name, err, task.ErrNotCurrent)
		}
	}
}
