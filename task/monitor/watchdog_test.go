package monitor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// hold is a function of the program that holds the loop.
//
//go:noinline
func hold(d *door) { d.pass() }

// places is the functions of a stack.
func places(i Incident) string {
	var names []string
	for _, f := range i.Stack {
		names = append(names, f.Func[strings.LastIndexByte(f.Func, '/')+1:])
	}
	return strings.Join(names, " ")
}

// slowFetch is a coroutine that holds the loop.
//
//go:noinline
func slowFetch(d *door) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		hold(d)
		return nil
	}
}

func TestWatchdogNamesTheTaskThatHoldsTheLoop(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
			task.Go(ctx, slowFetch(d), task.Name("slow")).Await(ctx)
		}, loop.WithCreationStacks(10))
		<-d.entered
		s.tick(4)
		s.none()
		s.tick(1)
		i := s.one()
		d.through()
		check.Equal(t, "text", i.Text, "slow (monitor.slowFetch.func1) has held the loop for 100 ms")
		check.Equal(t, "stack", places(i), "monitor.(*door).pass monitor.hold monitor.slowFetch.func1")
		check.Equal(t, "kind", i.Kind, Blocked)
		check.Equal(t, "loop", i.Loop, 1)
		check.Equal(t, "id", i.Task.ID, uint64(3))
		check.Equal(t, "name", i.Task.Name, "slow")
		check.Equal(t, "coroutine", path.Base(i.Task.Coroutine.Func), "monitor.slowFetch.func1")
		check.Equal(t, "place", path.Base(i.Task.Place.Func), "monitor.(*door).pass")
		check.Contains(t, places(Incident{Stack: i.Task.Created}), "monitor.TestWatchdogNamesTheTaskThatHoldsTheLoop.")
		check.Equal(t, "for", i.For, 100*time.Millisecond)
		check.Contains(t, i.Hint, "it waits for a channel")
		check.False(t, "suspect", i.Suspect)
	})
}

func TestWatchdogReportsAgainAndTheEndOnce(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		hold(d)
		task.Yield(ctx)
		hold(d)
	})
	<-d.entered
	var ticks []int
	for n := range 70 {
		s.tick(1)
		for _, i := range s.taken() {
			ticks = append(ticks, n)
			check.Equal(t, "number of frames", len(i.Stack) > 0, true)
		}
	}
	check.Equal(t, "ticks with reports", ticks, []int{4, 16, 64})
	b, ok := s.m.Blocked(1)
	check.True(t, "blocked", ok)
	check.Equal(t, "for", b.For, 69*period)
	_, ok = s.m.Blocked(2)
	check.False(t, "blocked, of another loop", ok)
	d.through()
	<-d.entered
	s.tick(1)
	i := s.one()
	check.Equal(t, "kind", i.Kind, Unblocked)
	check.Equal(t, "text", i.Text, "Task-1 (monitor.begin.func1) has given the loop back after 1.7s")
	d.through()
}

func TestWatchdogNamesCallbacks(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			loop.Running(ctx).CallSoon(func() { hold(d) })
			task.Yield(ctx)
			task.Yield(ctx)
		})
		<-d.entered
		s.tick(5)
		i := s.one()
		d.through()
		check.Contains(t, i.Text, "The callback monitor.TestWatchdogNamesCallbacks.", " has held the loop for 100 ms")
		check.Contains(t, places(i), "monitor.(*door).pass monitor.hold monitor.TestWatchdogNamesCallbacks.")
		check.True(t, "no task", i.Task == nil)
	})
}

func TestWatchdogNamesTheInnermostOfEagerTasks(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			task.Go(ctx, func(ctx context.Context) error {
				hold(d)
				return task.Yield(ctx)
			}, task.Eager(), task.Name("inner"))
			hold(d)
		})
		<-d.entered
		s.tick(5)
		check.Contains(t, s.one().Text, "inner (")
		d.through()
		<-d.entered // and the caller goes on in the same step
		s.tick(1)
		check.Equal(t, "kind", s.one().Kind, Unblocked)
		s.tick(4)
		i := s.one()
		d.through()
		check.Contains(t, i.Text, "Task-1 (")
		check.Contains(t, places(i), "monitor.(*door).pass monitor.hold monitor.TestWatchdogNamesTheInnermostOfEagerTasks.")
	})
}

func TestWatchdogNamesWhoVisits(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			other := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("visited"))
			task.Yield(ctx)
			engine := sched.TaskOf(other.Kernel())
			engine.Sched().Visit(engine, func() { hold(d) })
		})
		<-d.entered
		s.tick(5)
		check.Contains(t, s.one().Text, "Task-1 (")
		d.through()
	})
}

