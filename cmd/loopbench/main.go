// Loopbench compares this module's event loop with its peers: plain goroutines, and CPython's asyncio, uvloop and
// Node.js if the machine has them. It does the same work on each, in rounds that take turns, so that the ratios hold
// even on a machine that is busy with other things.
//
//	go run ./cmd/loopbench                        a quick look at all workloads, a table
//	go run ./cmd/loopbench -full                  the same at full size, in several minutes
//	go run ./cmd/loopbench -run 'yield|queue'     some of them
//	go run ./cmd/loopbench -peers none            without Python and Node.js
//	go run ./cmd/loopbench -peers loop -observe all    what it costs to look at a loop
//	go run ./cmd/loopbench -html report.html      a page with charts
//	go run ./cmd/loopbench -list                  the names of the workloads
//
// docs/benchmarks.md says how it measures, what one operation of each workload is, and how to read the figures. The
// workloads are also Go benchmarks: go test -bench=. ./cmd/loopbench
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/goasyncio/asyncio/cmd/internal/terminal"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
)

// Exit statuses.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

func main() {
	if request, ok := os.LookupEnv(childRequest); ok {
		os.Exit(runChild(request, os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// A second Ctrl+C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program: it measures what args ask for and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return statusOK
	case err != nil:
		fmt.Fprintf(stderr, "loopbench: %v\nrun loopbench -h for help\n", err)
		return statusUsage
	case o.list:
		return status(writeList(stdout, o), stderr)
	}
	stopProfiles, err := o.startProfiles()
	if err != nil {
		return status(err, stderr)
	}
	r, table, err := measure(ctx, o, stdout, stderr)
	if err := errors.Join(err, stopProfiles()); err != nil {
		return status(err, stderr)
	}
	if err := o.write(r, table, stdout); err != nil {
		return status(err, stderr)
	}
	if r.Interrupted {
		return statusInterrupted
	}
	return statusOK
}

func status(err error, stderr io.Writer) int {
	if err != nil {
		fmt.Fprintf(stderr, "loopbench: %v\n", err)
		return statusFailed
	}
	return statusOK
}

// measure finds the peers and does all rounds. If ctx ends before, the report has what was measured until then. If a table
// is to be printed, measure prints its rows.
func measure(ctx context.Context, o *options, stdout, stderr io.Writer) (*report.Report, *report.Table, error) {
	started := time.Now()
	r := &report.Report{Format: report.Format, Started: started, Scale: o.scale, Quick: !o.full, Machine: report.ThisMachine()}
	peers, notes, err := assemble(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		for _, p := range peers {
			p.Close()
		}
	}()
	o.workloads, notes = affordable(o.workloads, o.scale, r.Machine.Memory, notes)
	o.workloads, notes = connectable(o.workloads, o.scale, bench.Descriptors(), notes)
	for _, note := range notes {
		fmt.Fprintf(stderr, "loopbench: %s\n", note)
	}
	for _, p := range peers {
		r.Peers = append(r.Peers, p.Peer)
	}
	s := &session{options: o, peers: peers, progress: newProgress(stderr), show: func(*report.Workload) {}}
	r.Workloads = s.intended()
	var table *report.Table
	if o.format == "table" {
		table = report.NewTable(stdout, terminal.HasColours(stdout), r)
		s.show = table.Row
	}
	s.run(ctx)
	r.Workloads = s.results()
	r.Notes = append(notes, s.notes...)
	r.Interrupted = ctx.Err() != nil
	r.Seconds = time.Since(started).Seconds()
	return r, table, nil
}

// bytesPerTask is the memory of a parked task, stack included, on the peer that needs most.
const bytesPerTask = 6 << 10

// affordable leaves out the points of the curves that need more than half of the machine's memory.
func affordable(workloads []*bench.Workload, scale float64, memory int64, notes []string) ([]*bench.Workload, []string) {
	var kept []*bench.Workload
	for _, w := range workloads {
		if need := int64(w.Params(scale).Width) * bytesPerTask; w.Sweep && memory > 0 && need > memory/2 {
			notes = append(notes, fmt.Sprintf("left out %s: it may need %d GB, and this machine has %d", w.Name, need>>30, memory>>30))
			continue
		}
		kept = append(kept, w)
	}
	return kept, notes
}

// spareDescriptors is what a process needs besides its connections.
const spareDescriptors = 100

// connectable leaves out the workloads with more connections than a process may have open. The limit is 0 if it is not
// known.
func connectable(workloads []*bench.Workload, scale float64, limit uint64, notes []string) ([]*bench.Workload, []string) {
	var kept []*bench.Workload
	for _, w := range workloads {
		if need := uint64(w.Params(scale).Width) + spareDescriptors; w.Service != "" && limit > 0 && need > limit {
			notes = append(notes, fmt.Sprintf("left out %s: it needs %d open files in a process, and ulimit -Hn says %d", w.Name, need, limit))
			continue
		}
		kept = append(kept, w)
	}
	return kept, notes
}
