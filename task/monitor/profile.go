package monitor

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// The stack of a goroutine cannot be had alone. That of all, as runtime.Stack has them,
// stops the world for milliseconds. The goroutine profile stops it for microseconds,
// whatever their number. Its records have no identities of goroutines, but labels.

// record is goroutines of a profile that have the same stack and the same labels.
type record struct {
	pcs    []uintptr // innermost first
	text   string    // of the profile, with labels and the names of functions
	frames []Frame   // of pcs, once somebody has asked
}

// deepest is how many frames a profile has of a stack: the innermost.
const deepest = 128

// profile returns where all goroutines are.
func profile() []record {
	var text bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1) // a Buffer does not fail
	return parseProfile(text.String())
}

func parseProfile(text string) (records []record) {
	for entry := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(entry, "goroutine profile:") {
			_, entry, _ = strings.Cut(entry, "\n")
		}
		first, rest, _ := strings.Cut(entry, "\n")
		_, pcs, found := strings.Cut(first, " @")
		if !found {
			continue
		}
		var r record
		for field := range strings.FieldsSeq(pcs) {
			pc, err := strconv.ParseUint(strings.TrimPrefix(field, "0x"), 16, 64)
			if err == nil {
				r.pcs = append(r.pcs, uintptr(pc))
			}
		}
		r.text = rest
		records = append(records, r)
	}
	return records
}

// hasLabel reports whether the record's goroutines have a label of the watchdog's: this one,
// or any if it is empty.
func (r *record) hasLabel(label string) bool {
	all, found := strings.CutPrefix(r.text, "# labels: ")
	if !found {
		return false
	}
	all, _, _ = strings.Cut(all, "\n")
	if label == "" {
		return strings.Contains(all, fmt.Sprintf("%q:", labels.WorkerKey)) // quotes in values are escaped
	}
	return strings.Contains(all, fmt.Sprintf("%q:%q", labels.WorkerKey, label))
}

// stack returns the record's frames.
func (r *record) stack() []Frame {
	if r.frames == nil && len(r.pcs) > 0 {
		all := runtime.CallersFrames(r.pcs)
		for {
			f, more := all.Next()
			r.frames = append(r.frames, Frame{Func: f.Function, File: f.File, Line: f.Line})
			if !more {
				break
			}
		}
	}
	return r.frames
}

// calls reports whether a function whose name begins so is on the stack. Names are already
// in the text, where to look for them takes far less time than to look them up.
func (r *record) calls(prefix string) bool { return strings.Contains(r.text, "\t"+prefix) }

// Functions by which the goroutines of a loop are known.
var (
	module        = strings.TrimSuffix(packageOf[Monitor](), "/task/monitor")
	kernelPackage = packageOf[kernel.Kernel]()
	schedPackage  = packageOf[sched.Task]()

	coroutineMain = kernelPackage + ".Coroutine." // at the bottom of each worker's stack
	loopMain      = kernelPackage + ".(*Kernel).Run"
	callbacks     = kernelPackage + ".(*Kernel).runReady"
	coroutines    = schedPackage + ".(*Sched).runTasks"
	idle          = kernelPackage + ".(*Kernel).idle"
	between       = kernelPackage + ".(*Kernel).NextStep" // what comes after a step, on its goroutine
)

func packageOf[T any]() string { return reflect.TypeFor[T]().PkgPath() }

// deep reports whether the stack may go on below what the profile has.
func (r *record) deep() bool { return len(r.pcs) >= deepest }

// parked reports whether the goroutine waits for the baton.
func (r *record) parked() bool {
	for _, f := range r.stack() {
		switch pkg := sched.PackageOf(f.Func); {
		case pkg == schedPackage || pkg == kernelPackage:
			return true
		case pkg != "runtime" && pkg != "iter":
			return false
		}
	}
	return true
}

// loopRuns reports whether the goroutine is a loop's own, and runs a callback, or something
// of the library's.
func (r *record) loopRuns() bool {
	if !r.calls(loopMain) || r.calls(idle) {
		return false
	}
	return !r.calls(schedPackage+".(*channels).runStep") && !r.calls(schedPackage+".(*pulls).runStep")
}

// ofWorker returns the records of the goroutine with that label, which runs a task of that
// coroutine. If the program has replaced the label, it returns those that could be it.
func ofWorker(records []record, label string, coroutine Frame) []*record {
	// Goroutines that the coroutine has started have inherited its label. Only of a deep
	// stack it may be unknown whose it is.
	var found []*record
	if label != "" {
		found = matching(records, func(r *record) bool { return r.hasLabel(label) && r.calls(coroutineMain) })
	}
	if label != "" && len(found) == 0 {
		found = matching(records, func(r *record) bool { return r.hasLabel(label) && r.deep() })
	}
	if len(found) == 0 {
		found = matching(records, func(r *record) bool {
			return r.calls(coroutineMain) && !r.hasLabel("") && !r.parked() && r.runs(coroutine)
		})
	}
	return found
}

func matching(records []record, match func(*record) bool) (found []*record) {
	for i := range records {
		if match(&records[i]) {
			found = append(found, &records[i])
		}
	}
	return found
}

// runs reports whether a coroutine is on the stack.
func (r *record) runs(coroutine Frame) bool {
	return slices.ContainsFunc(r.stack(), func(f Frame) bool {
		return plainName(f.Func) == coroutine.Func
	})
}

// program returns the frames without those of the engine, and without what is below the
// program: Task.Stack does the same.
func (r *record) program() []Frame {
	frames := r.stack()
	top := 0
	for top < len(frames) && sched.PackageOf(frames[top].Func) == "runtime" {
		top++
	}
	frames = frames[top:]
	bottom, callsDown := len(frames), ofEngine
	for i, f := range frames {
		if strings.HasPrefix(f.Func, callbacks) || strings.HasPrefix(f.Func, loopMain) {
			bottom = i
			break
		}
		if strings.HasPrefix(f.Func, coroutines) {
			bottom, callsDown = i, belowCoroutine
			break
		}
	}
	start := bottom
	for start > 0 && callsDown(frames[start-1]) {
		start--
	}
	frames = slices.DeleteFunc(slices.Clone(frames[:start]), ofEngine)
	for i := range frames {
		frames[i].Func = plainName(frames[i].Func)
	}
	return frames
}

// place returns the innermost call that is not of Go itself.
func (r *record) place() *Frame {
	for _, f := range r.stack() {
		if !ofGo(f) {
			f.Func = plainName(f.Func)
			return &f
		}
	}
	return nil
}

// ofEngine reports whether a frame belongs to the engine.
func ofEngine(f Frame) bool {
	pkg := sched.PackageOf(f.Func)
	return pkg == schedPackage || pkg == kernelPackage
}

// belowCoroutine reports whether a frame belongs to what calls coroutines.
func belowCoroutine(f Frame) bool { return ofEngine(f) || sched.PackageOf(f.Func) == module+"/task" }
