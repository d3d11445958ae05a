package tasktest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// What go test prints is tested in a process of its own: only a real test knows the lines of
// its errors. The tests called TestChild and FuzzChild are for that process.

const childVariable = "TASKTEST_CHILD"

// child runs a test of this binary in a process of its own, and returns what it prints.
func child(t *testing.T, test string, args ...string) (output string, failed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"-test.run", "^" + test + "$"}, args...)...)
	cmd.Env = append(os.Environ(), childVariable+"=1", "ASYNCIO_SEED=", "ASYNCIO_HANDOFF="+flags.handoff.String())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err != nil
}

// onlyInChild skips a test that is to fail.
func onlyInChild(t testing.TB) {
	if os.Getenv(childVariable) == "" {
		t.Skip("it is run by another test, in a process of its own")
	}
}

// bank has a balance, which a withdrawal reads before it waits, and writes after that.
func bank(ctx context.Context, t *T) {
	balance := 100
	withdraw := func(name string, amount int) *task.Task[struct{}] {
		return task.Go(ctx, func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if balance < amount {
				return nil
			}
			if t.Choose(2, "whether the log is slow") == 1 {
				if err := task.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			balance -= amount
			return nil
		}, task.Name(name))
	}
	join(ctx, t, withdraw("ann", 70), withdraw("bob", 60))
	if balance < 0 {
		t.Errorf("the balance is %d", balance)
	}
}

func TestChildExplore(t *testing.T) {
	onlyInChild(t)
	Explore(t, bank)
	t.Error("the test went on")
}

func TestChildPanic(t *testing.T) {
	onlyInChild(t)
	Explore(t, func(ctx context.Context, t *T) {
		if t.Choose(2, "a bit") == 1 {
			panic("no")
		}
	})
}

func TestChildSubtest(t *testing.T) {
	onlyInChild(t)
	t.Run("a b", func(t *testing.T) { Explore(t, bank) })
}

func TestChildCancel(t *testing.T) {
	onlyInChild(t)
	CancelEverywhere(t, swallow)
}

var (
	lines     = regexp.MustCompile(`(\w+_test\.go):\d+`)
	realTimes = regexp.MustCompile(`after [\d.]+ ms`)
	testTimes = regexp.MustCompile(`\(\d+\.\d+s\)`)
)

// golden compares a report without its lines and real times.
func golden(t *testing.T, got, want string) {
	t.Helper()
	got = lines.ReplaceAllString(got, "$1:N")
	got = realTimes.ReplaceAllString(got, "after T ms")
	got = testTimes.ReplaceAllString(got, "(0.00s)")
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("the report is\n%s\nand not\n%s", got, want)
	}
}

func TestReportOfExplore(t *testing.T) {
	out, failed := child(t, "TestChildExplore")
	if !failed {
		t.Error("it has not failed")
	}
	golden(t, out, `
--- FAIL: TestChildExplore (0.00s)
    report_golden_test.go:N: the balance is -30
    schedule 4 of at most 1000, after T ms. One deviation, possible on every asyncio loop:
       4  1s      ann  runs on at report_golden_test.go:N, waits at report_golden_test.go:N
     > 4  1s      Choose(2) is 1: whether the log is slow
       4  1s      bob  runs on at report_golden_test.go:N, ends
       6  1.001s  ann  runs on at report_golden_test.go:N, ends
       7  1.001s  main runs on at probe_test.go:N, ends
    again: go test github.com/goasyncio/asyncio/task/tasktest -run '^TestChildExplore$' -asyncio.seed=@2.1
FAIL
`)
}

func TestReportOfCancelEverywhere(t *testing.T) {
	out, failed := child(t, "TestChildCancel")
	if !failed {
		t.Error("it has not failed")
	}
	golden(t, out, `
--- FAIL: TestChildCancel (0.00s)
    report_golden_test.go:N: task deaf was cancelled, and has ended as if it had not been: <Task finished name='deaf' coro=<tasktest.swallow.func1 at cancel_test.go:N> result={}>
    schedule 3 of 4, after T ms. One deviation, possible on every asyncio loop:
     > 2  0s  deaf is cancelled in swallow at cancel_test.go:N
       4  0s  deaf runs on at cancel_test.go:N, ends
       5  0s  main runs on at probe_test.go:N, ends
    again: go test github.com/goasyncio/asyncio/task/tasktest -run '^TestChildCancel$' -asyncio.seed=@1.1
FAIL
`)
}

