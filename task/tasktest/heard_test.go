package tasktest_test

import (
	"context"
	"fmt"
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

// wantHeard compares what a test was told with what it should have been.
func wantHeard(t *testing.T, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("the test was told:\n%s\nwant:\n%s", got, want)
	}
}
