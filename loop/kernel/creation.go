package kernel

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"weak"
)

// creations knows where the futures of a loop were created. It has a lock since the garbage
// collector, on a goroutine of its own, tells it which of them are gone.
//
// Futures are in a map, because they have no room for what only debug mode wants. A task
// keeps its stack itself.
type creations struct {
	mu      sync.Mutex
	depth   int              // how many calls are kept of a stack
	calls   []uintptr        // for runtime.Callers
	library map[uintptr]bool // whether a call belongs to the library, if that was asked
	futures map[weak.Pointer[Future]][]uintptr
}

// DefaultCreationDepth is the depth of creation stacks if nobody sets it: CPython's.
const DefaultCreationDepth = 10

func newCreations() *creations { return &creations{depth: DefaultCreationDepth} }

// SetCreationDepth sets how many calls of the program are kept of a creation stack.
func (k *Kernel) SetCreationDepth(depth int) {
	c := k.creations
	c.mu.Lock()
	defer c.mu.Unlock()
	c.depth, c.calls = depth, nil
}

// RecordsCreation reports whether somebody wants to know where things are created.
func (k *Kernel) RecordsCreation() bool { return k.Attention()&(AttendDebug|AttendStacks) != 0 }

// Calls returns the calls on the stack of its caller, innermost first, but for the first
// skip ones, and for those of the library that come next: as many as creation stacks have.
// They are as runtime.Callers returns them, and mean nothing until somebody asks for their
// [Frames].
func (k *Kernel) Calls(skip int) []uintptr { return k.creations.stack(skip) }

// NoteCreation notes that the caller creates f.
func (k *Kernel) NoteCreation(f *Future) {
	c := k.creations
	key, stack := weak.Make(f), c.stack(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.futures == nil {
		c.futures = make(map[weak.Pointer[Future]][]uintptr)
	}
	c.futures[key] = stack
	runtime.AddCleanup(f, c.forget, key) // c knows no loop, and so keeps none alive
}

func (c *creations) forget(key weak.Pointer[Future]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.futures, key)
}

// Created returns where the future was created, nil if that was not recorded.
func (f *Future) Created() []uintptr {
	if owner, ok := f.owner.(interface{ Created() []uintptr }); ok {
		return owner.Created()
	}
	if f.kernel == nil {
		return nil
	}
	c := f.kernel.creations
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.futures) == 0 {
		return nil
	}
	return c.futures[weak.Make(f)]
}

// libraryDepth is how many calls of the library a creation stack begins with at most, as
// a rule.
const libraryDepth = 8

// stack is Calls, to be called by it or its like.
func (c *creations) stack(skip int) []uintptr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = make([]uintptr, c.depth+libraryDepth)
	}
	for calls := c.calls; ; calls = make([]uintptr, 4*len(calls)) {
		n := runtime.Callers(3+skip, calls)
		own := 0
		for own < n && c.ofLibrary(calls[own]) {
			own++
		}
		if own < n || n < len(calls) {
			return slices.Clone(calls[own:min(n, own+c.depth)])
		}
	}
}

// ofLibrary reports whether the call belongs to the library. It finds that out once: to
// look a name up takes longer than all the rest.
func (c *creations) ofLibrary(call uintptr) bool {
	is, known := c.library[call]
	if !known {
		f, _ := runtime.CallersFrames([]uintptr{call}).Next()
		is = ofLibrary(f)
		if c.library == nil {
			c.library = make(map[uintptr]bool)
		}
		c.library[call] = is
	}
	return is
}

// Frames returns what the calls of a creation stack are, innermost first, without those of
// the library at its bottom, where all coroutines have the same.
func Frames(stack []uintptr) []runtime.Frame {
	var all []runtime.Frame
	for frames := runtime.CallersFrames(stack); len(all) < len(stack); {
		f, more := frames.Next()
		all = append(all, f)
		if !more {
			break
		}
	}
	bottom := len(all)
	for bottom > 0 && (ofLibrary(all[bottom-1]) || slices.Contains(belowAll, PackageOf(all[bottom-1].Function))) {
		bottom--
	}
	return all[:bottom]
}

// createdAt is the end of a description: the innermost call of a creation stack, as in
// " created at main.go:12", or nothing.
func createdAt(stack []uintptr) string {
	for _, f := range Frames(stack) {
		return fmt.Sprintf(" created at %s:%d", path.Base(f.File), f.Line)
	}
	return ""
}

// ofLibrary reports whether a call belongs to the packages of this module that make tasks
// and futures for programs.
func ofLibrary(f runtime.Frame) bool {
	pkg, ours := strings.CutPrefix(PackageAt(f), module+"/")
	return ours && slices.Contains(library, pkg)
}

var (
	module   = strings.TrimSuffix(reflect.TypeFor[Kernel]().PkgPath(), "/loop/kernel")
	library  = []string{"future", "loop", "loop/kernel", "sync", "task", "task/internal/sched"}
	belowAll = []string{"runtime", "iter"} // below the library, on the goroutine of a coroutine
)

// PackageAt is the path of the package whose source code a frame is in. The body of a
// range over an iterator of the library belongs to the program, and so do, by their names,
// the library's own closures that the compiler has moved there: their files tell.
func PackageAt(f runtime.Frame) string {
	pkg := PackageOf(f.Function)
	if pkg == module || strings.HasPrefix(pkg, module+"/") {
		return pkg
	}
	dir, ours := strings.CutPrefix(path.Dir(f.File), sources)
	if !ours || strings.HasSuffix(f.File, "_test.go") || !slices.Contains(inlined, dir) {
		return pkg
	}
	return module + dir
}

// The directories of this module, and those in it of packages whose closures PackageAt
// knows.
var (
	sources = sourceDirectory()
	inlined = []string{"/future", "/loop", "/sync", "/task", "/task/streams"}
)

// sourceDirectory is where the compiler has found this module.
func sourceDirectory() string {
	entry := EntryOf(PackageOf)
	file, _ := runtime.FuncForPC(entry).FileLine(entry)
	return strings.TrimSuffix(path.Dir(file), "/loop/kernel")
}

// PackageOf is the path of the package of a function, whose name is as in [runtime.Frame].
func PackageOf(function string) string {
	slash := strings.LastIndexByte(function, '/')
	dot := strings.IndexByte(function[slash+1:], '.')
	if dot < 0 {
		return function
	}
	return function[:slash+1+dot]
}
