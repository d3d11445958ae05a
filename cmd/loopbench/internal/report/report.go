// Package report has the results of a run of loopbench, and writes them as a table for people, as the lines that
// benchstat reads, as Markdown, as JSON and as a page with charts.
//
// A Report is plain data. What a format needs beyond the figures (ratios, axes) is computed from them here, so that all
// formats agree.
package report

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// Subject is the peer that the others are compared with: this module with its defaults.
const Subject = "loop"

// Format is the version of the JSON layout.
const Format = 1

// Report is what a whole run has measured.
type Report struct {
	Format  int       `json:"format"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Scale   float64   `json:"scale"`
	// Quick says that it is a quick look, of short rounds.
	Quick       bool       `json:"quick,omitempty"`
	Interrupted bool       `json:"interrupted,omitempty"`
	Machine     Machine    `json:"machine"`
	Peers       []Peer     `json:"peers"`
	Workloads   []Workload `json:"workloads"`
	// Notes tell the reader what is missing: a peer that was not found, a round that failed.
	Notes []string `json:"notes,omitempty"`
}

// Peer is something that was measured.
type Peer struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	What    string `json:"what"`
}

// Workload is one workload, and the results of all peers.
type Workload struct {
	Name      string       `json:"name"`
	Operation string       `json:"operation"`
	Unit      string       `json:"unit"`
	Metric    string       `json:"metric"`
	Params    bench.Params `json:"params"`
	Sweep     bool         `json:"sweep,omitempty"`
	Family    string       `json:"family,omitempty"`
	Results   []Result     `json:"results"`
}

// Result is what one workload cost on one peer.
type Result struct {
	Peer string `json:"peer"`
	// Ops is the number of operations of one round.
	Ops int `json:"ops"`
	// Rounds are the figures of the rounds, in their order.
	Rounds []float64 `json:"rounds"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	// Counted says that the peer can count allocations: Allocs objects and Bytes for each operation.
	Counted bool    `json:"counted,omitempty"`
	Allocs  float64 `json:"allocs,omitempty"`
	Bytes   float64 `json:"bytes,omitempty"`
	// Latency is the distribution of the single operations of all rounds.
	Latency *bench.Distribution `json:"latency,omitempty"`
	// Traffic is how fast a server was and what it took, nil for workloads without one.
	Traffic *Traffic `json:"traffic,omitempty"`
}

// Traffic has the medians of the rounds: operations a second, and processor time for each operation in nanoseconds, 0
// if it is not known.
type Traffic struct {
	PerSecond float64 `json:"per_second"`
	ServerCPU float64 `json:"server_cpu"`
	ClientCPU float64 `json:"client_cpu"`
	// ServerRounds are the figures of the rounds behind ServerCPU, in their order.
	ServerRounds []float64 `json:"server_rounds"`
}

// Summarise makes a result of a peer's samples, of which there must be at least one.
func Summarise(peer string, samples []bench.Sample) Result {
	r := Result{Peer: peer, Ops: samples[0].Ops, Counted: samples[0].Counted, Min: math.Inf(1)}
	var allocs, bytes []float64
	var latencies []int64
	for _, s := range samples {
		figure := s.PerOp()
		r.Rounds = append(r.Rounds, figure)
		r.Min = min(r.Min, figure)
		allocs = append(allocs, s.Allocs/float64(s.Ops))
		bytes = append(bytes, s.Bytes/float64(s.Ops))
		latencies = append(latencies, s.Latencies...)
	}
	r.Median = bench.Median(r.Rounds)
	if r.Counted {
		r.Allocs, r.Bytes = bench.Median(allocs), bench.Median(bytes)
	}
	if len(latencies) > 0 {
		d := bench.Distribute(latencies)
		r.Latency = &d
	}
	r.Traffic = summariseTraffic(samples)
	return r
}

func summariseTraffic(samples []bench.Sample) *Traffic {
	var perSecond, server, client []float64
	for _, s := range samples {
		if t := s.Traffic; t != nil {
			ops := float64(s.Ops)
			perSecond = append(perSecond, ops/t.Elapsed*1e9)
			server = append(server, t.ServerCPU/ops)
			client = append(client, t.ClientCPU/ops)
		}
	}
	if len(perSecond) == 0 {
		return nil
	}
	return &Traffic{PerSecond: bench.Median(perSecond), ServerCPU: bench.Median(server), ClientCPU: bench.Median(client), ServerRounds: server}
}

// Result returns the result of a peer, nil if it did not take part.
func (w *Workload) Result(peer string) *Result {
	for i := range w.Results {
		if w.Results[i].Peer == peer {
			return &w.Results[i]
		}
	}
	return nil
}

// Ratio returns how many times as much a peer needs as the subject: above 1, the subject is better. It is the median of
// the ratios of rounds that were measured one after the other, so that what disturbed both cancels out. There is no
// ratio if one of them did not take part, or if a figure is not positive (a sleep that ended early).
func (w *Workload) Ratio(peer string) (ratio float64, ok bool) {
	subject, other := w.Result(Subject), w.Result(peer)
	if subject == nil || other == nil || peer == Subject {
		return 0, false
	}
	var ratios []float64
	for i := range min(len(subject.Rounds), len(other.Rounds)) {
		if subject.Rounds[i] <= 0 || other.Rounds[i] <= 0 {
			return 0, false
		}
		ratios = append(ratios, other.Rounds[i]/subject.Rounds[i])
	}
	return bench.Median(ratios), len(ratios) > 0
}

// has reports whether the peer has any result.
func (r *Report) has(peer string) bool {
	for i := range r.Workloads {
		if r.Workloads[i].Result(peer) != nil {
			return true
		}
	}
	return false
}

// others returns the peers with results, without the subject, in order.
func (r *Report) others() []Peer {
	var others []Peer
	for _, p := range r.Peers {
		if p.Name != Subject && r.has(p.Name) {
			others = append(others, p)
		}
	}
	return others
}

// versions returns what the peers run on, each version once.
func (r *Report) versions() []string {
	versions := []string{r.Machine.Go}
	for _, p := range r.others() {
		if p.Version != "" && !slices.Contains(versions, p.Version) {
			versions = append(versions, p.Version)
		}
	}
	return versions
}

// WriteJSON writes the report as JSON.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
