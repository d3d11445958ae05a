package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
)

// The number of rounds of a full run, unless the workload or the user says otherwise. If other programs take part there
// are fewer, so that a run still takes only a few minutes: an interpreter's round takes several times as long.
const (
	usualRounds     = 5
	roundsWithOther = 3
)

// A quick look has as many rounds, unless the user says otherwise, and does so much less in each. With CPython and Node.js
// it takes about a minute. Where each round starts a process there are fewer, because then it is mostly that which takes
// time.
const (
	quickRounds           = 3
	quickRoundsOfPrograms = 2
	quickScale            = 0.1
)

// options is what the command line asks for.
type options struct {
	workloads []*bench.Workload
	peers     []string // nil for all that are found
	observe   string   // how somebody looks at the loop, on a peer besides
	full      bool
	count     int
	scale     float64
	list      bool
	format    string

	json, html, doc                 string
	cpuProfile, memProfile, tracing string
	python, node                    string
}

// parse reads the command line. It has printed the help text if it returns flag.ErrHelp.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("loopbench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	pattern := flags.String("run", "", "measure only the workloads whose names match this `regexp`")
	peers := flags.String("peers", "auto", "compare with these peers: auto (all that are found), none (no other program is started), or a `list` of names")
	flags.StringVar(&o.observe, "observe", "off", "measure the loop also while somebody looks at it: `how` is off, timer (Go's, which stats and watch set), stats, watch, labels, trace or all")
	flags.BoolVar(&o.full, "full", false, "measure in long rounds, which takes several minutes, in place of a quick look")
	flags.IntVar(&o.count, "count", 0, fmt.Sprintf("measure each workload in `n` rounds (default %d; with -full %d, or %d if other programs take part)", quickRounds, usualRounds, roundsWithOther))
	flags.Float64Var(&o.scale, "scale", quickScale, "multiply the work of a round by `x`; with -full the default is 1")
	sweep := flags.String("sweep", "no", "measure also cost against scale, from 1 to 1,000,000 tasks and timers: yes or no")
	flags.BoolVar(&o.list, "list", false, "list the workloads and do nothing else")
	flags.StringVar(&o.format, "format", "table", "print a table, gobench (lines that benchstat reads) or markdown")
	flags.StringVar(&o.json, "json", "", "also write everything as JSON to `file`")
	flags.StringVar(&o.html, "html", "", "also write a page with charts to `file`")
	flags.StringVar(&o.doc, "doc", "", "also replace the figures in the Markdown `file`, between its loopbench comments")
	flags.StringVar(&o.python, "python", "", "run asyncio on the interpreter at `path` instead of the newest on the PATH")
	flags.StringVar(&o.node, "node", "", "run the Node.js at `path` instead of the one on the PATH")
	flags.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile of this process to `file`")
	flags.StringVar(&o.memProfile, "memprofile", "", "write an allocation profile of this process to `file`")
	flags.StringVar(&o.tracing, "trace", "", "write an execution trace of this process to `file`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(stderr, "usage: loopbench [flags]\n\nMeasures the event loop against its peers:\n")
			for _, p := range knownPeers() {
				if p.observed != "" {
					continue
				}
				fmt.Fprintf(stderr, "  %-16s %s\n", p.Name, p.What)
			}
			fmt.Fprint(stderr, "\nFlags:\n")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return nil, err
	}
	if !slices.Contains(given(flags), "scale") && o.full {
		o.scale = 1
	}
	return o, o.check(flags.Args(), *pattern, *peers, *sweep)
}

// given returns the names of the flags that are on the command line.
func given(flags *flag.FlagSet) []string {
	var names []string
	flags.Visit(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// check interprets the arguments, and refuses those that make no sense.
func (o *options) check(rest []string, pattern, peers, sweep string) error {
	if len(rest) > 0 {
		return fmt.Errorf("unexpected argument %q: workloads are chosen with -run %q", rest[0], rest[0])
	}
	if o.count < 0 {
		return fmt.Errorf("-count: there can't be %d rounds", o.count)
	}
	if !(o.scale > 0) || math.IsInf(o.scale, 1) {
		return fmt.Errorf("-scale: the work can't be multiplied by %v: it must be above 0", o.scale)
	}
	if formats := []string{"table", "gobench", "markdown"}; !slices.Contains(formats, o.format) {
		return fmt.Errorf("-format: there is no format %q: it is one of %s", o.format, strings.Join(formats, ", "))
	}
	if sweep != "yes" && sweep != "no" {
		return fmt.Errorf("-sweep: it is yes or no, not %q", sweep)
	}
	if o.doc != "" && !o.full {
		return errors.New("-doc: a quick look is not for a document: add -full")
	}
	if ways := append([]string{"off", "all"}, waysToObserve()...); !slices.Contains(ways, o.observe) {
		return fmt.Errorf("-observe: it is one of %s, not %q", strings.Join(ways, ", "), o.observe)
	}
	if err := o.choosePeers(peers); err != nil {
		return err
	}
	if err := o.chooseWorkloads(pattern, sweep == "yes"); err != nil {
		return err
	}
	return o.checkFiles()
}

func (o *options) choosePeers(list string) error {
	switch list {
	case "auto":
		return nil
	case "none":
		for _, p := range knownPeers() {
			if p.runtime == bench.Compiled && p.observed == "" {
				o.peers = append(o.peers, p.Name)
			}
		}
		return nil
	}
	var known []string
	for _, p := range knownPeers() {
		if p.observed == "" {
			known = append(known, p.Name)
		}
	}
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, name) {
			return fmt.Errorf("-peers: there is no peer %q: it is auto, none, or a list of %s", name, strings.Join(known, ","))
		}
		if !slices.Contains(o.peers, name) {
			o.peers = append(o.peers, name)
		}
	}
	return nil
}

