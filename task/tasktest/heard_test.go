package tasktest_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest"
)

// hear runs fn as Run does, and returns what the test was told. The text of a test that has
// passed is empty. Places, and how a text is indented below one, do not count.
func hear(t *testing.T, fn func(ctx context.Context, t *tasktest.T), opts ...tasktest.Option) string {
	t.Helper()
	f := fake(t, func(t testing.TB) { tasktest.Run(t, fn, opts...) })
	var b strings.Builder
	indented := false
	for line := range strings.Lines(f.text()) {
		switch place := placeOfTest.FindString(line); {
		case place != "":
			indented = true
			line = line[len(place):]
		case strings.HasPrefix(line, "error: "):
			indented = false
			line = line[len("error: "):]
		case indented:
			line = strings.TrimPrefix(line, "    ")
		}
		b.WriteString(line)
	}
	if f.Failed() != (b.Len() > 0) {
		t.Errorf("the test has failed=%t, and was told %q", f.Failed(), b.String())
	}
	return b.String()
}

var placeOfTest = regexp.MustCompile(`^[a-z_]+_test\.go:[0-9]+: `)

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
