package future_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What has an effect on a future is refused on a goroutine outside of its loop, whether
// the loop sleeps or is running a task, and changes nothing.
func TestFutureForAForeignGoroutineIsRefused(t *testing.T) {
	for _, state := range []string{"asleep", "running"} {
		t.Run(state, func(t *testing.T) {
			l, clock := tasktest.NewLoop(t)
			check.ForeignCalls(l)
			asleep := check.Asleep(clock.Virtual)
			check.RunOn(t, l, func(ctx context.Context) {
				calls := 0
				f, done, p := future.New[int](l), future.New[int](l), future.NewPromise[int](l)
				check.NoError(t, done.SetResult(1))
				cb := f.AddDoneCallback(func() { calls++ })
				waiters := []*task.Task[int]{task.Create(ctx, f.Await), task.Create(ctx, p.Future().Await)}
				if err := task.Yield(ctx); err != nil {
					t.Fatal(err)
				}
				text := func() string { return fmt.Sprint(f, p.Future(), waiters) }
				before := text()

				gate := future.New[int](l)
				tried := make(chan struct{})
				go func() {
					if state == "asleep" {
						<-asleep
					}
					tryAll(t, ctx, f, done, p, cb)
					close(tried)
					_, err := l.CallSoonThreadsafe(func() { check.NoError(t, gate.SetResult(3)) })
					check.NoError(t, err)
				}()
				if state == "running" {
					<-tried // and blocks the loop until then
				}
				v, err := gate.Await(ctx)
				check.NoError(t, err)
				check.Equal(t, "result of the gate", v, 3)

				check.Equal(t, "the futures", text(), before)
				check.NoError(t, f.SetResult(7))
				check.NoError(t, p.SetResult(7))
				for _, tk := range waiters {
					v, err := tk.Await(ctx)
					check.NoError(t, err)
					check.Equal(t, "result", v, 7)
				}
				check.Equal(t, "calls of callbacks", calls, 1)
			})
			check.NoError(t, l.Close())
		})
	}
}

// tryAll does all that is refused, on a goroutine outside the loop.
func tryAll(t *testing.T, ctx context.Context, f, done *future.Future[int], p *future.Promise[int], cb *future.Callback) {
	for _, wrong := range []struct {
		name string // how the refusal begins, up to the address
		call func() error
	}{
		{"future: SetResult of <Future", func() error { return f.SetResult(1) }},
		{"future: SetException of <Future", func() error { return f.SetException(errTest) }},
		{"future: Cancel of <Future", func() error { f.Cancel(); return nil }},
		{"future: Cancel of <Future", func() error { p.Future().Cancel(); return nil }},
		{"future: Result of <Future", func() error { return second(f.Result()) }},
		{"future: Result of <Future", func() error { return second(done.Result()) }},
		{"future: Result of <Future", func() error { return second(p.Future().Result()) }},
		{"future: Err of <Future", func() error { return p.Future().Err() }},
		{"future: Err of <Future", func() error { return f.Err() }},
		{"future: Err of <Future", func() error { return done.Err() }},
		{"future: AddDoneCallback of <Future", func() error { f.AddDoneCallback(func() { t.Error("called") }); return nil }},
		{"future: AddDoneCallback of <Future", func() error { done.AddDoneCallback(func() { t.Error("called") }); return nil }},
		{"future: RemoveDoneCallback of <Future", func() error { f.RemoveDoneCallback(cb); return nil }},
		{"future: SetResult of <Future", func() error { return p.SetResult(1) }},
		{"future: SetException of <Future", func() error { return p.SetException(errTest) }},
		{"loop: Wrap of <Loop", func() error { future.Wrap(f.Loop(), new(future.Concurrent[int])); return nil }},
	} {
		panicked := false
		err := func() (err error) {
			defer func() {
				if value := recover(); value != nil {
					err = value.(error)
					panicked = true
				}
			}()
			return wrong.call()
		}()
		check.Is(t, err, loop.ErrWrongGoroutine, wrong.name+" 0x", "use CallSoonThreadsafe")
		op := strings.Fields(wrong.name)[1]
		check.Equal(t, op+" returns the error", !panicked, slices.Contains([]string{"SetResult", "SetException", "Result", "Err"}, op))
	}
	if _, err := f.Await(ctx); !errors.Is(err, task.ErrNotCurrent) {
		t.Errorf("Await: got %v, want %v", err, task.ErrNotCurrent)
	}
}
