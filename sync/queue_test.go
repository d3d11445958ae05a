package sync

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// anyQueue has all methods of the three kinds of queues.
type anyQueue[T any] interface {
	Put(ctx context.Context, item T) error
	PutNowait(item T) error
	Get(ctx context.Context) (T, error)
	GetNowait() (T, error)
	All(ctx context.Context) iter.Seq2[T, error]
	TaskDone() error
	Join(ctx context.Context) error
	Shutdown(immediate bool)
	Size() int
	MaxSize() int
	Empty() bool
	Full() bool
	String() string
}

// kind is a kind of queue and its constructor.
type kind struct {
	name  string
	queue func(maxSize int) anyQueue[int]
}

var kinds = []kind{
	{"Queue", func(n int) anyQueue[int] { return NewQueue[int](n) }},
	{"LifoQueue", func(n int) anyQueue[int] { return NewLifoQueue[int](n) }},
	{"PriorityQueue", func(n int) anyQueue[int] { return NewPriorityQueue[int](n) }},
}

// eachKind runs a test for each kind of queue.
func eachKind(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

// putter starts a task that puts an item.
func putter[T any](ctx context.Context, q anyQueue[T], item T) *task.Task[struct{}] {
	return spawn(ctx, func(ctx context.Context) error { return q.Put(ctx, item) })
}

// getter starts a task that gets an item.
func getter[T any](ctx context.Context, q anyQueue[T]) *task.Task[T] {
	return task.Create(ctx, q.Get)
}

func gets[T any](t testing.TB, ctx context.Context, q anyQueue[T], want T) {
	t.Helper()
	item, err := q.Get(ctx)
	check.NoError(t, err)
	check.Equal(t, "item", item, want)
}

func getsNow[T any](t testing.TB, q anyQueue[T], want T) {
	t.Helper()
	item, err := q.GetNowait()
	check.NoError(t, err)
	check.Equal(t, "item", item, want)
}

func TestQueueStringShowsItemsWaitersAndState(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			shows := func(q anyQueue[int], want string) {
				t.Helper()
				check.Equal(t, "String", q.String(), "<"+k.name+" "+want+">")
			}
			q := k.queue(0)
			shows(q, "maxsize=0")
			g := getter(ctx, q)
			yield(ctx)
			shows(q, "maxsize=0 _getters[1]")
			check.NoError(t, q.PutNowait(0))
			shows(q, "maxsize=0 _queue=[0] tasks=1") // the getter was woken
			check.Equal(t, "item", succeeds(t, ctx, g), 0)
			shows(q, "maxsize=0 tasks=1")

			q = k.queue(1)
			check.NoError(t, q.PutNowait(1))
			p := putter(ctx, q, 2)
			yield(ctx)
			shows(q, "maxsize=1 _queue=[1] _putters[1] tasks=1")
			getsNow(t, q, 1)
			succeeds(t, ctx, p)

			q = k.queue(0)
			check.NoError(t, q.PutNowait(1))
			check.NoError(t, q.PutNowait(2))
			shows(q, "maxsize=0 _queue=[1, 2] tasks=2")
			q.Shutdown(false)
			shows(q, "maxsize=0 _queue=[1, 2] tasks=2 shutdown")
			q.Shutdown(true)
			shows(q, "maxsize=0 shutdown")
		})
	})
	t.Run("strings are quoted", func(t *testing.T) {
		var q Queue[string]
		check.NoError(t, q.PutNowait("a, b"))
		check.Equal(t, "String", q.String(), `<Queue maxsize=0 _queue=["a, b"] tasks=1>`)
	})
	t.Run("many items are cut", func(t *testing.T) {
		var q Queue[string]
		for range 1000 {
			check.NoError(t, q.PutNowait(strings.Repeat("x", 96)))
		}
		items := strings.Repeat(`"`+strings.Repeat("x", 96)+`", `, 10)
		check.Equal(t, "String", q.String(), `<Queue maxsize=0 _queue=[`+items+`<990 more>] tasks=1000>`)
	})
	t.Run("items may contain themselves", func(t *testing.T) {
		var q Queue[map[string]any]
		m := map[string]any{}
		m["self"] = m
		check.NoError(t, q.PutNowait(m))
		check.Equal(t, "levels", strings.Count(q.String(), "self"), 6)
	})
}

