package sched

// State says what an unfinished task does.
type State uint8

// The states of an unfinished task.
const (
	IsNew     State = iota // it has not begun
	IsReady                // its next step is in the ready queue
	IsRunning              // its step is being run
	IsLent                 // its step has started another task, which runs inside of it
	IsWaiting              // it awaits something
)

// State returns what the unfinished task does. Asked by a job, which runs between two
// steps, the task that has just given the baton away may be [IsRunning]; it is ready.
func (t *Task) State() State {
	switch {
	case !t.worker.begun():
		return IsNew
	case t.is(calling):
		return IsLent
	case t.awaited != nil && !t.awaited.Done():
		return IsWaiting
	case t.sched.current == t:
		return IsRunning
	default:
		return IsReady
	}
}
