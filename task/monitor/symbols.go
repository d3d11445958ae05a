package monitor

import (
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// symbols makes frames of program counters, off the loop. It remembers them: a program has
// few places, and many tasks that are there.
type symbols struct {
	mu      sync.Mutex
	known   sched.Symbols
	entries map[uintptr]Frame // of functions, by where their code begins
}

// function is the function whose code begins at entry.
func (s *symbols) function(entry uintptr) Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.entries[entry]
	if !ok {
		if fn := runtime.FuncForPC(entry); fn != nil {
			file, line := fn.FileLine(entry)
			f = Frame{Func: plainName(strings.TrimSuffix(fn.Name(), "-fm")), File: file, Line: line}
			if strings.HasSuffix(fn.Name(), "-fm") { // a method value, which the compiler has made
				f.File, f.Line = "", 0
			}
		}
		if s.entries == nil {
			s.entries = make(map[uintptr]Frame)
		}
		s.entries[entry] = f
	}
	return f
}

// stack returns the frames of a trace without those of the engine.
func (s *symbols) stack(tr sched.Trace) []runtime.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known.Stack(tr)
}

// newFrame makes a frame of one of package runtime.
func newFrame(f runtime.Frame) Frame {
	return Frame{Func: plainName(f.Function), File: f.File, Line: f.Line}
}

// created returns the frames of a creation stack.
func (s *symbols) created(stack []uintptr) (frames []Frame) {
	for _, f := range kernel.Frames(stack) {
		frames = append(frames, newFrame(f))
	}
	return frames
}

// plainName is the name of a function without type arguments.
func plainName(function string) string {
	if i := strings.IndexByte(function, '['); i >= 0 {
		j := strings.LastIndexByte(function, ']')
		function = function[:i] + function[j+1:]
	}
	return function
}

// exportedName is the name of a function of the library, as programs know it, without the
// path of its package: "sync.(*Queue).Get" also if a type inside the queue has the method.
// A closure that the compiler has moved into the program has the name of its method.
func exportedName(f runtime.Frame) string {
	name := path.Base(plainName(f.Function))
	if pkg := kernel.PackageAt(f); pkg != kernel.PackageOf(f.Function) {
		name, _, _ = strings.Cut(name[strings.LastIndex(name, ".(")+1:], ".func")
		name = path.Base(pkg) + "." + name
	}
	if i := strings.Index(name, "(*"); i >= 0 {
		return name[:i+2] + strings.ToUpper(name[i+2:i+3]) + name[i+3:]
	}
	return name
}

// innermost tells a stack apart: in is the function of the library that the program has
// called, empty if there is none, and place where the program has called it.
func innermost(stack []runtime.Frame) (in string, place *Frame) {
	for i, f := range stack {
		if ofLibrary(f) {
			continue
		}
		if i > 0 {
			in = exportedName(stack[i-1])
		}
		frame := newFrame(f)
		return in, &frame
	}
	if len(stack) > 0 { // the coroutine is the library's
		in = exportedName(stack[len(stack)-1])
	}
	return in, nil
}

// ofLibrary reports whether a frame belongs to the packages that programs wait in.
func ofLibrary(f runtime.Frame) bool {
	pkg, ours := strings.CutPrefix(kernel.PackageAt(f), module)
	if !ours {
		return false
	}
	switch pkg {
	case "/future", "/loop", "/sync", "/task", "/task/streams":
		return true
	}
	return false
}