func TestQueueZeroValuesAreUnbounded(t *testing.T) {
	for name, q := range map[string]anyQueue[int]{"Queue": new(Queue[int]), "LifoQueue": new(LifoQueue[int])} {
		t.Run(name, func(t *testing.T) {
			check.Equal(t, "MaxSize", q.MaxSize(), 0)
			for i := range 100 {
				check.NoError(t, q.Put(context.Background(), i))
			}
			check.Equal(t, "Size", q.Size(), 100)
			check.False(t, "Full", q.Full())
		})
	}
}

func TestQueueIsEmptyAndFull(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		for _, maxSize := range []int{-1, 0, 1} {
			run(t, func(ctx context.Context) {
				q := k.queue(maxSize)
				check.Equal(t, "MaxSize", q.MaxSize(), maxSize)
				check.True(t, "Empty", q.Empty())
				check.NoError(t, q.Put(ctx, 1))
				check.False(t, "Empty with an item", q.Empty())
				check.Equal(t, "Full with an item", q.Full(), maxSize == 1)
				check.Equal(t, "Size", q.Size(), 1)
				gets(t, ctx, q, 1)
				check.True(t, "Empty after Get", q.Empty())
				check.False(t, "Full after Get", q.Full())
			})
		}
	})
}

func TestQueueOrderOfEachKind(t *testing.T) {
	orders := map[string][]int{"Queue": {1, 3, 2}, "LifoQueue": {2, 3, 1}, "PriorityQueue": {1, 2, 3}}
	eachKind(t, func(t *testing.T, k kind) {
		want := orders[k.name]
		run(t, func(ctx context.Context) {
			q := k.queue(0)
			for _, item := range []int{1, 3, 2} {
				check.NoError(t, q.Put(ctx, item))
			}
			for _, item := range want {
				gets(t, ctx, q, item)
			}
		})
	})
}

func TestQueuePutWaitsWhileTheQueueIsFull(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](2)
		check.Equal(t, "MaxSize", q.MaxSize(), 2)
		var put []int
		tk := spawn(ctx, func(ctx context.Context) error {
			for i := range 3 {
				if err := q.Put(ctx, i); err != nil {
					return err
				}
				put = append(put, i)
			}
			return nil
		})
		yield(ctx)
		yield(ctx)
		check.Equal(t, "put", put, []int{0, 1})
		gets(t, ctx, q, 0)
		check.Equal(t, "put, before the putter runs", put, []int{0, 1})
		yield(ctx)
		check.Equal(t, "put", put, []int{0, 1, 2})
		check.True(t, "Done", tk.Done())
		gets(t, ctx, q, 1)
		gets(t, ctx, q, 2)
	})
}

func TestQueueWithoutWaitersNeedsNoLoop(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		ctx := context.Background()
		q := k.queue(0)
		check.NoError(t, q.PutNowait(1))
		getsNow(t, q, 1)
		check.NoError(t, q.Put(ctx, 2))
		gets(t, ctx, q, 2)
		check.NoError(t, q.TaskDone())
		check.NoError(t, q.TaskDone())
		check.NoError(t, q.Join(ctx))
	})
}

func TestQueueNowaitRefusesToWait(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		q := k.queue(1)
		_, err := q.GetNowait()
		check.Equal(t, "GetNowait on an empty queue", err, ErrQueueEmpty)
		check.NoError(t, q.PutNowait(1))
		check.Equal(t, "PutNowait on a full queue", q.PutNowait(2), ErrQueueFull)
		getsNow(t, q, 1)
	})
}

