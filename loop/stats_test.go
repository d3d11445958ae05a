package loop_test

import (
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestStatsCountWhatTheLoopDoes(t *testing.T) {
	l, _ := newLoggingLoop(t, loop.WithLogger(slog.New(slog.DiscardHandler)))
	check.Equal(t, "statistics of a loop that has not run", l.Stats().Callbacks, 0)
	l.CallSoon(func() {})
	l.CallSoon(func() {}).Cancel()
	l.CallSoon(func() { panic(errTest) })
	elsewhere(func() { l.CallSoonThreadsafe(func() {}) })
	l.CallLater(time.Second, func() {
		l.CallSoon(func() {}) // is left
		l.CallSoon(func() {})
		l.Stop()
	})
	l.CallLater(time.Minute, func() {})
	l.CallLater(time.Hour, func() {}).Cancel()
	run(t, l)
	s := l.Stats()
	check.Equal(t, "Callbacks", s.Callbacks, 4)
	check.Equal(t, "Dropped", s.Dropped, 1)
	check.Equal(t, "Exceptions", s.Exceptions, 1)
	check.Equal(t, "Posted", s.Posted, 1)
	check.Equal(t, "TimersSet", s.TimersSet, 3)
	check.Equal(t, "Timers", s.Timers, 1)
	check.Equal(t, "Ready", s.Ready, 2)
	check.Equal(t, "Inbox", s.Inbox, 0)
	check.Equal(t, "Sleeps", s.Sleeps, 1)
	check.Equal(t, "Iterations", s.Iterations, 2)
	check.Equal(t, "Batch.Count", s.Batch.Count(), 2)
	check.Equal(t, "Batch.Sum", s.Batch.Sum, 5)
	check.Equal(t, "greatest batch", s.Batch.Quantile(1), 4)
	check.Equal(t, "smallest batch", s.Batch.Quantile(0), 1)
	check.Equal(t, "Blocked", s.Blocked, 0)
	check.False(t, "Asleep", s.Asleep)
	elsewhere(func() { l.CallSoonThreadsafe(func() {}) })
	check.Equal(t, "Inbox of a loop that does not run", l.Stats().Inbox, 1)
	check.Equal(t, "Posted to a loop that does not run", l.Stats().Posted, 2)
}

func TestStatsAreReadByACallbackAtOnce(t *testing.T) {
	l, _ := newLoop(t)
	l.CallSoon(func() {
		l.CallSoon(func() {})
		s := l.Stats()
		check.Equal(t, "Callbacks", s.Callbacks, 1) // which runs
		check.Equal(t, "Ready", s.Ready, 2)
		check.Equal(t, "Blocked", s.Blocked, 0)
	})
	l.CallSoon(func() {})
	runOnce(t, l)
}

// sleeper is the system's clock, which says when the loop sleeps, and counts how often
// somebody wakes it.
type sleeper struct {
	asleep chan struct{} // gets a value for each sleep
	woken  atomic.Int32
}

func (c *sleeper) Now() time.Time { return time.Now() }

func (c *sleeper) Sleep(_ time.Time, wake <-chan struct{}) {
	c.asleep <- struct{}{}
	<-wake
	c.woken.Add(1)
}

func TestStatsDoNotWakeALoop(t *testing.T) {
	c := &sleeper{asleep: make(chan struct{})}
	l := loop.New(loop.WithClock(c))
	defer l.Close()
	l.CallSoon(func() {})
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	<-c.asleep
	first := l.Stats()
	for range 100 {
		s := l.Stats()
		check.True(t, "Asleep", s.Asleep)
		check.Equal(t, "Blocked", s.Blocked, 0)
		check.Equal(t, "Callbacks", s.Callbacks, 1)
		check.Equal(t, "Sleeps", s.Sleeps, 1)
		check.Equal(t, "Iterations", s.Iterations, first.Iterations)
	}
	check.Equal(t, "how often the loop was woken", c.woken.Load(), 0)
	l.CallSoonThreadsafe(func() {})
	<-c.asleep // again
	check.Equal(t, "how often the loop was woken", c.woken.Load(), 1)
	s := l.Stats()
	check.Equal(t, "Callbacks", s.Callbacks, 2)
	check.Equal(t, "Sleeps", s.Sleeps, 2)
	check.Equal(t, "Iterations", s.Iterations, first.Iterations+1)
	l.Stop()
	check.NoError(t, <-ended)
}

func TestStatsOfABlockedLoopSayForHowLong(t *testing.T) {
	l, _ := newLoop(t)
	blocked, release := make(chan struct{}), make(chan struct{})
	l.CallSoon(func() {})
	l.CallSoon(func() {
		close(blocked)
		<-release
		l.CallSoon(l.Stop)
	})
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	<-blocked
	var last loop.Stats
	for i := range uint64(3) {
		s := l.Stats()
		if s.Blocked <= last.Blocked {
			t.Errorf("blocked for %v, and before that for %v", s.Blocked, last.Blocked)
		}
		check.Equal(t, "Callbacks", s.Callbacks, 0) // it has not answered yet
		check.Equal(t, "Posted", s.Posted, i)
		check.Equal(t, "Inbox", s.Inbox, int(i))
		last = s
		l.CallSoonThreadsafe(func() {})
	}
	close(release)
	check.NoError(t, <-ended)
	s := l.Stats()
	check.Equal(t, "Blocked", s.Blocked, 0)
	check.Equal(t, "Callbacks", s.Callbacks, 6)
	check.Equal(t, "Inbox", s.Inbox, 0)
}

// A histogram and all counters, by their names.
func counts(s loop.Stats) map[string]uint64 {
	all := map[string]uint64{"Lag": s.Lag.Count(), "Busy": uint64(s.Busy), "Idle": uint64(s.Idle)}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Uint64 {
			all[v.Type().Field(i).Name] = v.Field(i).Uint()
		}
	}
	return all
}

