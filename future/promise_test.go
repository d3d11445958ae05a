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

// isRefused checks that nobody but its owner completes a pending future.
func isRefused[T any](t *testing.T, f *future.Future[T], v T) {
	t.Helper()
	before := f.String()
	check.Is(t, f.SetResult(v), future.ErrInvalidState, "SetResult of "+before, "only its owner completes it")
	check.Is(t, f.SetException(errTest), future.ErrInvalidState, "SetException of "+before, "only its owner completes it")
	check.Equal(t, "state", f.String(), before)
}

func TestPromiseCompletesItsFutureOnce(t *testing.T) {
	for _, test := range []struct {
		name     string
		complete func(p *future.Promise[int])
		value    int
		err      error
	}{
		{"SetResult", func(p *future.Promise[int]) { check.NoError(t, p.SetResult(42)) }, 42, nil},
		{"SetException", func(p *future.Promise[int]) { check.NoError(t, p.SetException(errTest)) }, 0, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLoop(t)
			p := future.NewPromise[int](l)
			f := p.Future()
			check.Equal(t, "the same future", p.Future() == f, true)
			check.Equal(t, "Loop", f.Loop(), l)
			check.Equal(t, "Done", f.Done(), false)
			called := 0
			f.AddDoneCallback(func() { called++ })
			test.complete(p)
			check.Equal(t, "callbacks at once", called, 0)
			iterate(l, 2)
			check.Equal(t, "callbacks", called, 1)
			check.Is(t, p.SetResult(1), future.ErrInvalidState, "SetResult of <Future finished ")
			check.Is(t, p.SetException(errTest), future.ErrInvalidState, "SetException of <Future finished ")
			isOver(t, f)
			v, err := f.Result()
			check.Equal(t, "result", v, test.value)
			check.Equal(t, "exception", err, test.err)
			check.Equal(t, "Cancelled", f.Cancelled(), false)
		})
	}
}

func TestPromiseAloneCompletesItsFuture(t *testing.T) {
	p := future.NewPromise[int](newLoop(t))
	isRefused(t, p.Future(), 1)
	check.NoError(t, p.SetResult(2))
	v, err := p.Future().Result()
	check.NoError(t, err)
	check.Equal(t, "result", v, 2)
}

func TestPromiseRefusesANilException(t *testing.T) {
	p := future.NewPromise[int](newLoop(t))
	check.Is(t, p.SetException(nil), future.ErrInvalidState, "the exception is nil")
	check.Is(t, p.Future().SetException(nil), future.ErrInvalidState, "the exception is nil")
	check.Equal(t, "Done", p.Future().Done(), false)
}

func TestPromiseWithoutALoopIsRefused(t *testing.T) {
	check.Is(t, check.Panics(t, func() { future.NewPromise[int](nil) }), loop.ErrNotRunning, "the loop is nil")
}

// Whoever has the future may lose interest in it.
func TestPromiseWhoseFutureIsCancelledCompletesNothing(t *testing.T) {
	l := newLoop(t)
	p := future.NewPromise[int](l)
	f := p.Future()
	called := 0
	f.AddDoneCallback(func() { called++ })
	check.Equal(t, "Cancel", f.Cancel("not needed"), true)
	check.Equal(t, "Cancelled", f.Cancelled(), true)
	check.Is(t, p.SetResult(1), future.ErrInvalidState, "SetResult of <Future cancelled>")
	check.Is(t, p.SetException(errTest), future.ErrInvalidState, "SetException of <Future cancelled>")
	isOver(t, f)
	check.Cancelled(t, f.Err(), "not needed")
	iterate(l, 2)
	check.Equal(t, "callbacks", called, 1)
}

// As with any future, a cancellation that comes too late still takes the exception
// as seen.
func TestPromiseWhoseFutureIsCancelledTooLate(t *testing.T) {
	p := future.NewPromise[int](newLoop(t))
	check.NoError(t, p.SetException(errTest))
	check.Equal(t, "Retrieved", p.Future().Retrieved(), false)
	check.Equal(t, "Cancel", p.Future().Cancel(), false)
	check.Equal(t, "Retrieved", p.Future().Retrieved(), true)
	check.Equal(t, "exception", p.Future().Err(), errTest)
}

func TestPromiseWhoseExceptionNobodyRetrievesIsReported(t *testing.T) {
	l := newLoop(t)
	var reported []loop.ExceptionContext
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { reported = append(reported, e) })
	func() {
		check.NoError(t, future.NewPromise[int](l).SetException(errTest))
		p := future.NewPromise[int](l)
		check.NoError(t, p.SetException(errTest))
		check.Is(t, p.Future().Err(), errTest)
	}()
	// What the collector finds is reported by a goroutine of the runtime, at some time
	// after it.
	for range 10 {
		runtime.GC()
		found := make(chan struct{})
		runtime.AddCleanup(&struct{ p *int }{new(int)}, func(c chan struct{}) { close(c) }, found)
		runtime.GC()
		<-found
		iterate(l, 1)
	}
	if len(reported) != 1 {
		t.Fatalf("got %d reports, want one", len(reported))
	}
	check.Equal(t, "message", reported[0].Message, "Future exception was never retrieved")
	check.Equal(t, "exception", reported[0].Err, errTest)
}

