package future_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What is nil or zero is refused by an error with a name, or works. No row may end in a
// fault of the runtime.
func TestNilAndZeroArguments(t *testing.T) {
	type (
		intFuture  = future.Future[int]
		concurrent = future.Concurrent[int]
	)
	panics := func(call func()) error { return check.Panics(t, call) }
	nobody := context.Context(nil)
	for name, row := range map[string]struct {
		call func(ctx context.Context, l *loop.Loop) error
		want error // nil: it works
	}{
		"New":                   {func(context.Context, *loop.Loop) error { return panics(func() { future.New[int](nil) }) }, loop.ErrNotRunning},
		"NewPromise":            {func(context.Context, *loop.Loop) error { return panics(func() { future.NewPromise[int](nil) }) }, loop.ErrNotRunning},
		"Wrap on no loop":       {func(context.Context, *loop.Loop) error { return panics(func() { future.Wrap(nil, new(concurrent)) }) }, loop.ErrNotRunning},
		"Wrap of nil":           {func(_ context.Context, l *loop.Loop) error { return panics(func() { future.Wrap[int](l, nil) }) }, loop.ErrInvalidArgument},
		"Await with no context": {func(_ context.Context, l *loop.Loop) error { return second(future.New[int](l).Await(nobody)) }, future.ErrNoTask},
		"Await of nil":          {func(ctx context.Context, _ *loop.Loop) error { return second((*intFuture)(nil).Await(ctx)) }, task.ErrNilCoroutine},
		"AddDoneCallback": {func(_ context.Context, l *loop.Loop) error {
			return panics(func() { future.New[int](l).AddDoneCallback(nil) })
		}, loop.ErrNilFunc},
		"RemoveDoneCallback": {func(_ context.Context, l *loop.Loop) error {
			check.Equal(t, "removed", future.New[int](l).RemoveDoneCallback(nil), 0)
			return nil
		}, nil},
		"SetException":           {func(_ context.Context, l *loop.Loop) error { return future.New[int](l).SetException(nil) }, future.ErrInvalidState},
		"Result with no context": {func(context.Context, *loop.Loop) error { return second(new(concurrent).Result(nobody)) }, loop.ErrInvalidArgument},
		"Concurrent.AddDoneCallback": {func(context.Context, *loop.Loop) error {
			return panics(func() { new(concurrent).AddDoneCallback(nil) })
		}, loop.ErrNilFunc},
		"Concurrent.OnCancel":     {func(context.Context, *loop.Loop) error { return panics(func() { new(concurrent).OnCancel(nil) }) }, loop.ErrNilFunc},
		"Concurrent.SetException": {func(context.Context, *loop.Loop) error { return new(concurrent).SetException(nil) }, future.ErrInvalidState},
		"the zero Concurrent":     {func(context.Context, *loop.Loop) error { return new(concurrent).SetResult(1) }, nil},
		"IsCancelled": {func(context.Context, *loop.Loop) error {
			check.Equal(t, "cancelled", future.IsCancelled(nil), false)
			return nil
		}, nil},
		"the zero Future":                 {zeroFuture(t), nil},
		"Await of the zero Future":        {func(ctx context.Context, _ *loop.Loop) error { return second(new(intFuture).Await(ctx)) }, future.ErrOtherLoop},
		"SetResult of the zero Future":    {func(context.Context, *loop.Loop) error { return new(intFuture).SetResult(1) }, loop.ErrNotRunning},
		"SetException of the zero Future": {func(context.Context, *loop.Loop) error { return new(intFuture).SetException(errTest) }, loop.ErrNotRunning},
		"AddDoneCallback of the zero Future": {func(context.Context, *loop.Loop) error {
			return panics(func() { new(intFuture).AddDoneCallback(func() {}) })
		}, loop.ErrNotRunning},
		"the zero Promise":                 {func(context.Context, *loop.Loop) error { return new(future.Promise[int]).SetResult(1) }, loop.ErrNotRunning},
		"SetException of the zero Promise": {func(context.Context, *loop.Loop) error { return new(future.Promise[int]).SetException(errTest) }, loop.ErrNotRunning},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			check.RunOn(t, l, func(ctx context.Context) {
				switch err := row.call(ctx, l); row.want {
				case nil:
					check.NoError(t, err)
				default:
					check.Is(t, err, row.want)
				}
			})
			runtime.GC() // what is freed is reported, or not
		})
	}
}

func second[T any](_ T, err error) error { return err }

// zeroFuture asks a zero future for all that needs no loop.
func zeroFuture(t *testing.T) func(context.Context, *loop.Loop) error {
	return func(context.Context, *loop.Loop) error {
		f := new(future.Future[int])
		check.Equal(t, "Done", f.Done(), false)
		check.Equal(t, "Loop", f.Loop(), (*loop.Loop)(nil))
		check.Equal(t, "Retrieved", f.Retrieved(), true)
		check.Equal(t, "String", f.String(), "<Future pending>")
		check.Equal(t, "Cancel", f.Cancel(), false)
		check.Equal(t, "Cancelled", f.Cancelled(), false)
		return nil
	}
}
