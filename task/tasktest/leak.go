package tasktest

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labelKey is the pprof label of a test's goroutines. A goroutine inherits the labels of the
// one that started it, so that tests which run in parallel can tell their goroutines apart.
const labelKey = "asyncio.test"

// label is the label of a test's goroutines. No other test has it.
func (s settings) label(t testing.TB) string {
	if s.tag != "" {
		return s.tag
	}
	return fmt.Sprintf("%s (%p)", t.Name(), s.id)
}

// labelled calls fn with the label of the test, and then checks that no other goroutine has
// the label.
func labelled(t testing.TB, s settings, fn func()) {
	t.Helper()
	s.site = cmp.Or(s.site, callSite())
	defer s.checkGoroutines(t)
	defer s.giveLabel(t)()
	fn()
}

// giveLabel gives the calling goroutine the label of the test, until the result is called.
func (s settings) giveLabel(t testing.TB) (end func()) {
	pprof.SetGoroutineLabels(pprof.WithLabels(t.Context(), pprof.Labels(labelKey, s.label(t))))
	return func() { pprof.SetGoroutineLabels(t.Context()) }
}

// checkGoroutines fails the test if another goroutine has its label.
func (s settings) checkGoroutines(t testing.TB) {
	if s.allowLeaks {
		return
	}
	if left := lastingGoroutines(s.label(t)); len(left) > 0 {
		fmt.Fprintf(t.Output(), "%sgoroutines are left at the end of the test:\n%s\n", s.site, indent(left))
		t.Fail()
	}
}

// lastingGoroutines returns the goroutines with that label that do not end soon.
func lastingGoroutines(label string) (left []stack) {
	for wait := time.Millisecond; ; wait *= 2 {
		left = goroutines(label, false)
		if len(left) == 0 || wait > 64*time.Millisecond {
			return left
		}
		time.Sleep(wait)
	}
}

// stack is where a goroutine is, innermost call first.
type stack []call

type call struct {
	function, file string
	line           int
}

// String returns a line for each function and one for each place.
func (s stack) String() string {
	if len(s) == 0 {
		return "  (it has not begun)"
	}
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, "  %s\n      %s:%d\n", c.function, c.file, c.line)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// indent puts stacks one below the other.
func indent(stacks []stack) string {
	var texts []string
	for _, s := range stacks {
		texts = append(texts, s.String())
	}
	return "    " + strings.ReplaceAll(strings.Join(texts, "\n\n"), "\n", "\n    ")
}

// goroutines returns where the goroutines with that label are, without the calling one and, if
// the loop's own do not count, without those that run tasks and the one of [Explore].
func goroutines(label string, withoutWorkers bool) []stack {
	var found []stack
	for _, s := range profile(label) {
		if !s.calls("goroutines") && !(withoutWorkers && (s.isWorker() || s.calls("(*search)."))) {
			found = append(found, s)
		}
	}
	return found
}

// isWorker reports whether a goroutine runs tasks.
func (s stack) isWorker() bool {
	for _, c := range s {
		if strings.HasPrefix(c.function, module+"/loop/kernel.Coroutine") {
			return true
		}
	}
	return false
}

// calls reports whether a goroutine is in a function of this package whose name begins so.
func (s stack) calls(function string) bool {
	for _, c := range s {
		if strings.HasPrefix(c.function, module+"/task/tasktest."+function) {
			return true
		}
	}
	return false
}

var profileLine = regexp.MustCompile(`(?m)^#\t0x[0-9a-f]+\t(\S+?)\+0x[0-9a-f]+\s+(\S+):(\d+)$`)

// profile returns where all goroutines with that label are.
func profile(label string) (stacks []stack) {
	var text bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1) // a Buffer does not fail
	want := fmt.Sprintf("%q:%q", labelKey, label)
	for entry := range strings.SplitSeq(text.String(), "\n\n") {
		if !strings.Contains(entry, want) {
			continue
		}
		var s stack
		for _, m := range profileLine.FindAllStringSubmatch(entry, -1) {
			line, _ := strconv.Atoi(m[3]) // it matches digits
			s = append(s, call{m[1], m[2], line})
		}
		stacks = append(stacks, s)
	}
	return stacks
}

// holds reports whether a goroutine of the loop works, and does not wait for its turn.
func (s stack) holds() bool {
	for _, c := range s {
		switch {
		case engine.MatchString(c.function):
			return false
		case !waiting.MatchString(c.function):
			return true
		}
	}
	return false
}

var (
	engine  = regexp.MustCompile(`^` + regexp.QuoteMeta(module) + `/(task/internal/sched|loop/kernel)\.`)
	waiting = regexp.MustCompile(`^(runtime|iter|sync|internal/[a-z/]*)\.`)
)

// program is the innermost call in code that is neither the library's nor Go's own, as far as
// that can be told by names.
func (s stack) program() string {
	for _, c := range s {
		pkg := strings.Split(c.function, "/")[0]
		if !ofLibrary(c.function, c.file) && (strings.Contains(strings.SplitN(c.function, "(", 2)[0], "/") && strings.Contains(pkg, ".") || strings.HasPrefix(c.function, "main.")) {
			return fmt.Sprintf("%s at %s:%d", shortName(c.function), path.Base(c.file), c.line)
		}
	}
	return fmt.Sprintf("%s at %s:%d", shortName(s[0].function), path.Base(s[0].file), s[0].line)
}
