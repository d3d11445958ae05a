package sync

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestLocksWithHoldsForItsBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				other := spawn(ctx, func(ctx context.Context) error {
					check.True(t, "Locked while its body sleeps", l.Locked())
					return l.With(ctx, func() error { return nil })
				})
				check.NoError(t, l.With(ctx, func() error {
					check.True(t, "Locked inside", l.Locked())
					check.NoError(t, task.Sleep(ctx, time.Second))
					check.True(t, "Locked after a sleep", l.Locked())
					check.False(t, "somebody else got in", other.Done())
					return nil
				}))
				succeeds(t, ctx, other)
				check.False(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithReturnsTheErrorOfItsBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				failure := errors.New("failure")
				check.Equal(t, "error", l.With(ctx, func() error { return failure }), failure)
				check.False(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithDoesNotCallItsBodyWhenCancelled(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				check.NoError(t, l.Acquire(ctx))
				tk := spawn(ctx, func(ctx context.Context) error {
					return l.With(ctx, func() error {
						t.Error("the body was called")
						return nil
					})
				})
				yield(ctx)
				tk.Cancel()
				isCancelled(t, ctx, tk)
				release(t, l)
				check.False(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithReleasesWhenItsBodyPanics(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				func() {
					defer func() { check.Equal(t, "recovered", recover(), "oops") }()
					_ = l.With(ctx, func() error { panic("oops") })
				}()
				check.False(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithReleasesWhenItsBodyExitsTheGoroutine(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = l.With(context.Background(), func() error {
					runtime.Goexit()
					return nil
				})
			}()
			<-done
			check.False(t, "Locked after", l.Locked())
		})
	}
}

func TestLocksWithRefusesANilBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			check.Is(t, l.With(context.Background(), nil), loop.ErrNilFunc)
			check.False(t, "Locked after", l.Locked())
		})
	}
}

// The error of Release replaces that of the body, as an exception in Python's
// __aexit__ does, and does not match it: here, a cancellation.
func TestLocksWithReportsAFailedReleaseBeforeTheErrorOfItsBody(t *testing.T) {
	for name, l := range map[string]releasable{
		"Lock":             new(Lock),
		"Condition":        new(Condition),
		"BoundedSemaphore": new(BoundedSemaphore),
	} {
		t.Run(name, func(t *testing.T) {
			rule := ErrNotAcquired
			if name == "BoundedSemaphore" {
				rule = ErrTooOften
			}
			run(t, func(ctx context.Context) {
				err := l.With(ctx, l.Release)
				check.Is(t, err, rule)
				check.False(t, "there is another error", strings.Contains(err.Error(), "after"))

				err = l.With(ctx, func() error {
					check.NoError(t, l.Release())
					return &future.CancelledError{Message: "stop it"}
				})
				check.Is(t, err, rule)
				check.False(t, "IsCancelled", future.IsCancelled(err))
				check.True(t, "the text has both", strings.Contains(err.Error(), "stop it"))
			})
		})
	}
}

func TestLocksRefuseAReleaseTooMany(t *testing.T) {
	for name, c := range map[string]struct {
		object releasable
		rule   error
		text   string
	}{
		"Lock":      {new(Lock), ErrNotAcquired, "sync: <Lock [unlocked]>: cannot release: the lock is not acquired"},
		"Condition": {new(Condition), ErrNotAcquired, "sync: <Condition [unlocked]>: cannot release: the lock is not acquired"},
		"BoundedSemaphore": {new(BoundedSemaphore), ErrTooOften,
			"sync: <BoundedSemaphore [unlocked, value:1]>: cannot release: called too many times"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.object.Release()
			check.Is(t, err, c.rule)
			check.Equal(t, "text", err.Error(), c.text)
		})
	}
}
