package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteGobench writes the report as go test -bench does: a line for each round of each peer. The peer is the part of
// the name that makes benchstat -col /peer put them side by side.
func (r *Report) WriteGobench(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/goasyncio/asyncio/cmd/loopbench\n", r.Machine.OS, r.Machine.Arch)
	if r.Machine.CPU != "" {
		fmt.Fprintf(&b, "cpu: %s\n", r.Machine.CPU)
	}
	for _, wl := range r.Workloads {
		for _, result := range wl.Results {
			for round, figure := range result.Rounds {
				fmt.Fprintf(&b, "BenchmarkWorkload/%s/peer=%s-%d\t%d\t%s %s", wl.Name, result.Peer, r.Machine.GOMAXPROCS,
					result.Ops, strconv.FormatFloat(figure, 'f', -1, 64), GobenchUnit(wl.Metric))
				if result.Counted && wl.Metric != "resident" {
					fmt.Fprintf(&b, "\t%.0f B/op\t%.2f allocs/op", result.Bytes, result.Allocs)
				}
				if t := result.Traffic; t != nil {
					fmt.Fprintf(&b, "\t%.0f server-cpu-ns/op", t.ServerRounds[round])
				}
				b.WriteString("\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// GobenchUnit returns the unit of a metric in benchmark lines, where each unit has one meaning.
func GobenchUnit(metric string) string {
	switch metric {
	case "cpu":
		return "cpu-ns/op"
	case "resident":
		return "resident-B/op"
	case "latency":
		return "p50-ns/op"
	}
	return "ns/op"
}
