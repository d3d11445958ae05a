package monitor

import (
	"context"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// profileWith returns a profile in which the caller has those labels.
func profileWith(set ...string) (records []record) {
	pprof.Do(context.Background(), pprof.Labels(set...), func(context.Context) { records = profile() })
	return records
}

func TestProfileTellsLabelsApart(t *testing.T) {
	count := func(records []record, label string) int {
		return len(matching(records, func(r *record) bool { return r.hasLabel(label) }))
	}
	records := profileWith(labels.WorkerKey, "1/2")
	check.Equal(t, "that label", count(records, "1/2"), 1)
	check.Equal(t, "any label", count(records, ""), 1)
	check.Equal(t, "another label", count(records, "1/22"), 0)
	check.Equal(t, "another label", count(records, "1/"), 0)

	records = profileWith("name", `"asyncio.worker":"1/2"`, labels.WorkerKey+"s", "1/2")
	check.Equal(t, "labels that contain it", count(records, "1/2"), 0)
	check.Equal(t, "labels that contain it", count(records, ""), 0)
}

func TestProfileHasTheFramesOfAllGoroutines(t *testing.T) {
	records := profileWith(labels.WorkerKey, "1/2")
	for _, r := range records {
		var all []string
		for _, f := range r.stack() {
			all = append(all, f.Func)
		}
		for _, line := range strings.Split(r.text, "\n") { // as the profile has named them
			if fields := strings.Fields(line); len(fields) == 4 && strings.HasPrefix(fields[1], "0x") {
				name, _, _ := strings.Cut(fields[2], "+")
				check.Contains(t, strings.Join(all, "\n"), name)
			}
		}
	}
	check.Equal(t, "goroutines in this test", len(matching(records, func(r *record) bool { return r.calls(packageOf[Monitor]() + ".TestProfileHasTheFrames") })), 1)
}

func TestProfileSurvivesWhatItDoesNotKnow(t *testing.T) {
	for _, text := range []string{"", "x", "goroutine profile: total 0\n", "goroutine profile: total 1\n1 @\n", "1 @ 0xzz\n#\t0x1\n\n\n"} {
		for _, r := range parseProfile(text) {
			check.True(t, "has no label", !r.hasLabel("1/2"))
			check.Equal(t, "frames", len(r.program()), 0)
		}
	}
}

// frame is a frame of a stack in a test: of Go itself if the package says so.
func frame(function string) Frame {
	if first, _, _ := strings.Cut(function, "/"); !strings.HasPrefix(function, "main.") && !strings.HasPrefix(first, "shop") {
		return Frame{Func: function, File: sourcesOfGo + "x/y.go"}
	}
	return Frame{Func: function, File: "/home/shop/y.go"}
}

func TestHints(t *testing.T) {
	for _, c := range []struct {
		stack string // innermost first
		want  string
	}{
		{"runtime.gopark time.Sleep main.main", "time.Sleep: use task.Sleep"},
		{"runtime.gopark internal/sync.(*Mutex).lockSlow sync.(*Mutex).Lock shop.f", "sync.(*Mutex).Lock: use the Lock of package sync of this module, or task.ToThread"},
		{"runtime.gopark internal/poll.(*FD).Read net.(*conn).Read net/http.(*Client).Do shop.f", "net/http.(*Client).Do: call it in task.ToThread"},
		{"runtime.gopark runtime.chanrecv runtime.chanrecv1 shop.f time.Sleep", "it waits for a channel: use task.Receive, a Future or a Queue"},
		{"runtime.gopark runtime.selectgo shop.f", "it waits in a select: use task.Receive, or call it in task.ToThread"},
		{"shop.f time.Sleep", "it computes: call it in task.ToThread, or let others go on by task.Yield now and then"},
		{"runtime.mallocgc encoding/json.Marshal shop.f", "it computes: call it in task.ToThread, or let others go on by task.Yield now and then"},
		{"runtime.gopark shop.f", ""},
		{"", ""},
	} {
		var stack []Frame
		for _, f := range strings.Fields(c.stack) {
			stack = append(stack, frame(f))
		}
		check.Equal(t, c.stack, hintFor(stack), c.want)
	}
}

// The names of functions in the table are those that a profile has.
func TestHintsMatchRealStacks(t *testing.T) {
	var mutex sync.Mutex
	var group sync.WaitGroup
	c := make(chan struct{})
	for _, blocked := range []struct {
		hint        string
		by, release func()
	}{
		{"sync.(*Mutex).Lock: use the Lock", mutex.Lock, mutex.Unlock},
		{"sync.(*WaitGroup).Wait: use task.Gather", group.Wait, group.Done},
		{"it waits for a channel: use task.Receive", func() { <-c }, func() { c <- struct{}{} }},
		{"it waits for a channel: use a Queue", func() { c <- struct{}{} }, func() { <-c }},
		{"it waits in a select: use task.Receive", func() {
			select {
			case <-c:
			case c <- struct{}{}:
			}
		}, func() { c <- struct{}{} }},
	} {
		t.Run(blocked.hint, func(t *testing.T) {
			mutex.TryLock()
			group = sync.WaitGroup{}
			group.Add(1)
			var done sync.WaitGroup
			done.Go(func() {
				pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(labels.WorkerKey, "1/1")))
				blocked.by()
			})
			hint, deadline := "", time.Now().Add(20*time.Second)
			for !strings.HasPrefix(hint, blocked.hint) {
				for _, r := range matching(profile(), func(r *record) bool { return r.hasLabel("1/1") }) {
					hint = hintFor(r.stack())
				}
				if time.Now().After(deadline) {
					t.Fatalf("the hint is %q", hint)
				}
			}
			blocked.release()
			done.Wait()
		})
	}
}

