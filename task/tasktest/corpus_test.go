package tasktest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// specimen is a conformance program and the trace that CPython has recorded of it.
type specimen struct {
	Program json.RawMessage
	Trace   []string
}

const conform = "../../cmd/conform/testdata/"

// corpus reads all conformance programs.
func corpus(t *testing.T) []specimen {
	t.Helper()
	var all []specimen
	for _, name := range []string{"corpus.jsonl.gz", "streams.jsonl.gz"} {
		file, err := os.Open(conform + name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		source, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		for decoder := json.NewDecoder(source); ; {
			var s specimen
			if err := decoder.Decode(&s); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
	}
	names, err := filepath.Glob(conform + "programs/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are %d programs written by hand, error %v", len(names), err)
	}
	for _, name := range names {
		program, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		trace, err := os.ReadFile(strings.TrimSuffix(name, ".json") + ".trace")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, specimen{program, strings.Split(string(bytes.TrimSuffix(trace, []byte("\n"))), "\n")})
	}
	return all
}

// The explorer that makes no deviation leaves all programs as they are on CPython.
func TestExploreWithoutDeviationsIsAsyncio(t *testing.T) {
	programs := corpus(t)
	for _, level := range []Orders{Outside, Tasks} {
		for _, engine := range scenario.Engines() {
			t.Run(level.String()+"/"+string(engine), func(t *testing.T) {
				t.Parallel()
				decisions := 0
				for _, s := range programs {
					program, err := scenario.Parse(s.Program)
					if err != nil {
						t.Fatal(err)
					}
					var e *explorer
					trace, err := scenario.RunOn(program, engine, func(l *loop.Loop) { e = watched(t, l, level) })
					if err != nil {
						t.Errorf("%s: %v", program.Name, err)
					}
					if !slices.Equal(trace, s.Trace) {
						t.Errorf("%s: the trace is\n%s\nwant\n%s", program.Name,
							strings.Join(trace, "\n"), strings.Join(s.Trace, "\n"))
					}
					if deviations := choice.ScheduleOf(e.recorder.Taken); len(deviations) > 0 {
						t.Errorf("%s: the explorer has deviated: %v", program.Name, deviations)
					}
					decisions += len(e.recorder.Taken)
				}
				if decisions < 1000 {
					t.Errorf("there was something to decide only %d times", decisions)
				}
			})
		}
	}
}

// watched gives a loop to an explorer that makes no deviation.
func watched(t *testing.T, l *loop.Loop, level Orders) *explorer {
	r := newRun(t, newSettings([]Option{Level(level)}))
	r.loop, r.kernel = l, l.Kernel()
	r.explorer = &explorer{run: r, victims: map[*sched.Task]*victim{}, tasks: map[*sched.Task]int{}}
	r.kernel.KeepReports()
	r.kernel.SetOrder(r)
	return r.explorer
}
