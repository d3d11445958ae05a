package loop

import (
	"iter"
	"slices"
	"time"
)

// Metric is a figure of a loop for exporters, named by the conventions of OpenTelemetry:
// see [Stats.Metrics].
type Metric struct {
	Name           string // as "asyncio.task.finished"
	Unit           string // in the notation of UCUM, as "s" and "{task}"
	Help           string // a sentence
	Kind           MetricKind
	Attribute      string                    // the name of its only attribute, as "asyncio.task.outcome"; empty if it has none
	AttributeValue string                    // as "failed"
	Value          float64                   // in the unit, unless the kind is KindHistogram
	Histogram      *Histogram[time.Duration] // if the kind is KindHistogram, else nil
}

// MetricKind says how the value of a metric changes.
type MetricKind int

const (
	KindCounter   MetricKind = iota // it only grows
	KindGauge                       // a number of things that are there now
	KindHistogram                   // counts of values, which only grow
)

// Metrics yields the figures that are worth keeping over time. Those that share a name
// follow each other, and differ in the value of their attribute. There is no utilization:
// it is the rate of asyncio.loop.time of the state active.
func (s Stats) Metrics() iter.Seq[Metric] {
	type value struct {
		of     string // the value of the attribute
		number float64
	}
	var all []Metric
	add := func(m Metric, values ...value) {
		for _, v := range values {
			m.AttributeValue, m.Value = v.of, v.number
			all = append(all, m)
		}
	}
	counter := func(name, unit, help, attribute string, values ...value) {
		add(Metric{Name: name, Unit: unit, Help: help, Kind: KindCounter, Attribute: attribute}, values...)
	}
	gauge := func(name, unit, help, attribute string, values ...value) {
		add(Metric{Name: name, Unit: unit, Help: help, Kind: KindGauge, Attribute: attribute}, values...)
	}
	counter("asyncio.loop.time", "s", "Real time that the loop has been running, since its statistics were first asked for.", "asyncio.loop.state",
		value{"active", s.Busy.Seconds()}, value{"idle", s.Idle.Seconds()})
	all = append(all, Metric{Name: "asyncio.loop.lag", Unit: "s", Help: "How late timers were found due, by the loop's clock.", Kind: KindHistogram, Histogram: &s.Lag})
	counter("asyncio.loop.iterations", "{iteration}", "Iterations of the loop.", "", value{"", float64(s.Iterations)})
	counter("asyncio.loop.handles", "{handle}", "Handles that the loop has taken off its ready queue.", "asyncio.handle.kind",
		value{"callback", float64(s.Callbacks)}, value{"step", float64(s.Steps)}, value{"internal", float64(s.Internal)}, value{"dropped", float64(s.Dropped)})
	gauge("asyncio.loop.ready", "{handle}", "Handles in the ready queue.", "", value{"", float64(s.Ready)})
	gauge("asyncio.timer.count", "{timer}", "Timers that are set.", "", value{"", float64(s.Timers)})
	counter("asyncio.inbox.posted", "{handle}", "Handles from other goroutines.", "", value{"", float64(s.Posted)})
	gauge("asyncio.task.count", "{task}", "Unfinished tasks.", "", value{"", float64(s.Tasks)})
	counter("asyncio.task.created", "{task}", "Tasks that were created.", "", value{"", float64(s.TasksCreated)})
	counter("asyncio.task.finished", "{task}", "Tasks that have finished, or were destroyed by Close.", "asyncio.task.outcome",
		value{"returned", float64(s.TasksReturned)}, value{"failed", float64(s.TasksFailed)}, value{"cancelled", float64(s.TasksCancelled)}, value{"destroyed", float64(s.TasksDestroyed)})
	gauge("asyncio.worker.count", "{worker}", "Goroutines of coroutines.", "asyncio.worker.state",
		value{"busy", float64(s.Workers - s.IdleWorkers)}, value{"idle", float64(s.IdleWorkers)})
	counter("asyncio.exception.count", "{exception}", "Calls of the exception handler.", "", value{"", float64(s.Exceptions)})
	return slices.Values(all)
}
