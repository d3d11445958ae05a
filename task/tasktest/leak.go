package tasktest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// labelKey is the pprof label of a test's goroutines. A goroutine inherits the labels of the
// one that started it, so that tests which run in parallel can tell their goroutines apart.
const labelKey = "asyncio.test"

// labelled calls fn with the label of the test, and then checks that no other goroutine has
// the label.
func labelled(t testing.TB, s *settings, fn func()) {
	t.Helper()
	s.label = fmt.Sprintf("%s (%p)", t.Name(), s)
	defer func() {
		t.Helper()
		if s.allowLeaks {
			return
		}
		if left := lastingGoroutines(s.label); len(left) > 0 {
			t.Errorf("goroutines are left at the end of the test:\n%s", strings.Join(left, "\n"))
		}
	}()
	pprof.Do(t.Context(), pprof.Labels(labelKey, s.label), func(context.Context) {
		t.Helper()
		fn()
	})
}

// lastingGoroutines returns the goroutines with that label that do not end soon.
func lastingGoroutines(label string) (left []string) {
	for wait := time.Millisecond; ; wait *= 2 {
		left = goroutines(label, false)
		if len(left) == 0 || wait > 64*time.Millisecond {
			return left
		}
		time.Sleep(wait)
	}
}

// goroutines describes the goroutines with that label, without the calling one and, if the
// loop's own do not count, without those that run tasks.
func goroutines(label string, withoutWorkers bool) []string {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1) // a Buffer does not fail
	want := fmt.Sprintf("%q:%q", labelKey, label)
	var found []string
	for entry := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(entry, want) || strings.Contains(entry, "tasktest.goroutines+") ||
			withoutWorkers && strings.Contains(entry, "(*Sched).main") {
			continue
		}
		found = append(found, describeGoroutine(entry))
	}
	return found
}

var profileLine = regexp.MustCompile(`(?m)^#\t0x[0-9a-f]+\t(\S+?)\+0x[0-9a-f]+\s+(\S+)$`)

// describeGoroutine turns an entry of the goroutine profile into lines of function and place.
func describeGoroutine(entry string) string {
	var b strings.Builder
	for _, m := range profileLine.FindAllStringSubmatch(entry, -1) {
		fmt.Fprintf(&b, "  %s\n      %s\n", m[1], m[2])
	}
	return strings.TrimSuffix(b.String(), "\n")
}
