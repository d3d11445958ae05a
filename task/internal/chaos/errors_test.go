package chaos

import (
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// fault is an error that is only itself.
type fault struct{ name string }

func (f *fault) Error() string {
	if f == nil {
		panic("fault.Error of nil")
	}
	return "fault " + f.name
}

// mute cannot say what it is.
type mute struct{ _ int }

func (*mute) Error() string { panic("mute.Error") }

// odd cannot be compared with other errors.
type odd struct{ _ int }

func (*odd) Error() string   { return "odd" }
func (*odd) Is(error) bool   { panic("odd.Is") }
func (*odd) As(any) bool     { panic("odd.As") }
func (*odd) Unwrap() []error { panic("odd.Unwrap") }

// knot does not come apart.
type knot struct{ inner error }

func (k *knot) Error() string { return "knot" }
func (k *knot) Unwrap() error {
	if k == nil {
		panic("knot.Unwrap of nil")
	}
	return k.inner
}

// grim cannot be printed.
type grim struct{ _ int }

func (grim) String() string { panic(grimmer{}) }

type grimmer struct{}

func (grimmer) Error() string { panic("grimmer.Error") }

// error returns an error for a coroutine to fail with.
func (a *actor) error() error {
	switch a.r.IntN(12) {
	case 0:
		return &mute{}
	case 1:
		return &odd{}
	case 2:
		return (*fault)(nil)
	case 3:
		return (*future.CancelledError)(nil)
	case 4:
		return errors.Join(&fault{name: "joined"}, future.ErrCancelled)
	case 5:
		return &task.ExceptionGroup{Message: "of its own", Errors: []error{&fault{name: "grouped"}}}
	case 6:
		return (*knot)(nil)
	case 7:
		return &knot{inner: &fault{name: "wrapped"}}
	default:
		return &fault{name: fmt.Sprintf("%d of %s", a.r.IntN(1000), a.who())}
	}
}

// panicValue returns something to panic with.
func (a *actor) panicValue() any {
	switch a.r.IntN(8) {
	case 0:
		return nil
	case 1:
		return "text"
	case 2:
		return grim{}
	case 3:
		return grimmer{}
	case 4:
		return &future.CancelledError{Message: "panic"}
	case 5:
		return &loop.SystemExit{Code: 4}
	default:
		return a.error()
	}
}

// text is err.Error() of any error, or a value that was recovered.
func text(value any) (s string) {
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("%T", value)
		}
	}()
	return fmt.Sprint(value)
}

// isCancelled is future.IsCancelled of any error.
func isCancelled(err error) bool {
	defer func() { _ = recover() }()
	return future.IsCancelled(err)
}