func TestQueueGetWakesTheFirstPutter(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[string](1)
		a, b, c := putter(ctx, q, "a"), putter(ctx, q, "b"), putter(ctx, q, "c")
		gets(t, ctx, q, "a")
		check.True(t, "a.Done", a.Done())
		check.False(t, "b.Done", b.Done())
		gets(t, ctx, q, "b")
		check.True(t, "b.Done", b.Done())
		check.False(t, "c.Done", c.Done())
		gets(t, ctx, q, "c")
		check.True(t, "c.Done", c.Done())
	})
}

func TestQueueGetWaitsForAnItem(t *testing.T) {
	t.Run("put by a timer", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			var q Queue[int]
			var started Event
			tk := task.Create(ctx, func(ctx context.Context) (int, error) {
				started.Set()
				return q.Get(ctx)
			})
			check.NoError(t, started.Wait(ctx))
			check.False(t, "Done", tk.Done())
			loop.Running(ctx).CallLater(10*time.Millisecond, func() { check.NoError(t, q.PutNowait(1)) })
			check.Equal(t, "item", succeeds(t, ctx, tk), 1)
		})
	})
	t.Run("put by a task", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			var q Queue[string]
			tk := getter(ctx, &q)
			yield(ctx)
			check.NoError(t, q.Put(ctx, "a"))
			check.Equal(t, "item", succeeds(t, ctx, tk), "a")
		})
	})
}

func TestQueuePutWaitsForATimerToGet(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](1)
		loop.Running(ctx).CallLater(10*time.Millisecond, func() { getsNow(t, q, 1) })
		var started Event
		tk := spawn(ctx, func(ctx context.Context) error {
			started.Set()
			if err := q.Put(ctx, 1); err != nil {
				return err
			}
			return q.Put(ctx, 2)
		})
		check.NoError(t, started.Wait(ctx))
		check.False(t, "Done", tk.Done())
		succeeds(t, ctx, tk)
		getsNow(t, q, 2)
	})
}

func TestQueueGetTakesWhatATaskPutsMeanwhile(t *testing.T) {
	run(t, func(ctx context.Context) {
		var q Queue[int]
		tk := putter(ctx, &q, 1)
		gets(t, ctx, &q, 1)
		check.True(t, "Done", tk.Done())
	})
}

func TestQueueGetterBehindACancelledOneGetsTheItem(t *testing.T) {
	run(t, func(ctx context.Context) {
		var q Queue[string]
		t1, t2 := getter(ctx, &q), getter(ctx, &q)
		yield(ctx)
		t1.Cancel()
		yield(ctx)
		check.True(t, "t1.Done", t1.Done())
		check.NoError(t, q.Put(ctx, "a"))
		yield(ctx)
		check.True(t, "t2.Done", t2.Done())
		check.Equal(t, "item", succeeds(t, ctx, t2), "a")
	})
}

func TestQueueNobodyIsStuck(t *testing.T) {
	t.Run("getters", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			const n = 5
			q := NewQueue[int](1)
			check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error {
					for i := range n {
						check.NoError(t, q.Put(ctx, i))
					}
					return nil
				})
				g.Go(func(ctx context.Context) error {
					for i := range n {
						gets(t, ctx, q, i)
					}
					return nil
				})
				return nil
			}))
		})
	})
	t.Run("putters", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			q := NewQueue[int](2)
			check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error {
					yield(ctx)
					for range q.Size() {
						_, err := q.GetNowait()
						check.NoError(t, err)
					}
					return nil
				})
				for i := range 4 {
					g.Go(func(ctx context.Context) error { return q.Put(ctx, i) })
				}
				return nil
			}))
			check.Equal(t, "Size", q.Size(), 2)
		})
	})
}

func TestQueueGetThatTimesOutLeavesTheQueue(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](5)
		_, err := task.WaitFor(ctx, task.Coroutine[int](q.Get), 100*time.Millisecond)
		check.True(t, "timed out", errors.Is(err, future.ErrTimeout))
		check.Equal(t, "getters", q.getters.n, 0)
	})
}