// job is a job of the library.
type job func()

func (j job) Run() { j() }

func TestWatchdogDoesNotBlameTasksForTheLibrary(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		var handle kernel.Handle
		handle.Init(kernel.Internal, job(d.pass))
		s.run(h, func(ctx context.Context) {
			loop.Running(ctx).Kernel().Push(&handle) // for the next task that gives the baton away
			task.Yield(ctx)
		})
		<-d.entered
		s.tick(5)
		i := s.one()
		d.through()
		check.Equal(t, "text", i.Text, "The library itself has held the loop for 100 ms")
		check.True(t, "no task", i.Task == nil)
		check.Contains(t, places(i), "monitor.(*door).pass")
	})
}

func TestWatchdogIsSilentAboutLateTicks(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	for range 20 {
		s.tick(3)
		s.tickAfter(2*period + 1)
	}
	s.none()
	s.tickAfter(2 * period)
	s.tick(2)
	s.none()
	s.tick(1)
	check.Equal(t, "for, once the ticks come in time", s.one().For, 5*period)
	s.tickAfter(time.Hour) // which says nothing about the loop
	s.tick(11)
	s.none()
	s.tick(1)
	check.Equal(t, "for", s.one().For, 17*period)
	d.through()
}

func TestWatchdogIsSilentAboutShortStepsOfOneTask(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			for range 20 {
				hold(d)
				task.Yield(ctx)
			}
		})
		for range 20 {
			<-d.entered
			s.tick(3)
			d.through()
		}
		s.none()
	})
}

func TestWatchdogIsSilentAboutLoopsThatSleepOrStop(t *testing.T) {
	s, asleep := newScene(t), make(chan struct{})
	l := loop.New(loop.WithClock(sleepy{asleep, new(atomic.Bool)}), s.m.Watch())
	s.start(l, func(ctx context.Context) { task.Sleep(ctx, time.Hour) })
	<-asleep
	s.tick(100)
	<-asleep // it goes on
	s.steps.Wait()

	stopped := loop.New(s.m.Watch())
	s.tick(100)
	check.NoError(t, stopped.Close())
	for _, i := range s.taken() {
		t.Error(i)
	}
}

// sleepy is a clock whose loop sleeps until the test has received twice. Then its time is
// up.
type sleepy struct {
	asleep chan struct{}
	over   *atomic.Bool
}

func (c sleepy) Now() time.Time {
	if c.over.Load() {
		return time.Unix(3600, 0)
	}
	return time.Unix(0, 0)
}

func (c sleepy) Sleep(time.Time, <-chan struct{}) {
	c.asleep <- struct{}{}
	c.asleep <- struct{}{}
	c.over.Store(true)
}

func TestWatchdogIsSilentIfTheStepEndsBeforeTheProfile(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		d, next := newDoor(), newDoor()
		profiles := 0
		s := newScene(t, func(o *settings) {
			o.profile = func() []record {
				profiles++
				d.through()
				<-next.entered
				return profile()
			}
		})
		s.run(h, func(ctx context.Context) {
			task.Go(ctx, func(ctx context.Context) error { hold(next); return nil })
			hold(d)
			task.Yield(ctx)
		})
		<-d.entered
		s.tick(8)
		next.through()
		check.Equal(t, "profiles", profiles, 1)
		s.none()
	})
}

func TestWatchdogFindsAStackWhoseLabelIsLost(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		s.run(h, func(ctx context.Context) {
			same := func(ctx context.Context) error {
				pprof.SetGoroutineLabels(pprof.WithLabels(ctx, pprof.Labels("of", "the program")))
				if task.Current(ctx).Name() != "slow" {
					return task.Sleep(ctx, time.Hour)
				}
				hold(d)
				return nil
			}
			task.Go(ctx, same)
			task.Go(ctx, same, task.Name("slow")).Await(ctx)
		})
		<-d.entered
		s.tick(5)
		i := s.one()
		d.through()
		check.Contains(t, i.Text, "slow (", "has held the loop for 100 ms")
		check.False(t, "is in doubt", strings.Contains(i.Text, "one of these"))
		check.Contains(t, places(i), "monitor.(*door).pass monitor.hold monitor.TestWatchdogFindsAStackWhoseLabelIsLost.")
	})
}

