package tasktest

import (
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Anywhere reports whether the next iteration needs nothing of the loop's own goroutine: see
// [kernel.Order]. So a test that does not ask for more takes the ways of production.
func (r *run) Anywhere() bool {
	return r.explorer == nil && len(r.monitors) == 0 && len(r.suspensions) == 0
}

// Begin is called before each iteration: see [kernel.Order].
func (r *run) Begin(ready bool) {
	r.locate()
	if !r.ending {
		r.lookAround() // before an explorer moves the clock
	}
	if r.until != nil && r.until() {
		r.loop.Stop()
	}
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
