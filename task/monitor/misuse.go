package monitor

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// SwallowedAfter sets how long a task may go on after it was cancelled, before it is
// reported. The default is 10 s. It panics if d is not positive ([loop.ErrInvalidArgument]).
func SwallowedAfter(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Errorf("monitor: SwallowedAfter(%v): it must be positive: %w", d, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.swallowed = d }
}

// cancellations are the tasks of a loop that were cancelled and are not finished. One that
// has got the error, has not taken the request back, and waits again after a while, cleans
// up slowly or has swallowed the cancellation. Which of the two it is, nobody can tell.
//
// Only who is cancelled is listed, so nobody else pays for it.
type cancellations struct {
	w *watched // whose they are

	// For the owner of the loop's baton.
	tasks  map[*sched.Task]*cancellation
	number int

	mu      sync.Mutex
	due     time.Time // when somebody must look; zero if nobody need
	looking bool      // somebody is about to
}

// cancellation is what is known of the cancellation of a task.
type cancellation struct {
	number    int // in the order of the requests
	since     time.Time
	by        string    // who has requested it, as in " by 'main'"
	requested []uintptr // where, if creation stacks are recorded
	delivered bool      // an await has returned the error
	returned  []uintptr // which one, if creation stacks are recorded
	reported  bool
}

// after is how long a task may go on.
func (c *cancellations) after() time.Duration { return c.w.monitor.settings.swallowed }

// cancel, deliver and finish are told of the tasks: see sched.Observer.

func (c *cancellations) cancel(t *sched.Task, _ string) {
	if x := c.tasks[t]; x != nil && (t.Cancelling() > 0 || x.reported) {
		return // the first request counts, and one report
	}
	c.number++
	x := &cancellation{number: c.number, since: c.w.monitor.settings.now(), by: requester(t.Sched())}
	if k := t.Kernel(); k.RecordsCreation() {
		x.requested = k.Calls(1)
	}
	if c.tasks == nil {
		c.tasks = make(map[*sched.Task]*cancellation)
	}
	c.tasks[t] = x
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due.IsZero() {
		c.due = x.since.Add(c.after())
	}
}

// requester says who cancels a task: it has the form of cancellation.by.
func requester(s *sched.Sched) string {
	switch t, job := s.Requester(); {
	case t != nil:
		return " by " + kernel.Quote(t.Name())
	case job != nil:
		return " by " + kernel.DescribeJob(job)
	default:
		return ""
	}
}

func (c *cancellations) deliver(t *sched.Task) {
	x := c.tasks[t]
	if x == nil || x.delivered {
		return
	}
	x.delivered = true
	if k := t.Kernel(); k.RecordsCreation() {
		x.returned = k.Calls(1)
	}
}

func (c *cancellations) finish(t *sched.Task) {
	if len(c.tasks) == 0 {
		return
	}
	delete(c.tasks, t)
	if len(c.tasks) == 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.due = time.Time{}
	}
}

// next returns when tick has something to do, and false if there is nothing. Any goroutine
// may call it.
func (c *cancellations) next() (when time.Time, some bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.due, !c.due.IsZero() && !c.looking
}

// tick has the loop look at the tasks if it is time. It does not wait for that. Any
// goroutine may call it.
func (c *cancellations) tick(now time.Time) {
	c.mu.Lock()
	begin := !c.due.IsZero() && !now.Before(c.due) && !c.looking
	if begin {
		c.looking = true
	}
	c.mu.Unlock()
	if begin {
		c.w.send(func() { c.look(now) }, func() {})
	}
}