func TestGoItselfIsKnown(t *testing.T) {
	pcs := make([]uintptr, 10)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var got []bool
	for {
		f, more := frames.Next()
		got = append(got, ofGo(Frame{Func: f.Function, File: f.File}))
		if !more {
			break
		}
	}
	check.Equal(t, "of Go", got, []bool{false, true, true}) // this test, testing.tRunner, runtime.goexit
	check.False(t, "a module without a dot", ofGo(Frame{Func: "shop/db.Fetch", File: "/home/shop/db/db.go"}))
}

func TestBudgetIsTenAMinute(t *testing.T) {
	var b budget
	now := time.Unix(0, 0)
	for n := range 10 {
		check.True(t, "one more", b.take(now.Add(time.Duration(n)*time.Second)))
	}
	check.False(t, "one more", b.take(now.Add(time.Minute-1)))
	check.True(t, "one more", b.take(now.Add(time.Minute)))
	check.False(t, "one more", b.take(now.Add(time.Minute)))
	check.True(t, "one more", b.take(now.Add(time.Minute+time.Second)))
}

func TestSchedulerWaitsAreTheLongestSince(t *testing.T) {
	buckets := []float64{0, 0.001, 0.01, 0.1, 1}
	now := func(counts ...uint64) *metrics.Float64Histogram {
		return &metrics.Float64Histogram{Counts: counts, Buckets: buckets}
	}
	check.Equal(t, "none", longest([]uint64{5, 5, 5, 5}, now(5, 5, 5, 5)), 0)
	check.Equal(t, "short ones", longest([]uint64{5, 5, 5, 5}, now(6, 5, 5, 5)), 0)
	check.Equal(t, "longest", longest([]uint64{5, 5, 5, 5}, now(6, 7, 8, 5)), 10*time.Millisecond)
	check.Equal(t, "longest", longest([]uint64{5, 5, 5, 5}, now(5, 5, 5, 6)), 100*time.Millisecond)
	check.Equal(t, "none before", longest(nil, now(1, 1, 1, 1)), 0)

	var s schedulerWaits
	before := s.read()
	check.True(t, "the runtime has them", len(before) > 0)
	check.True(t, "not negative", s.since(before) >= 0)
}
