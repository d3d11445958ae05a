package main

import (
	"fmt"
	"io"
	"time"

	"github.com/goasyncio/asyncio/cmd/internal/terminal"
)

// progress shows how far the run is and how long it will still take. On a terminal it is one line that changes;
// elsewhere it is a line for each round, and one for every 15 seconds of a long round.
//
// The time left is estimated from how long each pair of workload and peer took before; for a pair that has not had its
// turn, from the average of the others.
type progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	left    map[pair]int
	took    map[pair]time.Duration
	started time.Time
	round   int
	said    time.Time
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: terminal.Is(w), now: time.Now, took: make(map[pair]time.Duration)}
}

// begin starts a run in which each pair is measured as often as plan says.
func (p *progress) begin(plan map[pair]int) { p.left = plan }

// next announces a measurement.
func (p *progress) next(round, rounds int, workload, peer string) {
	p.started = p.now()
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[Kround %d of %d: %s on %s%s", round, rounds, workload, peer, p.estimate())
	} else if round != p.round || p.started.Sub(p.said) >= 15*time.Second {
		p.said = p.started
		fmt.Fprintf(p.w, "round %d of %d%s\n", round, rounds, p.estimate())
	}
	p.round = round
}

// done ends the measurement that was announced.
func (p *progress) done(key pair) {
	took := p.now().Sub(p.started)
	if before, ok := p.took[key]; ok {
		// The first time includes the warm-up; what came last counts as much as all before.
		took = (took + before) / 2
	}
	p.took[key] = took
	if p.left[key] > 0 {
		p.left[key]--
	}
}

// drop says that a pair will not be measured any more.
func (p *progress) drop(key pair) { p.left[key] = 0 }

// end clears the line.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// estimate returns the time left in words, "" while nothing is known.
func (p *progress) estimate() string {
	left, ok := p.remaining()
	if !ok {
		return ""
	}
	return fmt.Sprintf(", about %v left", max(time.Second, left).Round(time.Second))
}

func (p *progress) remaining() (time.Duration, bool) {
	if len(p.took) == 0 {
		return 0, false
	}
	var known time.Duration
	for _, took := range p.took {
		known += took
	}
	average := known / time.Duration(len(p.took))
	var left time.Duration
	for key, times := range p.left {
		took, ok := p.took[key]
		if !ok {
			took = average
		}
		left += time.Duration(times) * took
	}
	return left, true
}
