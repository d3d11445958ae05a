package tracing

import (
	"context"
	"runtime/pprof"

	"github.com/goasyncio/asyncio/task/internal/sched"
)

// The keys of the labels.
const (
	coroutineKey = "asyncio.coroutine"
	taskKey      = "asyncio.task"
)

// labelsFor returns a context with the labels of a new task, which was created with values
// and has the values of under. It reports whether that context has nothing else, and
// is one for all tasks that run the same function.
func (tr *tracer) labelsFor(t *sched.Task, values, under context.Context) (set context.Context, shared bool) {
	f := tr.functions.of(t)
	switch {
	case tr.want.Names:
		return pprof.WithLabels(under, pprof.Labels(coroutineKey, f.name, taskKey, t.Name())), false
	case unlabelled(values, under):
		return f.labels, true
	default:
		return pprof.WithLabels(under, pprof.Labels(coroutineKey, f.name)), false
	}
}

// unlabelled reports whether under has no labels. It is what the context of a task was made
// of if values is that context: then the task has found out already.
func unlabelled(values, under context.Context) bool {
	if parent, ok := values.(*carried); ok && parent.shared {
		return true
	}
	none := true
	pprof.ForLabels(under, func(string, string) bool {
		none = false
		return false
	})
	return none
}

// labelsOf returns the labels of a task that begins.
func (tr *tracer) labelsOf(t *sched.Task) (set context.Context, shared bool) {
	if c := carriedBy(t); c != nil && c.labels != nil {
		return c.labels, c.shared
	}
	return tr.labelsFor(t, t.Values(), t.Values()) // it was created before there were labels
}