func TestStatsFromManyGoroutinesOnlyGrow(t *testing.T) {
	l := loop.New()
	var readers sync.WaitGroup
	closed := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			last := counts(l.Stats())
			for over := false; !over; {
				select {
				case <-closed:
					over = true // read once more
				default:
				}
				now := counts(l.Stats())
				for name, n := range now {
					if n < last[name] {
						t.Errorf("%s was %d, and is %d", name, last[name], n)
					}
				}
				last = now
			}
			check.Equal(t, "Callbacks at the end", last["Callbacks"], 4*(1000+2*100+2))
		})
	}
	for range 4 {
		left := 1000
		var chain func()
		chain = func() { // runs
			if left--; left > 0 {
				l.CallSoon(chain)
				return
			}
			l.CallLater(time.Microsecond, func() { go l.CallSoonThreadsafe(l.Stop) }) // sleeps, twice
		}
		l.CallSoon(chain)
		check.NoError(t, l.RunForever())
		for range 100 { // polls
			l.CallSoon(func() {})
			l.CallLater(-time.Second, func() {})
			_, _, err := l.Poll()
			check.NoError(t, err)
		}
	}
	check.NoError(t, l.Close())
	close(closed)
	readers.Wait()
}

func TestStatsMeasureBusyAndIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		l.CallSoon(func() { time.Sleep(time.Hour) }) // before anybody asks
		l.CallSoon(l.Stop)
		run(t, l)
		began := time.Now()
		first := l.Stats()
		check.Equal(t, "Timed", first.Timed, began)
		check.Equal(t, "Busy", first.Busy, 0)
		time.Sleep(time.Hour) // the loop does not run
		l.CallSoon(func() { time.Sleep(2 * time.Second) })
		l.CallLater(10*time.Second, func() {
			time.Sleep(time.Second)
			s := l.Stats() // in the middle of it
			check.Equal(t, "Busy", s.Busy, 3*time.Second)
			check.Equal(t, "Idle", s.Idle, 8*time.Second)
			l.CallLater(9*time.Second, l.Stop)
		})
		go func() {
			time.Sleep(15 * time.Second)
			s := l.Stats() // in the middle of a sleep
			check.True(t, "Asleep", s.Asleep)
			check.Equal(t, "Busy", s.Busy, 3*time.Second)
			check.Equal(t, "Idle", s.Idle, 12*time.Second)
			check.Equal(t, "Time", s.Time, time.Now())
		}()
		run(t, l)
		time.Sleep(time.Hour)
		s := l.Stats()
		check.Equal(t, "Timed", s.Timed, began)
		check.Equal(t, "Busy", s.Busy, 3*time.Second)
		check.Equal(t, "Idle", s.Idle, 17*time.Second)
		check.Equal(t, "utilization", s.Utilization(first), 0.15)
		check.Equal(t, "utilization of no time", s.Utilization(s), 0)
	})
}

// The loop is blocked for as long as somebody waits for its answer, and then for longer.
func TestStatsWaitFiveMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		l.CallSoon(func() {
			time.Sleep(time.Second)
			l.CallSoon(l.Stop)
		})
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			time.Sleep(100 * time.Millisecond) // within the callback
			began := time.Now()
			check.Equal(t, "Blocked", l.Stats().Blocked, 5*time.Millisecond)
			check.Equal(t, "wait", time.Since(began), 5*time.Millisecond)
			time.Sleep(100 * time.Millisecond)
			s := l.Stats()
			check.Equal(t, "Blocked", s.Blocked, 110*time.Millisecond)
			check.Equal(t, "Busy", s.Busy, 110*time.Millisecond)
			time.Sleep(790*time.Millisecond - 2*time.Millisecond) // 2 ms before the end
			check.Equal(t, "Blocked", l.Stats().Blocked, 0)
			check.Equal(t, "time", time.Since(began), 900*time.Millisecond)
		}()
		run(t, l)
		<-asked
	})
}

func TestStatsKnowHowLateTimersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		l.CallLater(time.Second, func() {
			l.CallLater(time.Second, func() {}) // is 2 s late
			time.Sleep(3 * time.Second)
			l.CallLater(-time.Hour, l.Stop) // is set for the past, which is not the loop's fault
		})
		run(t, l)
		lag := l.Stats().Lag
		check.Equal(t, "timers", lag.Count(), 2)
		check.Equal(t, "sum", lag.Sum, 2*time.Second)
		check.Equal(t, "least", lag.Quantile(0), time.Microsecond)
		check.Equal(t, "greatest", lag.Quantile(1), 2097152*time.Microsecond)
	})
}

func TestStatsTimeStepsInDebugMode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New(loop.WithLogger(slog.New(slog.DiscardHandler)))
		defer l.Close()
		l.CallSoon(func() { time.Sleep(time.Second) })
		runOnce(t, l)
		check.Equal(t, "without debug mode", l.Stats().StepTimes.Count(), 0)
		l.SetDebug(true)
		l.CallSoon(func() { time.Sleep(time.Minute) })
		l.CallSoon(func() {})
		runOnce(t, l)
		times := l.Stats().StepTimes
		check.Equal(t, "with debug mode", times.Count(), 2)
		check.Equal(t, "sum", times.Sum, time.Minute)
	})
}

// laterExecutor is an executor that is no Pool.
type laterExecutor struct{ loop.Executor }

func TestStatsKnowTheThreadsOfAPool(t *testing.T) {
	p := loop.NewPool(2)
	l, _ := newLoop(t)
	threads := func() [2]int {
		s := l.Stats()
		return [2]int{s.Threads, s.ThreadsWaiting}
	}
	check.Equal(t, "threads without an executor", threads(), [2]int{})
	l.SetDefaultExecutor(p)
	check.Equal(t, "threads that are idle", threads(), [2]int{})
	running, release := make(chan struct{}), make(chan struct{})
	for range 5 {
		check.NoError(t, p.Submit(func() {
			running <- struct{}{}
			<-release
		}))
	}
	<-running
	<-running
	check.Equal(t, "threads", threads(), [2]int{2, 3})
	release <- struct{}{}
	<-running // the next one
	check.Equal(t, "threads", threads(), [2]int{2, 2})
	l.SetDefaultExecutor(laterExecutor{p})
	check.Equal(t, "threads of an unknown executor", threads(), [2]int{})
	close(release)
	<-running
	<-running
	check.NoError(t, p.Shutdown(t.Context()))
}

// filled returns statistics in which each number is another one.
func filled() loop.Stats {
	var s loop.Stats
	n := 0
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(time.Unix(int64(n), 0).UTC()))
				return
			}
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		case reflect.Array:
			for i := range v.Len() {
				fill(v.Index(i))
			}
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Uint64:
			v.SetUint(uint64(n))
		default:
			v.SetInt(int64(n))
		}
	}
	fill(reflect.ValueOf(&s).Elem())
	return s
}

func TestStatsAreTheSameAfterJSON(t *testing.T) {
	want := filled()
	text, err := json.Marshal(want)
	check.NoError(t, err)
	var got loop.Stats
	check.NoError(t, json.Unmarshal(text, &got))
	check.Equal(t, "statistics", got, want)
	var names map[string]json.RawMessage
	check.NoError(t, json.Unmarshal(text, &names))
	for i := range reflect.TypeFor[loop.Stats]().NumField() {
		name := reflect.TypeFor[loop.Stats]().Field(i).Name
		if lower := strings.ToLower(name[:1]) + name[1:]; names[lower] == nil {
			t.Errorf("%s is not called %s", name, lower)
		}
	}
	check.Equal(t, "busy", string(names["busy"]), strconv.FormatInt(int64(want.Busy), 10)) // nanoseconds
}

func TestStatsSubLeavesWhatIsNew(t *testing.T) {
	s := filled()
	check.Equal(t, "s.Sub(zero)", s.Sub(loop.Stats{}), s)
	for name, n := range counts(s.Sub(s)) {
		check.Equal(t, name, n, 0)
	}
	for _, h := range []uint64{s.Sub(s).Batch.Count(), s.Sub(s).StepTimes.Count(), uint64(s.Sub(s).Lag.Sum), uint64(s.Sub(s).Batch.Sum)} {
		check.Equal(t, "histogram", h, 0)
	}
	check.Equal(t, "Ready", s.Sub(s).Ready, s.Ready)
	check.Equal(t, "Time", s.Sub(s).Time, s.Time)
}

