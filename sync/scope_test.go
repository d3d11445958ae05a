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
)

func TestLocksWithHoldsForItsBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				other := spawn(ctx, func(ctx context.Context) error {
					isTrue(t, "Locked while its body sleeps", l.Locked())
					return l.With(ctx, func() error { return nil })
				})
				must(t, l.With(ctx, func() error {
					isTrue(t, "Locked inside", l.Locked())
					must(t, task.Sleep(ctx, time.Second))
					isTrue(t, "Locked after a sleep", l.Locked())
					isFalse(t, "somebody else got in", other.Done())
					return nil
				}))
				succeeds(t, ctx, other)
				isFalse(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithReturnsTheErrorOfItsBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				failure := errors.New("failure")
				equal(t, "error", l.With(ctx, func() error { return failure }), failure)
				isFalse(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithDoesNotCallItsBodyWhenCancelled(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				must(t, l.Acquire(ctx))
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
				isFalse(t, "Locked after", l.Locked())
			})
		})
	}
}

func TestLocksWithReleasesWhenItsBodyPanics(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				func() {
					defer func() { equal(t, "recovered", recover(), "oops") }()
					_ = l.With(ctx, func() error { panic("oops") })
				}()
				isFalse(t, "Locked after", l.Locked())
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
			isFalse(t, "Locked after", l.Locked())
		})
	}
}

func TestLocksWithRefusesANilBody(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			refused(t, l.With(context.Background(), nil), loop.ErrNilFunc)
			isFalse(t, "Locked after", l.Locked())
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
				refused(t, err, rule)
				isFalse(t, "there is another error", strings.Contains(err.Error(), "after"))

				err = l.With(ctx, func() error {
					must(t, l.Release())
					return &future.CancelledError{Message: "stop it"}
				})
				refused(t, err, rule)
				isFalse(t, "IsCancelled", future.IsCancelled(err))
				isTrue(t, "the text has both", strings.Contains(err.Error(), "stop it"))
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
			refused(t, err, c.rule)
			equal(t, "text", err.Error(), c.text)
		})
	}
}