func TestWatchdogKeepsTheLabelsOfAContext(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		task.Go(pprof.WithLabels(ctx, pprof.Labels("request", "17")), slowFetch(d)).Await(ctx)
	})
	<-d.entered
	var found []*record
	records := profile()
	found = ofWorker(records, "1/2", Frame{})
	d.through()
	check.Equal(t, "number of records", len(found), 1)
	check.Contains(t, found[0].text, `"request":"17"`, `"asyncio.worker":"1/2"`)
	s.tick(1)
}

// unlabelled is a coroutine that takes its goroutine's labels off.
func unlabelled(d *door) func(ctx context.Context) {
	return func(ctx context.Context) {
		pprof.SetGoroutineLabels(context.Background())
		hold(d)
	}
}

func TestWatchdogShowsAllStacksThatItMayBe(t *testing.T) {
	call := func(ctx context.Context, fn func()) {
		loop.Running(ctx).CallSoon(fn)
		task.Yield(ctx)
		task.Yield(ctx)
	}
	d := newDoor()
	for name, mains := range map[string][2]func(ctx context.Context){
		"task": {unlabelled(d), unlabelled(d)},
		"callback": {
			func(ctx context.Context) { call(ctx, func() { hold(d) }) },
			func(ctx context.Context) { call(ctx, func() { hold(d) }) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.run(task.Channels, mains[0])
			s.run(task.IterPull, mains[1])
			<-d.entered
			<-d.entered
			s.tick(5)
			told := s.taken()
			d.through()
			d.through()
			check.Equal(t, "number of incidents", len(told), 2)
			for n, i := range told {
				check.Equal(t, "loop", i.Loop, n+1)
				check.Contains(t, i.Text, fmt.Sprintf("has held loop %d for 100 ms; its stack is one of these 2", n+1))
				check.Equal(t, "stacks", strings.Count(places(i), "monitor.hold"), 2)
			}
		})
	}
}

func TestWatchdogTellsLoopsApartByLabels(t *testing.T) {
	s, one, two := newScene(t), newDoor(), newDoor()
	s.run(task.Channels, func(ctx context.Context) { hold(one) })
	s.run(task.Channels, func(ctx context.Context) { task.Void(slowFetch(two))(ctx) })
	<-one.entered
	<-two.entered
	s.tick(5)
	told := s.taken()
	one.through()
	two.through()
	check.Equal(t, "number of incidents", len(told), 2)
	check.Contains(t, places(told[0]), "monitor.TestWatchdogTellsLoopsApartByLabels.func1")
	check.Contains(t, places(told[1]), "monitor.TestWatchdogTellsLoopsApartByLabels.func2")
}

func TestWatchdogDoesNotTakeTheStackOfAGoroutineThatTheTaskHasStarted(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d, child := newScene(t), newDoor(), newDoor()
		s.run(h, func(ctx context.Context) {
			done := make(chan struct{})
			go func() { // which inherits the label
				defer close(done)
				child.pass()
			}()
			hold(d)
			<-done
		})
		<-child.entered
		<-d.entered
		s.tick(5)
		i := s.one()
		child.through()
		d.through()
		check.Contains(t, places(i), "monitor.(*door).pass monitor.hold monitor.TestWatchdogDoesNotTakeTheStackOfAGoroutineThatTheTaskHasStarted.")
		check.Equal(t, "number of frames", len(i.Stack), 4)
	})
}

// dig holds the loop far down.
//
//go:noinline
func dig(depth int, d *door) {
	if depth == 0 {
		hold(d)
		return
	}
	dig(depth-1, d)
}

func TestWatchdogTakesTheInnermostFramesOfADeepStack(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) { dig(500, d) })
	<-d.entered
	s.tick(5)
	i := s.one()
	d.through()
	check.True(t, "frames", len(i.Stack) > 100 && len(i.Stack) <= 128)
	check.Contains(t, places(i), "monitor.(*door).pass monitor.hold monitor.dig monitor.dig")
}

func TestWatchdogKnowsTasksThatAreOlderThanItself(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s, d := newScene(t), newDoor()
		l := loop.New()
		task.SetHandoff(l, h)
		s.start(l, func(ctx context.Context) {
			old := task.Go(ctx, func(ctx context.Context) error {
				task.Yield(ctx)
				task.Yield(ctx)
				hold(d)
				return nil
			}, task.Name("old"))
			task.Yield(ctx)
			check.NoError(t, s.m.Attach(loop.Running(ctx)))
			old.Await(ctx)
			hold(d)
		})
		<-d.entered
		s.tick(5)
		i := s.one()
		check.Contains(t, i.Text, "old (")
		check.False(t, "is in doubt", strings.Contains(i.Text, "one of these"))
		check.Equal(t, "candidates", len(ofWorker(profile(), "1/2", Frame{})), 1) // it has the label
		d.through()
		<-d.entered
		s.tick(5)
		told := s.taken()
		d.through()
		check.Equal(t, "number of incidents", len(told), 2)
		check.Contains(t, told[1].Text, "Task-1 (")
		check.Contains(t, places(told[1]), "monitor.hold")
	})
}

