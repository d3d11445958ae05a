package sched

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Stack returns where the task's coroutine is, innermost call first, without the
// calls of the engine. It is empty for a task that has not begun, is finished, or is
// just starting another one eagerly. A suspended task's own goroutine takes the
// stack, so that it is exact; nobody pays for it who does not ask.
func (t *Task) Stack() []runtime.Frame {
	tr := t.Trace(nil)
	if len(tr.PCs) == 0 {
		return nil
	}
	// A single stack has nearly every program counter once.
	symbols := make([]symbol, len(tr.PCs))
	found := make([]*symbol, 0, len(symbols))
	frames := runtime.CallersFrames(tr.PCs)
	for i := range symbols {
		f, more := frames.Next()
		symbols[i] = symbol{f, packageOf(f)}
		found = append(found, &symbols[i])
		if !more {
			break
		}
	}
	return framesOf(tr.program(found))
}

// Trace is where the coroutine of a task is, as [Symbols] makes frames of it. It does not
// refer to the task.
type Trace struct {
	PCs     []uintptr
	api     string // the package of the task's type
	running bool   // the task itself has asked
}

// Trace takes the task's stack, in the memory of room if that is large enough. It must not
// be called by a job of kind Internal, since a visit has to know who gets the baton back.
func (t *Task) Trace(room []uintptr) Trace {
	if !t.worker.begun() || t.is(calling) {
		return Trace{PCs: room[:0]}
	}
	tr := Trace{api: reflect.TypeOf(t.body()).Elem().PkgPath(), running: t.sched.Current() == t}
	room = room[:cap(room)]
	if len(room) == 0 {
		room = make([]uintptr, 64)
	}
	for {
		n := 0
		// Only this is done on the stack of the coroutine: names take a lot of stack, which a
		// goroutine would keep.
		take := func() { n = runtime.Callers(2, room) }
		if tr.running {
			take()
		} else {
			t.sched.visiting(t, take)
		}
		if n < len(room) {
			tr.PCs = room[:n]
			return tr
		}
		room = make([]uintptr, 4*len(room))
	}
}

// Symbols knows the frames of program counters that it was asked for before: to look one
// up takes far longer than to take it off a stack. The zero Symbols is ready to use, by one
// goroutine at a time.
type Symbols struct{ known map[uintptr]*symbol }

// symbol is the frame of a program counter, and the package of its function.
type symbol struct {
	runtime.Frame
	pkg string
}

func (s *Symbols) of(pc uintptr) *symbol {
	if sym := s.known[pc]; sym != nil {
		return sym
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	sym := &symbol{f, packageOf(f)}
	if s.known == nil {
		s.known = make(map[uintptr]*symbol)
	}
	s.known[pc] = sym
	return sym
}

// Stack returns the frames of a trace: see [Task.Stack].
func (s *Symbols) Stack(tr Trace) []runtime.Frame {
	return framesOf(tr.program(s.all(tr, nil)))
}

func framesOf(symbols []*symbol) []runtime.Frame {
	frames := make([]runtime.Frame, len(symbols))
	for i, sym := range symbols {
		frames[i] = sym.Frame
	}
	return frames
}

// all appends the symbols of a trace.
func (s *Symbols) all(tr Trace, symbols []*symbol) []*symbol {
	for _, pc := range tr.PCs {
		symbols = append(symbols, s.of(pc))
	}
	return symbols
}

// Place returns the innermost frame of a trace outside of the packages that only wait, or
// nil.
func (s *Symbols) Place(tr Trace) *runtime.Frame {
	var room [64]*symbol
	for _, sym := range tr.program(s.all(tr, room[:0])) {
		if !slices.Contains(waiting, sym.pkg) {
			return &sym.Frame
		}
	}
	return nil
}

// program returns frames of the trace without those of the engine: all those of this
// package and of the kernel, and those of package task between the engine and the
// coroutine. If the task is running, the calls of package task that ask for the stack are
// dropped too.
func (tr Trace) program(frames []*symbol) []*symbol {
	bottom := len(frames)
	for bottom > 0 && below(frames[bottom-1].pkg) {
		bottom--
	}
	coroutine := bottom
	for coroutine > 0 && frames[coroutine-1].pkg == tr.api {
		coroutine--
	}
	if coroutine == 0 || engine(frames[coroutine-1].pkg) { // it belongs to package task
		coroutine = bottom - 1
	}
	frames = slices.DeleteFunc(frames[:max(coroutine, 0)], func(sym *symbol) bool { return engine(sym.pkg) })
	if tr.running {
		asking := 0
		for asking < len(frames) && frames[asking].pkg == tr.api {
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

func packageOf(f runtime.Frame) string { return kernel.PackageAt(f) }

// PackageOf is the path of the package of a function, whose name is as in
// [runtime.Frame].
func PackageOf(function string) string {
	return kernel.PackageOf(function)
}

var (
	module  = strings.TrimSuffix(schedPackage, "/task/internal/sched")
	waiting = []string{module + "/task", module + "/sync", module + "/future"}
)
