package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// testTimeout is far more than any program takes, however loaded the machine.
const testTimeout = time.Minute

const hello = `{"name": "hello", "coros": {"main": [["log", "hi"], ["sleep", 2]]}}`

var helloTrace = []string{
	"0 main start main",
	"0 main log hi",
	"2 main sleep 2",
	"2 main end main = null",
	"2 - FINAL main = task result null cancelling=0",
}

// files writes files into a new directory.
func files(t *testing.T, contents map[string]string) string {
	directory := t.TempDir()
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// command runs the command and checks its exit status.
func command(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	if status := run(args, &out, &err); status != want {
		t.Errorf("conform %q: exit status %d, want %d\n%s%s", args, status, want, &out, &err)
	}
	return out.String(), err.String()
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in:\n%s", part, text)
		}
	}
}

func TestProgramByItselfPrintsItsTrace(t *testing.T) {
	directory := files(t, map[string]string{"hello.json": hello})
	out, _ := command(t, agree, filepath.Join(directory, "hello.json"))
	if want := strings.Join(helloTrace, "\n") + "\n"; out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestProgramOnAllEnginesPrintsATraceForEach(t *testing.T) {
	directory := files(t, map[string]string{"hello.json": hello})
	out, _ := command(t, agree, "-engine", "all", filepath.Join(directory, "hello.json"))
	trace := strings.Join(helloTrace, "\n") + "\n"
	if want := "# hello on channels\n" + trace + "# hello on iterpull\n" + trace + "# hello on lent\n" + trace; out != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestHelpNamesTheEnginesAndProfiles(t *testing.T) {
	_, stderr := command(t, agree, "-help")
	mustContain(t, stderr, "channels, iterpull, lent, or all (default \"channels\")", strings.Join(profiles(), ", "))
}

func TestCorpusThatAgreesPasses(t *testing.T) {
	directory := files(t, map[string]string{
		"hello.json":  hello,
		"hello.trace": strings.Join(helloTrace, "\n") + "\n",
		"lines.jsonl": `{"program": ` + hello + `, "trace": ["` + strings.Join(helloTrace, `", "`) + `"]}` + "\n",
	})
	out, _ := command(t, agree, "-corpus", directory, "-corpus", filepath.Join(directory, "lines.jsonl"), directory)
	if out != "3 passed, 0 failed\n" {
		t.Errorf("got %q", out)
	}
}

func TestDifferenceIsShownWithItsContextAndFails(t *testing.T) {
	wrong := append([]string{}, helloTrace...)
	wrong[2] = "1 main sleep 2"
	directory := files(t, map[string]string{
		"hello.json":  hello,
		"hello.trace": strings.Join(wrong, "\n") + "\n",
	})
	saved := t.TempDir()
	out, _ := command(t, differ, "-corpus", directory, "-save", saved)
	mustContain(t, out,
		"FAIL hello (channels)",
		"       2   0 main log hi\n",
		"       3 - 1 main sleep 2\n",
		"       3 + 2 main sleep 2\n",
		"\n0 passed, 1 failed\n")
	again, _ := command(t, differ, "-corpus", saved)
	if again != out {
		t.Errorf("the saved program gives another difference:\n%s\nbefore:\n%s", again, out)
	}
}

func TestTraceThatIsLongerOrShorterIsADifference(t *testing.T) {
	for name, c := range map[string]struct{ want, got []string }{
		"shorter": {helloTrace, helloTrace[:3]},
		"longer":  {helloTrace[:3], helloTrace},
	} {
		if text := difference(c.want, c.got); !strings.Contains(text, "(the trace is over)") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestProgramThatHangsFailsAloneWithTheStacks(t *testing.T) {
	release := make(chan struct{})
	over := make(chan struct{})
	c := &checker{engines: scenario.Engines()[:1], timeout: time.Millisecond, jobs: 1, shown: 1, out: new(strings.Builder),
		execute: func(*scenario.Program, scenario.Engine) ([]string, error) {
			defer close(over)
			<-release
			return nil, nil
		}}
	v := c.judge(specimen{Program: []byte(hello), Trace: helloTrace})
	close(release)
	<-over
	if len(v.failures) != 1 {
		t.Fatalf("failures: %q", v.failures)
	}
	mustContain(t, v.failures[0], "hangs", "goroutine", t.Name())
}

func TestPanicFailsTheProgramAloneWithItsStack(t *testing.T) {
	var out strings.Builder
	calls := 0
	c := &checker{engines: scenario.Engines()[:1], timeout: testTimeout, jobs: 1, shown: 1, out: &out,
		execute: func(p *scenario.Program, e scenario.Engine) ([]string, error) {
			if calls++; calls == 1 {
				panic("wedged")
			}
			return scenario.Run(p, e)
		}}
	s := specimen{Program: []byte(hello), Trace: helloTrace}
	if err := c.compare([]specimen{s, s}); err != nil {
		t.Fatal(err)
	}
	if status := c.summary(""); status != differ {
		t.Errorf("exit status %d, want %d", status, differ)
	}
	mustContain(t, out.String(), "panic: wedged", "main_test.go", "1 passed, 1 failed")
}

func TestFailuresBeyondTheLimitAreOnlyNamed(t *testing.T) {
	var out strings.Builder
	c := &checker{engines: scenario.Engines()[:1], timeout: testTimeout, jobs: 2, shown: 1, out: &out,
		execute: func(*scenario.Program, scenario.Engine) ([]string, error) { return nil, errors.New("no") }}
	s := specimen{Program: []byte(hello), Trace: helloTrace}
	if err := c.compare([]specimen{s, s, s}); err != nil {
		t.Fatal(err)
	}
	mustContain(t, out.String(), "FAIL hello (channels): no\nFAIL hello (only the first 1 failures are shown in full)\nFAIL hello\n")
}

func TestMisuseIsExplained(t *testing.T) {
	directory := files(t, map[string]string{
		"bad.json":      `{"name": "bad", "coros": {"main": [["fly", "f"]]}}`,
		"callback.json": `{"name": "bad", "coros": {"main": []}, "callbacks": {"cb": [["sleep", 1]]}}`,
		"hello.json":    hello,
		"text.jsonl":    "{}\n",
	})
	in := func(name string) string { return filepath.Join(directory, name) }
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "nothing to do"},
		{[]string{"-nonsense"}, "-nonsense"},
		{[]string{"-engine", "steam", in("hello.json")}, `no engine "steam": the engines are channels, iterpull, lent, and "all"`},
		{[]string{"-jobs", "0", in("hello.json")}, "-jobs"},
		{[]string{"-timeout", "0s", in("hello.json")}, "-timeout"},
		{[]string{"-seed", "7", in("hello.json")}, "are for -oracle"},
		{[]string{"-corpus", directory, in("hello.json")}, "not both"},
		{[]string{directory, "-show", "1"}, "flags come before"},
		{[]string{in("absent.json")}, "absent.json"},
		{[]string{in("bad.json")}, "no such operation"},
		{[]string{in("callback.json")}, "a callback cannot wait"},
		{[]string{"-corpus", in("absent.jsonl")}, "absent.jsonl"},
		{[]string{"-corpus", in("text.jsonl")}, "line 1"},
		{[]string{"-corpus", directory}, "has no trace beside it"},
		{[]string{"-oracle", in("no-python")}, "cannot be run"},
		{[]string{"-oracle", "python3", "-profile", "tea"}, `no profile "tea"`},
		{[]string{"-oracle", "python3", "-count", "0"}, "-count"},
		{[]string{"-oracle", "python3", directory}, "makes its own programs"},
	} {
		_, stderr := command(t, misuse, c.args...)
		mustContain(t, stderr, c.want)
	}
}
