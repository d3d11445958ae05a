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
	shots   []shot
	above   []*sched.Task // those that await the tasks, for one task after the other
	details map[int]row   // of few shots
}

// shot is what is seen of a task. It is small: the loop has other things to do than to fill
// memory.
type shot struct {
	task       *sched.Task // as long as it takes
	label      sched.Label
	entry      uintptr
	serial     uint32
	above      int32 // how many tasks await it
	cancelling int32
	state      sched.State
}

// begin notes when the picture is taken.
func (c *camera) begin(s *sched.Sched, now time.Time) {
	c.picture.taken = now
	c.picture.created = s.Created()
	c.shots = make([]shot, 0, s.Unfinished()+1)
}

// see copies what there is to be seen of a task. That asks from within a step if somebody
// on the loop looks, and not a job between two steps.
func (c *camera) see(t *sched.Task, fromStep bool) {
	x := shot{task: t, label: t.Label(), serial: t.Serial(), cancelling: int32(t.Cancelling()), state: t.State()}
	if x.state == sched.IsRunning && !fromStep {
		x.state = sched.IsReady
	}
	fn, isFunc := t.Function(), false
	if isFunc = reflect.TypeOf(fn).Kind() == reflect.Func; isFunc {
		x.entry = kernel.EntryOf(fn)
	}
	if created := t.Created(); !isFunc || created != nil {
		d := row{created: created}
		if !isFunc {
			d.coroutine = fmt.Sprintf("%T", fn)
		}
		if c.details == nil {
			c.details = make(map[int]row)
		}
		c.details[len(c.shots)] = d
	}
	before := len(c.above)
	c.above = sched.Awaiters(t.Future(), c.above)
	x.above = int32(len(c.above) - before)
	c.shots = append(c.shots, x)
}

// develop numbers the tasks and connects them. What awaits a task but was not seen, since
// it was created meanwhile, is left out.
func (c *camera) develop() *picture {
	p := &c.picture
	p.rows = make([]row, len(c.shots))
	// The list is in the order of creation. So going back from the latest task undoes that
	// serials have 32 bits.
	next := p.created + 1
	for i := len(c.shots) - 1; i >= 0; i-- {
		x := &c.shots[i]
		next -= uint64(uint32(next-1)-x.serial) + 1
		r := c.details[i]
		r.id, r.label, r.entry, r.state, r.cancelling = next, x.label, x.entry, x.state, int(x.cancelling)
		p.rows[i] = r
	}
	index := make(map[*sched.Task]int32, len(c.shots))
	for i := range c.shots {
		index[c.shots[i].task] = int32(i)
	}
	above := c.above
	for i := range c.shots {
		n := c.shots[i].above
		for _, t := range above[:n] {
			if j, seen := index[t]; seen {
				p.rows[i].awaitedBy = append(p.rows[i].awaitedBy, j)
				p.rows[j].on = append(p.rows[j].on, int32(i))
			}
		}
		above = above[n:]
	}
	return p
}
