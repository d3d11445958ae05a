// Mutants finds out what no test would notice. It makes small changes to the library,
// mutants, one at a time, and runs the tests on each. A mutant that passes is either a
// test that is missing, or a change that changes nothing.
//
// The files of the module stay as they are: the compiler gets changed copies, in which
// all mutants of a package are present and one is switched on by an environment variable.
// So a package is compiled once, not once for each mutant.
//
//	go run ./cmd/mutants                                  # all packages, all mutants: hours
//	go run ./cmd/mutants -n 50                            # a sample of each package
//	go run ./cmd/mutants -package future -only Cancel     # what the tests of Cancel hold
//
// It prints the mutants that pass, unless explained.txt says why they may. A mutant that
// only the tests of another package notice is printed too: those who change a package run
// its own tests first. The exit status is 1 if there is anything to print.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// subject is a package to change, with the tests that are run on each mutant.
type subject struct {
	directory string
	own       []suite
	above     []suite
}

// suite is the tests of one package, with the flags that they are run with.
type suite struct {
	directory string
	args      string
}

var (
	inLoop    = suite{directory: "loop"}
	inKernel  = suite{directory: "loop/kernel"}
	inFuture  = suite{directory: "future"}
	inSched   = suite{directory: "task/internal/sched"}
	inTask    = suite{directory: "task"}
	onPull    = suite{directory: "task", args: "-asyncio.handoff=iterpull"}
	inSync    = suite{directory: "sync"}
	inStreams = suite{directory: "task/streams"}
	onStreams = suite{directory: "task/streams/streamtest"}
	inConform = suite{directory: "cmd/conform", args: "-test.run=ProgramsWrittenByHand|CorpusRuns/./[05]$"}
)

var subjects = []subject{
	{"timers", []suite{{directory: "timers"}}, []suite{inKernel, inLoop, inTask, inSync, inConform}},
	{"loop/kernel", []suite{inKernel}, []suite{inLoop, inFuture, inTask, inSync, inConform}},
	{"loop", []suite{inLoop}, []suite{inFuture, inTask, inSync, inConform}},
	{"future", []suite{inFuture}, []suite{inTask, inSync, inConform}},
	{"task/internal/sched", []suite{inSched, inTask, onPull}, []suite{inSync, inConform}},
	{"task", []suite{inTask, onPull}, []suite{inSync, inConform}},
	{"sync", []suite{inSync}, []suite{inConform}},
	{"task/streams", []suite{inStreams}, []suite{onStreams, inConform}},
}

func main() {
	var names []string
	for _, s := range subjects {
		names = append(names, s.directory)
	}
	packages := flag.String("package", "all", "the packages to change, separated by commas: "+strings.Join(names, ", "))
	n := flag.Int("n", 0, "how many mutants of each package to try, chosen at random; 0 for all")
	seed := flag.Uint64("seed", 1, "what the choice of -n depends on")
	only := flag.String("only", "", "a regular expression: try what has a match in \"FUNCTION | CHANGE\"")
	jobs := flag.Int("jobs", runtime.NumCPU(), "how many tests run at a time")
	grace := flag.Duration("grace", 10*time.Second, "how much longer than usual the tests of a mutant may take")
	verbose := flag.Bool("v", false, "print all mutants, with what noticed them")
	flag.Parse()

	pattern, err := regexp.Compile(*only)
	if err == nil && *packages != "all" {
		for name := range strings.SplitSeq(*packages, ",") {
			if !slices.Contains(names, name) {
				err = fmt.Errorf("no package %q: there are %s", name, strings.Join(names, ", "))
			}
		}
	}
	if err == nil {
		var missing bool
		missing, err = run(options{*packages, *n, *seed, pattern, *jobs, *grace, *verbose})
		if err == nil && missing {
			os.Exit(1)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
}

type options struct {
	packages string
	n        int
	seed     uint64
	only     *regexp.Regexp
	jobs     int
	grace    time.Duration
	verbose  bool
}

func run(o options) (missing bool, err error) {
	explained, err := parseExplanations(explanations)
	if err != nil {
		return false, err
	}
	var rows []row
	for _, s := range subjects {
		if o.packages != "all" && !slices.Contains(strings.Split(o.packages, ","), s.directory) {
			continue
		}
		r, err := examine(s, explained[s.directory], o)
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.directory, err)
		}
		rows = append(rows, r)
		missing = missing || r.others+r.survived > 0
	}
	fmt.Printf("\n%-20s %8s %8s %8s %8s %8s %8s %8s\n", "package", "mutants", "tried", "noticed", "above", "survived", "explained", "of real")
	for _, r := range rows {
		real := r.tried - r.explained
		fmt.Printf("%-20s %8d %8d %8d %8d %8d %8d %7.1f%%\n", r.name, r.mutants, r.tried, r.own, r.others, r.survived, r.explained,
			100*float64(r.own+r.others)/float64(max(real, 1)))
	}
	return missing, nil
}

// row is what was found out about one package.
type row struct {
	name      string
	mutants   int
	tried     int
	own       int // noticed by the package's own tests
	others    int // noticed by those of others only
	survived  int
	explained int // survivors that explained.txt explains; they are not run
}

func examine(s subject, explained map[string]string, o options) (row, error) {
	r := row{name: s.directory}
	mutated, err := instrument(s.directory)
	if err != nil {
		return r, err
	}
	r.mutants = len(mutated.mutants)
	chosen := choose(mutated.mutants, o)
	r.tried = len(chosen)
	var trials []mutant
	for _, m := range chosen {
		if _, ok := explained[m.key()]; ok {
			r.explained++
			continue
		}
		trials = append(trials, m)
	}
	for key := range explained {
		if !slices.ContainsFunc(mutated.mutants, func(m mutant) bool { return m.key() == key }) {
			fmt.Printf("explained.txt: %s has no such mutant any more: %s\n", s.directory, key)
		}
	}
	if len(trials) == 0 {
		return r, nil
	}
	lab, err := newLab(mutated, s, o.grace)
	if err != nil {
		return r, err
	}
	defer lab.close()
	verdicts, err := lab.tryAll(trials, o.jobs, func(m mutant, v verdict) {
		if o.verbose {
			fmt.Fprintf(os.Stderr, "%s: %s: %v\n", m.position, m.key(), v)
		}
	})
	if err != nil {
		return r, err
	}
	for i, m := range trials {
		switch v := verdicts[i]; {
		case v.failure == "":
			r.survived++
			fmt.Printf("%s: %s: %v\n", m.position, m.key(), v)
		case slices.Contains(s.own, v.suite):
			r.own++
		default:
			r.others++
			fmt.Printf("%s: %s: %v only\n", m.position, m.key(), v)
		}
	}
	return r, nil
}

// choose returns the mutants to try, in the order of their places.
func choose(all []mutant, o options) []mutant {
	var chosen []mutant
	for _, m := range all {
		if o.only.MatchString(m.key()) {
			chosen = append(chosen, m)
		}
	}
	if o.n > 0 && o.n < len(chosen) {
		rng := rand.New(rand.NewPCG(o.seed, 0))
		rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:o.n]
		slices.SortFunc(chosen, func(a, b mutant) int { return a.number - b.number })
	}
	return chosen
}
