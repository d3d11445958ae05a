package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What is nil or zero is refused by an error with a name, or works. No row may end in a
// fault of the runtime.
func TestNilAndZeroArguments(t *testing.T) {
	var (
		noContext context.Context
		noLoop    *loop.Loop
		noOption  task.Option
		noFuture  *future.Future[int]
		noTask    *task.Task[int]
	)
	panics := func(call func()) error { return check.Panics(t, call) }
	nothing := func(context.Context) error { return nil }
	for name, row := range map[string]struct {
		call func(ctx context.Context, l *loop.Loop) error
		want error // nil: it works
	}{
		"Create with a nil context": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.Create(noContext, seven) }) }, loop.ErrNotRunning},
		"Create with a nil option": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.Create(ctx, seven, noOption) })
		}, loop.ErrNilFunc},
		"Create in a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.Create(ctx, seven, task.InContext(noContext)) })
		}, loop.ErrInvalidArgument},
		"Create with no name":   {func(ctx context.Context, l *loop.Loop) error { return task.Create(ctx, seven, task.Name("")).Join(ctx) }, nil},
		"CreateOn no loop":      {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.CreateOn(noLoop, seven) }) }, loop.ErrNotRunning},
		"Go with a nil context": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.Go(noContext, nothing) }) }, loop.ErrNotRunning},
		"EnsureFuture with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.EnsureFuture(noContext, task.Coro(seven)) })
		}, loop.ErrNotRunning},
		"EnsureFuture of a nil function": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.EnsureFuture(ctx, task.Coro[int](nil)) })
		}, task.ErrNilCoroutine},
		"Gather with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.Gather(noContext, task.Coro(seven)) })
		}, loop.ErrNotRunning},
		"Shield with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.Shield(noContext, task.Coro(seven)) })
		}, loop.ErrNotRunning},
		"AsCompleted with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.AsCompleted(noContext, []*intFuture{}) })
		}, loop.ErrNotRunning},
		"AsCompleted with a nil option": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.AsCompleted(ctx, []*intFuture{}, nil) })
		}, loop.ErrInvalidArgument},
		"Wait with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			_, _, err := task.Wait(noContext, []*intFuture{newFuture[int](ctx)})
			return err
		}, future.ErrNoTask},
		"Wait with a nil option": {func(ctx context.Context, l *loop.Loop) error {
			_, _, err := task.Wait(ctx, []*intFuture{newFuture[int](ctx)}, nil)
			return err
		}, loop.ErrInvalidArgument},
		"WaitFor with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return second(task.WaitFor(noContext, task.Coro(seven), 1))
		}, future.ErrNoTask},
		"WaitFor of a nil function": {func(ctx context.Context, l *loop.Loop) error {
			return second(task.WaitFor(ctx, task.Coro[int](nil), 1))
		}, task.ErrNilCoroutine},
		"Sleep with a nil context":        {func(ctx context.Context, l *loop.Loop) error { return task.Sleep(noContext, time.Second) }, future.ErrNoTask},
		"Yield with a nil context":        {func(ctx context.Context, l *loop.Loop) error { return task.Yield(noContext) }, future.ErrNoTask},
		"Join with a nil context":         {func(ctx context.Context, l *loop.Loop) error { return task.Join(noContext, newFuture[int](ctx)) }, future.ErrNoTask},
		"Join nil":                        {func(ctx context.Context, l *loop.Loop) error { return task.Join(ctx, nil) }, task.ErrNilCoroutine},
		"Future.Await with a nil context": {func(ctx context.Context, l *loop.Loop) error { return second(newFuture[int](ctx).Await(noContext)) }, future.ErrNoTask},
		"Task.Await with a nil context":   {func(ctx context.Context, l *loop.Loop) error { return second(task.Create(ctx, seven).Await(noContext)) }, future.ErrNoTask},
		"Receive with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			_, _, err := task.Receive(noContext, make(chan int))
			return err
		}, future.ErrNoTask},
		"ToThread with a nil context": {func(ctx context.Context, l *loop.Loop) error { return second(task.ToThread(noContext, seven)) }, future.ErrNoTask},
		"RunInExecutor on no loop": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.RunInExecutor(noLoop, nil, func() (int, error) { return 0, nil }) })
		}, loop.ErrNotRunning},
		"RunInExecutor in a nil pool": {func(ctx context.Context, l *loop.Loop) error {
			return second(task.RunInExecutor(l, (*loop.Pool)(nil), func() (int, error) { return 0, nil }).Await(ctx))
		}, loop.ErrInvalidArgument},
		"RunInExecutor in a zero pool": {func(ctx context.Context, l *loop.Loop) error {
			return second(task.RunInExecutor(l, new(loop.Pool), func() (int, error) { return 0, nil }).Await(ctx))
		}, nil},
		"RunCoroutineThreadsafe no loop": {func(ctx context.Context, l *loop.Loop) error { return task.RunCoroutineThreadsafe(noLoop, seven).Err() }, loop.ErrNotRunning},
		"ShutdownDefaultExecutor, nil":   {func(ctx context.Context, l *loop.Loop) error { return task.ShutdownDefaultExecutor(noContext, 1) }, future.ErrNoTask},
		"WithTimeout with a nil context": {func(ctx context.Context, l *loop.Loop) error { return task.WithTimeout(noContext, 1, nothing) }, future.ErrNoTask},
		"WithTimeoutAt with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return task.WithTimeoutAt(noContext, time.Time{}, nothing)
		}, future.ErrNoTask},
		"NewTimeout with a nil context":  {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.NewTimeout(noContext, 1) }) }, loop.ErrNotRunning},
		"the zero Timeout":               {func(ctx context.Context, l *loop.Loop) error { return new(task.Timeout).Run(ctx, task.Yield) }, nil},
		"Reschedule of the zero Timeout": {func(ctx context.Context, l *loop.Loop) error { return new(task.Timeout).Reschedule(time.Time{}) }, task.ErrTimeoutState},
		"WithGroup with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			return task.WithGroup(noContext, func(context.Context, *task.Group) error { return nil })
		}, future.ErrNoTask},
		"the zero Group": {func(ctx context.Context, l *loop.Loop) error {
			return new(task.Group).Run(ctx, func(_ context.Context, g *task.Group) error { g.Go(nothing); return nil })
		}, nil},
		"Cancel of the zero Group": {func(ctx context.Context, l *loop.Loop) error { new(task.Group).Cancel(); return nil }, nil},
		"Go in the zero Group":     {func(ctx context.Context, l *loop.Loop) error { return panics(func() { new(task.Group).Go(nothing) }) }, task.ErrGroupClosed},
		"Group.Go of nil":          {func(ctx context.Context, l *loop.Loop) error { return panics(func() { new(task.Group).Go(nil) }) }, task.ErrNilCoroutine},
		"CreateIn of nil": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.CreateIn[int](new(task.Group), nil) })
		}, task.ErrNilCoroutine},
		"StaggeredRace with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			_, _, _, err := task.StaggeredRace(noContext, []task.Coroutine[int]{seven}, 1)
			return err
		}, future.ErrNoTask},
		"StaggeredRace of nil": {func(ctx context.Context, l *loop.Loop) error {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{seven, nil}, 1)
			return err
		}, task.ErrNilCoroutine},
		"Run with a nil context":      {func(ctx context.Context, l *loop.Loop) error { return second(task.Run(noContext, seven)) }, loop.ErrInvalidArgument},
		"Main of nil":                 {func(ctx context.Context, l *loop.Loop) error { return task.Main(context.Background(), nil) }, task.ErrNilCoroutine},
		"NewRunner with a nil option": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.NewRunner(nil) }) }, loop.ErrNilFunc},
		"the zero Runner":             {func(ctx context.Context, l *loop.Loop) error { return new(task.Runner).Close() }, nil},
		"RunUntilComplete on no loop": {func(ctx context.Context, l *loop.Loop) error {
			return second(task.RunUntilComplete(noLoop, task.Coro(seven)))
		}, loop.ErrNotRunning},
		"All with a nil context": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.All(noContext) }) }, loop.ErrNotRunning},
		"AllOn no loop":          {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.AllOn(noLoop) }) }, loop.ErrNotRunning},
		"CurrentOn no loop":      {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.CurrentOn(noLoop) }) }, loop.ErrNotRunning},
		"Current with a nil context": {func(ctx context.Context, l *loop.Loop) error {
			check.Equal(t, "Current", task.Current(noContext), nil)
			return nil
		}, nil},
		"SetFactory on no loop": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.SetFactory(noLoop, task.EagerFactory) })
		}, loop.ErrNotRunning},
		"SetFactory of nil": {func(ctx context.Context, l *loop.Loop) error {
			task.SetFactory(l, nil)
			return task.Create(ctx, seven).Join(ctx)
		}, nil},
		"CreateEagerFactory of nil": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.CreateEagerFactory(nil) }) }, loop.ErrNilFunc},
		"SetHandoff to none":        {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.SetHandoff(l, 9) }) }, loop.ErrInvalidArgument},
		"SetHandoff on no loop": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.SetHandoff(noLoop, task.Channels) })
		}, loop.ErrNotRunning},
		"Handoff.String of none": {func(ctx context.Context, l *loop.Loop) error {
			check.Equal(t, "String", task.Handoff(9).String(), "Handoff(9)")
			return nil
		}, nil},
		"CaptureCallGraph of a nil task": {func(ctx context.Context, l *loop.Loop) error { return panics(func() { task.CaptureCallGraph(noTask) }) }, task.ErrNilCoroutine},
		"FormatCallGraph of a nil future": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.FormatCallGraph(noFuture) })
		}, task.ErrNilCoroutine},
		"FormatTaskTree, nil": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { task.FormatTaskTree(noContext) })
		}, loop.ErrNotRunning},
		"the zero Task": {zeroTask(t), nil},
		"AddDoneCallback of the zero Task": {func(ctx context.Context, l *loop.Loop) error {
			return panics(func() { new(task.Task[int]).AddDoneCallback(func() {}) })
		}, loop.ErrNotRunning},
		"Await of the zero Task":  {func(ctx context.Context, l *loop.Loop) error { return second(new(task.Task[int]).Await(ctx)) }, future.ErrOtherLoop},
		"Result of the zero Task": {func(ctx context.Context, l *loop.Loop) error { return second(new(task.Task[int]).Result()) }, future.ErrInvalidState},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				switch err := row.call(ctx, loop.Running(ctx)); row.want {
				case nil:
					check.NoError(t, err)
				default:
					check.Is(t, err, row.want)
				}
				ticks(ctx, 2)
			})
		})
	}
}

// zeroTask asks a zero task for all that needs no loop.
func zeroTask(t *testing.T) func(ctx context.Context, l *loop.Loop) error {
	return func(context.Context, *loop.Loop) error {
		tk := new(task.Task[int])
		check.Equal(t, "Done", tk.Done(), false)
		check.Equal(t, "Name", tk.Name(), "")
		check.Equal(t, "Loop", tk.Loop(), (*loop.Loop)(nil))
		check.Equal(t, "Context", tk.Context(), context.Background())
		check.Equal(t, "Stack", len(tk.Stack()), 0)
		check.Equal(t, "Coroutine", tk.Coroutine() == nil, true)
		check.Equal(t, "Cancelling", tk.Cancelling(), 0)
		check.Equal(t, "RemoveDoneCallback", tk.RemoveDoneCallback(nil), 0)
		check.Equal(t, "String", tk.String(), "<Task pending name=''>")
		check.Equal(t, "Cancel", tk.Cancel(), true)
		return nil
	}
}