func TestStatsHaveMetrics(t *testing.T) {
	s := filled()
	got := map[string]float64{}
	for m := range s.Metrics() {
		name := m.Name + " " + m.Unit
		if m.Attribute != "" {
			name += " " + m.Attribute + "=" + m.AttributeValue
		}
		if _, twice := got[name]; twice {
			t.Errorf("%s comes twice", name)
		}
		got[name] = m.Value
		check.Equal(t, name+" is a histogram", m.Histogram != nil, m.Kind == loop.KindHistogram)
		if m.Help == "" || !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s: the help is %q", name, m.Help)
		}
	}
	want := map[string]float64{
		"asyncio.loop.time s asyncio.loop.state=active":               s.Busy.Seconds(),
		"asyncio.loop.time s asyncio.loop.state=idle":                 s.Idle.Seconds(),
		"asyncio.loop.lag s":                                          0,
		"asyncio.loop.iterations {iteration}":                         float64(s.Iterations),
		"asyncio.loop.handles {handle} asyncio.handle.kind=callback":  float64(s.Callbacks),
		"asyncio.loop.handles {handle} asyncio.handle.kind=step":      float64(s.Steps),
		"asyncio.loop.handles {handle} asyncio.handle.kind=internal":  float64(s.Internal),
		"asyncio.loop.handles {handle} asyncio.handle.kind=dropped":   float64(s.Dropped),
		"asyncio.loop.ready {handle}":                                 float64(s.Ready),
		"asyncio.timer.count {timer}":                                 float64(s.Timers),
		"asyncio.inbox.posted {handle}":                               float64(s.Posted),
		"asyncio.task.count {task}":                                   float64(s.Tasks),
		"asyncio.task.created {task}":                                 float64(s.TasksCreated),
		"asyncio.task.finished {task} asyncio.task.outcome=returned":  float64(s.TasksReturned),
		"asyncio.task.finished {task} asyncio.task.outcome=failed":    float64(s.TasksFailed),
		"asyncio.task.finished {task} asyncio.task.outcome=cancelled": float64(s.TasksCancelled),
		"asyncio.task.finished {task} asyncio.task.outcome=destroyed": float64(s.TasksDestroyed),
		"asyncio.worker.count {worker} asyncio.worker.state=busy":     float64(s.Workers - s.IdleWorkers),
		"asyncio.worker.count {worker} asyncio.worker.state=idle":     float64(s.IdleWorkers),
		"asyncio.exception.count {exception}":                         float64(s.Exceptions),
	}
	for name, value := range want {
		check.Equal(t, name, got[name], value)
	}
	check.Equal(t, "number of metrics", len(got), len(want))
	for range s.Metrics() {
		break
	}
}

func TestHistogramFindsQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var counted kernel.Histogram
		var values []time.Duration
		for range random.IntN(30) {
			d := time.Duration(1) << random.IntN(37)
			d += time.Duration(random.Int64N(int64(d)))
			counted.Add(d)
			values = append(values, d)
		}
		slices.Sort(values)
		h := loop.Histogram[time.Duration]{Counts: counted.Buckets, Sum: counted.Sum}
		check.Equal(t, "Count", h.Count(), uint64(len(values)))
		for _, q := range []float64{-1, 0, 0.01, 0.5, 0.9, 0.99, 1, 2} {
			var want time.Duration
			if len(values) > 0 {
				value := values[0]
				for i, v := range values {
					if part := float64(i) / float64(len(values)); part < q {
						value = v // those up to v are the part that q asks for, or more of them are needed
					}
				}
				for want = time.Microsecond; want < value && want < time.Microsecond<<26; {
					want *= 2
				}
			}
			if got := h.Quantile(q); got != want {
				t.Fatalf("quantile %v of %v is %v, want %v", q, values, got, want)
			}
		}
		i := 0
		for bound, n := range h.Buckets() {
			var below uint64
			for _, v := range values {
				if v <= bound && (i == 0 || v > time.Microsecond<<(i-1)) {
					below++
				}
			}
			if n != below {
				t.Fatalf("the bucket up to %v has %d of %v, want %d", bound, n, values, below)
			}
			i++
		}
		check.Equal(t, "buckets", i, 28)
		twice := loop.Histogram[time.Duration]{Sum: 2 * h.Sum}
		for i, n := range h.Counts {
			twice.Counts[i] = 2 * n
		}
		check.Equal(t, "Sub", twice.Sub(h), h)
	}
	for range (loop.Histogram[int64]{}).Buckets() {
		break
	}
}
