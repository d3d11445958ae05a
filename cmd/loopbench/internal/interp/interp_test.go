package interp

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/internal/interpreters"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everyWorkload asks a script for everything at a tiny scale; missing is what it may leave out.
func everyWorkload(t *testing.T, command Command, missing ...string) {
	process, err := Start(t.Context(), command)
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if process.Version() == "" {
		t.Error("does not say what it is")
	}
	optional := make(map[string]bool)
	for _, name := range append(missing, "loops", "loops_echo") { // which need several threads that run Python or JavaScript
		optional[name] = true
	}
	for _, w := range bench.Workloads() {
		if !process.Does(w) {
			if !optional[w.Implementation()] {
				t.Errorf("%s: not implemented", w.Name)
			}
			continue
		}
		p := w.Params(0.0005)
		measure := process.Measure
		switch {
		case w.Service != "":
			server, err := process.Serve(t.Context(), w.Service)
			if err != nil {
				t.Errorf("%s: %v", w.Name, err)
				continue
			}
			defer server.Close()
			measure = func(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error) {
				return traffic.Measure(ctx, w, p, server)
			}
		case w.Fresh:
			measure = process.MeasureFresh
		}
		sample, err := measure(t.Context(), w, p)
		if err != nil {
			t.Errorf("%s: %v", w.Name, err)
			continue
		}
		if want := w.Done(p); sample.Ops != want {
			t.Errorf("%s: did %d operations, want %d", w.Name, sample.Ops, want)
		}
	}
}

func pythonForTest(t *testing.T, suits func(interpreters.Python) bool) interpreters.Python {
	pythons, _ := interpreters.Pythons(t.Context())
	for _, python := range pythons {
		if suits(python) {
			return python
		}
	}
	t.Skip("no such Python on the PATH")
	return interpreters.Python{}
}

func TestPythonDoesEveryWorkload(t *testing.T) {
	everyWorkload(t, Python(pythonForTest(t, CanRunPython)))
}

func TestEagerPythonDoesEveryWorkload(t *testing.T) {
	everyWorkload(t, Python(pythonForTest(t, HasEager), "eager"))
}

func TestUVLoopDoesEveryWorkload(t *testing.T) {
	suits := func(p interpreters.Python) bool { return p.UVLoop && CanRunPython(p) }
	everyWorkload(t, Python(pythonForTest(t, suits), "uvloop"))
}

func TestNodeDoesWhatItHas(t *testing.T) {
	for _, node := range interpreters.Nodes(t.Context(), "") {
		if CanRunNode(node) {
			everyWorkload(t, Node(node), "taskgroup_nop", "semaphore_contended", "condition_pingpong", "barrier_rounds",
				"stream_cancel", "pair_echo")
			return
		}
	}
	t.Skip("no Node.js on the PATH")
}

// script stands in for an interpreter: a shell script that answers as told.
func script(t *testing.T, text string) Command {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	path := filepath.Join(t.TempDir(), "peer.sh")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Command{script: program.Command{Path: "/bin/sh", Args: []string{path}}}
}

const helloLine = `echo '{"version":"shell","workloads":["create_await"]}'
`

func createAwait() *bench.Workload {
	for _, w := range bench.Workloads() {
		if w.Name == "create_await" {
			return w
		}
	}
	return nil
}

func TestScriptThatCannotStartSaysWhy(t *testing.T) {
	_, err := Start(t.Context(), script(t, "echo 'Traceback' >&2; echo 'ImportError: no such thing' >&2; exit 1"))
	if err == nil || !strings.Contains(err.Error(), "ImportError: no such thing") {
		t.Errorf("got %v", err)
	}
}

func TestScriptThatFailsAWorkloadStaysUsable(t *testing.T) {
	process, err := Start(t.Context(), script(t, helloLine+`
read line; echo '{"error":"ValueError: no"}'
read line; echo '{"ops":5,"total":10}'
read line`))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	if _, err := process.Measure(t.Context(), createAwait(), bench.Params{Ops: 5}); err == nil || !strings.Contains(err.Error(), "ValueError: no") {
		t.Errorf("the script's error is lost: %v", err)
	}
	sample, err := process.Measure(t.Context(), createAwait(), bench.Params{Ops: 5})
	if err != nil || sample.PerOp() != 2 {
		t.Errorf("got %+v, %v", sample, err)
	}
}

func TestScriptThatDiesFailsEveryFurtherRound(t *testing.T) {
	process, err := Start(t.Context(), script(t, helloLine+"read line; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	for range 2 {
		if _, err := process.Measure(t.Context(), createAwait(), bench.Params{Ops: 5}); err == nil {
			t.Error("a dead script measured something")
		}
	}
}

func TestScriptEndsWithItsContext(t *testing.T) {
	process, err := Start(t.Context(), script(t, helloLine+"while :; do read line; done"))
	if err != nil {
		t.Fatal(err)
	}
	defer process.Close()
	why := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := process.Measure(ctx, createAwait(), bench.Params{Ops: 5}); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
