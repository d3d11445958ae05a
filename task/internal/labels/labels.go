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
	prefix  string // of the workers' labels, empty if they get none
	workers map[uintptr]string
	tasks   func(*sched.Task) context.Context // nil if tasks get none
	ignore  func()                            // ends the observation, nil if there is none
}

// Of returns the labels of a loop.
func Of(s *sched.Sched) *Labels {
	if s.Labels == nil {
		s.Labels = &Labels{sched: s}
	}
	return s.Labels.(*Labels)
}

// SetWorkers makes each worker that begins a task label itself prefix+"1", prefix+"2" and so
// on. A worker keeps its number. The empty prefix ends that.
func (l *Labels) SetWorkers(prefix string) {
	l.prefix, l.workers = prefix, make(map[uintptr]string)
	l.observe()
}

// SetTasks makes each task that begins have the labels of the context that of returns for
// it. A nil of ends that.
func (l *Labels) SetTasks(of func(*sched.Task) context.Context) {
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
			return clear
		}})
	case !wanted && l.ignore != nil:
		l.ignore()
		l.ignore = nil
	}
}

// Apply labels the calling goroutine, on which the coroutine of t runs. Only a visit need
// call it, to a coroutine that had begun before there was anything to label.
func (l *Labels) Apply(t *sched.Task) {
	set := context.Background()
	if l.tasks != nil {
		set = l.tasks(t)
	}
	if worker := l.Worker(); worker != "" {
		set = pprof.WithLabels(set, pprof.Labels(WorkerKey, worker))
	}
	pprof.SetGoroutineLabels(set)
}

// Worker is the label of the calling worker, empty if workers are not labelled.
func (l *Labels) Worker() string {
	if l.prefix == "" {
		return ""
	}
	g := kernel.Goroutine()
	label, ok := l.workers[g]
	if !ok {
		label = l.prefix + strconv.Itoa(len(l.workers)+1)
		l.workers[g] = label
	}
	return label
}

// clear takes the labels off the calling goroutine.
func clear() { pprof.SetGoroutineLabels(context.Background()) }