func TestWatchdogUsesTheNewNameOfATask(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		task.Current(ctx).SetName("new\n")
		hold(d)
	})
	<-d.entered
	s.tick(5)
	i := s.one()
	d.through()
	check.Contains(t, i.Text, `'new\n' (monitor.`)
	check.Equal(t, "name", i.Task.Name, "new\n")
}

func TestWatchdogTakesTenProfilesAMinute(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		for range 13 {
			hold(d)
			task.Yield(ctx)
		}
	})
	stacks := 0
	for n := range 13 {
		<-d.entered
		if n == 12 {
			s.tickAfter(time.Minute)
		}
		s.tick(5)
		for _, i := range s.taken() {
			if i.Kind == Blocked {
				check.Contains(t, i.Text, "Task-1 (")
				check.Equal(t, fmt.Sprintf("%d: has a stack", n), len(i.Stack) > 0, n < 10 || n == 12)
				stacks++
			}
		}
		d.through()
	}
	check.Equal(t, "incidents", stacks, 13)
}

func TestWatchdogLogsWithTheLoopsLogger(t *testing.T) {
	s, d := newScene(t, func(o *settings) { o.onBlocked = nil }), newDoor()
	var log bytes.Buffer
	s.run(task.Channels, func(ctx context.Context) { hold(d) }, loop.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	<-d.entered
	s.tick(5)
	check.Contains(t, log.String(), "level=WARN", "Task-1 (monitor.begin.func1) has held the loop for 100 ms", "it waits for a channel", `monitor.hold\n`)
	log.Reset()
	d.through()
	s.steps.Wait()
	s.tick(1)
	check.Contains(t, log.String(), "level=WARN", "has given the loop back after 100 ms")
}

func TestWatchdogSurvivesAPanicOfOnBlocked(t *testing.T) {
	d := newDoor()
	s := newScene(t, OnBlocked(func(Incident) { panic("oh") }))
	var log bytes.Buffer
	s.run(task.Channels, func(ctx context.Context) { hold(d) }, loop.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	<-d.entered
	s.tick(30)
	check.Equal(t, "warnings", strings.Count(log.String(), "the function of OnBlocked has panicked: oh"), 2)
	d.through()
}

func TestThresholdIsAQuarterEachTick(t *testing.T) {
	s, d := newScene(t, Threshold(time.Second)), newDoor()
	s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	for range 4 {
		s.tickAfter(time.Second / 4)
	}
	s.none()
	s.tickAfter(time.Second / 4)
	check.Contains(t, s.one().Text, "for 1s")
	d.through()
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		fn    func()
		match error
		text  string
	}{
		{func() { Threshold(0) }, loop.ErrInvalidArgument, "monitor: Threshold(0s)"},
		{func() { Threshold(9 * time.Millisecond) }, loop.ErrInvalidArgument, "monitor: Threshold(9ms)"},
		{func() { OnBlocked(nil) }, loop.ErrNilFunc, "monitor: OnBlocked"},
		{func() { FlightRecorder(nil, "x") }, loop.ErrInvalidArgument, "monitor: FlightRecorder"},
		{func() { New(nil) }, loop.ErrNilFunc, "monitor: New"},
	} {
		check.IsFrom(t, check.Panics(t, c.fn), c.match, c.text)
	}
}

func TestWatchdogFindsTheCallbackAmongManyLoops(t *testing.T) {
	s, callback, step, pulled := newScene(t), newDoor(), newDoor(), newDoor()
	s.run(task.Channels, func(ctx context.Context) {
		loop.Running(ctx).CallSoon(func() { hold(callback) })
		task.Yield(ctx)
		task.Yield(ctx)
	})
	s.run(task.Channels, func(ctx context.Context) { hold(step) })
	s.run(task.IterPull, func(ctx context.Context) { hold(pulled) })
	_, _, wake := sleeper(s, receives(1))
	<-callback.entered
	<-step.entered
	<-pulled.entered
	s.tick(5)
	told := s.taken()
	check.Equal(t, "number of incidents", len(told), 3)
	check.Contains(t, told[0].Text, "The callback monitor.TestWatchdogFindsTheCallbackAmongManyLoops.", "has held loop 1 for 100 ms")
	check.False(t, "is in doubt", strings.Contains(told[0].Text, "one of these"))
	callback.through()
	step.through()
	pulled.through()
	wake <- struct{}{}
}

func TestWatchdogNamesTheWaitsForAProcessor(t *testing.T) {
	for _, c := range []struct {
		bucket  int
		text    string
		suspect bool
	}{
		{0, "", false},
		{1, "; meanwhile goroutines have waited for a processor for up to 25 ms", false},
		{2, "; meanwhile goroutines have waited for a processor for up to 50 ms", true},
	} {
		s, d := newScene(t), newDoor()
		counts := []uint64{7, 7, 7}
		s.run(task.Channels, func(ctx context.Context) { hold(d) })
		s.m.dog.waits.fixed = &metrics.Float64Histogram{Counts: counts, Buckets: []float64{0.024, 0.025, 0.05, 0.1}}
		<-d.entered
		s.tick(4)
		counts[c.bucket]++
		s.tick(1)
		i := s.one()
		d.through()
		check.Equal(t, "text", i.Text, "Task-1 (monitor.begin.func1) has held the loop for 100 ms"+c.text)
		check.Equal(t, "suspect", i.Suspect, c.suspect)
	}
}

func TestWatchdogForgetsTasksThatHaveEnded(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		s := newScene(t)
		l := loop.New()
		task.SetHandoff(l, h)
		seated := func() (n int) {
			for _, seat := range s.m.all()[0].seats.all {
				if seat.task.Load() != nil {
					n++
				}
			}
			return n
		}
		s.start(l, func(ctx context.Context) {
			end := future.New[int](l)
			old := task.Go(ctx, func(ctx context.Context) error {
				_, err := end.Await(ctx)
				return err
			})
			task.Yield(ctx)
			check.NoError(t, s.m.Attach(l))
			task.Yield(ctx)
			check.Equal(t, "tasks that are older than the monitor", seated(), 2)
			check.NoError(t, end.SetResult(1))
			old.Await(ctx)
			check.Equal(t, "those that are left", seated(), 1)
			task.Go(ctx, func(ctx context.Context) error {
				check.Equal(t, "and a new one", seated(), 2)
				return nil
			}).Await(ctx)
			check.Equal(t, "those that are left", seated(), 1)
			task.Go(ctx, func(ctx context.Context) error { panic("oh") }).Await(ctx)
			check.Equal(t, "those that are left", seated(), 1)
		})
		s.steps.Wait()
	})
}

