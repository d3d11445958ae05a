package monitor

import (
	"fmt"
	"reflect"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// picture is what a monitor has seen of the tasks of a loop at some time. It refers to no
// task, so that nothing is kept alive by it.
type picture struct {
	taken   time.Time
	slices  int
	created uint64 // how many tasks the loop had created
	rows    []row  // in the order of their creation

	stacks map[int32]sched.Trace // of rows; the album guards it
}

// row is what a picture has of a task.
type row struct {
	id         uint64
	label      sched.Label
	entry      uintptr // of the coroutine's function, 0 if it is none
	coroutine  string  // its type then
	state      sched.State
	cancelling int
	created    []uintptr
	awaitedBy  []int32 // indices of rows
	on         []int32
}

// camera takes a picture: see adds the tasks one after the other, on the loop, and develop
// makes of that a picture, on any goroutine.
type camera struct {
	picture picture
	tasks   []*sched.Task // as long as it takes
	above   [][]*sched.Task
	room    []*sched.Task
}

// begin notes when the picture is taken.
func (c *camera) begin(s *sched.Sched, now time.Time) {
	c.picture.taken = now
	c.picture.created = s.Created()
}

// see copies what there is to be seen of a task. That asks from within a step if somebody
// on the loop looks, and not a job between two steps.
func (c *camera) see(t *sched.Task, fromStep bool) {
	r := row{id: uint64(t.Serial()), label: t.Label(), state: t.State(), cancelling: t.Cancelling(), created: t.Created()}
	if r.state == sched.IsRunning && !fromStep {
		r.state = sched.IsReady
	}
	if fn := t.Function(); reflect.TypeOf(fn).Kind() == reflect.Func {
		r.entry = kernel.EntryOf(fn)
	} else {
		r.coroutine = fmt.Sprintf("%T", fn)
	}
	c.room = sched.Awaiters(t.Future(), c.room[:0])
	var above []*sched.Task
	if len(c.room) > 0 {
		above = append(above, c.room...)
	}
	c.picture.rows = append(c.picture.rows, r)
	c.tasks = append(c.tasks, t)
	c.above = append(c.above, above)
}

// develop numbers the tasks and connects them. What awaits a task but was not seen, since
// it was created meanwhile, is left out.
func (c *camera) develop() *picture {
	p := &c.picture
	// The list is in the order of creation. So going back from the latest task undoes that
	// serials have 32 bits.
	next := p.created + 1
	for i := len(p.rows) - 1; i >= 0; i-- {
		serial := uint32(p.rows[i].id)
		next -= uint64(uint32(next-1)-serial) + 1
		p.rows[i].id = next
	}
	index := make(map[*sched.Task]int32, len(c.tasks))
	for i, t := range c.tasks {
		index[t] = int32(i)
	}
	for i, above := range c.above {
		for _, t := range above {
			if j, seen := index[t]; seen {
				p.rows[i].awaitedBy = append(p.rows[i].awaitedBy, j)
				p.rows[j].on = append(p.rows[j].on, int32(i))
			}
		}
	}
	return p
}