// look reports the tasks whose time is over. The loop calls it on its own goroutine.
func (c *cancellations) look(now time.Time) {
	var due time.Time
	again := func(when time.Time) {
		if due.IsZero() || when.Before(due) {
			due = when
		}
	}
	blameless := c.awaiters()
	for _, t := range c.inOrder() {
		x := c.tasks[t]
		switch end := x.since.Add(c.after()); {
		case t.Cancelling() == 0: // Uncancel has been called
			delete(c.tasks, t)
		case x.reported:
		case now.Before(end):
			again(end)
		case !x.delivered || blameless[t] || t.State() != sched.IsWaiting:
			again(now.Add(c.after() / 4))
		default:
			x.reported = true
			c.report(t, x, now)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due, c.looking = due, false
}

// inOrder returns the tasks in the order of the requests.
func (c *cancellations) inOrder() []*sched.Task {
	all := make([]*sched.Task, 0, len(c.tasks))
	for t := range c.tasks {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *sched.Task) int { return c.tasks[a].number - c.tasks[b].number })
	return all
}

// awaiters returns the tasks that await one which was cancelled as well, as the parent of a
// group does: it is not they who keep anybody waiting.
func (c *cancellations) awaiters() map[*sched.Task]bool {
	all := make(map[*sched.Task]bool)
	var above []*sched.Task
	for t := range c.tasks {
		above = sched.Awaiters(t.Future(), above[:0])
		for _, a := range above {
			all[a] = true
		}
	}
	return all
}

// hintSwallowed goes with the incident.
const hintSwallowed = "Slow cleanup is legitimate. Code that goes on after a cancellation should call Uncancel, " +
	"and other code return the error that the await has returned."

// report reports the task t, or what keeps it waiting.
func (c *cancellations) report(t *sched.Task, x *cancellation, now time.Time) {
	blamed, shielded := blame(t)
	stack := c.w.monitor.symbols.stack(blamed.Trace(nil))
	said := fmt.Sprintf("Task %s was cancelled %s ago%s and waits", kernel.Quote(t.Name()), text(now.Sub(x.since)), x.by)
	if blamed != t {
		said += fmt.Sprintf(" for task %s, which", kernel.Quote(blamed.Name()))
		if shielded {
			said += " is shielded and"
		}
		said += " waits"
	}
	in, place := innermost(stack)
	if in != "" {
		said += " in " + in
	}
	said += ": it cleans up slowly, or has swallowed the cancellation"
	c.w.monitor.report(c.w, Incident{
		Kind:        Misuse,
		Time:        now,
		Loop:        c.w.number,
		Text:        said,
		Task:        c.w.describe(blamed, now, in, place),
		For:         now.Sub(x.since),
		Stack:       newFrames(stack),
		CancelledAt: newFrames(kernel.Frames(x.requested)),
		ReturnedAt:  newFrames(kernel.Frames(x.returned)),
		Hint:        hintSwallowed,
		Suspect:     true,
	}, loop.ExceptionContext{
		Message: "A cancellation has not ended a task",
		Task:    blamed.Public(),
		Created: blamed.Created(),
	})
}

// describe returns what a snapshot would show of a task and its stack.
func (w *watched) describe(t *sched.Task, now time.Time, in string, place *Frame) *Task {
	var c camera
	c.begin(t.Sched(), now)
	c.see(t, false)
	v := view{monitor: w.monitor, watched: w, picture: c.develop()}
	shown := v.task(0)
	shown.Place, shown.Created = place, newFrames(kernel.Frames(t.Created()))
	if in != "" {
		shown.Waits = &Waits{In: in}
	}
	return &shown
}

// newFrames makes frames of those of package runtime.
func newFrames(all []runtime.Frame) (frames []Frame) {
	for _, f := range all {
		frames = append(frames, newFrame(f))
	}
	return frames
}

// blame follows what the task awaits to the task that keeps all of them waiting, which may
// be itself, and tells whether a shield kept the cancellation from that one.
func blame(t *sched.Task) (last *sched.Task, shielded bool) {
	seen := map[*sched.Task]bool{t: true}
	for {
		f := t.Awaited()
		if f == nil {
			return t, shielded
		}
		inner := sched.Shielded(f)
		if inner == nil {
			inner = f
		}
		next := sched.TaskOf(inner)
		if next == nil || next.Done() || seen[next] {
			return t, shielded
		}
		seen[next] = true
		t, shielded = next, shielded || sched.Shielded(inner) != nil
	}
}