func TestQueueGetterWokenAndCancelledLosesNoItem(t *testing.T) {
	t.Run("the next Get", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			var q Queue[int]
			tk := getter(ctx, &q)
			yield(ctx)
			check.NoError(t, q.PutNowait(1))
			check.NoError(t, q.PutNowait(2))
			tk.Cancel()
			isCancelled(t, ctx, tk)
			gets(t, ctx, &q, 1)
		})
	})
	t.Run("the next getters", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			var q Queue[int]
			t1, t2, t3 := getter(ctx, &q), getter(ctx, &q), getter(ctx, &q)
			yield(ctx)
			check.NoError(t, q.PutNowait(1))
			check.NoError(t, q.PutNowait(2))
			t1.Cancel()
			isCancelled(t, ctx, t1)
			got := []int{succeeds(t, ctx, t2), succeeds(t, ctx, t3)}
			slices.Sort(got)
			check.Equal(t, "items", got, []int{1, 2})
		})
	})
}

func TestQueuePutterWokenAndCancelledPutsNothing(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](1)
		check.NoError(t, q.PutNowait(1))
		tk := putter(ctx, q, 2)
		yield(ctx)
		getsNow(t, q, 1) // takes the putter off the list
		check.Equal(t, "putters", q.putters.n, 0)
		tk.Cancel()
		isCancelled(t, ctx, tk)
		check.NoError(t, q.Put(ctx, 3))
		getsNow(t, q, 3)
		check.Equal(t, "Size", q.Size(), 0)
	})
}

func TestQueuePutterWokenAndCancelledLeavesItsPlaceToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](1)
		check.NoError(t, q.PutNowait(1))
		a, b := putter(ctx, q, 2), putter(ctx, q, 3)
		yield(ctx)
		getsNow(t, q, 1)
		a.Cancel()
		yield(ctx)
		check.False(t, "b.Done when a is told", b.Done())
		yield(ctx)
		check.True(t, "b.Done an iteration later", b.Done())
		isCancelled(t, ctx, a)
		getsNow(t, q, 3)
	})
}

// A waiter that is cancelled after another task has taken what it was woken for has
// nothing to pass on: it wakes no other waiter, and their order stays the same.
func TestQueueWaiterWokenForNothingAndCancelledWakesNobody(t *testing.T) {
	t.Run("getter", func(t *testing.T) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			var q Queue[int]
			a, b, c := getter(ctx, &q), getter(ctx, &q), getter(ctx, &q)
			yield(ctx)
			check.NoError(t, q.PutNowait(1))
			getsNow(t, &q, 1)
			a.Cancel()
			check.NoError(t, t.WaitAllBlocked(ctx))
			isCancelled(t, ctx, a)
			check.NoError(t, q.PutNowait(2))
			check.NoError(t, q.PutNowait(3))
			check.Equal(t, "item", succeeds(t, ctx, b), 2)
			check.Equal(t, "item", succeeds(t, ctx, c), 3)
		})
	})
	t.Run("putter", func(t *testing.T) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			q := NewQueue[int](1)
			check.NoError(t, q.PutNowait(1))
			a, b, c := putter(ctx, q, 2), putter(ctx, q, 3), putter(ctx, q, 4)
			yield(ctx)
			getsNow(t, q, 1)
			check.NoError(t, q.PutNowait(5))
			a.Cancel()
			check.NoError(t, t.WaitAllBlocked(ctx))
			isCancelled(t, ctx, a)
			for _, want := range []int{5, 3, 4} {
				gets(t, ctx, q, want)
			}
			succeeds(t, ctx, b)
			succeeds(t, ctx, c)
		})
	})
}

