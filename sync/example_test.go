package sync_test

import (
	"context"
	"errors"
	"fmt"

	asyncsync "github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

// run runs a program as asyncio.run does.
func run(main func(ctx context.Context) error) {
	if err := task.Main(context.Background(), main); err != nil {
		fmt.Println("error:", err)
	}
}

// A lock protects what spans an await: here, no other task may run between reading
// the balance and writing it back.
func ExampleLock() {
	var lock asyncsync.Lock
	balance := 100
	withdraw := func(amount int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return lock.With(ctx, func() error {
				before := balance
				if before < amount {
					fmt.Printf("%d: refused, there is only %d\n", amount, before)
					return nil
				}
				if err := task.Yield(ctx); err != nil { // say, ask the bank
					return err
				}
				balance = before - amount
				fmt.Printf("%d: paid, %d left\n", amount, balance)
				return nil
			})
		}
	}
	run(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, amount := range []int{70, 60, 20} {
				g.Go(withdraw(amount))
			}
			return nil
		})
	})
	// Output:
	// 70: paid, 30 left
	// 60: refused, there is only 30
	// 20: paid, 10 left
}

// The error of Release shows a bug: the lock is not locked.
func ExampleLock_Release() {
	var lock asyncsync.Lock
	fmt.Println(lock.Release())
	// Output: sync: <Lock [unlocked]>: cannot release: the lock is not acquired
}

// Two tasks wait for the same event.
func ExampleEvent() {
	run(func(ctx context.Context) error {
		var started asyncsync.Event
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, name := range []string{"a", "b"} {
				g.Go(func(ctx context.Context) error {
					if err := started.Wait(ctx); err != nil {
						return err
					}
					fmt.Println(name, "goes")
					return nil
				})
			}
			if err := task.Yield(ctx); err != nil {
				return err
			}
			fmt.Println("ready, steady")
			started.Set()
			return nil
		})
	})
	// Output:
	// ready, steady
	// a goes
	// b goes
}

// One task waits until another one has put enough into the basket that they share.
func ExampleCondition() {
	run(func(ctx context.Context) error {
		var changed asyncsync.Condition
		var basket []string
		cook := task.Go(ctx, func(ctx context.Context) error {
			return changed.With(ctx, func() error {
				err := changed.WaitFor(ctx, func() bool { return len(basket) >= 2 })
				if err != nil {
					return err
				}
				fmt.Println("cooking", basket)
				return nil
			})
		})
		for _, item := range []string{"rice", "beans"} {
			err := changed.With(ctx, func() error {
				basket = append(basket, item)
				fmt.Println("bought", item)
				return changed.Notify(1)
			})
			if err != nil {
				return err
			}
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return cook.Join(ctx)
	})
	// Output:
	// bought rice
	// bought beans
	// cooking [rice beans]
}

// A semaphore limits how many tasks do something at the same time.
func ExampleSemaphore() {
	atOnce := asyncsync.NewSemaphore(2)
	active, most := 0, 0
	fetch := func(ctx context.Context) error {
		return atOnce.With(ctx, func() error {
			active++
			most = max(most, active)
			defer func() { active-- }()
			return task.Yield(ctx) // say, download a page
		})
	}
	run(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for range 10 {
				g.Go(fetch)
			}
			return nil
		})
	})
	fmt.Println("at most", most, "at once")
	// Output: at most 2 at once
}

// A bounded semaphore reports a Release too many.
func ExampleBoundedSemaphore() {
	slots := asyncsync.NewBoundedSemaphore(2)
	err := slots.Release()
	fmt.Println(errors.Is(err, asyncsync.ErrTooOften))
	// Output: true
}

// Tasks work in phases: none begins a phase before all have finished the one before.
func ExampleBarrier() {
	phase := asyncsync.NewBarrier(3)
	worker := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for _, work := range []string{"measures", "cuts"} {
				fmt.Println(name, work)
				index, err := phase.Wait(ctx)
				if err != nil {
					return err
				}
				if index == 0 { // one of them, no matter which
					fmt.Println("--")
				}
				if _, err := phase.Wait(ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	run(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, name := range []string{"Ann", "Ben", "Cem"} {
				g.Go(worker(name))
			}
			return nil
		})
	})
	// Output:
	// Ann measures
	// Ben measures
	// Cem measures
	// --
	// Ann cuts
	// Ben cuts
	// Cem cuts
	// --
}

// Two workers share a queue. Join returns when all jobs are done; the workers, which
// wait for more, are then cancelled.
func ExampleQueue() {
	var jobs asyncsync.Queue[int]
	worker := func(name string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for n, err := range jobs.All(ctx) {
				if err != nil {
					return err
				}
				if err := task.Yield(ctx); err != nil { // the work
					return err
				}
				fmt.Printf("%s: %d squared is %d\n", name, n, n*n)
				if err := jobs.TaskDone(); err != nil {
					return err
				}
			}
			return nil
		}
	}
	run(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, name := range []string{"a", "b"} {
				g.Go(worker(name))
			}
			for n := range 6 {
				if err := jobs.Put(ctx, n); err != nil {
					return err
				}
			}
			err := jobs.Join(ctx)
			g.Cancel()
			return err
		})
	})
	// Output:
	// a: 0 squared is 0
	// b: 1 squared is 1
	// a: 2 squared is 4
	// b: 3 squared is 9
	// a: 4 squared is 16
	// b: 5 squared is 25
}

// The producer shuts the queue down when it has put everything. The consumer's loop
// ends when it has taken everything.
func ExampleQueue_Shutdown() {
	run(func(ctx context.Context) error {
		lines := asyncsync.NewQueue[string](1)
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				defer lines.Shutdown(false)
				for _, line := range []string{"one", "two", "three"} {
					if err := lines.Put(ctx, line); err != nil {
						return err
					}
				}
				return nil
			})
			for line, err := range lines.All(ctx) {
				if err != nil {
					return err
				}
				fmt.Println(line)
			}
			fmt.Println("that was all")
			return nil
		})
	})
	// Output:
	// one
	// two
	// three
	// that was all
}

// The least item comes out first: here, the job with the lowest priority number.
func ExamplePriorityQueue() {
	type job struct {
		priority int
		name     string
	}
	q := asyncsync.NewPriorityQueueFunc(0, func(a, b job) int { return a.priority - b.priority })
	for _, j := range []job{{2, "sweep"}, {1, "put out the fire"}, {3, "rest"}} {
		if err := q.PutNowait(j); err != nil {
			fmt.Println(err)
		}
	}
	q.Shutdown(false)
	for j, err := range q.All(context.Background()) {
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(j.name)
	}
	// Output:
	// put out the fire
	// sweep
	// rest
}

// The item put last comes out first.
func ExampleLifoQueue() {
	var plates asyncsync.LifoQueue[string]
	for _, plate := range []string{"blue", "white", "red"} {
		if err := plates.PutNowait(plate); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(&plates)
	plate, err := plates.GetNowait()
	fmt.Println(plate, err)
	// Output:
	// <LifoQueue maxsize=0 _queue=["blue", "white", "red"] tasks=3>
	// red <nil>
}