// chooseWorkloads takes the workloads that the pattern matches. Points of curves are among them if curves are asked
// for, or if the pattern matches nothing else.
func (o *options) chooseWorkloads(pattern string, sweeps bool) error {
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	var points []*bench.Workload
	for _, w := range bench.Workloads() {
		if !matches.MatchString(w.Name) {
			continue
		}
		if !w.Sweep || sweeps {
			o.workloads = append(o.workloads, w)
		} else {
			points = append(points, w)
		}
	}
	if len(o.workloads) == 0 {
		o.workloads = points
	}
	if len(o.workloads) == 0 {
		return fmt.Errorf("-run: no workload matches %q: loopbench -list shows them all", pattern)
	}
	return nil
}

// checkFiles makes sure, before the work, that its results can be written after it.
func (o *options) checkFiles() error {
	for name, path := range map[string]string{
		"json": o.json, "html": o.html, "cpuprofile": o.cpuProfile, "memprofile": o.memProfile, "trace": o.tracing,
	} {
		if path == "" || path == "-" {
			continue
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return fmt.Errorf("-%s: %w", name, err)
		}
		if err := file.Close(); err != nil {
			return fmt.Errorf("-%s: %w", name, err)
		}
	}
	if o.doc != "" {
		if err := report.CheckDocument(o.doc); err != nil {
			return fmt.Errorf("-doc: %w", err)
		}
	}
	return nil
}

// wants reports whether a peer is to be measured, and whether it was asked for by name.
func (o *options) wants(k kind) (wanted, named bool) {
	if k.observed != "" {
		wanted = o.observe == k.observed || o.observe == "all"
		return wanted, wanted
	}
	named = slices.Contains(o.peers, k.Name)
	return o.peers == nil || named, named
}

// waysToObserve are those of the peers that somebody looks at.
func waysToObserve() []string {
	var ways []string
	for _, k := range knownPeers() {
		if k.observed != "" {
			ways = append(ways, k.observed)
		}
	}
	return ways
}

// startProfiles starts the profiles that were asked for. The function that it returns writes them.
func (o *options) startProfiles() (stop func() error, err error) {
	var stops []func() error
	stop = func() error {
		var err error
		for _, s := range stops {
			err = errors.Join(err, s())
		}
		return err
	}
	start := func(path string, begin func(io.Writer) error, end func(io.Writer) error) error {
		if path == "" {
			return nil
		}
		file, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := begin(file); err != nil {
			return errors.Join(err, file.Close())
		}
		stops = append(stops, func() error { return errors.Join(end(file), file.Close()) })
		return nil
	}
	err = errors.Join(
		start(o.cpuProfile, pprof.StartCPUProfile, func(io.Writer) error { pprof.StopCPUProfile(); return nil }),
		start(o.tracing, trace.Start, func(io.Writer) error { trace.Stop(); return nil }),
		start(o.memProfile, func(io.Writer) error { return nil }, func(w io.Writer) error {
			runtime.GC() // so that the profile is up to date
			return pprof.Lookup("allocs").WriteTo(w, 0)
		}),
	)
	if err != nil {
		err = errors.Join(err, stop())
	}
	return stop, err
}

// write prints the report, and writes it to the files that were asked for. A table has been printed except for its end.
func (o *options) write(r *report.Report, table *report.Table, stdout io.Writer) error {
	var err error
	switch {
	case table != nil:
		err = table.End(r)
	case o.format == "gobench":
		err = r.WriteGobench(stdout)
	default:
		err = r.WriteMarkdown(stdout)
	}
	save := func(path string, write func(io.Writer) error) {
		switch path {
		case "":
		case "-":
			err = errors.Join(err, write(stdout))
		default:
			file, failed := os.Create(path)
			if failed == nil {
				failed = errors.Join(write(file), file.Close())
			}
			err = errors.Join(err, failed)
		}
	}
	save(o.json, r.WriteJSON)
	save(o.html, r.WriteHTML)
	if o.doc != "" {
		err = errors.Join(err, r.UpdateDocument(o.doc))
	}
	return err
}

// writeList prints the chosen workloads: what one operation is, and how many of them a round does.
func writeList(w io.Writer, o *options) error {
	for _, wl := range o.workloads {
		p := wl.Params(o.scale)
		if _, err := fmt.Fprintf(w, "%-24s %-42s %7s a round\n", wl.Name, wl.Operation(p), bench.Count(wl.Done(p))); err != nil {
			return err
		}
	}
	return nil
}
