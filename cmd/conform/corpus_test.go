package main

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
	"github.com/goasyncio/asyncio/loop"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// conforms runs specimens on every engine, one subtest a program.
func conforms(t *testing.T, specimens []specimen) {
	for _, engine := range scenario.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			for _, s := range specimens {
				program, err := scenario.Parse(s.Program)
				if err != nil {
					t.Fatal(err)
				}
				t.Run(program.Name, func(t *testing.T) {
					t.Parallel()
					c := checker{engines: []scenario.Engine{engine}, timeout: testTimeout, execute: scenario.Run}
					for _, failure := range c.judge(s).failures {
						t.Error(failure)
					}
				})
			}
		})
	}
}

func TestProgramsWrittenByHandRunAsOnCPython(t *testing.T) {
	specimens, err := readCorpus("testdata/programs")
	if err != nil {
		t.Fatal(err)
	}
	conforms(t, specimens)
}

// wholeCorpus reads the corpus: of the programs without streams, and of those with them.
func wholeCorpus(t *testing.T) []specimen {
	t.Helper()
	var all []specimen
	for _, path := range []string{"testdata/corpus.jsonl.gz", "testdata/streams.jsonl.gz"} {
		specimens, err := readCorpus(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, specimens...)
	}
	return all
}

func TestCorpusRunsAsOnCPython(t *testing.T) {
	conforms(t, wholeCorpus(t))
}

// The corpus is worth what it covers: every profile of the generator.
func TestCorpusHasProgramsOfEveryProfile(t *testing.T) {
	found := map[string]int{}
	for _, s := range wholeCorpus(t) {
		program, err := scenario.Parse(s.Program)
		if err != nil {
			t.Fatal(err)
		}
		profile, _, _ := strings.Cut(program.Name, "-")
		found[profile]++
	}
	for _, profile := range profiles() {
		if found[profile] < 200 {
			t.Errorf("%d programs of the profile %s, want 200 at least", found[profile], profile)
		}
	}
}

// Whoever looks at a loop changes nothing: the whole corpus once more, with another
// goroutine that reads the loop's statistics all the time.
func TestCorpusRunsAsOnCPythonWhileItIsRead(t *testing.T) {
	specimens := wholeCorpus(t)
	for _, engine := range scenario.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var read atomic.Int64
			c := checker{engines: []scenario.Engine{engine}, timeout: testTimeout, execute: func(p *scenario.Program, e scenario.Engine) ([]string, error) {
				return runRead(p, e, &read)
			}}
			for _, s := range specimens {
				for _, failure := range c.judge(s).failures {
					t.Error(failure)
				}
			}
			if read.Load() < int64(len(specimens)) {
				t.Errorf("the loops of %d programs were read %d times", len(specimens), read.Load())
			}
		})
	}
}

// runRead runs a program, and meanwhile reads its loop again and again.
func runRead(program *scenario.Program, engine scenario.Engine, read *atomic.Int64) ([]string, error) {
	var reader sync.WaitGroup
	var over atomic.Bool
	defer reader.Wait()
	defer over.Store(true)
	return scenario.RunOn(program, engine, func(l *loop.Loop) {
		started := make(chan struct{})
		reader.Go(func() {
			close(started)
			for !over.Load() {
				l.Stats()
				read.Add(1)
				runtime.Gosched() // or it might take the program's processor
			}
		})
		<-started
	})
}
