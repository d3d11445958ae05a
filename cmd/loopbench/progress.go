package main

import (
	"fmt"
	"io"
	"time"

	"github.com/goasyncio/asyncio/cmd/internal/terminal"
)

// progress shows how far the run is and how long it will still take. On a terminal it is one line that changes, below
// what has been printed; elsewhere it is a line every 15 seconds.
//
// The time left is what the rounds that are left took before. Workloads differ by a factor of a hundred, so nothing can
// be told from the others about a pair of workload and peer that has not had its turn. For such a pair it is what a round
// takes elsewhere, by how much the peer's rounds here were slower than that so far.
type progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	started time.Time
	said    time.Time

	expected map[pair]time.Duration // of a round elsewhere
	left     map[pair]int
	took     map[pair]time.Duration
	// all is what the rounds of each peer have taken so far, "" stands for all peers.
	all map[string]*speed
}

// speed compares what rounds took with what they take elsewhere.
type speed struct{ took, expected time.Duration }

// planned is how often a pair will be measured, and what a round of it takes elsewhere.
type planned struct {
	rounds int
	each   time.Duration
}

const quiet = 15 * time.Second

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: terminal.Is(w), now: time.Now}
}

// begin starts a run.
func (p *progress) begin(plan map[pair]planned) {
	p.expected, p.left = make(map[pair]time.Duration), make(map[pair]int)
	p.took, p.all = make(map[pair]time.Duration), make(map[string]*speed)
	for key, todo := range plan {
		p.expected[key], p.left[key] = todo.each, todo.rounds
	}
	p.said = p.now()
}

// next announces a measurement; where says how far the run is.
func (p *progress) next(where string, key pair) {
	p.started = p.now()
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %s on %s%s", where, key.workload, key.peer, p.estimate())
	} else if p.started.Sub(p.said) >= quiet {
		p.said = p.started
		fmt.Fprintf(p.w, "%s: %s%s\n", where, key.workload, p.estimate())
	}
}

// done ends the measurement that was announced.
func (p *progress) done(key pair) {
	took := p.now().Sub(p.started)
	for _, peer := range []string{key.peer, ""} {
		s := p.all[peer]
		if s == nil {
			s = &speed{}
			p.all[peer] = s
		}
		s.took += took
		s.expected += p.expected[key]
	}
	if before, ok := p.took[key]; ok {
		// What came last counts as much as all before.
		took = (took + before) / 2
	}
	p.took[key] = took
	if p.left[key] > 0 {
		p.left[key]--
	}
}

// drop says that a pair will not be measured any more.
func (p *progress) drop(key pair) { p.left[key] = 0 }

// clear removes the line, so that something can be printed in its place.
func (p *progress) clear() {
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
	if all := p.all[""]; all == nil || all.took < few {
		return 0, false
	}
	var left float64
	for key, times := range p.left {
		each, ok := float64(p.took[key]), p.took[key] > 0
		if !ok {
			each = float64(p.expected[key]) * p.slowdown(key.peer)
		}
		left += float64(times) * each
	}
	return time.Duration(left), true
}

// few is what must have been measured before something is concluded from it.
const few = 2 * time.Second

// slowdown is how many times as long as elsewhere the rounds of a peer take. While there are few of them, it is mostly
// what all peers' rounds say.
func (p *progress) slowdown(peer string) float64 {
	all := *p.all[""]
	factor := float64(all.took) / float64(all.expected)
	own := p.all[peer]
	if own == nil {
		return factor
	}
	return (float64(own.took) + float64(few)*factor) / float64(own.expected+few)
}
