package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What is nil or zero is refused by an error with a name, or works. No row may end in a
// fault of the runtime.
func TestNilAndZeroArguments(t *testing.T) {
	panics := func(call func()) error { return check.Panics(t, call) }
	nobody := context.Context(nil)
	for name, row := range map[string]struct {
		call func(l *loop.Loop) error
		want error // nil: it works
	}{
		"New with a nil option":          {func(*loop.Loop) error { return panics(func() { loop.New(nil) }) }, loop.ErrNilFunc},
		"WithClock":                      {func(*loop.Loop) error { return panics(func() { loop.WithClock(nil) }) }, loop.ErrInvalidArgument},
		"WithLogger":                     {func(*loop.Loop) error { return loop.New(loop.WithLogger(nil)).Close() }, nil},
		"WithExecutor":                   {withoutExecutor, nil},
		"CallSoon":                       {func(l *loop.Loop) error { return panics(func() { l.CallSoon(nil) }) }, loop.ErrNilFunc},
		"CallLater":                      {func(l *loop.Loop) error { return panics(func() { l.CallLater(0, nil) }) }, loop.ErrNilFunc},
		"CallAt":                         {func(l *loop.Loop) error { return panics(func() { l.CallAt(time.Time{}, nil) }) }, loop.ErrNilFunc},
		"CallSoonThreadsafe":             {func(l *loop.Loop) error { _, err := l.CallSoonThreadsafe(nil); return err }, loop.ErrNilFunc},
		"SetExceptionHandler":            {func(l *loop.Loop) error { l.SetExceptionHandler(nil); return nil }, nil},
		"SetDefaultExecutor":             {func(l *loop.Loop) error { return panics(func() { l.SetDefaultExecutor(nil) }) }, loop.ErrInvalidArgument},
		"SetDefaultExecutor, a nil pool": {nilPool, loop.ErrInvalidArgument},
		"SetDefaultExecutor, shut down":  {shutDown, loop.ErrExecutorShutdown},
		"ShutdownDefaultExecutor":        {func(l *loop.Loop) error { return l.ShutdownDefaultExecutor(0) }, nil},
		"NewPool":                        {func(*loop.Loop) error { return panics(func() { loop.NewPool(-1) }) }, loop.ErrInvalidArgument},
		"Pool.Submit":                    {func(*loop.Loop) error { return new(loop.Pool).Submit(nil) }, loop.ErrNilFunc},
		"Pool.Submit to nil":             {func(*loop.Loop) error { return (*loop.Pool)(nil).Submit(func() {}) }, loop.ErrInvalidArgument},
		"Pool.Shutdown":                  {func(*loop.Loop) error { return new(loop.Pool).Shutdown(nobody) }, loop.ErrInvalidArgument},
		"Pool.Shutdown of nil":           {func(*loop.Loop) error { return (*loop.Pool)(nil).Shutdown(context.Background()) }, loop.ErrInvalidArgument},
		"the zero Pool":                  {func(*loop.Loop) error { return new(loop.Pool).Shutdown(context.Background()) }, nil},
		"NewContext without a parent":    {func(l *loop.Loop) error { return panics(func() { loop.NewContext(nobody, l) }) }, loop.ErrInvalidArgument},
		"NewContext without a loop":      {func(*loop.Loop) error { return panics(func() { loop.NewContext(context.Background(), nil) }) }, loop.ErrNotRunning},
		"Running":                        {func(*loop.Loop) error { return panics(func() { loop.Running(nobody) }) }, loop.ErrNotRunning},
		"Running without a loop":         {func(*loop.Loop) error { return panics(func() { loop.Running(context.Background()) }) }, loop.ErrNotRunning},
		"FromContext": {func(*loop.Loop) error {
			_, ok := loop.FromContext(nobody)
			check.Equal(t, "found", ok, false)
			return nil
		}, nil},
		"AddSignalHandler":    {func(l *loop.Loop) error { return l.AddSignalHandler(nil, func() {}) }, loop.ErrInvalidArgument},
		"RemoveSignalHandler": {func(l *loop.Loop) error { check.Equal(t, "removed", l.RemoveSignalHandler(nil), false); return nil }, nil},
		"IsFatal":             {func(*loop.Loop) error { check.Equal(t, "fatal", loop.IsFatal(nil), false); return nil }, nil},
		"an empty report":     {func(l *loop.Loop) error { l.CallExceptionHandler(loop.ExceptionContext{}); return nil }, nil},
		"the zero PanicError": {func(*loop.Loop) error {
			check.Equal(t, "text", new(loop.PanicError).Error(), "panic: <nil>")
			return nil
		}, nil},
		"the zero Handle": {func(*loop.Loop) error {
			h := new(loop.Handle)
			check.Equal(t, "text", h.String(), "<Handle done>")
			h.Cancel()
			check.Equal(t, "cancelled", h.Cancelled(), true)
			return nil
		}, nil},
		"the zero TimerHandle": {func(*loop.Loop) error {
			h := new(loop.TimerHandle)
			check.Equal(t, "when", h.When(), time.Time{})
			h.Cancel()
			check.Equal(t, "text", h.String(), "<TimerHandle cancelled when=00:00:00.000000>")
			return nil
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := newLoggingLoop(t)
			switch err := row.call(l); row.want {
			case nil:
				check.NoError(t, err)
			default:
				check.IsFrom(t, err, row.want, "loop: ")
			}
			runOnce(t, l)
		})
	}
}

func withoutExecutor(*loop.Loop) error {
	l := loop.New(loop.WithExecutor(nil))
	if _, err := l.DefaultExecutor(); err != nil {
		return err
	}
	return l.Close()
}

func nilPool(l *loop.Loop) error {
	l.SetDefaultExecutor((*loop.Pool)(nil))
	e, err := l.DefaultExecutor()
	if err != nil {
		return err
	}
	return e.Submit(func() {})
}

func shutDown(l *loop.Loop) error {
	if err := l.ShutdownDefaultExecutor(0); err != nil {
		return err
	}
	l.SetDefaultExecutor(new(loop.Pool))
	_, err := l.DefaultExecutor()
	return err
}
