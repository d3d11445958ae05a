package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A timeout around something that comes from another goroutine, for which the loop
// goes to sleep, beside many other timeouts.
func BenchmarkWaitForOutside(b *testing.B) {
	for _, live := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			_, err := task.Run(context.Background(), task.Void(func(ctx context.Context) error {
				l := loop.Running(ctx)
				for i := range live {
					l.CallLater(time.Hour+time.Duration(i*7919%live)*time.Millisecond, func() {})
				}
				asked := make(chan *future.Future[int])
				defer close(asked)
				go func() {
					for f := range asked {
						_, _ = l.CallSoonThreadsafe(func() { _ = f.SetResult(1) })
					}
				}()
				for b.Loop() {
					f := future.New[int](l)
					asked <- f
					if _, err := task.WaitFor(ctx, f, time.Minute); err != nil {
						return err
					}
				}
				return nil
			}))
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// Coroutines of another goroutine, one after the other. Request handlers have a context
// that may end.
func BenchmarkCall(b *testing.B) {
	limited, cancel := context.WithCancel(context.Background())
	defer cancel()
	for name, ctx := range map[string]context.Context{"background": context.Background(), "limited": limited} {
		b.Run("context="+name, func(b *testing.B) {
			l := loop.New()
			defer l.Close()
			ended := make(chan error)
			go func() { ended <- l.RunForever() }()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := task.Call(ctx, l, seven); err != nil {
					b.Fatal(err)
				}
			}
			l.Stop()
			if err := <-ended; err != nil {
				b.Fatal(err)
			}
		})
	}
}

// sender starts a goroutine that sends a value each time that it is asked to.
func sender() (ch <-chan int, ask, stop func()) {
	asked, values := make(chan struct{}), make(chan int)
	go func() {
		for range asked {
			values <- 7
		}
	}()
	return values, func() { asked <- struct{}{} }, func() { close(asked) }
}

func BenchmarkReceive(b *testing.B) {
	_, err := task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		l := loop.Running(ctx)
		ch, ask, stop := sender()
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			l.CallSoon(ask) // when the task waits
			if _, _, err := task.Receive(ctx, ch); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		b.Fatal(err)
	}
}
