package tasktest

import (
	"fmt"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// A task can be cancelled before its first step, while it waits, and when it has been woken
// and has not gone on. Each of these is offered once for each of its waits.

// victim is a task that may be cancelled.
type victim struct {
	task      *sched.Task
	steps     int // that it has begun
	offered   int // the number of steps after which a cancellation while waiting was offered
	seen      int // the iteration in which it was among the ready
	cancelled bool
}

// victimOf returns what is known of a task, nil if it must not be cancelled.
func (e *explorer) victimOf(t *sched.Task) *victim {
	v, known := e.victims[t]
	if !known {
		if u := public(t); !e.run.spared[u] && (e.run.settings.victims == nil || e.run.settings.victims(u)) {
			v = &victim{task: t, offered: -1}
			e.order = append(e.order, v)
		}
		e.victims[t] = v
	}
	return v
}

// cancelSome adds cancellations to an iteration.
func (e *explorer) cancelSome(batch []kernel.Ready) []kernel.Ready {
	var now []kernel.Ready
	for _, h := range batch {
		if t := sched.TaskOfStep(h.Job()); t != nil {
			if v := e.victimOf(t); v != nil {
				v.seen = e.run.iteration
				if e.cancels() {
					now = append(now, e.cancellation(v))
				}
				v.steps++
			}
		}
		now = append(now, h)
	}
	for t := range sched.Of(e.run.kernel).Tasks() {
		if v := e.victimOf(t); v != nil && v.seen != e.run.iteration && e.offer(v) {
			now = append([]kernel.Ready{e.cancellation(v)}, now...)
		}
	}
	return now
}

// cancelWaiting may cancel a task that waits while the loop is idle.
func (e *explorer) cancelWaiting() (cancelled bool) {
	for t := range sched.Of(e.run.kernel).Tasks() {
		if v := e.victimOf(t); v != nil && e.offer(v) {
			e.run.kernel.Push(e.cancellation(v).Handle)
			return true
		}
	}
	return false
}

// offer decides whether a task is cancelled that waits, once for each wait.
func (e *explorer) offer(v *victim) bool {
	if v.offered == v.steps {
		return false
	}
	v.offered = v.steps
	return e.cancels()
}

func (e *explorer) cancels() bool {
	return e.decide(choice.Point{Kind: choice.Cancel, N: 2}) == 1
}

// cancellation is the handle that cancels a task.
func (e *explorer) cancellation(v *victim) kernel.Ready {
	if e.trace.on {
		where := "before it begins"
		if place := e.functionAt(public(v.task)); place != "" {
			where = "in " + place
		}
		e.deviates(choice.Cancel, "%s is cancelled %s", kernel.Plain(v.task.Name()), where)
	}
	h := new(kernel.Handle)
	h.Init(kernel.Internal, cancellation{v})
	return kernel.Ready{Handle: h}
}

// cancellation is a job that cancels a task.
type cancellation struct{ victim *victim }

func (c cancellation) Run() {
	c.victim.cancelled = true
	c.victim.task.Cancel("")
}

func (c cancellation) String() string { return "Task.cancel" }

// checkRefusals fails the run if a task has ended as if it had not been cancelled.
func (r *run) checkRefusals() {
	if r.explorer == nil || r.allowRefusal {
		return
	}
	for _, v := range r.explorer.order {
		if !v.cancelled || !v.task.Done() || v.task.Owes() {
			continue
		}
		if t := public(v.task); !t.Cancelled() && t.Cancelling() > 0 {
			r.fail("refusal", fmt.Sprintf("task %s was cancelled, and has ended as if it had not been: %s",
				kernel.Plain(t.Name()), kernel.OwnText(t)))
		}
	}
}
