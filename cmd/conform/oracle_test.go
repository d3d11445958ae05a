package main

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// findPython gives a python that can be the oracle, or skips the test.
func findPython(t *testing.T) string {
	for _, name := range []string{"python3.13", "python3.14", "python3"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if o := (oracle{python: path, count: 1}); o.validate() == nil {
			return path
		}
	}
	t.Skip("there is no CPython 3.13 or later here")
	return ""
}

func TestProgramsMadeAtRandomRunAsOnCPython(t *testing.T) {
	out, _ := command(t, agree, "-oracle", findPython(t), "-engine", "all", "-count", "70", "-seed", "test")
	if !strings.Contains(out, " passed, 0 failed (") || !strings.Contains(out, " programs a second)\n") {
		t.Errorf("got %q", out)
	}
}

// A library that does nothing must not agree with CPython.
func TestOracleFindsDifferences(t *testing.T) {
	var out strings.Builder
	c := &checker{engines: scenario.Engines()[:1], timeout: testTimeout, jobs: 2, shown: 1, out: &out,
		execute: func(*scenario.Program, scenario.Engine) ([]string, error) { return []string{"nothing"}, nil }}
	o := oracle{python: findPython(t), seed: "1", count: batch + 1, progress: io.Discard}
	if status := o.check(c, &out); status != differ {
		t.Errorf("exit status %d, want %d", status, differ)
	}
	mustContain(t, out.String(), "0 passed, 501 failed")
}
