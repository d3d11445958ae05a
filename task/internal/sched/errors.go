package sched

import "errors"

// The errors of package task that come from the engine.
var (
	ErrNotCurrent   = errors.New("await with the context that the running coroutine was given")
	ErrAwaitsItself = errors.New("a task cannot await itself")
	ErrRecursion    = errors.New("eager tasks start each other without end")
	ErrGoexit       = errors.New("task: the coroutine called runtime.Goexit")
)
