package tasktest_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest"
)

// heard is a testing.TB that keeps what it is told, and fails no test.
type heard struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	text   strings.Builder
}

func (h *heard) Helper() {}

func (h *heard) Error(args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = true
	fmt.Fprintln(&h.text, args...)
}

func (h *heard) Output() io.Writer { return (*heardOutput)(h) }

// heardOutput leaves out the place that a report begins with, and the space that its lines
// begin with.
type heardOutput heard

func (o *heardOutput) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, report, _ := strings.Cut(string(text), ": ")
	o.text.WriteString(strings.ReplaceAll(report, "\n    ", "\n"))
	return len(text), nil
}

func (h *heard) Fail() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = true
}

func (h *heard) FailNow() {
	h.Fail()

	runtime.Goexit()
}

func (h *heard) Failed() bool { return h.failed }

// hear runs fn as Run does, and returns what the test was told. The text of a test that has
// passed is empty.
func hear(t *testing.T, fn func(ctx context.Context, t *tasktest.T), opts ...tasktest.Option) string {
	t.Helper()
	h := &heard{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		tasktest.Run(h, fn, opts...)
	}()
	<-done
	if text := h.text.String(); text != "" || !h.failed {
		return text
	}
	return "failed without a word"
}

// wantHeard compares what a test was told with what it should have been. The numbers of lines
// of tests do not count.
func wantHeard(t *testing.T, got, want string) {
	t.Helper()
	got, want = withoutLines(got), withoutLines(want)
	if got != want {
		t.Errorf("the test was told:\n%s\nwant:\n%s", got, want)
	}
}

var lineOfTest = regexp.MustCompile(`_test\.go:[0-9]+`)

func withoutLines(text string) string {
	return strings.TrimSpace(lineOfTest.ReplaceAllString(text, "_test.go:N"))
}

// failsInside is set in the process of failsInChild.
const failsInside = "TASKTEST_FAILS"

// failsInChild runs the calling test again, in a process of its own in which fn runs and fails it. It
// returns the output of that.
func failsInChild(t *testing.T, fn func(t *testing.T)) string {
	t.Helper()
	if os.Getenv(failsInside) == t.Name() {
		fn(t)
		return ""
	}
	run := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.count=1", "-test.run="+run)
	cmd.Env = append(os.Environ(), failsInside+"="+t.Name())
	output, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the test does not fail:\n%s", output)
	}
	return string(output)
}
