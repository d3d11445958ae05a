package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// pythonForTest gives what is the oracle on this machine, or skips the test. An older
// CPython than the reference is not asked: it differs in some programs.
func pythonForTest(t *testing.T) string {
	script := filepath.Join(t.TempDir(), wasmScript)
	if err := os.WriteFile(script, wasmMjs, 0o666); err != nil {
		t.Fatal(err)
	}
	python, notes, err := findOracle(t.Context(), "auto", script, false)
	if err != nil || python.Older(3, referenceMinor) {
		t.Skip("there is no CPython 3.14 or later here: ", notes)
	}
	return "auto"
}

func TestProgramsMadeAtRandomRunAsOnCPython(t *testing.T) {
	out, _ := command(t, agree, "-oracle", pythonForTest(t), "-engine", "all", "-count", "70", "-seed", "test")
	if !strings.Contains(out, " passed, 0 failed (") || !strings.Contains(out, " programs a second)\n") {
		t.Errorf("got %q", out)
	}
}

func TestProgramsWithStreamsRunAsOnCPython(t *testing.T) {
	python, _, err := findOracle(t.Context(), "auto", "", true)
	if err != nil {
		t.Skip(err)
	}
	out, stderr := command(t, agree, "-oracle", strings.Join(python.Command, " "), "-engine", "all", "-count", "70", "-seed", "test", "-profile", "streams")
	mustContain(t, out, "140 passed, 0 failed (")
	mustContain(t, stderr, "conform: the oracle is "+python.String())
}

// A library that does nothing must not agree with CPython.
func TestOracleFindsDifferences(t *testing.T) {
	var out strings.Builder
	c := &checker{engines: scenario.Engines()[:1], timeout: testTimeout, jobs: 2, shown: 1, out: &out,
		execute: func(*scenario.Program, scenario.Engine) ([]string, error) { return []string{"nothing"}, nil }}
	o := oracle{python: pythonForTest(t), seed: "1", count: batch + 1, progress: io.Discard}
	if status := o.check(c, &out); status != differ {
		t.Errorf("exit status %d, want %d", status, differ)
	}
	mustContain(t, out.String(), "0 passed, 501 failed")
}
