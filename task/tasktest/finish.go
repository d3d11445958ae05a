package tasktest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// finish is what comes after the main task: the checks of what is left, each of them also
// if the one before was ended by Fatal.
func (r *run) finish() {
	r.outer.Helper()
	defer r.close()
	if r.loop.IsClosed() {
		return
	}
	defer r.checkTimers()
	defer r.endTasks()
	defer r.checkRefusals()
	defer r.endMonitors()
	defer r.settle()
	defer r.checkMain()
	r.ending = true
	if !r.main.Done() { // a deadlock, say, or Fatal in another task
		r.main.Cancel("the test is over")
		r.spin(r.main.Done)
	}
}

// checkMain deals with the outcome of the main task.
func (r *run) checkMain() {
	r.outer.Helper()
	if !r.main.Done() || r.main.Cancelled() {
		return
	}
	err := r.main.Err()
	var panicked *loop.PanicError
	switch {
	case err == nil, errors.Is(err, task.ErrGoexit):
	case errors.As(err, &panicked):
		r.fail("panic", fmt.Sprintf("panic: %v\n\n%s", panicked.Value, panicked.Stack))
	default:
		r.fail("main", fmt.Sprintf("the main task failed: %v", err))
	}
}

// settle runs the loop until nothing is ready. The clock does not move.
func (r *run) settle() {
	if r.stuck || !r.kernel.Begin() {
		return
	}
	goexit := func() bool {
		defer r.kernel.End()
		for range r.iterations {
			if when, ok := r.kernel.Next(); !ok || when.After(r.clock.Now()) {
				return false
			}
			if raised, goexit := r.kernel.RunOnce(); raised != nil || goexit || r.wrong != nil {
				return goexit
			}
		}
		return false
	}()
	if goexit {
		runtime.Goexit()
	}
}

// refusals is how often a task may ignore its cancellation at the end.
const refusals = 3

// endTasks deals with the tasks that are left.
func (r *run) endTasks() {
	r.outer.Helper()
	left := task.AllOn(r.loop)
	if len(left) == 0 {
		return
	}
	if !r.allowTasks && !r.failed() {
		r.fail("tasks", "tasks are left at the end of the test:\n"+taskTree(r.loop))
	}
	for range refusals {
		if len(left) == 0 {
			return
		}
		r.cancelAll(left)
		left = task.AllOn(r.loop)
	}
	if len(left) > 0 {
		r.fail("refusal", fmt.Sprintf("tasks do not end, though they were cancelled %d times:\n%s", refusals, taskTree(r.loop)))
	}
}

// cancelAll cancels tasks, and runs the loop until they are done or nothing more happens.
func (r *run) cancelAll(tasks []task.Any) {
	for _, t := range tasks {
		t.Cancel("the test is over")
	}
	pending := len(tasks)
	for _, t := range tasks {
		c := &kernel.Callback{}
		c.Init(kernel.Internal, countdown{&pending, r.loop})
		t.Kernel().Register(c)
	}
	r.lastMove = r.iteration
	r.spin(func() bool { return pending == 0 })
}

// countdown stops the loop when the last of several futures is done.
type countdown struct {
	pending *int
	loop    *loop.Loop
}

func (c countdown) Run() {
	if *c.pending--; *c.pending == 0 {
		c.loop.Stop()
	}
}

// checkTimers fails the test if a timer is set, in case it does not allow that.
func (r *run) checkTimers() {
	if !r.noTimersLeft {
		return
	}
	var lines []string
	for t := range r.kernel.Timers() {
		lines = append(lines, "  "+r.describeTimer(t))
	}
	if len(lines) > 0 {
		r.fail("timers", "timers are set at the end of the test:\n"+strings.Join(lines, "\n"))
	}
}

// describeTimer says what is due when.
func (r *run) describeTimer(t *kernel.Timer) string {
	return fmt.Sprintf("%v: %s", t.When().Sub(r.settings.start), t.Describe())
}

// close closes the loop, which reports the exceptions that nobody retrieved.
func (r *run) close() {
	r.outer.Helper()
	if err := r.loop.Close(); err != nil {
		r.fail("close", fmt.Sprintf("the loop cannot be closed: %v", err))
	}
}

// startWatchdog watches that no step takes too long. The result ends that.
func (r *run) startWatchdog() (end func()) {
	d := r.watchdog
	if deadline, ok := deadlineOf(r.outer); ok {
		d = min(d, max(time.Until(deadline)-5*time.Second, time.Second))
	}
	w := &watchdog{run: r, patience: d}
	w.timer = time.AfterFunc(d, w.look)
	return func() { w.timer.Stop() }
}

func deadlineOf(t any) (time.Time, bool) {
	if t, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		return t.Deadline()
	}
	return time.Time{}, false
}
