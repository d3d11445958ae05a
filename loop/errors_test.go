package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// panicErrorOf is the error that the panic of fn becomes.
func panicErrorOf(fn func()) (err *loop.PanicError) {
	defer func() { err = loop.NewPanicError(recover()) }()
	fn()
	return nil
}

type record struct{ field int }

func (r record) get() int { return r.field }

type getter interface{ get() int }

//go:noinline
func getOf(g getter) int { return g.get() }

func (*record) broken() { panic("broken") }

func panicWith[T any](v T) { panic(v) }

// Whatever panics: the place is the program's line, not one of the runtime.
func TestPanicErrorSaysWhere(t *testing.T) {
	var (
		table   map[string]int
		keys    = map[any]int{}
		missing *record
		none    func()
		channel chan int
		value   any = "text"
		list        = []int{1}
		zero    int
		five    = 5
	)
	for _, test := range []struct {
		text string
		fn   func() // on one line, which is that of the panic
	}{
		{"spam", func() { panic("spam") }},
		{"test error", func() { panic(errTest) }},
		{"panic called with nil argument", func() { panic(nil) }},
		{"assignment to entry in nil map", func() { table["key"] = 1 }},
		{"runtime error: hash of unhashable type []int", func() { keys[[]int{}] = 1 }},
		{"runtime error: invalid memory address or nil pointer dereference", func() { missing.field = 1 }},
		{"runtime error: invalid memory address or nil pointer dereference", func() { none() }},
		{"runtime error: integer divide by zero", func() { five /= zero }},
		{"runtime error: index out of range [5] with length 1", func() { list[five] = 1 }},
		{"close of nil channel", func() { close(channel) }},
		{"interface conversion: interface {} is string, not int", func() { zero = value.(int) }},
	} {
		t.Run(test.text, func(t *testing.T) {
			check.Equal(t, "Error()", panicErrorOf(test.fn).Error(), "panic: "+test.text+" ["+kernel.FuncName(test.fn)+"]")
		})
	}
}

func TestPanicErrorNamesTheFunction(t *testing.T) {
	var missing *record
	for name, test := range map[string]struct {
		fn   func()
		want string
	}{
		"a method":           {missing.broken, `panic: broken \[loop_test\.\(\*record\)\.broken at errors_test\.go:\d+\]`},
		"a generic function": {func() { panicWith(7) }, `panic: 7 \[loop_test\.panicWith\[\.\.\.\] at errors_test\.go:\d+\]`},
		"the caller of a method that the compiler made": {func() { getOf(missing) },
			`panic: .* nil .* \[loop_test\.getOf at errors_test\.go:\d+\]`},
		"a panic during another one": {func() {
			defer func() { panic("second") }()
			panic("first")
		}, `panic: second \[loop_test\.TestPanicErrorNamesTheFunction\.func\d+\.1 at errors_test\.go:\d+\]`},
		"a function of another package": {func() { new(bytes.Buffer).Grow(-1) },
			`panic: bytes.* \[bytes\.\(\*Buffer\)\.Grow at buffer\.go:\d+\]`},
		"far below the one that recovered": {func() { panicBelow(1000) }, `panic: deep \[loop_test\.panicBelow at errors_test\.go:\d+\]`},
	} {
		t.Run(name, func(t *testing.T) { matches(t, panicErrorOf(test.fn).Error(), test.want) })
	}
}

func panicBelow(calls int) {
	if calls == 0 {
		panic("deep")
	}
	panicBelow(calls - 1)
}

func TestPanicErrorWithoutAPanicSaysNoPlace(t *testing.T) {
	check.Equal(t, "made without a panic", loop.NewPanicError("spam").Error(), "panic: spam")
	check.Equal(t, "made by hand", (&loop.PanicError{Value: "spam"}).Error(), "panic: spam")
}

func TestPanicErrorFormat(t *testing.T) {
	e := panicErrorOf(failing)
	message := "panic: test error [" + kernel.FuncName(failing) + "]"
	for format, want := range map[string]string{
		"%v":    message,
		"%s":    message,
		"%q":    fmt.Sprintf("%q", message),
		"%x":    fmt.Sprintf("%x", message),
		"%.5s":  "panic",
		"%100v": fmt.Sprintf("%100s", message),
		"%+v":   message + "\n" + string(e.Stack),
	} {
		check.Equal(t, format, fmt.Sprintf(format, e), want)
	}
	check.Equal(t, "the stack names the function", strings.Contains(string(e.Stack), "loop_test.failing"), true)
	check.Equal(t, "wrapped", fmt.Errorf("loading: %w", e).Error(), "loading: "+message)
}

func TestPanicErrorUnwrapsToAnErrorOnly(t *testing.T) {
	check.Equal(t, "cause of a panic with a string", loop.NewPanicError("spam").Unwrap(), error(nil))
	check.Equal(t, "cause of a panic with an error", loop.NewPanicError(errTest).Unwrap(), errTest)
}

// nasty is an error whose text cannot be had.
type nasty struct{ thrown any }

func (n nasty) Error() string { panic(n.thrown) }

func TestPanicErrorOfWhatPanicsWhenPrinted(t *testing.T) {
	var none *record
	check.Equal(t, "once", loop.NewPanicError(nasty{"spam"}).Error(), "panic: %!v(PANIC=Error method: spam)")
	check.Equal(t, "again and again", loop.NewPanicError(nasty{nasty{nasty{}}}).Error(), "panic: loop_test.nasty, which panics when it is printed")
	check.Equal(t, "with nil", loop.NewPanicError(unprintable{none}).Error(), "panic: %!v(PANIC=String method: runtime error: invalid memory address or nil pointer dereference)")

	l, _ := newLoop(t)
	var got []error
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { got = append(got, e.Err) })
	self := nasty{}
	self.thrown = &self
	l.CallSoon(func() { panic(&self) })
	runOnce(t, l)
	check.Equal(t, "reports", len(got), 1)
	matches(t, got[0].Error(), `panic: \*loop_test\.nasty, which panics when it is printed \[loop_test\..* at errors_test\.go:\d+\]`)
	check.Equal(t, "the value is kept", errors.Is(got[0], &self), true)
}

type unprintable struct{ *record }

func (u unprintable) String() string { return fmt.Sprint(u.field) }