func TestIDsAreGreaterThanSerials(t *testing.T) {
	s, d := newScene(t), newDoor()
	l := loop.New(s.m.Watch())
	l.Kernel().Counters().TasksCreated = 1<<32 - 1
	s.start(l, func(ctx context.Context) {
		hold(d)
		task.Yield(ctx)
		task.Go(ctx, func(ctx context.Context) error { hold(d); return nil }).Await(ctx)
	})
	for _, id := range []uint64{1 << 32, 1<<32 + 1} {
		<-d.entered
		s.tick(5)
		told := s.taken()
		check.Equal(t, "id", told[len(told)-1].Task.ID, id)
		d.through()
	}
	s.steps.Wait()
	l.Kernel().Counters().TasksCreated = 0
}

// generic is a function whose name in a profile has type arguments.
//
//go:noinline
func generic[T any](d *door) { d.pass() }

func TestWatchdogShowsNamesWithoutTypeArguments(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) { generic[int](d) })
	<-d.entered
	s.tick(5)
	i := s.one()
	d.through()
	check.Contains(t, places(i), "monitor.(*door).pass monitor.generic monitor.TestWatchdogShowsNamesWithoutTypeArguments.")
}

func TestBlockedErrorSaysWhatIsKnown(t *testing.T) {
	s, d := newScene(t), newDoor()
	s.run(task.Channels, func(ctx context.Context) { hold(d) })
	<-d.entered
	s.tick(1)
	w := s.m.all()[0]
	early := w.blockedError(30 * time.Millisecond)
	check.Equal(t, "text", early.Incident.Text, "Task-1 (monitor.begin.func1) has perhaps held the loop for 30 ms: it does not answer")
	check.True(t, "suspect", early.Incident.Suspect)
	check.Equal(t, "for", early.Incident.For, 30*time.Millisecond)
	check.Equal(t, "time", early.Incident.Time, s.now())
	s.tick(5)
	check.Equal(t, "text", w.blockedError(time.Second).Incident.Text, s.one().Text)
	d.through()
}
