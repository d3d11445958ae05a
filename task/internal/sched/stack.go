package sched

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Stack returns where the task's coroutine is, innermost call first, without the
// calls of the engine. It is empty for a task that has not begun, is finished, or is
// just starting another one eagerly. A suspended task's own goroutine takes the
// stack, so that it is exact; nobody pays for it who does not ask.
func (t *Task) Stack() []runtime.Frame {
	var frames []runtime.Frame
	switch {
	case !t.worker.begun() || t.is(calling):
		return nil
	case t.sched.current == t:
		frames = callers()
	default:
		t.sched.visiting(t, func() { frames = callers() })
	}
	api := reflect.TypeOf(t.body()).Elem().PkgPath()
	return withoutEngine(frames, api, t.sched.current == t)
}

// withoutEngine drops the frames of the engine: all those of this package and of the
// kernel, and those of package api between the engine and the coroutine. If the task
// is running, the calls of api that ask for the stack are dropped too.
func withoutEngine(frames []runtime.Frame, api string, running bool) []runtime.Frame {
	bottom := len(frames)
	for bottom > 0 && below(packageOf(frames[bottom-1])) {
		bottom--
	}
	coroutine := bottom
	for coroutine > 0 && packageOf(frames[coroutine-1]) == api {
		coroutine--
	}
	if coroutine == 0 || engine(packageOf(frames[coroutine-1])) { // it belongs to api
		coroutine = bottom - 1
	}
	frames = slices.DeleteFunc(frames[:max(coroutine, 0)], func(f runtime.Frame) bool { return engine(packageOf(f)) })
	if running {
		asking := 0
		for asking < len(frames) && packageOf(frames[asking]) == api {
			asking++
		}
		frames = frames[asking:]
	}
	return frames
}

// StuckIn returns the name of the task whose step has been running for long, if it is one.
// It is for a watchdog, which is about to end the process: it does not synchronize with
// the loop, and reads what has not changed for a while.
//
//go:norace
func (s *Sched) StuckIn() (name string, ok bool) {
	t := s.current
	if t == nil {
		return "", false
	}
	if extra := t.extra.Load(); extra != nil {
		if name := extra.name.Load(); name != nil {
			return kernel.Plain(*name), true
		}
	}
	return fmt.Sprintf("Task-%d", t.number), true
}

func engine(pkg string) bool { return pkg == schedPackage || pkg == kernelPackage }

// below reports whether the package has frames at the bottom of a task's stack.
func below(pkg string) bool { return engine(pkg) || pkg == "runtime" || pkg == "iter" }

var (
	schedPackage  = reflect.TypeFor[Task]().PkgPath()
	kernelPackage = reflect.TypeFor[kernel.Kernel]().PkgPath()
)

func packageOf(f runtime.Frame) string { return PackageOf(f.Function) }

// PackageOf is the path of the package of a function, whose name is as in
// [runtime.Frame].
func PackageOf(function string) string {
	return kernel.PackageOf(function)
}

// callers is the stack of the calling goroutine.
func callers() []runtime.Frame {
	pcs := make([]uintptr, 64)
	for {
		n := runtime.Callers(1, pcs)
		if n < len(pcs) {
			pcs = pcs[:n]
			break
		}
		pcs = make([]uintptr, 2*len(pcs))
	}
	var all []runtime.Frame
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		all = append(all, f)
		if !more {
			return all
		}
	}
}
