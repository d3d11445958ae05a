package tasktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// These tests show how the parts of the package are used that deal with order. They are no
// examples of godoc, since an example has no *testing.T.

// A producer and a consumer note what they do. The test states the whole order, with the
// times.
func TestEventsExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		e := t.Events()
		q := sync.NewQueue[int](1)
		t.Background(ctx, "consumer", func(ctx context.Context) error {
			for {
				v, err := q.Get(ctx)
				if err != nil {
					return err
				}
				e.Addf("got %d", v)
				if err := task.Sleep(ctx, time.Second); err != nil { // it is slow
					return err
				}
			}
		})
		for v := range 3 {
			if err := q.Put(ctx, v); err != nil {
				t.Fatal(err)
			}
			e.Addf("put %d", v)
		}
		e.Want(
			"0s main: put 0",
			"0s consumer: got 0",
			"0s main: put 1",
			"1s consumer: got 1",
			"1s main: put 2",
		)
	})
}

// Two requests are answered at the same time, so the order is open. What is stated must hold in
// each.
func TestEventsExampleInEveryOrder(t *testing.T) {
	tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
		e := t.Events()
		e.Never("late")
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, name := range []string{"ann", "bob"} {
				g.Go(func(ctx context.Context) error {
					e.Add("asks")
					err := task.WithTimeout(ctx, 2*time.Second, func(ctx context.Context) error {
						return task.Sleep(ctx, time.Second)
					})
					if err != nil {
						e.Add("late")
						return err
					}
					e.Add("ends")
					return nil
				}, task.Name(name))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		e.Before("ann: asks", "ann: ends")
		e.Before("bob: asks", "bob: ends")
		e.Count("ends", 2)
	})
}

// Both tasks have the old balance before either writes a new one: the worst order, on purpose.
func TestSequencerExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var order tasktest.Sequencer
		balance := 100
		deposit := func(amount, read, write int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				old := 0
				err := order.Do(ctx, read, func(context.Context) error {
					old = balance
					return nil
				})
				if err != nil {
					return err
				}
				return order.Do(ctx, write, func(context.Context) error {
					balance = old + amount
					return nil
				})
			}
		}
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(deposit(10, 0, 2))
			g.Go(deposit(20, 1, 3))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if balance != 120 { // one deposit is lost
			t.Errorf("the balance is %d", balance)
		}
	})
}

// A free lock is acquired without giving way to others, and a taken one is not.
func TestSuspendsExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var lock sync.Lock
		if err := t.NeverSuspends(ctx, lock.Acquire); err != nil {
			t.Fatal(err)
		}
		t.Loop().CallLater(time.Second, func() {
			if err := lock.Release(); err != nil {
				t.Error(err)
			}
		})
		if err := t.Suspends(ctx, lock.Acquire); err != nil {
			t.Fatal(err)
		}
	})
}

// Money moves from account to account. None is lost at any time, and in the end all is in one
// place.
func TestMonitorsExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		from, to := 50, 0
		t.Always("no money is lost", func() bool { return from+to == 50 })
		t.Background(ctx, "mover", func(ctx context.Context) error {
			for from > 0 {
				if err := task.Sleep(ctx, time.Second); err != nil {
					return err
				}
				from, to = from-10, to+10
			}
			return nil
		})
		t.Eventually("all has moved", 5*time.Second, func() bool { return to == 50 })
	})
}

func TestTableExample(t *testing.T) {
	tasktest.Table(t, map[string]struct{ timeout, want time.Duration }{
		"in time": {3 * time.Second, 2 * time.Second},
		"late":    {1 * time.Second, 1 * time.Second},
	}, func(ctx context.Context, t *tasktest.T, c struct{ timeout, want time.Duration }) {
		_ = task.WithTimeout(ctx, c.timeout, func(ctx context.Context) error {
			return task.Sleep(ctx, 2*time.Second)
		})
		if t.Elapsed() != c.want {
			t.Errorf("it took %v, want %v", t.Elapsed(), c.want)
		}
	})
}

// A QueueSuite is a class of tests in Go: each of its tests has a queue of its own, filled on
// the loop.
type QueueSuite struct{ queue *sync.Queue[string] }

func (s *QueueSuite) AsyncSetUp(ctx context.Context, t *tasktest.T) {
	s.queue = sync.NewQueue[string](0)
	if err := s.queue.Put(ctx, "first"); err != nil {
		t.Fatal(err)
	}
}

func (s *QueueSuite) TestGet(ctx context.Context, t *tasktest.T) {
	if v, err := s.queue.Get(ctx); v != "first" || err != nil {
		t.Errorf("Get: %q, %v", v, err)
	}
}

func (s *QueueSuite) TestSize(_ context.Context, t *tasktest.T) {
	if n := s.queue.Size(); n != 1 {
		t.Errorf("Size: %d", n)
	}
}

func (s *QueueSuite) TearDown(*tasktest.T) { s.queue.Shutdown(true) }

func TestRunSuiteExample(t *testing.T) {
	tasktest.RunSuite(t, func() any { return new(QueueSuite) })
}
