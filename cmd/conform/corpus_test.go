package main

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
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

// On the engine of that name batons really are lent.
func TestEngineLentLends(t *testing.T) {
	specimens, err := readCorpus("testdata/programs")
	if err != nil {
		t.Fatal(err)
	}
	taken := uint64(0)
	for _, s := range specimens {
		program, err := scenario.Parse(s.Program)
		if err != nil {
			t.Fatal(err)
		}
		var l *loop.Loop
		if _, err := scenario.RunOn(program, scenario.Lent, func(its *loop.Loop) { l = its }); err != nil {
			t.Fatal(err)
		}
		taken += l.Kernel().Read(0).Lent
	}
	if taken < uint64(len(specimens)) {
		t.Errorf("in %d programs the baton was taken %d times", len(specimens), taken)
	}
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

// A third of the corpus again, with snapshots of all tasks and their stacks: one at each step of
// a task, on the spot, and more from another goroutine, which run between the program's
// callbacks and steps.
func TestCorpusRunsAsOnCPythonWhileItIsWatched(t *testing.T) {
	specimens := wholeCorpus(t)
	for _, engine := range []scenario.Engine{scenario.Channels, scenario.IterPull} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var stacks atomic.Int64
			c := checker{engines: []scenario.Engine{engine}, timeout: testTimeout, execute: func(p *scenario.Program, e scenario.Engine) ([]string, error) {
				return runWatched(p, e, &stacks)
			}}
			for i, s := range specimens {
				if i%3 != 0 {
					continue // the test would take too long
				}
				for _, failure := range c.judge(s).failures {
					t.Error(failure)
				}
			}
			if stacks.Load() < int64(len(specimens)) {
				t.Errorf("%d stacks were taken of the tasks of %d programs", stacks.Load(), len(specimens))
			}
		})
	}
}

// The same in debug mode, which records where everything is created, and with a monitor,
// which is told of all tasks and cancellations.
func TestCorpusRunsAsOnCPythonInDebugModeWithAMonitor(t *testing.T) {
	specimens := wholeCorpus(t)
	for _, engine := range scenario.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			m := monitor.New()
			defer m.Close()
			c := checker{engines: []scenario.Engine{engine}, timeout: testTimeout, execute: func(p *scenario.Program, e scenario.Engine) ([]string, error) {
				return scenario.RunOn(p, e, func(l *loop.Loop) {
					l.SetDebug(e != scenario.Lent) // nothing is lent in debug mode
					if err := m.Attach(l); err != nil {
						t.Error(err)
					}
				})
			}}
			for _, s := range specimens {
				for _, failure := range c.judge(s).failures {
					t.Error(failure)
				}
			}
		})
	}
}

// runWatched runs a program, and meanwhile takes snapshots of its tasks again and again.
func runWatched(program *scenario.Program, engine scenario.Engine, stacks *atomic.Int64) ([]string, error) {
	m := monitor.New(monitor.MaxAge(0))
	defer m.Close()
	ctx, over := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	defer watcher.Wait()
	defer over()
	look := func() {
		s, _ := m.Tasks(ctx, monitor.Query{Stacks: true}) // an error at the end of the run
		for _, t := range s.Tasks {
			if len(t.Stack) > 0 {
				stacks.Add(1)
			}
		}
	}
	return scenario.RunOn(program, engine, func(l *loop.Loop) {
		if err := m.Attach(l); err != nil {
			panic(err)
		}
		task.AddInstrument(l, &task.Instrument{BeforeStep: func(task.Any) { look() }})
		started := make(chan struct{})
		watcher.Go(func() {
			close(started)
			for ctx.Err() == nil {
				look()
			}
		})
		<-started
	})
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