func TestQueuePutCancelledLeavesTheQueue(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](1)
		check.NoError(t, q.PutNowait(1))
		tk := putter(ctx, q, 2)
		yield(ctx)
		check.Equal(t, "putters", q.putters.n, 1)
		tk.Cancel()
		isCancelled(t, ctx, tk)
		check.Equal(t, "putters", q.putters.n, 0)
	})
}

func TestQueuePutterBehindOthersCancelled(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[string](1)
		a, b, c := putter(ctx, q, "a"), putter(ctx, q, "b"), putter(ctx, q, "c")
		yield(ctx)
		check.True(t, "a.Done", a.Done())
		check.False(t, "b.Done", b.Done())
		c.Cancel()
		yield(ctx)
		check.True(t, "c.Done", c.Done())
		getsNow(t, q, "a")
		yield(ctx)
		getsNow(t, q, "b")
		succeeds(t, ctx, b)
		check.True(t, "Empty", q.Empty())
	})
}

// An item wakes a getter but is not reserved for it.
func TestQueueGetterThatFindsItsItemTakenGoesToTheEndOfTheLine(t *testing.T) {
	run(t, func(ctx context.Context) {
		var q Queue[int]
		t1, t2 := getter(ctx, &q), getter(ctx, &q)
		yield(ctx)
		check.NoError(t, q.PutNowait(1))
		getsNow(t, &q, 1)
		yield(ctx)
		check.Equal(t, "getters", q.getters.n, 2)
		check.NoError(t, q.PutNowait(2))
		check.Equal(t, "item", succeeds(t, ctx, t2), 2)
		check.NoError(t, q.PutNowait(3))
		check.Equal(t, "item", succeeds(t, ctx, t1), 3)
	})
}

func TestQueueTaskDoneOnceTooOftenIsRefused(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		q := k.queue(0)
		check.Is(t, q.TaskDone(), ErrTooOften)
		check.NoError(t, q.PutNowait(1))
		check.NoError(t, q.TaskDone())
		check.Is(t, q.TaskDone(), ErrTooOften)
	})
}

func TestQueueJoinWaitsUntilAllIsDone(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(0)
			for i := range 100 {
				check.NoError(t, q.PutNowait(i))
			}
			sum, running := 0, true
			worker := func(ctx context.Context) error {
				for running {
					item, err := q.Get(ctx)
					if err != nil {
						return err
					}
					sum += item
					yield(ctx)
					check.NoError(t, q.TaskDone())
				}
				return nil
			}
			w1, w2 := spawn(ctx, worker), spawn(ctx, worker)
			check.NoError(t, q.Join(ctx))
			check.Equal(t, "sum", sum, 4950)
			running = false
			check.NoError(t, q.PutNowait(0))
			check.NoError(t, q.PutNowait(0))
			succeeds(t, ctx, w1)
			succeeds(t, ctx, w2)
		})
	})
}

func TestQueueJoinOfAnEmptyQueueDoesNotWait(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		q := k.queue(0)
		check.NoError(t, q.Join(context.Background()))
		check.NoError(t, q.Join(context.Background()))
	})
}

// isShutDown checks that an empty queue refuses all operations.
func isShutDown(t testing.TB, ctx context.Context, q anyQueue[int]) {
	t.Helper()
	check.Equal(t, "Put", q.Put(ctx, 9), ErrQueueShutDown)
	check.Equal(t, "PutNowait", q.PutNowait(9), ErrQueueShutDown)
	_, err := q.Get(ctx)
	check.Equal(t, "Get", err, ErrQueueShutDown)
	_, err = q.GetNowait()
	check.Equal(t, "GetNowait", err, ErrQueueShutDown)
}

func TestQueueShutdownFailsGetters(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(0)
			tk := getter(ctx, q)
			yield(ctx)
			q.Shutdown(false)
			check.Equal(t, "Size", q.Size(), 0)
			check.NoError(t, q.Join(ctx))
			yield(ctx)
			check.True(t, "Done", tk.Done())
			_, err := tk.Await(ctx)
			check.Equal(t, "Get", err, ErrQueueShutDown)
			isShutDown(t, ctx, q)
		})
	})
}

