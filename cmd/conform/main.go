// Command conform checks that the library schedules as CPython's asyncio does.
//
// It runs programs of the scenario language (language/SPEC.md) on the library
// and compares what they do, line by line, with what they do on CPython:
//
//	conform PROGRAM.json...               print traces
//	conform -corpus FILE|DIR... [DIR...]  compare with recorded traces
//	conform -oracle PYTHON [-seed S] [-count N] [-profile P]
//	                                      compare random programs with CPython
//
// A corpus is a file of lines {"program": ..., "trace": [...]}, possibly
// compressed (.jsonl or .jsonl.gz), or a directory of NAME.json and NAME.trace
// files. The oracle needs CPython 3.13 or later; what it runs is built into the
// command.
//
// The exit status is 0 if all traces agree, 1 if one does not, and 2 if the
// command was not used properly.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	agree  = 0
	differ = 1
	misuse = 2
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string         { return strings.Join(*l, ", ") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// run is the command; it gives the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		corpora list
		python  = flags.String("oracle", "", "compare random programs with this `python` (3.13 or later)")
		seed    = flags.String("seed", "1", "any `word` or number; the same seed gives the same random programs")
		count   = flags.Int("count", 1000, "how many random programs")
		profile = flags.String("profile", "", "what the random programs are about: "+strings.Join(profiles(), ", ")+"; default: all in turn")
		engine  = flags.String("engine", string(scenario.Channels), "the handoff `engine` of the library, or all")
		timeout = flags.Duration("timeout", 10*time.Second, "how long a program may take before it counts as hanging")
		jobs    = flags.Int("jobs", runtime.GOMAXPROCS(0), "how many programs run at the same time")
		shown   = flags.Int("show", 20, "of how many failed programs the differences are shown")
		save    = flags.String("save", "", "write failed programs and the expected traces into this `directory`")
	)
	flags.Var(&corpora, "corpus", "compare with the recorded traces of this `file` (.jsonl, .jsonl.gz) or directory; may be repeated")
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage:\n"+
			"  conform [flags] PROGRAM.json...\n"+
			"  conform [flags] -corpus FILE|DIR... [FILE|DIR...]\n"+
			"  conform [flags] -oracle PYTHON [-seed S] [-count N] [-profile P]\n\nflags:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return agree
		}
		return misuse
	}
	refuse := func(format string, values ...any) int {
		fmt.Fprintf(stderr, "conform: "+format+"\n", values...)
		fmt.Fprintln(stderr, "conform: run it with -help for its use")
		return misuse
	}
	engines, err := scenario.ParseEngines(*engine)
	switch {
	case err != nil:
		return refuse("-engine: %v", err)
	case *jobs < 1:
		return refuse("-jobs: %d: at least one program must run at a time", *jobs)
	case *timeout <= 0:
		return refuse("-timeout: %v: a program needs some time", *timeout)
	}
	check := &checker{
		engines: engines,
		timeout: *timeout,
		jobs:    *jobs,
		shown:   *shown,
		save:    *save,
		execute: scenario.Run,
		out:     stdout,
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case *python != "" && (len(corpora) > 0 || flags.NArg() > 0):
		return refuse("-oracle makes its own programs: give it no corpus and no files")
	case *python != "":
		o := oracle{python: *python, seed: *seed, count: *count, profile: *profile, progress: stderr}
		return o.check(check, stderr)
	case given["seed"] || given["count"] || given["profile"]:
		return refuse("-seed, -count and -profile are for -oracle")
	}
	for _, arg := range flags.Args() {
		if strings.HasPrefix(arg, "-") {
			return refuse("%s: flags come before files and directories", arg)
		}
	}
	programs, directories := sortArguments(flags.Args())
	corpora = append(corpora, directories...)
	switch {
	case len(programs) > 0 && len(corpora) > 0:
		return refuse("%s: programs are printed and corpora compared: not both at once", programs[0])
	case len(corpora) > 0:
		return check.corpora(corpora, stderr)
	case len(programs) > 0:
		return check.print(programs, stderr)
	}
	return refuse("nothing to do: give programs, -corpus or -oracle")
}

// sortArguments tells the programs among the arguments from the corpora.
func sortArguments(args []string) (programs, corpora []string) {
	for _, arg := range args {
		if strings.HasSuffix(arg, ".json") {
			programs = append(programs, arg)
		} else {
			corpora = append(corpora, arg)
		}
	}
	return programs, corpora
}
