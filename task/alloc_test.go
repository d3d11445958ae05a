package task_test

import (
	"context"
	"slices"
	"testing"
	"unsafe"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func seven(context.Context) (int, error) { return 7, nil }

func TestTaskIsASmallObject(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("the sizes are those of 64-bit processors")
	}
	if size := unsafe.Sizeof(task.Task[int]{}); size > 256 {
		t.Errorf("%d bytes: the allocator would take more than 256", size)
	}
	if size := unsafe.Sizeof(task.Task[struct{}]{}); size > 256 {
		t.Errorf("%d bytes without a result: the allocator would take more than 256", size)
	}
}

// allocations is how many objects fn allocates, called by a task.
func allocations(t *testing.T, fn func() error) float64 {
	t.Helper()
	if testing.AllocsPerRun(1, func() { kernel.Goroutine() }) > 0 {
		t.Skip("on this processor telling goroutines apart allocates")
	}
	return testing.AllocsPerRun(100, func() {
		if err := fn(); err != nil {
			t.Error(err)
		}
	})
}

func TestYieldAllocatesNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var lock sync.Lock
		switches := map[string]func(ctx context.Context) error{
			"Yield": task.Yield,
			"Lock": func(ctx context.Context) error {
				return lock.With(ctx, func() error { return task.Yield(ctx) })
			},
		}
		for name, once := range switches {
			over := false
			for range 9 {
				task.Go(ctx, func(ctx context.Context) error {
					for !over {
						if err := once(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if n := allocations(t, func() error { return once(ctx) }); n != 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
			over = true
		}
	})
}

func TestTaskIsOneAllocation(t *testing.T) {
	const many = 1000
	coroutines := slices.Repeat([]task.Coroutine[int]{seven}, many)
	nothing := func(context.Context) error { return nil }
	runTest(t, func(ctx context.Context) {
		created := allocations(t, func() error {
			_, err := task.Create(ctx, seven).Await(ctx)
			return err
		})
		check.Equal(t, "created", created, 1.0)

		withoutResult := allocations(t, func() error {
			_, err := task.Go(ctx, nothing).Await(ctx)
			return err
		})
		check.Equal(t, "without a result", withoutResult, 1.0)

		gathered := allocations(t, func() error {
			_, err := task.Gather(ctx, coroutines...).Await(ctx)
			return err
		})
		if gathered > many+10 {
			t.Errorf("gathering %d: %v allocations", many, gathered)
		}

		grouped := allocations(t, func() error {
			return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				for range many {
					g.Go(nothing)
				}
				return nil
			})
		})
		if grouped > many+10 {
			t.Errorf("a group of %d: %v allocations", many, grouped)
		}
	})
}

// One of the two is the channel on which the caller waits.
func TestWhatComesFromOutsideIsTwoAllocations(t *testing.T) {
	l := loop.New()
	defer l.Close()
	limited, cancel := context.WithCancel(context.Background())
	defer cancel()
	serve(t, l, func() {
		for name, once := range map[string]func() error{
			"RunCoroutineThreadsafe":         func() error { return second(task.RunCoroutineThreadsafe(l, seven).Result(limited)) },
			"Call":                           func() error { return second(task.Call(context.Background(), l, seven)) },
			"Call in a context that may end": func() error { return second(task.Call(limited, l, seven)) },
		} {
			check.Equal(t, name, allocations(t, once), 2.0)
		}
		done := make(chan struct{})
		signal := func() { done <- struct{}{} }
		check.Equal(t, "CallSoonThreadsafe", allocations(t, func() error {
			_, err := l.CallSoonThreadsafe(signal)
			<-done
			return err
		}), 1.0)
	})
}

// One of the two of a thread is the function that the executor gets, and two of the three
// of Receive are its goroutine and the channel that ends it.
func TestWhatGoesOutsideAllocatesLittle(t *testing.T) {
	l := loop.New()
	defer l.Close()
	nothing := func() (int, error) { return 7, nil }
	check.RunOn(t, l, func(ctx context.Context) {
		check.Equal(t, "ToThread", allocations(t, func() error { return second(task.ToThread(ctx, seven)) }), 2.0)
		check.Equal(t, "ToThreadUntilDone", allocations(t, func() error { return second(task.ToThreadUntilDone(ctx, seven)) }), 3.0)
		check.Equal(t, "RunInExecutor", allocations(t, func() error {
			return second(task.RunInExecutor(l, nil, nothing).Await(ctx))
		}), 2.0)

		ch, ask, stop := sender()
		defer stop()
		check.Equal(t, "Receive", allocations(t, func() error {
			l.CallSoon(ask) // when the task waits
			_, _, err := task.Receive(ctx, ch)
			return err
		}), 3.0)
	})
}

func TestTasksThatNeverSuspendShareAGoroutine(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		goroutines := make(map[uintptr]int)
		for range 1000 {
			task.Go(ctx, func(context.Context) error {
				goroutines[kernel.Goroutine()]++
				return nil
			})
		}
		check.NoError(t, task.Yield(ctx))
		check.Equal(t, "goroutines", len(goroutines), 1)
	})
}

func TestGoroutinesAreUsedAgain(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		goroutines := make(map[uintptr]int)
		for range 100 {
			check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				for range 10 {
					g.Go(func(ctx context.Context) error {
						goroutines[kernel.Goroutine()]++
						return task.Yield(ctx)
					})
				}
				return nil
			}))
		}
		check.Equal(t, "goroutines", len(goroutines), 10)
	})
}
