package monitor

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// walk looks at the unfinished tasks of a loop, one after the other, between the loop's
// other work. It looks for a millisecond at most, and then lets others run that are ready.
type walk struct {
	*watched
	pace  pace
	begin func(s *sched.Sched)
	look  func(t *sched.Task) (more bool)
	over  func(slices int, closed bool) // called once, by the loop or who closes it

	handle    kernel.Handle
	slices    int
	next      *sched.Entry // where to go on
	fresh     *sched.Entry // the first task that was created after the walk began
	unobserve func()       // nil if it has not been interrupted
}

// pace says how long a slice of a walk is.
type pace struct {
	slice time.Duration
	every int // tasks between two looks at the clock
	now   func() time.Time
}

// start posts the walk. It reports false if the loop is closed.
func (w *walk) start(kind kernel.Kind) bool {
	w.handle.Init(kind, w)
	return w.loop.Kernel().Post(&w.handle)
}

// Run is a slice of the walk, on the loop.
func (w *walk) Run() {
	w.own.Add(1)
	s := sched.Of(w.loop.Kernel())
	began := w.pace.now()
	if w.slices++; w.slices == 1 {
		w.begin(s)
		w.next = s.First()
	}
	for n := 1; w.next != nil && w.next != w.fresh; n++ {
		t := &w.next.Value
		w.next = w.next.Next()
		if !w.look(t) {
			break
		}
		if w.next != nil && n%w.pace.every == 0 && w.pace.now().Sub(began) >= w.pace.slice {
			w.pause(s)
			return
		}
	}
	w.end(false)
}

// pause lets others run. Meanwhile the walk takes care that the task to go on with does
// not leave the list, and that it does not walk after tasks that are created for ever.
func (w *walk) pause(s *sched.Sched) {
	if w.unobserve == nil {
		w.unobserve = s.Observe(&sched.Observer{
			Created: func(t *sched.Task) {
				if w.fresh == nil {
					w.fresh = t.Entry()
				}
			},
			Finished: func(t *sched.Task) {
				gone := t.Entry()
				if w.next == gone {
					w.next = gone.Next()
				}
				if w.fresh == gone {
					w.fresh = gone.Next()
				}
			},
		})
	}
	w.loop.Kernel().Push(&w.handle)
}

// Drop is called when the loop is closed in the middle of the walk.
func (w *walk) Drop() { w.end(true) }

func (w *walk) end(closed bool) {
	if w.unobserve != nil {
		w.unobserve()
	}
	w.next, w.fresh = nil, nil
	w.over(w.slices, closed)
}

func (*walk) String() string { return "a monitor" }
