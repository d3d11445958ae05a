package sync

import (
	"context"
	"fmt"
)

// with calls fn between acquire and release. It releases however fn ends: by
// returning, by a panic or by runtime.Goexit.
//
// An error of release replaces that of fn, as an exception in Python's __aexit__
// does. It keeps the text of fn's error but does not wrap it: a lock that somebody
// else has released must not pass for a cancellation, say.
func with(ctx context.Context, acquire func(context.Context) error, release, fn func() error) (err error) {
	if fn == nil {
		return nilFunc("With")
	}
	if err := acquire(ctx); err != nil {
		return err
	}
	defer func() {
		switch failure := release(); {
		case failure == nil:
		case err == nil:
			err = failure
		default:
			err = fmt.Errorf("%w (after: %v)", failure, err)
		}
	}()
	return fn()
}
