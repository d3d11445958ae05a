package monitor

import "time"

// Query selects tasks, and says how much of them is wanted. The zero Query is for all
// tasks of all loops, in the order of their creation.
type Query struct {
	Loop   int    // the number of a loop, 0 for all
	Task   uint64 // the id of a task of that loop, 0 for all
	State  State  // empty for all
	Name   string // what the name or the coroutine must contain
	Sort   string // "age" (the default: oldest first), "name", "state" or "coroutine"
	Limit  int    // how many tasks at most, 0 for all
	Places bool   // with the places where the tasks are
	Stacks bool   // with whole stacks
}

// State says what a task does.
type State string

// The states of an unfinished task.
const (
	StateNew     State = "new"     // it has not begun
	StateReady   State = "ready"   // its next step is in the ready queue
	StateRunning State = "running" // its step is being run
	StateLent    State = "lent"    // its step has started another task, which runs inside of it
	StateWaiting State = "waiting" // it awaits something
)

// A Snapshot is the tasks of one or several loops at some time.
type Snapshot struct {
	Time   time.Time `json:"time"`             // when it was taken
	Slices int       `json:"slices,omitempty"` // in how many pieces, if in more than one
	Total  int       `json:"total"`            // how many tasks there are, beside those that are shown
	Found  int       `json:"found"`            // how many of them the query selects
	Tasks  []Task    `json:"tasks"`
}

// Task is an unfinished task as it was when somebody looked.
type Task struct {
	ID         uint64    `json:"id"` // its number among the tasks of its loop, in the order of creation
	Loop       int       `json:"loop"`
	Name       string    `json:"name"`
	Coroutine  Frame     `json:"coroutine"`
	State      State     `json:"state"`
	Since      time.Time `json:"since,omitzero"`  // when it was created, to about a second
	Before     bool      `json:"before,omitzero"` // it is older than the monitor, from before Since
	Waits      *Waits    `json:"waits,omitempty"`
	AwaitedBy  []uint64  `json:"awaitedBy,omitempty"` // the ids of the tasks that await it
	Cancelling int       `json:"cancelling,omitempty"`
	Place      *Frame    `json:"place,omitempty"` // its innermost call outside of the library
	Stack      []Frame   `json:"stack,omitempty"` // innermost call first
	Created    []Frame   `json:"created,omitempty"`
}

// Waits is what a task waits for.
type Waits struct {
	In string   `json:"in,omitempty"` // the innermost function of the library on its stack, as "task.Sleep"
	On []uint64 `json:"on,omitempty"` // the ids of the tasks that it awaits
}

// Frame is a function, and a place in it.
type Frame struct {
	Func string `json:"func"` // with the path of its package, without type arguments
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Group is tasks that run the same coroutine, or were created in the same place.
type Group struct {
	Loop      int           `json:"loop"`
	Coroutine Frame         `json:"coroutine"`
	Created   []Frame       `json:"created,omitempty"`
	Count     int           `json:"count"`
	Oldest    Task          `json:"oldest"`
	States    map[State]int `json:"states"`
}

// Gauge is a number of the program's: see [Monitor.Gauge].
type Gauge struct {
	Name    string `json:"name"`
	Value   int    `json:"value"`
	Growing bool   `json:"growing,omitempty"`
}
