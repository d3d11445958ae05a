package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// checker runs programs on the library and compares their traces with the
// expected ones.
type checker struct {
	engines []scenario.Engine
	timeout time.Duration
	jobs    int
	shown   int    // how many failures are shown in full
	save    string // the directory for failed programs; "" for none
	execute executor
	out     io.Writer

	passed, failed int
}

// verdict says on how many engines a program passed, and what is wrong on the
// others.
type verdict struct {
	name     string
	passed   int
	failures []string
}

// corpora compares the programs of corpora with their recorded traces. It
// returns the exit status.
func (c *checker) corpora(paths []string, stderr io.Writer) int {
	for _, path := range paths {
		specimens, err := readCorpus(path)
		if err != nil {
			fmt.Fprintf(stderr, "conform: -corpus: %v\n", err)
			return misuse
		}
		if err := c.compare(specimens); err != nil {
			fmt.Fprintf(stderr, "conform: %v\n", err)
			return misuse
		}
	}
	return c.summary("")
}

// summary prints the last line, with the remark at its end, and returns the exit
// status.
func (c *checker) summary(remark string) int {
	fmt.Fprintf(c.out, "%d passed, %d failed%s\n", c.passed, c.failed, remark)
	if c.failed > 0 {
		return differ
	}
	return agree
}

// compare runs specimens, several at a time, and reports those that fail, in
// order. It returns an error if a failed program cannot be saved.
func (c *checker) compare(specimens []specimen) error {
	verdicts := make([]chan verdict, len(specimens))
	for i := range verdicts {
		verdicts[i] = make(chan verdict, 1)
	}
	var workers sync.WaitGroup
	next := make(chan int)
	for range min(c.jobs, len(specimens)) {
		workers.Go(func() {
			for i := range next {
				verdicts[i] <- c.judge(specimens[i])
			}
		})
	}
	workers.Go(func() {
		for i := range specimens {
			next <- i
		}
		close(next)
	})
	defer workers.Wait()
	var unsaved error
	for i, s := range specimens {
		v := <-verdicts[i]
		c.passed += v.passed
		for _, failure := range v.failures {
			c.report(v.name, failure)
		}
		if len(v.failures) > 0 && c.save != "" && unsaved == nil {
			unsaved = s.write(c.save, v.name)
		}
	}
	return unsaved
}

func (c *checker) report(name, failure string) {
	c.failed++
	switch {
	case c.failed <= c.shown:
		fmt.Fprintf(c.out, "FAIL %s %s\n", name, failure)
	case c.failed == c.shown+1:
		fmt.Fprintf(c.out, "FAIL %s (only the first %d failures are shown in full)\n", name, c.shown)
	default:
		fmt.Fprintf(c.out, "FAIL %s\n", name)
	}
}

// judge runs one program on every engine.
func (c *checker) judge(s specimen) verdict {
	program, err := scenario.Parse(s.Program)
	if err != nil {
		return verdict{name: "?", failures: []string{err.Error()}}
	}
	v := verdict{name: program.Name}
	for _, engine := range c.engines {
		trace, err := watched(c.execute, program, engine, c.timeout)
		switch {
		case err != nil:
			v.failures = append(v.failures, fmt.Sprintf("(%s): %v", engine, err))
		case !slices.Equal(trace, s.Trace):
			v.failures = append(v.failures, fmt.Sprintf("(%s):\n%s", engine, difference(s.Trace, trace)))
		default:
			v.passed++
		}
	}
	return v
}

// contextLines is how many lines are shown before and from the first difference.
const contextLines = 4

// difference shows where two traces begin to differ: the last common lines, then
// what was expected (-) and what came instead (+).
func difference(want, got []string) string {
	first := 0
	for first < len(want) && first < len(got) && want[first] == got[first] {
		first++
	}
	var text strings.Builder
	for i := max(0, first-contextLines); i < first; i++ {
		fmt.Fprintf(&text, "    %4d   %s\n", i+1, want[i])
	}
	side := func(mark string, lines []string) {
		for i := first; i < min(len(lines), first+contextLines); i++ {
			fmt.Fprintf(&text, "    %4d %s %s\n", i+1, mark, lines[i])
		}
		if first >= len(lines) {
			fmt.Fprintf(&text, "    %4d %s (the trace is over)\n", first+1, mark)
		}
	}
	side("-", want)
	side("+", got)
	return strings.TrimSuffix(text.String(), "\n")
}

// print runs programs and prints their traces. It returns the exit status.
func (c *checker) print(paths []string, stderr io.Writer) int {
	status := agree
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintf(stderr, "conform: %v\n", err)
			return misuse
		}
		program, err := scenario.Parse(data)
		if err != nil {
			fmt.Fprintf(stderr, "conform: %s: %v\n", path, err)
			return misuse
		}
		for _, engine := range c.engines {
			if len(c.engines) > 1 {
				fmt.Fprintf(c.out, "# %s on %s\n", program.Name, engine)
			}
			trace, err := watched(c.execute, program, engine, c.timeout)
			for _, line := range trace {
				fmt.Fprintln(c.out, line)
			}
			if err != nil {
				fmt.Fprintf(stderr, "conform: %s (%s): %v\n", path, engine, err)
				status = differ
			}
		}
	}
	return status
}
