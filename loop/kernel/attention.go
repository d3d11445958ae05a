package kernel

// Attention says who wants to know what the loop does. All that may have to be told
// something at a step is behind one word, so that a loop which nobody watches pays one
// test for everybody.
type Attention uint32

const (
	// AttendDebug is debug mode: each step and callback is timed.
	AttendDebug Attention = 1 << iota
	// AttendVisit says that the task which gets the baton is to run a visit.
	AttendVisit
	// AttendBeat counts steps and callbacks in the beat: see [Kernel.Pulse].
	AttendBeat
	// AttendTasks says that somebody is told of tasks that are created, begin, end, or are
	// cancelled.
	AttendTasks
	// AttendSteps says that somebody is told of each step.
	AttendSteps
	// AttendStacks records where tasks and futures are created, as debug mode does.
	AttendStacks
	// AttendHolders says that locks remember who has acquired them.
	AttendHolders
	// AttendDelivered says that somebody is told of cancellations that tasks get.
	AttendDelivered
	// AttendProgram says that some of those who are told are functions of the program.
	AttendProgram
)

// Attention returns who wants to know something. Any goroutine may call it.
func (k *Kernel) Attention() Attention { return Attention(k.attention.Load()) }

// Attend adds to the attention. It belongs to the owner of the baton.
func (k *Kernel) Attend(a Attention) { k.attention.Or(uint32(a)) }

// Ignore takes from the attention what Attend has added.
func (k *Kernel) Ignore(a Attention) { k.attention.And(^uint32(a)) }

// Beat counts the beginning of a step or callback, or of a job of the library.
func (k *Kernel) Beat() { k.beat.Store(k.beat.Load() + 1) }

// runAttended runs j with everything that somebody wants to know of it.
func (k *Kernel) runAttended(j Job) {
	a := k.Attention()
	if a&AttendBeat != 0 {
		k.Beat()
	}
	k.job = j
	if a&AttendDebug != 0 {
		k.runTimed(j)
	} else {
		j.Run()
	}
	k.job = nil
}

// Job is the callback or job of the library that the loop is running, as long as somebody
// attends to it. While a task's step runs it is that step, or nil.
func (k *Kernel) Job() Job { return k.job }

// Pulse is how a loop looks from another goroutine.
type Pulse struct {
	// Beat counts the steps, callbacks and jobs of the library that have begun since
	// somebody attends to the beat. As long as it stands still on a loop that is awake, and
	// Changes does too, one of them runs, or the library itself.
	Beat uint64
	// Changes counts how often the loop has fallen asleep, was awake again, began to run,
	// and stopped.
	Changes uint64
	// Holder is the goroutine (see [Goroutine]) of the task whose step runs, or of an errand, 0
	// on the loop's own goroutine.
	Holder uintptr
	// Awake says that the loop is running and does not sleep, Asleep that it is running and
	// sleeps.
	Awake, Asleep bool
}

// Pulse returns the loop's pulse. Any goroutine may call it.
func (k *Kernel) Pulse() Pulse {
	k.inbox.mu.Lock()
	state, changes := k.inbox.state, k.inbox.changes
	k.inbox.mu.Unlock()
	return Pulse{Beat: k.beat.Load(), Changes: changes, Holder: k.StepOwner(), Awake: state.awake(), Asleep: state.asleep()}
}

// KickAwake makes the loop send to kick, without waiting, when it wakes up or begins to
// run, once. It reports false if the loop is awake already, or closed. Any goroutine may
// call it.
func (k *Kernel) KickAwake(kick chan<- struct{}) bool {
	b := &k.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state.awake() || b.closed {
		return false
	}
	b.kick = kick
	return true
}
