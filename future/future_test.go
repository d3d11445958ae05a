package future_test

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// isOver checks that a future that is done takes nothing any more.
func isOver(t *testing.T, f *future.Future[int]) {
	t.Helper()
	check.Equal(t, "Done", f.Done(), true)
	before := f.String()
	check.Is(t, f.SetResult(1), future.ErrInvalidState, "future: SetResult of <Future ")
	check.Is(t, f.SetException(errTest), future.ErrInvalidState, "future: SetException of <Future ")
	check.Equal(t, "Cancel", f.Cancel("again"), false)
	check.Equal(t, "state", f.String(), before)
}

func TestFutureThatIsPending(t *testing.T) {
	l := newLoop(t)
	f := future.New[int](l)
	check.Equal(t, "Loop", f.Loop(), l)
	check.Equal(t, "Done", f.Done(), false)
	check.Equal(t, "Cancelled", f.Cancelled(), false)
	_, err := f.Result()
	check.Is(t, err, future.ErrInvalidState, "future: Result of <Future pending>", "the result is not set")
	check.Is(t, f.Err(), future.ErrInvalidState, "future: Err of <Future pending>", "the exception is not set")
	check.Is(t, f.SetException(nil), future.ErrInvalidState, "the exception is nil")
	check.Equal(t, "Done", f.Done(), false)
	check.Equal(t, "Cancel", f.Cancel(), true)
	check.Equal(t, "Cancelled", f.Cancelled(), true)
}

func TestFutureWithAResult(t *testing.T) {
	f := future.New[int](newLoop(t))
	check.NoError(t, f.SetResult(42))
	check.Equal(t, "Cancelled", f.Cancelled(), false)
	v, err := f.Result()
	check.NoError(t, err)
	check.Equal(t, "result", v, 42)
	check.NoError(t, f.Err())
	isOver(t, f)
}

func TestFutureWithAnException(t *testing.T) {
	f := future.New[int](newLoop(t))
	check.NoError(t, f.SetException(errTest))
	check.Equal(t, "Cancelled", f.Cancelled(), false)
	check.Equal(t, "retrieved", f.Retrieved(), false)
	_, err := f.Result()
	check.Equal(t, "the very error", err, errTest)
	check.Equal(t, "the very error", f.Err(), errTest)
	check.Equal(t, "retrieved", f.Retrieved(), true)
	isOver(t, f)
}

func TestFutureThatIsCancelled(t *testing.T) {
	f := future.New[int](newLoop(t))
	check.Equal(t, "Cancel", f.Cancel("my message"), true)
	check.Equal(t, "Cancelled", f.Cancelled(), true)
	for range 2 { // unlike a task, it gives its message to all who ask
		_, err := f.Result()
		check.Cancelled(t, err, "my message")
		check.Cancelled(t, f.Err(), "my message")
	}
	isOver(t, f)
}

// As in asyncio, only Cancel cancels.
func TestFutureTakesACancellationThatIsSetForAnException(t *testing.T) {
	f := future.New[int](newLoop(t))
	check.NoError(t, f.SetException(future.ErrCancelled))
	check.Equal(t, "Cancelled", f.Cancelled(), false)
	check.Cancelled(t, f.Err(), "")
	isOver(t, f)
}

func TestFutureWithoutALoopIsRefused(t *testing.T) {
	check.Is(t, check.Panics(t, func() { future.New[int](nil) }), loop.ErrNotRunning, "the loop is nil")
}