func TestPromiseString(t *testing.T) {
	l := newLoop(t)
	for _, test := range []struct {
		name    string
		prepare func(p *future.Promise[int])
		want    string
	}{
		{"pending", func(p *future.Promise[int]) {}, "<Future pending>"},
		{"awaited", func(p *future.Promise[int]) { p.Future().AddDoneCallback(one) },
			"<Future pending cb=[future_test.one at future_test.go:" + lineOf(l, one) + "]>"},
		{"result", func(p *future.Promise[int]) { _ = p.SetResult(4) }, "<Future finished result=4>"},
		{"exception", func(p *future.Promise[int]) {
			_ = p.SetException(errTest)
			_ = p.Future().Err()
		}, `<Future finished exception="test error">`},
		{"cancelled", func(p *future.Promise[int]) { p.Future().Cancel() }, "<Future cancelled>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := future.NewPromise[int](l)
			test.prepare(p)
			check.Equal(t, "String", p.Future().String(), test.want)
			check.Equal(t, "what others show", p.Future().Kernel().String(), test.want)
		})
	}
}

func TestPromiseIsAwaited(t *testing.T) {
	for _, test := range []struct {
		name     string
		complete func(p *future.Promise[int]) error
		value    int
		err      error
	}{
		{"result", func(p *future.Promise[int]) error { return p.SetResult(42) }, 42, nil},
		{"exception", func(p *future.Promise[int]) error { return p.SetException(errTest) }, 0, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLoop(t)
			check.RunOn(t, l, func(ctx context.Context) {
				p := future.NewPromise[int](l)
				l.CallSoon(func() { check.NoError(t, test.complete(p)) })
				for range 2 { // the second time it is done
					v, err := p.Future().Await(ctx)
					check.Equal(t, "result", v, test.value)
					check.Equal(t, "exception", err, test.err)
				}
			})
		})
	}
}

func TestPromiseAwaitedByATaskThatIsCancelled(t *testing.T) {
	l := newLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		p := future.NewPromise[int](l)
		tk := task.Create(ctx, p.Future().Await)
		check.NoError(t, task.Yield(ctx))
		tk.Cancel("go home")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "go home")
		check.Equal(t, "the task", tk.Cancelled(), true)
		check.Equal(t, "the future", p.Future().Cancelled(), true)
		check.Is(t, p.SetResult(1), future.ErrInvalidState)
	})
}

func TestPromiseAwaitedWithAContextThatEnds(t *testing.T) {
	l := newLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		p := future.NewPromise[int](l)
		ending, end := context.WithCancelCause(ctx)
		l.CallSoon(func() { end(errTest) })
		_, err := p.Future().Await(ending)
		check.Equal(t, "error", err, errTest)
		check.Equal(t, "Cancelled", p.Future().Cancelled(), true)
	})
}

// The future of a gather belongs to the gather. That somebody tried to complete it
// does no harm: the gather ends as if nobody had.
func TestPromiseOfAGatherIsNotTakenOver(t *testing.T) {
	l := newLoop(t)
	pair := func() [2]*future.Future[int] {
		return [2]*future.Future[int]{future.New[int](l), future.New[int](l)}
	}
	for _, test := range []struct {
		name  string
		end   func(fs [2]*future.Future[int], gather *future.Future[[]int])
		value []int
		err   error
	}{
		{"results", func(fs [2]*future.Future[int], gather *future.Future[[]int]) {
			check.NoError(t, fs[1].SetResult(2))
			iterate(l, 1)
			isRefused(t, gather, []int{7}) // still
			check.NoError(t, fs[0].SetResult(1))
		}, []int{1, 2}, nil},
		{"exception", func(fs [2]*future.Future[int], gather *future.Future[[]int]) {
			check.NoError(t, fs[1].SetException(errTest))
		}, nil, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			fs := pair()
			gather := task.Gather(loop.NewContext(context.Background(), l), fs[:]...)
			called := 0
			gather.AddDoneCallback(func() { called++ })
			isRefused(t, gather, []int{7})
			test.end(fs, gather)
			iterate(l, 2)
			check.Equal(t, "callbacks", called, 1)
			v, err := gather.Result()
			check.Equal(t, "results", v, test.value)
			check.Equal(t, "exception", err, test.err)
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		fs := pair()
		gather := task.Gather(loop.NewContext(context.Background(), l), fs[:]...)
		isRefused(t, gather, []int{7})
		check.Equal(t, "Cancel", gather.Cancel("no more"), true)
		isRefused(t, gather, []int{7}) // its children complete it
		iterate(l, 2)
		check.Cancelled(t, gather.Err(), "no more")
		check.Equal(t, "children", fs[0].Cancelled() && fs[1].Cancelled(), true)
	})
	t.Run("settled", func(t *testing.T) {
		fs := pair()
		gather := task.GatherSettled(loop.NewContext(context.Background(), l), fs[:]...)
		isRefused(t, gather, nil)
		check.NoError(t, fs[0].SetException(errTest))
		check.NoError(t, fs[1].SetResult(2))
		iterate(l, 2)
		v, err := gather.Result()
		check.NoError(t, err)
		check.Equal(t, "outcomes", v, []future.Outcome[int]{{Err: errTest}, {Value: 2}})
	})
}
