package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func parse(t *testing.T, source string) *scenario.Program {
	program, err := scenario.Parse([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func TestProgramThatDoesNotEndIsAnError(t *testing.T) {
	for name, source := range map[string]string{
		"a callback that schedules itself": `{"name": "p", "coros": {"main": [["call_soon", "h", "cb"], ["future", "f"], ["await", "f"]]},
			"callbacks": {"cb": [["call_soon", "h", "cb"]]}}`,
		"a timer that sets itself": `{"name": "p", "coros": {"main": [["call_later", "h", 1, "cb"], ["future", "f"], ["await", "f"]]},
			"callbacks": {"cb": [["call_later", "h", 1, "cb"]]}}`,
		"a coroutine that calls itself": `{"name": "p", "coros": {"main": [["call", "main"]]}}`,
		"a coroutine that spawns itself": `{"name": "p", "coros": {"main": [["spawn", "t", "c"], ["await", "t"]],
			"c": [["try", [["spawn", "t", "c"], ["sleep", 1]], [["any", []]]], ["spawn", "t", "c"]]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, engine := range scenario.Engines() {
				_, err := scenario.Run(parse(t, source), engine)
				if err == nil || !strings.Contains(err.Error(), "does not end") {
					t.Errorf("%s: got %v", engine, err)
				}
			}
		})
	}
}

func TestTraceEndsWithItsLastLine(t *testing.T) {
	source := `{"name": "p", "coros": {
		"main": [["spawn", "t", "stubborn"], ["sleep", 0]],
		"stubborn": [["future", "f"], ["loop", 9, [["try", [["await", "f"]], [["any", [["future", "f"]]]], [["log", "still here"]]]]]]}}`
	for _, engine := range scenario.Engines() {
		trace, err := scenario.Run(parse(t, source), engine)
		if err != nil {
			t.Fatal(err)
		}
		if last := trace[len(trace)-1]; !strings.Contains(last, "FINAL main = task result null") {
			t.Errorf("%s: the last line is %q", engine, last)
		}
		if !slices.Contains(trace, "0 - STUCK t") {
			t.Errorf("%s: the task is not stuck: %q", engine, trace)
		}
	}
}

func TestProgramsOfTheWrongFormAreRefused(t *testing.T) {
	for body, want := range map[string]string{
		`[["fly"]]`:                                          "no such operation",
		`[["sleep"]]`:                                        "wrong number of arguments",
		`[["sleep", 1, 2]]`:                                  "wrong number of arguments",
		`[["sleep", "long"]]`:                                "not an integer",
		`[["sleep", 1.5]]`:                                   "1.5",
		`[["log", 1]]`:                                       "not a string",
		`[["spawn", "t", "nobody"]]`:                         "no coroutine nobody",
		`[["spawn", "t", "main", "soon"]]`:                   "eager",
		`[["call_soon", "h", "nobody"]]`:                     "no callback nobody",
		`[["gather", "g", [{"coro": "nobody"}], true]]`:      "no coroutine nobody",
		`[["wait", [{"coro": "main"}], 1, "ALL_COMPLETED"]]`: "cannot be given here",
		`[["wait", [], 1, "SOME"]]`:                          "SOME",
		`[["try", [], [["often", []]]]]`:                     "not a kind of exception",
		`[["raise", {"cancelled": "x", "timeout": 1}]]`:      "not an exception",
		`[["queue", "q", "heap", 1]]`:                        "heap",
		`[["set_result", "f", {"a": 1}]]`:                    "not a value",
		`{"sleep": 1}`:                                       "not an array of statements",
	} {
		_, err := scenario.Parse([]byte(`{"name": "p", "coros": {"main": ` + body + `}}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", body, err, want)
		}
	}
	if _, err := scenario.Parse([]byte(`{"name": "p", "coros": {}}`)); err == nil {
		t.Error("a program without main was accepted")
	}
}
