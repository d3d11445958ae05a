package task_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestStatsCountStepsAndTasks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		before := l.Stats()
		a := task.Create(ctx, func(ctx context.Context) (int, error) {
			ticks(ctx, 3)
			return 1, nil
		})
		gives(t, ctx, a, 1)
		s := l.Stats().Sub(before)
		check.Equal(t, "Steps", s.Steps, 1+3+1) // those of a, and that of main which goes on
		check.Equal(t, "TasksCreated", s.TasksCreated, 1)
		check.Equal(t, "TasksReturned", s.TasksReturned, 1)
		check.Equal(t, "Tasks", s.Tasks, 1)
		check.Equal(t, "Blocked", s.Blocked, 0)
	})
}

func TestStatsCountTheGoroutinesOfCoroutines(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		before := l.Stats()
		check.Equal(t, "Workers", before.Workers-before.IdleWorkers, 1) // main's
		var tasks []*task.Task[int]
		for range 5 {
			tasks = append(tasks, task.Create(ctx, returns(time.Second, 1)))
		}
		tick(ctx)
		s := l.Stats()
		check.Equal(t, "busy workers", s.Workers-s.IdleWorkers, 6)
		for _, a := range tasks {
			gives(t, ctx, a, 1)
		}
		tick(ctx) // the last one is retired
		s = l.Stats()
		check.Equal(t, "busy workers", s.Workers-s.IdleWorkers, 1)
		check.Equal(t, "Workers", s.Workers, int(s.WorkersStarted))
	})
}

// A function in a thread may ask as well. It gets an answer since its task waits, so that
// the loop sleeps.
func TestStatsAreReadInAThread(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		s, err := task.ToThread(ctx, func(ctx context.Context) (loop.Stats, error) {
			return loop.Running(ctx).Stats(), nil
		})
		check.NoError(t, err)
		check.Equal(t, "Tasks", s.Tasks, 1)
		check.Equal(t, "Threads", s.Threads, 1)
	})
}

// census is all tasks of a random program.
type census []task.Any

// count returns how many of them ended in which way.
func (c census) count() (returned, failed, cancelled, left uint64) {
	for _, t := range c {
		switch {
		case !t.Done():
			left++
		case t.Cancelled():
			cancelled++
		case t.Err() != nil:
			failed++
		default:
			returned++
		}
	}
	return returned, failed, cancelled, left
}

// randomly makes a coroutine that does at random what a coroutine can do, and creates
// others as long as there is budget.
func (c *census) randomly(random *rand.Rand, budget *int) task.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		for {
			switch n := random.IntN(12); {
			case n < 3 && *budget > 0:
				*budget--
				var opts []task.Option
				if n == 0 {
					opts = append(opts, task.Eager())
				}
				*c = append(*c, task.Create(ctx, c.randomly(random, budget), opts...))
			case n < 6:
				if err := task.Yield(ctx); err != nil {
					return 0, err
				}
			case n < 8:
				if err := task.Sleep(ctx, time.Duration(random.IntN(3))*time.Second); err != nil {
					return 0, err
				}
			case n == 8:
				(*c)[random.IntN(len(*c))].Cancel()
			case n == 9:
				return 1, nil
			case n == 10:
				return 0, errTest
			case n == 11 && random.IntN(3) == 0:
				panic(errTest)
			}
		}
	}
}

func TestStatsOfRandomProgramsAddUp(t *testing.T) {
	for seed := range uint64(100) {
		l, _ := tasktest.NewLoop(t, patience, tasktest.AllowTasks())
		l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {})
		random := rand.New(rand.NewPCG(seed, 0))
		c, budget := new(census), 30
		main := task.CreateOn(l, func(ctx context.Context) (int, error) {
			for range 10 {
				*c = append(*c, task.Create(ctx, c.randomly(random, &budget)))
				_ = task.Sleep(ctx, time.Second) // it may be cancelled as all others
				s := l.Stats()
				check.Equal(t, "TasksCreated", s.TasksCreated, uint64(len(*c)))
				check.Equal(t, "Tasks", s.Tasks, len(task.All(ctx)))
			}
			return 0, nil
		})
		*c = append(*c, main)
		_, err := task.RunUntilComplete(l, main)
		check.NoError(t, err)
		s := l.Stats()
		returned, failed, cancelled, left := c.count()
		check.Equal(t, "TasksCreated", s.TasksCreated, uint64(len(*c)))
		check.Equal(t, "TasksReturned", s.TasksReturned, returned)
		check.Equal(t, "TasksFailed", s.TasksFailed, failed)
		check.Equal(t, "TasksCancelled", s.TasksCancelled, cancelled)
		check.Equal(t, "Tasks", s.Tasks, int(left))
		// Each handle that was taken belonged to the batch of an iteration.
		var most, least int64
		for bound, n := range s.Batch.Buckets() {
			if n > 0 {
				most += bound * int64(n)
				least += bound / 2 * int64(n) // and more; a batch of 1 may be one of 0
			}
		}
		if taken := int64(s.Callbacks + s.Steps + s.Internal + s.Dropped); taken < least || taken > most {
			t.Errorf("%d handles were taken from batches of %d to %d together", taken, least, most)
		}
		check.NoError(t, l.Close())
		s = l.Stats()
		check.Equal(t, "TasksDestroyed", s.TasksDestroyed, left)
		check.Equal(t, "Tasks after Close", s.Tasks, 0)
		check.Equal(t, "sum", s.TasksReturned+s.TasksFailed+s.TasksCancelled+s.TasksDestroyed, s.TasksCreated)
		check.Equal(t, "Workers after Close", s.Workers, 0)
		check.Equal(t, "IdleWorkers after Close", s.IdleWorkers, 0)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Whoever reads is answered also while tasks hand the baton to each other, and changes
// nothing.
func TestStatsAreReadWhileTasksRun(t *testing.T) {
	var over atomic.Bool
	var readers sync.WaitGroup
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		answered := make(chan struct{}, 4)
		for range 4 {
			readers.Go(func() {
				var last loop.Stats
				for !over.Load() {
					s := l.Stats()
					if d := s.Sub(last); s.Steps < last.Steps || d.TasksCreated > s.TasksCreated || s.Tasks < 0 {
						t.Errorf("there were %d steps, and now there are %d; %d tasks", last.Steps, s.Steps, s.Tasks)
					}
					last = s
					select {
					case answered <- struct{}{}:
					default:
					}
					runtime.Gosched()
				}
			})
		}
		for range 50 { // answers
			<-answered // blocks the loop, which answers when it goes on
			var tasks []*task.Task[int]
			for range 10 {
				tasks = append(tasks, task.Create(ctx, func(ctx context.Context) (int, error) {
					ticks(ctx, 10)
					return task.SleepResult(ctx, time.Second, 1)
				}))
			}
			for _, a := range tasks {
				gives(t, ctx, a, 1)
			}
		}
		over.Store(true)
	})
	readers.Wait()
}
