// Package tracing shows tasks to the tools of Go: in execution traces a task of asyncio is a
// task, and in CPU and goroutine profiles its samples have labels.
//
//	task.Main(ctx, func(ctx context.Context) error {
//		tracing.Install(loop.Running(ctx), tracing.Options{Trace: true, Labels: true})
//		...
//	})
//
// # Traces
//
// While a trace or flight recorder of package runtime/trace runs, a new task is a task of the
// trace. Its type is the function that it runs, its parent the task whose context it was
// created with, its name the log message "asyncio.task". The context of the task carries the
// trace's, so that regions which the program opens with it belong to the task. A region
// of the same name spans the coroutine from its first line to its end. Since a coroutine
// stays on one goroutine, the stretches in which the trace shows that goroutine
// running are the steps of the task.
//
// Regions of a goroutine must be ended in reverse order, or the trace cannot be read:
// package runtime/trace wants it so. A coroutine that opens a region ends it by defer. With
// [Options.Steps] it must end it before the next await.
//
// # Labels
//
// "asyncio.coroutine" is the function that the task runs, "asyncio.task" its name. A task
// has the labels of the context that it was created with besides, so that one created inside
// of [pprof.Do] has those too. Goroutines that the coroutine starts inherit them.
package tracing

import (
	"context"
	"fmt"
	"runtime/trace"
	"slices"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Options say what tasks are shown to. The zero Options are nothing.
type Options struct {
	// Trace makes tasks of traces: about 2 µs for each task while a trace runs, and 25 ns
	// otherwise.
	Trace bool
	// Steps adds a region for each step, and implies Trace. It is about 0.5 µs for each
	// step while a trace runs.
	Steps bool
	// Labels sets the label "asyncio.coroutine": about 150 ns for each task.
	Labels bool
	// Names sets the label "asyncio.task" too, to the name that the task is created with, and
	// implies Labels: about 500 ns. Profiles grow with the number of names.
	Names bool
}

// Install shows the tasks of loop l that are created from now on, until remove is called.
// What is installed twice is shown as long as one of the two wants it. Tasks that have begun
// keep their region and labels to their end.
//
// Call Install and remove only from the loop's tasks and callbacks, or while the loop is not
// running. Install panics if l is nil ([loop.ErrNotRunning]).
func Install(l *loop.Loop, o Options) (remove func()) {
	if l == nil {
		panic(fmt.Errorf("tracing: Install: the loop is nil: %w", loop.ErrNotRunning))
	}
	l.Kernel().MustOwn("Install", l)
	o.Trace = o.Trace || o.Steps
	o.Labels = o.Labels || o.Names
	t := tracerOf(sched.Of(l.Kernel()))
	t.wishes = append(t.wishes, &o)
	t.settle()
	return func() {
		l.Kernel().MustOwn("remove of what Install has installed", l)
		t.wishes = slices.DeleteFunc(t.wishes, func(other *Options) bool { return other == &o })
		t.settle()
	}
}

// tracer is what is installed on a loop. All of it belongs to the owner of the baton.
type tracer struct {
	sched     *sched.Sched
	wishes    []*Options
	want      Options // what they add up to
	forget    func()  // ends the observation, nil if nothing is wanted
	functions functions
}

func tracerOf(s *sched.Sched) *tracer {
	if s.Tracer == nil {
		s.Tracer = &tracer{sched: s}
	}
	return s.Tracer.(*tracer)
}

// settle begins to observe what is wanted now.
func (tr *tracer) settle() {
	var want Options
	for _, o := range tr.wishes {
		want.Trace = want.Trace || o.Trace
		want.Steps = want.Steps || o.Steps
		want.Labels = want.Labels || o.Labels
		want.Names = want.Names || o.Names
	}
	if want == tr.want {
		return
	}
	tr.want = want
	if tr.forget != nil {
		tr.forget()
		tr.forget = nil
	}
	if want.Labels {
		labels.Of(tr.sched).SetTasks(tr.labelsOf)
	} else {
		labels.Of(tr.sched).SetTasks(nil)
	}
	if want == (Options{}) {
		return
	}
	o := &sched.Observer{Created: tr.created}
	if want.Trace {
		o.Begin, o.Renamed, o.Finished = tr.begin, tr.renamed, tr.finished
	}
	if want.Steps {
		o.BeforeStep, o.AfterStep = tr.beforeStep, tr.afterStep
	}
	tr.forget = tr.sched.Observe(o)
}

// created decides what the context of a new task carries.
func (tr *tracer) created(t *sched.Task) {
	values := t.Values()
	under := values
	if parent, ok := values.(*carried); ok { // so no chain grows from task to task
		under = parent.Context
	}
	traced := tr.want.Trace && trace.IsEnabled()
	if !traced && !tr.want.Labels {
		t.SetValues(under)
		return
	}
	c := &carried{Context: under, task: t}
	if traced {
		c.span = newSpan(values, tr.functions.of(t).name)
	}
	if tr.want.Labels {
		c.labels, c.shared = tr.labelsFor(t, values, under)
	}
	t.SetValues(c)
}

// carried is the context whose values a task passes on, with what tracing has put in front.
type carried struct {
	context.Context                 // whose values it would have passed on
	task            *sched.Task     // whose own this is; others may have inherited it
	span            *span           // nil if it is no task of a trace
	labels          context.Context // has the labels of the task; nil if there are none
	shared          bool            // labels has nothing else; otherwise it is made of Context
}

// carriedBy returns what tracing has given the task, nil if it has given nothing.
func carriedBy(t *sched.Task) *carried {
	if c, ok := t.Values().(*carried); ok && c.task == t {
		return c
	}
	return nil
}

func (c *carried) Value(key any) any {
	if c.span != nil {
		if v := c.span.ctx.Value(key); v != nil {
			return v
		}
	}
	if c.labels != nil {
		if v := c.labels.Value(key); v != nil || !c.shared {
			return v
		}
	}
	return c.Context.Value(key)
}