func TestQueueShutdownLeavesItemsToGet(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(1)
			check.NoError(t, q.PutNowait(1))
			join := spawn(ctx, q.Join)
			put := putter(ctx, q, 2)
			yield(ctx)
			check.False(t, "put.Done", put.Done())

			q.Shutdown(false)
			check.Equal(t, "Size", q.Size(), 1)
			yield(ctx)
			check.True(t, "put.Done", put.Done())
			_, err := put.Await(ctx)
			check.Equal(t, "Put", err, ErrQueueShutDown)

			gets(t, ctx, q, 1)
			yield(ctx)
			check.False(t, "join.Done", join.Done())
			isShutDown(t, ctx, q)

			check.NoError(t, q.TaskDone())
			yield(ctx)
			check.True(t, "join.Done", join.Done())
			succeeds(t, ctx, join)
			check.Is(t, q.TaskDone(), ErrTooOften)
		})
	})
}

func TestQueueShutdownFailsAPutterWithAPlaceThatHasNotRun(t *testing.T) {
	run(t, func(ctx context.Context) {
		q := NewQueue[int](1)
		check.NoError(t, q.PutNowait(1))
		tk := putter(ctx, q, 2)
		yield(ctx)
		getsNow(t, q, 1)
		q.Shutdown(false)
		_, err := tk.Await(ctx)
		check.Equal(t, "Put", err, ErrQueueShutDown)
	})
}

func TestQueueShutdownImmediatelyDropsItems(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(0)
			check.NoError(t, q.PutNowait(1))
			join := spawn(ctx, q.Join)
			yield(ctx)
			q.Shutdown(true)
			check.Equal(t, "Size", q.Size(), 0)
			yield(ctx)
			check.True(t, "join.Done", join.Done())
			succeeds(t, ctx, join)
			isShutDown(t, ctx, q)
			check.Is(t, q.TaskDone(), ErrTooOften)
		})
	})
}

func TestQueueShutdownImmediatelyCountsTheItemsThatWereTaken(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(0)
			check.NoError(t, q.PutNowait(1))
			check.NoError(t, q.PutNowait(1))
			join := spawn(ctx, q.Join)
			gets(t, ctx, q, 1)
			q.Shutdown(true)
			check.Equal(t, "Size", q.Size(), 0)
			yield(ctx)
			check.False(t, "join.Done", join.Done())
			isShutDown(t, ctx, q)
			check.NoError(t, q.TaskDone())
			check.Is(t, q.TaskDone(), ErrTooOften)
			yield(ctx)
			check.True(t, "join.Done", join.Done())
			succeeds(t, ctx, join)
		})
	})
}

// TaskDone may be called for items that are still in the queue; dropping them then
// must not make the count negative.
func TestQueueShutdownImmediatelyAfterReportingTooEarly(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		q := k.queue(0)
		check.NoError(t, q.PutNowait(1))
		check.NoError(t, q.PutNowait(2))
		check.NoError(t, q.TaskDone())
		q.Shutdown(false)
		q.Shutdown(true) // may be called again
		check.Is(t, q.TaskDone(), ErrTooOften)
		check.NoError(t, q.Join(context.Background()))
	})
}

func TestQueueAllEndsAtShutdown(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind) {
		run(t, func(ctx context.Context) {
			q := k.queue(2)
			var got []int
			consumer := spawn(ctx, func(ctx context.Context) error {
				for item, err := range q.All(ctx) {
					if err != nil {
						return err
					}
					got = append(got, item)
				}
				return nil
			})
			for i := range 10 {
				check.NoError(t, q.Put(ctx, i))
			}
			q.Shutdown(false)
			succeeds(t, ctx, consumer)
			slices.Sort(got)
			check.Equal(t, "items", got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
		})
	})
}

