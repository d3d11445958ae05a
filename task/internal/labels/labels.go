// Package labels sets the pprof labels of the goroutines that coroutines run on. A goroutine
// has one set of labels, so that whoever sets some takes those of others away. Therefore
// package monitor, which labels workers, and package tracing, which labels tasks, both
// leave it to this package.
package labels

import (
	"context"
	"runtime/pprof"
	"strconv"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// WorkerKey is the key of the label that tells which worker a goroutine is.
const WorkerKey = "asyncio.worker"

// Labels is what the goroutines of a loop's coroutines are labelled with. A coroutine has
// its labels from its first line to its end; a worker without a task has none. All of it
// belongs to the owner of the baton.
type Labels struct {
	sched   *sched.Sched
	base    *pprof.LabelSet // that they have in any case, nil if there are none
	prefix  string          // of the workers' labels, empty if they get none
	workers map[uintptr]*worker
	tasks   TaskLabels // nil if tasks get none
	end     func()     // clear
	ignore  func()     // ends the observation, nil if there is none
}

// TaskLabels returns a context that has the labels of a task, and whether it is one of a
// few that all tasks share, so that it is worth while to keep what is made of it.
type TaskLabels func(*sched.Task) (set context.Context, shared bool)

// worker is what a worker is labelled with. Sets take a while to make.
type worker struct {
	label      string
	alone      context.Context // has this label only
	task, both context.Context // the latest shared set of a task, and the two together
}

// Of returns the labels of a loop. The caller owns the baton, as for everything here.
func Of(s *sched.Sched) *Labels {
	if s.Labels == nil {
		l := &Labels{sched: s}
		l.end = l.clear
		s.Labels = l
	}
	return s.Labels.(*Labels)
}

// SetBase is for whoever runs the loop on a goroutine with labels that those of its
// coroutines are to have too. They inherit them, but lose them to others that they are given.
func (l *Labels) SetBase(base pprof.LabelSet) { l.base = &base }

// SetWorkers makes each worker that begins a task label itself prefix+"1", prefix+"2" and so
// on. A worker keeps its number. The empty prefix ends that.
func (l *Labels) SetWorkers(prefix string) {
	l.prefix, l.workers = prefix, make(map[uintptr]*worker)
	l.observe()
}

// SetTasks makes each task that begins have the labels that of returns for it. A nil of
// ends that.
func (l *Labels) SetTasks(of TaskLabels) {
	l.tasks = of
	l.observe()
}

// observe observes the beginning of tasks as long as there is anything to label.
func (l *Labels) observe() {
	wanted := l.prefix != "" || l.tasks != nil
	switch {
	case wanted && l.ignore == nil:
		l.ignore = l.sched.Observe(&sched.Observer{Begin: func(t *sched.Task) func() {
			l.Apply(t)
			return l.end
		}})
	case !wanted && l.ignore != nil:
		l.ignore()
		l.ignore = nil
	}
}

// Apply labels the calling goroutine, on which the coroutine of t runs. Only a visit need
// call it, to a coroutine that had begun before there was anything to label.
func (l *Labels) Apply(t *sched.Task) {
	switch {
	case l.tasks == nil && l.prefix == "":
		l.clear()
	case l.tasks == nil:
		l.give(l.worker().within(t.Context()))
	case l.prefix == "":
		set, _ := l.tasks(t)
		l.give(set)
	default:
		l.give(l.worker().with(l.tasks(t)))
	}
}

// give gives the calling goroutine the labels of a context, and those of the base.
func (l *Labels) give(set context.Context) {
	if l.base != nil {
		set = pprof.WithLabels(set, *l.base)
	}
	pprof.SetGoroutineLabels(set)
}

// with returns a context that has the label of the worker and those of set.
func (w *worker) with(set context.Context, shared bool) context.Context {
	if shared && w.task == set {
		return w.both
	}
	both := pprof.WithLabels(set, pprof.Labels(WorkerKey, w.label))
	if shared {
		w.task, w.both = set, both
	}
	return both
}

// within returns a context that has the label of the worker and those of ctx.
func (w *worker) within(ctx context.Context) context.Context {
	some := false
	pprof.ForLabels(ctx, func(string, string) bool { some = true; return false })
	if !some { // as a rule
		return w.alone
	}
	return pprof.WithLabels(ctx, pprof.Labels(WorkerKey, w.label))
}

// Worker is the label of the calling worker, empty if workers are not labelled.
func (l *Labels) Worker() string {
	if l.prefix == "" {
		return ""
	}
	return l.worker().label
}

// worker returns the calling worker. It goes by the goroutine, so that a worker that has
// ended leaves its number to one that gets its place in the runtime.
func (l *Labels) worker() *worker {
	g := kernel.Goroutine()
	w := l.workers[g]
	if w == nil {
		label := l.prefix + strconv.Itoa(len(l.workers)+1)
		w = &worker{label: label, alone: pprof.WithLabels(context.Background(), pprof.Labels(WorkerKey, label))}
		l.workers[g] = w
	}
	return w
}

// clear takes the labels off the calling goroutine.
func (l *Labels) clear() { l.give(context.Background()) }
