// Package check has small assertions for the tests of this module. There is no promise of
// compatibility.
package check

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
)

// Equal compares with ==, and slices element by element: pointers, and so errors and tasks,
// have to be the same.
func Equal[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if !same(reflect.ValueOf(&got).Elem(), reflect.ValueOf(&want).Elem()) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func same(got, want reflect.Value) bool {
	if got.Kind() == reflect.Interface {
		got, want = got.Elem(), want.Elem()
	}
	if !got.IsValid() || !want.IsValid() {
		return got.IsValid() == want.IsValid()
	}
	if got.Type() != want.Type() || got.Kind() != reflect.Slice {
		return got.Interface() == want.Interface()
	}
	ok := got.Len() == want.Len()
	for i := 0; ok && i < got.Len(); i++ {
		ok = same(got.Index(i), want.Index(i))
	}
	return ok
}

// True checks a condition.
func True(t testing.TB, what string, got bool) {
	t.Helper()
	Equal(t, what, got, true)
}

// False checks that a condition does not hold.
func False(t testing.TB, what string, got bool) {
	t.Helper()
	Equal(t, what, got, false)
}

// Contains checks that a text has all the parts.
func Contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not contain %q", text, part)
		}
	}
}

// NoError checks that there is no error.
func NoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("unexpected error: %v", err)
	}
}

// Is checks that err matches target and that its text has all the parts.
func Is(t testing.TB, err, target error, parts ...string) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got error %v, want one that matches %v", err, target)
		return
	}
	Contains(t, textOf(err), parts...)
}

// textOf is the text of an error, which may be none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// IsFrom checks that err matches target and that its text begins with prefix, which says
// what has failed.
func IsFrom(t testing.TB, err, target error, prefix string) {
	t.Helper()
	if !errors.Is(err, target) || !strings.HasPrefix(textOf(err), prefix) {
		t.Errorf("got error %v, want one that begins with %q and matches %v", err, prefix, target)
	}
}

// IsExactly checks that err matches target and has that text.
func IsExactly(t testing.TB, err, target error, text string) {
	t.Helper()
	if !errors.Is(err, target) || textOf(err) != text {
		t.Errorf("got error %v, want %q that matches %v", err, text, target)
	}
}

// Says checks that there is an error, and that its text has all the parts.
func Says(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", parts)
		return
	}
	Contains(t, err.Error(), parts...)
}

// Cancelled checks that err is a cancellation, with that message.
func Cancelled(t testing.TB, err error, message string) {
	t.Helper()
	var c *future.CancelledError
	if !future.IsCancelled(err) || !errors.As(err, &c) {
		t.Errorf("got error %v, want a cancellation", err)
		return
	}
	Equal(t, "message of the cancellation", c.Message, message)
}

// Panics checks that fn panics with an error, and returns that.
func Panics(t testing.TB, fn func()) (err error) {
	t.Helper()
	defer func() {
		t.Helper()
		value := recover()
		var ok bool
		if err, ok = value.(error); !ok {
			t.Errorf("got panic %v, want one with an error", value)
			err = errors.New("no panic")
		}
	}()
	fn()
	return nil
}

// ErrorOf returns the error that fn returns or panics with.
func ErrorOf(fn func() error) (err error) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case error:
			err = value
		default:
			panic(value)
		}
	}()
	return fn()
}
