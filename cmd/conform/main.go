// Command conform checks that the library schedules as CPython's asyncio does.
//
// It runs programs of the scenario language (language/SPEC.md) on the library
// and compares what they do, line by line, with what they do on CPython:
//
//	conform PROGRAM.json...               print traces
//	conform -corpus FILE|DIR... [DIR...]  compare with recorded traces
//	conform -oracle COMMAND [-seed S] [-count N] [-profile P]
//	                                      compare random programs with CPython
//
// A corpus is a file of lines {"program": ..., "trace": [...]}, possibly
// compressed (.jsonl or .jsonl.gz), or a directory of NAME.json and NAME.trace
// files. The oracle needs CPython: 3.14, which the recorded traces are of, or
// later; 3.13 with some differences. It is named by its path, by the command that
// runs it, or by the directory of the npm package pyodide, which holds a CPython
// for Node.js; "auto" finds one. What it runs is built into the command. Programs with
// streams need a native CPython on Linux, 3.13 or later: "auto" finds one for them
// apart, and where there is none they are left out.
//
// The library has several ways to switch between tasks, here called engines:
// programs run on the one that -engine names, or on all.
//
// The exit status is 0 if all traces agree, 1 if one does not, and 2 if the
// comparison could not be made, because the command line is wrong, say, or a
// file is missing.
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

// run is the whole command. It returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conform", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var (
		corpora list
		python  = flags.String("oracle", "", "compare random programs on the CPython that this `command` runs, or that is in this directory (npm package pyodide); auto finds one")
		seed    = flags.String("seed", "1", "any `word` or number: the same seed makes the same random programs")
		count   = flags.Int("count", 1000, "make `n` random programs")
		profile = flags.String("profile", "", "make random programs of this `kind` only: "+strings.Join(profiles(), ", ")+" (default all in turn)")
		engine  = flags.String("engine", string(scenario.Channels), "run programs on this `engine`: "+engineNames()+", or all")
		timeout = flags.Duration("timeout", 10*time.Second, "count a program as hanging after this `time`")
		jobs    = flags.Int("jobs", runtime.GOMAXPROCS(0), "run `n` programs at the same time")
		shown   = flags.Int("show", 20, "show the differences of the first `n` failed programs")
		save    = flags.String("save", "", "write failed programs and the expected traces into this `directory`")
	)
	flags.Var(&corpora, "corpus", "compare with the recorded traces in this `file` (.jsonl, .jsonl.gz) or directory; may be repeated")
	flags.Usage = func() {
		fmt.Fprint(stderr, "usage:\n"+
			"  conform [flags] PROGRAM.json...\n"+
			"  conform [flags] -corpus FILE|DIR... [FILE|DIR...]\n"+
			"  conform [flags] -oracle COMMAND [-seed S] [-count N] [-profile P]\n\nflags:\n")
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

// engineNames lists the engines for the help text.
func engineNames() string {
	var names []string
	for _, engine := range scenario.Engines() {
		names = append(names, string(engine))
	}
	return strings.Join(names, ", ")
}

// sortArguments separates the programs among the arguments from the corpora.
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
