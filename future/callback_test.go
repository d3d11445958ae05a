package future_test

import (
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// watched is a future with callbacks that record their numbers.
type watched struct {
	*future.Future[int]
	loop      *loop.Loop
	callbacks []*future.Callback
	called    []int
}

func watch(t *testing.T, n int) *watched {
	l := newLoop(t)
	w := &watched{Future: future.New[int](l), loop: l, called: []int{}}
	for i := range n {
		w.callbacks = append(w.callbacks, w.AddDoneCallback(func() { w.called = append(w.called, i) }))
	}
	return w
}

func TestCallbacksAreCalledInTheNextIterationInOrder(t *testing.T) {
	for name, finish := range map[string]func(f *future.Future[int]){
		"SetResult":    func(f *future.Future[int]) { _ = f.SetResult(1) },
		"SetException": func(f *future.Future[int]) { _ = f.SetException(errTest); _ = f.Err() },
		"Cancel":       func(f *future.Future[int]) { f.Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			w := watch(t, 3)
			iterate(w.loop, 1)
			check.Equal(t, "before", w.called, []int{})
			finish(w.Future)
			check.Equal(t, "at once", w.called, []int{})
			iterate(w.loop, 1)
			check.Equal(t, "in the next iteration", w.called, []int{0, 1, 2})
			iterate(w.loop, 2)
			check.Equal(t, "later", w.called, []int{0, 1, 2})
		})
	}
}

func TestCallbacksThatAreRemovedAreNotCalled(t *testing.T) {
	for _, test := range []struct {
		name   string
		remove []int
		counts []int
		called []int
	}{
		{"the first, twice", []int{0, 0}, []int{1, 0}, []int{1, 2}},
		{"the first, twice, and the second", []int{0, 1, 0}, []int{1, 1, 0}, []int{2}},
		{"the third, twice", []int{2, 2}, []int{1, 0}, []int{0, 1}},
		{"the one in the middle", []int{1}, []int{1}, []int{0, 2}},
		{"all", []int{1, 0, 2}, []int{1, 1, 1}, []int{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := watch(t, 3)
			for i, which := range test.remove {
				check.Equal(t, "removed", w.RemoveDoneCallback(w.callbacks[which]), test.counts[i])
			}
			check.NoError(t, w.SetResult(1))
			check.Equal(t, "called at once", w.called, []int{})
			iterate(w.loop, 1)
			check.Equal(t, "called", w.called, test.called)
			iterate(w.loop, 1)
			check.Equal(t, "called", w.called, test.called)
		})
	}
}

func TestCallbackOfAnotherFutureIsNotRemoved(t *testing.T) {
	w, other := watch(t, 1), watch(t, 1)
	check.Equal(t, "removed", w.RemoveDoneCallback(other.callbacks[0]), 0)
	check.Equal(t, "removed", w.RemoveDoneCallback(nil), 0)
	check.Equal(t, "removed", other.RemoveDoneCallback(other.callbacks[0]), 1)
}

// When a future is done, its callbacks are the loop's.
func TestCallbacksCannotBeRemovedOnceTheFutureIsDone(t *testing.T) {
	w := watch(t, 0)
	first := true
	var late *future.Callback
	w.AddDoneCallback(func() {
		if first {
			check.Equal(t, "removed", w.RemoveDoneCallback(late), 0)
		}
		first = false
	})
	late = w.AddDoneCallback(func() { w.called = append(w.called, 7) })
	check.NoError(t, w.SetResult(1))
	check.Equal(t, "removed", w.RemoveDoneCallback(late), 0)
	iterate(w.loop, 1)
	check.Equal(t, "called", w.called, []int{7})
}

func TestCallbackThatIsAddedLateIsCalledInTheNextIteration(t *testing.T) {
	w := watch(t, 1)
	check.NoError(t, w.SetResult(1))
	w.AddDoneCallback(func() { w.called = append(w.called, 8) })
	check.Equal(t, "at once", w.called, []int{})
	iterate(w.loop, 1)
	check.Equal(t, "called", w.called, []int{0, 8})
}

func TestCallbackThatPanicsDoesNotStopTheOthers(t *testing.T) {
	w := watch(t, 1)
	w.AddDoneCallback(func() { panic(errTest) })
	w.AddDoneCallback(func() { w.called = append(w.called, 9) })
	var reported []loop.ExceptionContext
	w.loop.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { reported = append(reported, e) })
	check.NoError(t, w.SetResult(1))
	iterate(w.loop, 1)
	check.Equal(t, "called", w.called, []int{0, 9})
	check.Equal(t, "reports", len(reported), 1)
	check.Is(t, reported[0].Err, errTest)
}

func TestCallbackThatIsNilIsRefused(t *testing.T) {
	w := watch(t, 0)
	check.Is(t, check.Panics(t, func() { w.AddDoneCallback(nil) }), loop.ErrNilFunc, "AddDoneCallback of <Future pending>")
}

func TestCallbacksAreNotCalledOnAClosedLoop(t *testing.T) {
	w := watch(t, 1)
	check.NoError(t, w.loop.Close())
	check.NoError(t, w.SetResult(1))
	w.AddDoneCallback(func() { t.Error("called") })
	check.Equal(t, "called", w.called, []int{})
}
