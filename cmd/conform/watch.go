package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// watched runs one program. A panic becomes an error. A program that takes longer
// than timeout fails with an error that has the stacks of all goroutines; its own
// goroutines are abandoned, because nothing can end them.
func watched(execute executor, program *scenario.Program, engine scenario.Engine, timeout time.Duration) ([]string, error) {
	type outcome struct {
		trace []string
		err   error
	}
	came := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if value := recover(); value != nil {
				o.err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
			}
			came <- o
		}()
		o.trace, o.err = execute(program, engine)
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case o := <-came:
		return o.trace, o.err
	case <-timer.C:
		return nil, fmt.Errorf("hangs: not over after %v; the goroutines are:\n%s", timeout, allStacks())
	}
}

// executor runs a program. It is scenario.Run except in tests.
type executor func(*scenario.Program, scenario.Engine) ([]string, error)

func allStacks() []byte {
	for size := 1 << 20; ; size *= 2 {
		buffer := make([]byte, size)
		if n := runtime.Stack(buffer, true); n < size || size >= 1<<26 {
			return buffer[:n]
		}
	}
}
