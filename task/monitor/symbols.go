package monitor

import (
	"path"
	"runtime"
	"strings"
	"sync"

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
			f = Frame{Func: shortName(strings.TrimSuffix(fn.Name(), "-fm")), File: file, Line: line}
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
	return Frame{Func: shortName(f.Function), File: f.File, Line: f.Line}
}

// shortName is the name of a function without the path of its package and without type
// arguments, as in "sync.(*Queue).Get".
func shortName(function string) string {
	if i := strings.IndexByte(function, '['); i >= 0 {
		j := strings.LastIndexByte(function, ']')
		function = function[:i] + function[j+1:]
	}
	return path.Base(function)
}

// exportedName is the short name of a function of the library, as a program knows it: that
// of a method which a queue has from the type inside it is of the queue.
func exportedName(function string) string {
	name := shortName(function)
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
			in = exportedName(stack[i-1].Function)
		}
		frame := newFrame(f)
		return in, &frame
	}
	if len(stack) > 0 { // the coroutine is the library's
		in = exportedName(stack[len(stack)-1].Function)
	}
	return in, nil
}

// ofLibrary reports whether a frame belongs to the packages that programs wait in.
func ofLibrary(f runtime.Frame) bool {
	pkg, ours := strings.CutPrefix(sched.PackageOf(f.Function), module)
	if !ours {
		return false
	}
	switch pkg {
	case "/future", "/loop", "/sync", "/task", "/task/streams":
		return true
	}
	return false
}
