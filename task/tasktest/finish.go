package tasktest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// finish is what comes after the main task: the checks of what is left. Each of them is made
// even if Fatal has ended the one before.
func (r *run) finish() {
	defer r.close()
	defer r.checkTimers()
	defer r.endTasks()
	defer r.checkRefusals()
	defer r.endMonitors()
	defer r.settle()
	defer r.checkMain()
	defer r.endMain(refusals)
}

// moot reports whether the test has failed or was skipped. It says nothing then of what is
// left, which may well be a consequence.
func (r *run) moot() bool { return r.failed() || r.skipped.Load() }

// refusals is how often a task may ignore its cancellation at the end.
const refusals = 3

// endMain ends the main task, which has not come to its end after a deadlock, say, or Fatal
// in another task. It is cancelled, so that it tears down what it has set up.
func (r *run) endMain(rounds int) {
	if r.main.Done() || rounds == 0 {
		return
	}
	left := len(r.tearDowns)
	defer func() { // also after Fatal
		if len(r.tearDowns) < left {
			rounds = refusals + 1 // it gets on
		}
		r.endMain(rounds - 1)
	}()
	if !r.tearing || r.stuck {
		r.giveUp(r.main)
	}
	r.runOut(r.main.Done)
}

// isOver is the message of the cancellation of what is left.
const isOver = "the test is over"

func (r *run) giveUp(t task.Any) {
	r.gaveUp.Store(true)
	t.Cancel(isOver)
}

// runOut runs the loop until what is left has ended, or does not.
func (r *run) runOut(done func() bool) {
	r.ending, r.frozen, r.stuck = true, false, false
	r.lastMove = r.iteration
	if raised := r.turn(done); raised != nil {
		r.fail("fatal", fmt.Sprintf("a fatal error ended the run: %v", raised))
	}
	r.wrong = nil
}

// checkMain deals with the outcome of the main task.
func (r *run) checkMain() {
	if !r.main.Done() || r.main.Cancelled() {
		return
	}
	err := r.main.Err()
	var panicked *loop.PanicError
	switch {
	case err == nil, errors.Is(err, task.ErrGoexit):
	case errors.As(err, &panicked):
		r.fail("panic", fmt.Sprintf("panic: %v\n%s", panicked.Value, stackOfPanic(panicked)))
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
			if when, ok := r.kernel.Next(); !ok || when.After(r.loop.Time()) {
				return false
			}
			if raised, goexit := r.kernel.RunOnce(); raised != nil || goexit || r.wrong != nil {
				return goexit
			}
		}
		return false
	}()
	r.wrong = nil
	if goexit {
		r.goexit()
	}
}

// endTasks deals with the tasks that are left.
func (r *run) endTasks() {
	if !r.allowTasks && !r.moot() && !r.noTasks() {
		r.fail("tasks", "tasks are left at the end of the test:\n"+taskTree(r.loop))
	}
	r.cancelTasks(refusals)
}

func (r *run) noTasks() bool {
	for range sched.Of(r.kernel).Tasks() {
		return false
	}
	return true
}

// cancelTasks cancels all tasks and lets them end, and does so again with those that do not.
func (r *run) cancelTasks(rounds int) {
	if r.noTasks() {
		return
	}
	if rounds == 0 {
		r.fail("refusal", fmt.Sprintf("tasks do not end, though they were cancelled %d times:\n%s", refusals, taskTree(r.loop)))
		return
	}
	defer r.cancelTasks(rounds - 1) // also after Fatal
	for _, t := range task.AllOn(r.loop) {
		r.giveUp(t)
	}
	r.runOut(r.noTasks)
}

// checkTimers fails the test if a timer is set, in case it does not allow that.
func (r *run) checkTimers() {
	if !r.noTimersLeft || r.moot() {
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
	if err := r.loop.Close(); err != nil {
		r.fail("close", fmt.Sprintf("the loop cannot be closed: %v", err))
	}
}