func TestQueueAllReportsAnErrorOnceAndEnds(t *testing.T) {
	run(t, func(ctx context.Context) {
		var q Queue[int]
		check.NoError(t, q.PutNowait(7))
		var seen []any
		tk := spawn(ctx, func(ctx context.Context) error {
			var last error
			for item, err := range q.All(ctx) {
				seen = append(seen, item)
				last = err
			}
			return last
		})
		yield(ctx)
		tk.Cancel()
		isCancelled(t, ctx, tk)
		check.Equal(t, "items", seen, []any{7, 0})
	})
}

func TestQueueAllCanBeLeft(t *testing.T) {
	var q Queue[int]
	for i := range 3 {
		check.NoError(t, q.PutNowait(i))
	}
	for item, err := range q.All(context.Background()) {
		check.NoError(t, err)
		if item == 1 {
			break
		}
	}
	getsNow(t, &q, 2)
}

// A queue keeps none of the items alive that were taken from it.
func TestQueueLetsGoOfItsItems(t *testing.T) {
	type item struct {
		number int
		_      [7]int // too large to share its memory with other items
	}
	compare := func(a, b *item) int { return a.number - b.number }
	for name, q := range map[string]anyQueue[*item]{
		"Queue":         NewQueue[*item](0),
		"LifoQueue":     NewLifoQueue[*item](0),
		"PriorityQueue": NewPriorityQueueFunc(0, compare),
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 1000 {
				check.NoError(t, q.PutNowait(&item{number: i}))
			}
			var taken []weak.Pointer[item]
			for range 990 {
				i, err := q.GetNowait()
				check.NoError(t, err)
				taken = append(taken, weak.Make(i))
			}
			runtime.GC()
			alive := 0
			for _, i := range taken {
				if i.Value() != nil {
					alive++
				}
			}
			check.Equal(t, "items alive", alive, 0)
			runtime.KeepAlive(q)
		})
	}
}

// A waiter that is cancelled without having been woken has no turn to pass on: another
// one would be woken for nothing, and go to the end of the line.
func TestQueueWaiterCancelledBesideOneThatIsWokenWakesNobody(t *testing.T) {
	putters := func(ctx context.Context, t *tasktest.T, q *Queue[string]) []string {
		check.NoError(t, q.PutNowait("full"))
		tasks := waitInLine(ctx, func(ctx context.Context, name string) error { return q.Put(ctx, name) })
		tasks[1].Cancel()
		var got []string
		for range 4 {
			item, err := q.GetNowait()
			check.NoError(t, err)
			got = append(got, item)
			check.NoError(t, t.WaitAllBlocked(ctx))
		}
		return got
	}
	getters := func(ctx context.Context, t *tasktest.T, q *Queue[string]) (got []string) {
		tasks := waitInLine(ctx, func(ctx context.Context, name string) error {
			_, err := q.Get(ctx)
			if err == nil {
				got = append(got, name)
			}
			return err
		})
		tasks[1].Cancel()
		got = append(got, "full")
		for range 3 {
			check.NoError(t, q.PutNowait("item"))
			check.NoError(t, t.WaitAllBlocked(ctx))
		}
		return got
	}
	for name, of := range map[string]func(context.Context, *tasktest.T, *Queue[string]) []string{"putters": putters, "getters": getters} {
		t.Run(name, func(t *testing.T) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				check.Equal(t, "order", of(ctx, t, NewQueue[string](1)), []string{"full", "a", "c", "d"})
			})
		})
	}
}

// waitInLine starts the tasks a, b, c and d, and lets them wait.
func waitInLine(ctx context.Context, wait func(ctx context.Context, name string) error) (tasks []*task.Task[struct{}]) {
	for _, name := range []string{"a", "b", "c", "d"} {
		tasks = append(tasks, spawn(ctx, func(ctx context.Context) error { return wait(ctx, name) }))
	}
	yield(ctx)
	return tasks
}