func TestReportOfAPanic(t *testing.T) {
	out, failed := child(t, "TestChildPanic")
	if !failed || !strings.Contains(out, "panic: no\n") || !strings.Contains(out, "report_golden_test.go:") ||
		!strings.Contains(out, "-asyncio.seed=@0.1\n") || strings.Count(out, "--- FAIL") != 1 {
		t.Errorf("failed %v: %s", failed, out)
	}
}

// The command that a report ends with makes the same run again.
func TestReportCanBeRunAgain(t *testing.T) {
	for _, test := range []string{"TestChildExplore", "TestChildSubtest", "TestChildCancel"} {
		out, _ := child(t, test)
		m := regexp.MustCompile(`again: go test \S+ -run '(\S+)' (-asyncio\.seed=\S+)\n`).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("no command: %s", out)
		}
		again, failed := child(t, strings.TrimSuffix(strings.TrimPrefix(m[1], "^"), "$"), m[2])
		if !failed || !strings.Contains(again, "the schedule that was asked for.") {
			t.Errorf("%v: failed %v, %s", m[1:], failed, again)
		}
		first := regexp.MustCompile(`(?m)^ +\w+_test\.go:\d+: .*$`).FindString(out)
		if !strings.Contains(again, first) {
			t.Errorf("it does not fail with %s:\n%s", first, again)
		}
	}
}

// FuzzChild fails for one of its seeds.
func FuzzChild(f *testing.F) {
	onlyInChild(f)
	f.Add([]byte{0, 0, 1})
	Fuzz(f, bank)
}

// FuzzSleepers passes: what it is given deviates, and makes no difference.
func FuzzSleepers(f *testing.F) {
	f.Add([]byte{1, 1, 1})
	f.Add([]byte{0, 1})
	Fuzz(f, func(ctx context.Context, t *T) {
		join(ctx, t, threeYields(ctx), threeYields(ctx))
	}, Level(Tasks))
}

// executions is what go's fuzzer says when it has run something.
var executions = regexp.MustCompile(`execs: [1-9]`)

func TestFuzzLooksForSchedules(t *testing.T) {
	out, failed := child(t, "NoTest", "-test.fuzz=^FuzzSleepers$", "-test.fuzztime=30x", "-test.fuzzcachedir="+t.TempDir())
	if failed || !executions.MatchString(out) {
		t.Errorf("failed %v: %s", failed, out)
	}
}

func TestFuzzChecksGoroutines(t *testing.T) {
	out, failed := child(t, "FuzzChildLeak")
	if !failed || !strings.Contains(out, "report_golden_test.go:") || !strings.Contains(out, "goroutines are left at the end of the test:") {
		t.Errorf("failed %v: %s", failed, out)
	}
}

func FuzzChildLeak(f *testing.F) {
	onlyInChild(f)
	Fuzz(f, func(context.Context, *T) {
		go func() { select {} }()
	})
}

func TestReportOfFuzz(t *testing.T) {
	out, failed := child(t, "FuzzChild")
	if !failed {
		t.Error("it has not failed")
	}
	golden(t, out, `
--- FAIL: FuzzChild (0.00s)
    --- FAIL: FuzzChild/seed#0 (0.00s)
        report_golden_test.go:N: the balance is -30
        the schedule of these bytes. One deviation, possible on every asyncio loop:
           4  1s      ann  runs on at report_golden_test.go:N, waits at report_golden_test.go:N
         > 4  1s      Choose(2) is 1: whether the log is slow
           4  1s      bob  runs on at report_golden_test.go:N, ends
           6  1.001s  ann  runs on at report_golden_test.go:N, ends
           7  1.001s  main runs on at probe_test.go:N, ends
FAIL
`)
}
