package sync

import (
	"context"
	"fmt"
)

// acquirer is what With works on: everything asyncio uses with async with, apart
// from barriers.
type acquirer interface {
	fmt.Stringer
	Acquire(ctx context.Context) error
	Release() error
}

// with calls fn between Acquire and Release. Release is called however fn ends,
// be it with a panic or runtime.Goexit. An error of Release comes out instead of
// one of fn, as the exception of __aexit__ does: it must not pass for fn's, which
// might be a cancellation. The text keeps both.
func with(ctx context.Context, a acquirer, fn func() error) (err error) {
	if err := a.Acquire(ctx); err != nil {
		return err
	}
	defer func() {
		switch failure := a.Release(); {
		case failure == nil:
		case err == nil:
			err = failure
		default:
			err = fmt.Errorf("%w (after: %v)", failure, err)
		}
	}()
	return fn()
}
