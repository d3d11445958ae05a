package kernel

import "errors"

// ErrNilCoroutine is that of package task. It is here because package future returns it
// too, and cannot import package task.
var ErrNilCoroutine = errors.New("the coroutine is nil")

// Unwrap is errors.Unwrap for errors of the program, whose methods may panic, as that of
// a nil pointer does. An error whose Unwrap method panics wraps nothing. Any goroutine may
// call it.
func Unwrap(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok {
		return unwrap(u)
	}
	return nil
}

// unwrap is apart from Unwrap so that errors that wrap nothing, which are most, cost no
// deferred call.
func unwrap(u interface{ Unwrap() error }) error {
	defer func() { _ = recover() }()
	return u.Unwrap()
}

// Is is errors.Is for errors of the program: an error with a method that panics matches
// nothing. Any goroutine may call it.
func Is(err, target error) bool {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}
