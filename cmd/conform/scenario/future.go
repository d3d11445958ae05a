package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// A futureLike is what the language calls a future: its result is a Value. Tasks
// and futures of a program are futureLikes themselves; gathered and settled make
// one of a gather. All of them are comparable, so that they can be keys of maps.
type futureLike = future.Typed[Value]

type (
	coroutine = task.Coroutine[Value]
	aTask     = *task.Task[Value]
	aFuture   = *future.Future[Value]
)

// gathered makes the future of a gather one of an array.
type gathered struct{ *future.Future[[]Value] }

func (g gathered) Await(ctx context.Context) (Value, error) {
	return asArray(g.Future.Await(ctx))
}

func (g gathered) Result() (Value, error) { return asArray(g.Future.Result()) }

func asArray(values []Value, err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	return array(values), nil
}

// settled does the same for a gather that returns exceptions.
type settled struct {
	*future.Future[[]future.Outcome[Value]]
}

func (s settled) Await(ctx context.Context) (Value, error) {
	return asOutcomes(s.Future.Await(ctx))
}

func (s settled) Result() (Value, error) { return asOutcomes(s.Future.Result()) }

func asOutcomes(outcomes []future.Outcome[Value], err error) (Value, error) {
	if err != nil {
		return nil, err
	}
	values := make(array, len(outcomes))
	for i, outcome := range outcomes {
		if values[i] = outcome.Value; outcome.Err != nil {
			values[i] = failure{outcome.Err}
		}
	}
	return values, nil
}

// futures knows all tasks and futures of a run, and their names.
type futures struct {
	tasks []task.Any // in the order in which their creation began; nil while it goes on
	seen  map[task.Any]bool
	begun map[task.Any]bool
	other []futureLike // the futures that are not tasks, in order of creation
	names map[futureLike]string
}

func newFutures() *futures {
	return &futures{seen: map[task.Any]bool{}, begun: map[task.Any]bool{}, names: map[futureLike]string{}}
}

// reserve returns the position of a task that is about to be created, for place.
func (f *futures) reserve() int {
	f.tasks = append(f.tasks, nil)
	return len(f.tasks) - 1
}

func (f *futures) place(position int, t task.Any) {
	f.tasks[position] = t
	f.seen[t] = true
}

// meet is told of the current task when a coroutine begins. It registers tasks that
// the library has made.
func (f *futures) meet(t task.Any) {
	if t == nil {
		return
	}
	f.begun[t] = true
	if !f.seen[t] {
		f.place(f.reserve(), t)
	}
}

// leftOver returns the tasks that have begun and are not done.
func (f *futures) leftOver() []task.Any {
	var left []task.Any
	for t := range f.begun {
		if !t.Done() {
			left = append(left, t)
		}
	}
	return left
}

// isOneOf reports whether obj is one of the tasks.
func isOneOf(obj futureLike, tasks []task.Any) bool {
	t, isTask := obj.(aTask)
	return isTask && slices.Contains(tasks, task.Any(t))
}

// baptize names a future that is not a task after the first variable that is
// bound to it.
func (f *futures) baptize(obj futureLike, name string) {
	if _, isTask := obj.(aTask); isTask {
		return
	}
	if _, named := f.names[obj]; !named {
		f.names[obj] = name
		f.other = append(f.other, obj)
	}
}

// name returns the name of a task, or the first variable that a future was bound
// to.
func (f *futures) name(obj futureLike) string {
	if t, isTask := obj.(aTask); isTask {
		return t.Name()
	}
	name, known := f.names[obj]
	if !known {
		return fmt.Sprintf("unknown(%v)", obj)
	}
	return name
}

// unretrieved returns the futures whose exceptions nobody has retrieved, sorted
// by name. Of those with equal names, tasks come first, then the older ones.
func (f *futures) unretrieved() []futureLike {
	var found []futureLike
	for _, t := range f.tasks {
		if t, ok := t.(aTask); ok && !t.Retrieved() {
			found = append(found, t)
		}
	}
	for _, obj := range f.other {
		if !obj.Retrieved() {
			found = append(found, obj)
		}
	}
	slices.SortStableFunc(found, func(a, b futureLike) int {
		return strings.Compare(f.name(a), f.name(b))
	})
	return found
}
