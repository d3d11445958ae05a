package tracing

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strings"

	"github.com/goasyncio/asyncio/task/internal/sched"
)

// function is what tasks run. There are few of them.
type function struct {
	name   string          // as in "shop.fetch"
	step   string          // the type of the region of a step
	labels context.Context // has the label of the coroutine, and nothing else
}

// functions are those that the tasks of a loop run, by where their code begins, and other
// things that tasks await by their type.
type functions struct {
	byEntry map[uintptr]*function
	byType  map[reflect.Type]*function
	latest  *function // by entry; often many tasks that run the same are created one after the other
	entry   uintptr
}

// of returns the function that the task runs.
func (fs *functions) of(t *sched.Task) *function {
	v := reflect.ValueOf(t.Function())
	if v.Kind() == reflect.Func {
		return fs.at(v.Pointer())
	}
	f := fs.byType[v.Type()]
	if f == nil {
		f = newFunction(fmt.Sprint(v.Type()))
		put(&fs.byType, v.Type(), f)
	}
	return f
}

// at returns the function that begins there.
func (fs *functions) at(entry uintptr) *function {
	if entry != fs.entry {
		f := fs.byEntry[entry]
		if f == nil {
			f = newFunction(nameOf(entry))
			put(&fs.byEntry, entry, f)
		}
		fs.latest, fs.entry = f, entry
	}
	return fs.latest
}

func put[K comparable](m *map[K]*function, key K, f *function) {
	if *m == nil {
		*m = make(map[K]*function)
	}
	(*m)[key] = f
}

func newFunction(name string) *function {
	return &function{
		name:   name,
		step:   name + " (step)",
		labels: pprof.WithLabels(context.Background(), pprof.Labels(coroutineKey, name)),
	}
}

// nameOf is the name of the function that begins there, as in "main.fetch".
func nameOf(entry uintptr) string {
	f := runtime.FuncForPC(entry)
	if f == nil {
		return "func"
	}
	name := strings.TrimSuffix(f.Name(), "-fm") // the compiler's mark of a bound method
	return name[strings.LastIndexByte(name, '/')+1:]
}
