package debughttp

import (
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/monitor"
)

// Version is the version of the documents. Fields are only ever added to it.
const Version = 1

// Loops is the answer of GET loops.
type Loops struct {
	V      int       `json:"v"`
	PID    int       `json:"pid"`
	Time   time.Time `json:"time"`
	Cancel bool      `json:"cancel,omitempty"` // POST cancel is allowed
	Loops  []Loop    `json:"loops"`
}

// Loop is a loop of the monitor.
type Loop struct {
	Loop    int               `json:"loop"`
	State   string            `json:"state"` // "busy", "asleep", "stopped", "blocked" or "closed"
	Tasks   int               `json:"tasks"`
	Blocked *monitor.Incident `json:"blocked,omitempty"` // what holds it, if something does
}

// Stats is the answer of GET stats, and the data of the events named stats.
type Stats struct {
	V     int         `json:"v"`
	Time  time.Time   `json:"time"`
	Loops []LoopStats `json:"loops"`
}

// LoopStats is what a loop has counted, with what a person wants to know of the last second.
type LoopStats struct {
	Loop
	Stats       loop.Stats      `json:"stats"`
	Over        float64         `json:"over"`        // seconds since the last stats; 0 for the first, which have no rates
	Utilization float64         `json:"utilization"` // since the last stats, 0 to 1
	Lag         Quantiles       `json:"lag"`         // of timers, since the last stats
	Probe       Quantiles       `json:"probe"`       // of what the monitor's submissions have waited, since the last stats
	Rates       Rates           `json:"rates"`       // per second, since the last stats
	Gauges      []monitor.Gauge `json:"gauges,omitempty"`
}

// Quantiles sum a histogram of durations up, in seconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Rates are numbers per second.
type Rates struct {
	Steps      float64 `json:"steps"`
	Iterations float64 `json:"iterations"`
	Callbacks  float64 `json:"callbacks"`
	Tasks      float64 `json:"tasks"` // created less finished
	Posted     float64 `json:"posted"`
}

// Tasks is the answer of GET tasks, and of GET tree?format=json.
type Tasks struct {
	V       int               `json:"v"`
	Age     float64           `json:"age"`               // of the snapshot, in seconds
	Blocked *monitor.Incident `json:"blocked,omitempty"` // what holds the loop, if it did not answer
	*monitor.Snapshot
}

// Groups is the answer of GET groups.
type Groups struct {
	V       int               `json:"v"`
	Age     float64           `json:"age"`
	Blocked *monitor.Incident `json:"blocked,omitempty"`
	Groups  []monitor.Group   `json:"groups"`
}

// Stacks is the answer of GET stacks?task=ID.
type Stacks struct {
	V       int               `json:"v"`
	Age     float64           `json:"age"`
	Blocked *monitor.Incident `json:"blocked,omitempty"`
	Task    monitor.Task      `json:"task"`
}

// Stuck is the answer of GET stuck.
type Stuck struct {
	V       int               `json:"v"`
	Blocked *monitor.Incident `json:"blocked,omitempty"` // what holds a loop whose sets are missing
	Sets    [][]monitor.Task  `json:"sets"`              // of tasks none of which can finish
}

// Incidents is the answer of GET incidents.
type Incidents struct {
	V         int                `json:"v"`
	Incidents []monitor.Incident `json:"incidents"` // the oldest first
}

// Incident is the data of the events that are named by a kind of incident.
type Incident struct {
	V int `json:"v"`
	monitor.Incident
}

// Cancel is the body of POST cancel.
type Cancel struct {
	Loop int    `json:"loop"`
	Task uint64 `json:"task"`
	Name string `json:"name"` // of the task, so that no other one is cancelled by mistake
}

// Cancelled is the answer of POST cancel: the task is asked to end.
type Cancelled struct {
	V         int  `json:"v"`
	Cancelled bool `json:"cancelled"`
}

// Error is the answer when there is none.
type Error struct {
	V       int               `json:"v"`
	Error   string            `json:"error"`
	Blocked *monitor.Incident `json:"blocked,omitempty"` // what holds the loop, if it did not answer
}
