package tracing

import (
	"context"
	"runtime/trace"

	"github.com/goasyncio/asyncio/task/internal/sched"
)

// span is a task of a trace.
type span struct {
	ctx   context.Context // carries the task, and nothing else
	task  *trace.Task
	step  *trace.Region // of the step that is being run
	begun bool          // its region is open, until it is over
}

// newSpan makes a task of the trace, whose parent is the one that ctx carries.
func newSpan(ctx context.Context, kind string) *span {
	s, parent := new(span), &origin{of: ctx}
	s.ctx, s.task = trace.NewTask(parent, kind)
	parent.of = nil
	return s
}

// origin is the context that a task of a trace is made with: it has the values of another
// one until that is done. Kept for longer, they would make a chain from task to task.
type origin struct {
	context.Context
	of context.Context
}

func (o *origin) Value(key any) any {
	if o.of == nil {
		return nil
	}
	return o.of.Value(key)
}

// logName notes the name of the task in the trace.
func (s *span) logName(t *sched.Task) {
	if trace.IsEnabled() {
		trace.Log(s.ctx, taskKey, t.Name())
	}
}

func (tr *tracer) begin(t *sched.Task) (end func()) {
	c := carriedBy(t)
	if c == nil || c.span == nil {
		return nil
	}
	s := c.span
	s.begun = true
	region := trace.StartRegion(s.ctx, tr.functions.of(t).name)
	s.logName(t)
	return func() {
		s.afterStep() // if nobody was told of it
		region.End()
		s.task.End()
		s.begun = false
	}
}

func (tr *tracer) renamed(t *sched.Task) {
	if c := carriedBy(t); c != nil && c.span != nil && c.span.begun {
		c.span.logName(t)
	}
}

// finished ends a task that has never begun. The others end after their region.
func (tr *tracer) finished(t *sched.Task) {
	if c := carriedBy(t); c != nil && c.span != nil && !c.span.begun {
		c.span.task.End()
	}
}

func (tr *tracer) beforeStep(t *sched.Task) {
	if c := carriedBy(t); c != nil && c.span != nil && trace.IsEnabled() {
		c.span.step = trace.StartRegion(c.span.ctx, tr.functions.of(t).step)
	}
}

func (tr *tracer) afterStep(t *sched.Task) {
	if c := carriedBy(t); c != nil && c.span != nil {
		c.span.afterStep()
	}
}

func (s *span) afterStep() {
	if s.step != nil {
		s.step.End()
		s.step = nil
	}
}