// A Future that New has not made has no loop that could tell anybody of its end.
func TestFutureZeroValueStaysPending(t *testing.T) {
	var f future.Future[int]
	if f.Loop() != nil {
		t.Error("it has a loop")
	}
	const rule = "it belongs to no loop"
	check.Is(t, f.SetResult(1), loop.ErrNotRunning, "SetResult of <Future pending>", rule)
	check.Is(t, f.SetException(errTest), loop.ErrNotRunning, "SetException of <Future pending>", rule)
	check.Equal(t, "Cancel", f.Cancel(), false)
	check.Is(t, check.Panics(t, func() { f.AddDoneCallback(noop) }), loop.ErrNotRunning, "AddDoneCallback of <Future pending>", rule)
	check.Equal(t, "removed", f.RemoveDoneCallback(nil), 0)
	check.Equal(t, "Done", f.Done(), false)
	check.Equal(t, "Cancelled", f.Cancelled(), false)
	_, err := f.Result()
	check.Is(t, err, future.ErrInvalidState)
	check.Is(t, f.Err(), future.ErrInvalidState)
	check.Equal(t, "String", f.String(), "<Future pending>")
	l := newLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		_, err := f.Await(ctx)
		check.Is(t, err, future.ErrOtherLoop)
	})
}

func TestFutureAwaitedTwiceSuspendsOnce(t *testing.T) {
	l := newLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		f := future.New[int](l)
		l.CallSoon(func() { check.NoError(t, f.SetResult(42)) })
		v, err := f.Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "result", v, 42)
		ran := false
		l.CallSoon(func() { ran = true })
		v, err = f.Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "result", v, 42)
		check.Equal(t, "an iteration has passed", ran, false)
	})
}

func TestFutureAwaitedOutsideOfATaskIsRefused(t *testing.T) {
	l := newLoop(t)
	f := future.New[int](l)
	for _, ctx := range []context.Context{context.Background(), loop.NewContext(context.Background(), l)} {
		_, err := f.Await(ctx)
		check.Is(t, err, future.ErrNoTask, "await of <Future pending>")
	}
	check.Equal(t, "Done", f.Done(), false)
}

func TestFutureString(t *testing.T) {
	l := newLoop(t)
	for _, test := range []struct {
		name    string
		prepare func(f *future.Future[int])
		want    string
	}{
		{"pending", func(f *future.Future[int]) {}, "<Future pending>"},
		{"cancelled", func(f *future.Future[int]) { f.Cancel() }, "<Future cancelled>"},
		{"result", func(f *future.Future[int]) { _ = f.SetResult(4) }, "<Future finished result=4>"},
		{"exception", func(f *future.Future[int]) {
			_ = f.SetException(errTest)
			_ = f.Err()
		}, `<Future finished exception="test error">`},
		{"a callback", func(f *future.Future[int]) { f.AddDoneCallback(one) }, "<Future pending cb=[future_test.one at future_test.go:" + lineOf(l, one) + "]>"},
		{"two callbacks", func(f *future.Future[int]) {
			f.AddDoneCallback(one)
			f.AddDoneCallback(two)
		}, "<Future pending cb=[future_test.one at future_test.go:" + lineOf(l, one) + ", future_test.two at future_test.go:" + lineOf(l, two) + "]>"},
		{"many callbacks", func(f *future.Future[int]) {
			f.AddDoneCallback(one)
			for range 8 {
				f.AddDoneCallback(noop)
			}
			f.AddDoneCallback(two)
		}, "<Future pending cb=[future_test.one at future_test.go:" + lineOf(l, one) + ", <8 more>, future_test.two at future_test.go:" + lineOf(l, two) + "]>"},
		{"callbacks are gone when it is done", func(f *future.Future[int]) {
			f.AddDoneCallback(one)
			f.Cancel()
		}, "<Future cancelled>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := future.New[int](l)
			test.prepare(f)
			check.Equal(t, "String", f.String(), test.want)
		})
	}
}

func one()  {}
func two()  {}
func noop() {}

// lineOf is the line of a function, as a handle shows it.
func lineOf(l *loop.Loop, fn func()) string {
	h := l.CallSoon(fn)
	defer h.Cancel()
	text := h.String()
	i := len(text) - 1
	for text[i-1] >= '0' && text[i-1] <= '9' {
		i--
	}
	return text[i : len(text)-1]
}

func TestFutureStringOfOneWithAnOwnerIsTheOwners(t *testing.T) {
	l := newLoop(t)
	f := task.Gather(loop.NewContext(context.Background(), l), future.New[int](l))
	check.Equal(t, "String", f.String(), "<GatheringFuture pending>")
}
