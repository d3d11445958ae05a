package kernel

import (
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// ask reads the loop on another goroutine, and returns when the question is there. The
// caller is run by the loop, which has no chance to answer meanwhile.
func ask(k *Kernel) (answer func() Reading) {
	answered := make(chan Reading, 1)
	go func() { answered <- k.Read(time.Hour) }()
	for !k.inbox.has(newQuestion) {
		runtime.Gosched()
	}
	return func() Reading { return <-answered }
}

// is checks a figure.
func is[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// iterations is how many iterations a reading has counted.
func iterations(r Reading) (sum uint64) {
	for _, n := range r.Batch {
		sum += n
	}
	return sum
}

// nothingIsLeft checks that an answered question keeps nobody busy.
func nothingIsLeft(t testing.TB, k *Kernel) {
	t.Helper()
	if news := k.inbox.news.Load(); news != 0 || k.inbox.asked != nil {
		t.Errorf("the answered question has left %b in the inbox, and asked is %v", news, k.inbox.asked)
	}
}

func TestReadIsAnsweredByTheNextPush(t *testing.T) {
	k, _ := newKernel(t)
	soon(k, func() {
		answer := ask(k)
		soon(k, func() {})
		r := answer() // or this would wait for ever
		is(t, "callbacks", r.Handles[OfProgram], 1)
		is(t, "ready handles", r.Ready, 0) // it was asked before there was one
		nothingIsLeft(t, k)
	})
	runOnce(t, k)
}

func TestReadIsAnsweredByTheNextIteration(t *testing.T) {
	k, _ := newKernel(t)
	var answer func() Reading
	soon(k, func() {
		soon(k, func() {
			r := answer()
			is(t, "callbacks", r.Handles[OfProgram], 1)
			is(t, "ready handles", r.Ready, 1)
			is(t, "iterations", iterations(r), 1)
			nothingIsLeft(t, k)
			k.Stop()
		})
		answer = ask(k)
	})
	run(t, k)
}

// A question is nothing to run: a loop that has nothing else falls asleep, and answers
// before that. So those who ask cause no iterations.
func TestReadIsAnsweredBeforeTheLoopSleeps(t *testing.T) {
	for name, question := range map[string]bool{"with a question": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			k, _ := newKernel(t)
			record(k)
			var answer func() Reading
			soon(k, func() {
				if question {
					answer = ask(k)
					is(t, "there is nothing to do", k.nothing(), true)
				}
			})
			run(t, k)
			if question {
				r := answer()
				is(t, "callbacks", r.Handles[OfProgram], 1)
				is(t, "the loop sleeps", r.Asleep, false) // it answered while it was awake
				nothingIsLeft(t, k)
			}
			is(t, "iterations", iterations(k.Read(0)), 2) // that of the callback, and that after the sleep
		})
	}
}

func TestReadIsAnsweredByTheEndOfTheRun(t *testing.T) {
	k, _ := newKernel(t)
	var answer func() Reading
	soon(k, func() { answer = ask(k) })
	runOnce(t, k)
	is(t, "callbacks", answer().Handles[OfProgram], 1)
	nothingIsLeft(t, k)
}

func TestReadTellsTheTaskThatGivesUpTheBaton(t *testing.T) {
	k, _ := newKernel(t)
	soon(k, func() {
		answer := ask(k)
		if j := k.NextStep(); j != nil {
			t.Errorf("a question is the step %v", j)
		}
		newErrand := new(Handle)
		newErrand.Init(Internal, &errand{"a", new(steps)})
		k.ready.Push(newErrand) // behind the back of Push, which would answer
		k.NextStep()            // a further iteration
		is(t, "ready handles", answer().Ready, 1)
		nothingIsLeft(t, k)
		k.Stop()
	})
	run(t, k)
}

// A loop that is read while it sleeps, and blocks afterwards, does not show less then.
func TestReadNeverShowsLessThanBefore(t *testing.T) {
	k, _ := newKernel(t)
	asleep, blocked, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	virtual := k.clock.(*timers.Virtual)
	virtual.SetIdle(func(_ time.Time, wake <-chan struct{}) bool {
		close(asleep)
		<-wake
		return false
	})
	for range 3 {
		soon(k, func() {})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(t, k)
	}()
	<-asleep
	first := k.Read(0)
	is(t, "callbacks", first.Handles[OfProgram], 3)
	is(t, "the loop sleeps", first.Asleep, true)
	h := new(Handle)
	h.InitCallback(func() {
		close(blocked)
		<-release
		k.Stop()
	})
	k.Post(h)
	<-blocked
	second := k.Read(0)
	is(t, "callbacks", second.Handles[OfProgram], 3)
	is(t, "the loop sleeps", second.Asleep, false)
	is(t, "time of the counters", second.Taken, first.Taken)
	is(t, "posted handles", second.Posted, 1)
	third := k.Read(0)
	if second.Blocked <= 0 || third.Blocked <= second.Blocked {
		t.Errorf("the loop is blocked for %v, and later for %v", second.Blocked, third.Blocked)
	}
	close(release)
	<-ended
	last := k.Read(0)
	is(t, "callbacks", last.Handles[OfProgram], 4)
	is(t, "blocked", last.Blocked, 0)
	nothingIsLeft(t, k)
}

func TestHistogramHasBucketsThatDouble(t *testing.T) {
	var bounds [28]time.Duration // of the buckets; the last has none
	for i := range bounds {
		bounds[i] = time.Microsecond << i
	}
	bounds[27] = 1 << 62
	for i, bound := range bounds {
		for _, d := range []time.Duration{bound - 1, bound, bound + 1} {
			want := i
			if d > bound {
				want = min(i+1, 27)
			}
			if i > 0 && d <= bounds[i-1] {
				want = i - 1
			}
			var h Histogram
			h.Add(d)
			for j, n := range h.Buckets {
				if (n == 1) != (j == want) {
					t.Fatalf("%v: bucket %d has %d, the value should be in %d", d, j, n, want)
				}
			}
			is(t, "sum", h.Sum, d)
		}
	}
	var h Histogram
	h.Add(-time.Second)
	h.Add(0)
	is(t, "first bucket", h.Buckets[0], 2)
	is(t, "sum", h.Sum, 0)
}

func TestBatchesAreCountedByTheirSize(t *testing.T) {
	k, _ := newKernel(t)
	var want [32]uint64
	for n := range 70 {
		for range n {
			soon(k, func() {})
		}
		i := 0
		for 1<<i < n {
			i++
		}
		want[i]++
		runOnce(t, k)
	}
	is(t, "batches", k.Read(0).Batch, want)
}
