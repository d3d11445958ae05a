package tasktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// These tests show how a test is run. They are no examples of godoc, since an example has no
// *testing.T.

// A client gives up after an hour, which takes no time. The server is cancelled at the end.
func TestRunExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		requests := sync.NewQueue[string](0)
		t.Background(ctx, "server", func(ctx context.Context) error {
			for {
				if _, err := requests.Get(ctx); err != nil {
					return err
				}
				// It forgets to answer.
			}
		})
		answer := future.New[string](t.Loop())
		err := task.WithTimeout(ctx, time.Hour, func(ctx context.Context) error {
			if err := requests.Put(ctx, "a question"); err != nil {
				return err
			}
			_, err := answer.Await(ctx)
			return err
		})
		if !errors.Is(err, future.ErrTimeout) || t.Elapsed() != time.Hour {
			t.Errorf("the request ended with %v after %v", err, t.Elapsed())
		}
	})
}

// A test looks at a program while its clock stands, and moves the clock on.
func TestAdvanceExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		t.Autojump(false)
		beats := 0
		t.Background(ctx, "heart", func(ctx context.Context) error {
			for {
				if err := task.Sleep(ctx, time.Second); err != nil {
					return err
				}
				beats++
			}
		})
		for minute := range 3 {
			if err := t.Advance(ctx, time.Minute); err != nil {
				t.Fatal(err)
			}
			if want := 60 * (minute + 1); beats != want {
				t.Errorf("%d beats after %v, want %d", beats, t.Elapsed(), want)
			}
		}
	})
}

// What is expected fails no test: here a panic that reaches the loop's exception handler.
func TestExpectExample(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		failures := 0
		t.Expect(func(e loop.ExceptionContext) bool {
			failures++
			var p *loop.PanicError
			return errors.As(e.Err, &p) && p.Value == "out of paper"
		})
		t.Loop().CallSoon(func() { panic("out of paper") })
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Fatal(err)
		}
		if failures != 1 {
			t.Errorf("%d failures", failures)
		}
	})
}

// Tasks, goroutines and contexts share the clock of a bubble.
func TestBubbleExample(t *testing.T) {
	tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) {
		results := make(chan int)
		go func() { // it knows nothing of the loop
			time.Sleep(time.Hour)
			results <- 42
		}()
		hasty, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, _, err := task.Receive(hasty, results); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first Receive: %v", err)
		}
		v, _, err := task.Receive(ctx, results)
		if v != 42 || err != nil || t.Elapsed() != time.Hour {
			t.Errorf("received %d, %v after %v", v, err, t.Elapsed())
		}
	})
}

// A test without tasks runs its loop itself.
func TestNewLoopExample(t *testing.T) {
	l, clock := tasktest.NewLoop(t)
	begin := clock.Now()
	l.CallLater(time.Hour, l.Stop)
	if err := l.RunForever(); err != nil {
		t.Fatal(err)
	}
	if d := clock.Now().Sub(begin); d != time.Hour {
		t.Errorf("%v have passed", d)
	}
}
