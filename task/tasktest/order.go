package tasktest

import (
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Begin is called before each iteration: see [kernel.Order].
func (r *run) Begin(ready bool) {
	r.locate()
	r.lookAround() // before an explorer moves the clock
	if r.explorer != nil {
		r.explorer.beginIteration(ready)
	}
}

// Arrange is called when it is known what could run in an iteration: see [kernel.Order].
func (r *run) Arrange(batch []kernel.Ready) ([]kernel.Ready, int) {
	r.iteration++
	r.progress.Add(1)
	if r.iteration-r.lastMove > r.iterations {
		r.livelocked(namesOf(batch))
		return batch, len(batch)
	}
	if r.explorer != nil {
		return r.explorer.arrange(batch)
	}
	return batch, len(batch)
}

// namesOf names the tasks and callbacks of an iteration, each once.
func namesOf(batch []kernel.Ready) []string {
	var names []string
	for _, h := range batch {
		name := h.Describe()
		if t := sched.TaskOfStep(h.Job()); t != nil {
			name = kernel.Plain(t.Name())
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
