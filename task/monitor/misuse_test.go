package monitor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// misuseTest is a loop with a monitor whose time goes by when the test says so.
type misuseTest struct {
	t       *testing.T
	m       *Monitor
	passed  atomic.Int64 // how much time, in nanoseconds
	ticks   ticks
	told    []Incident // by OnMisuse
	handled []loop.ExceptionContext
	over    bool
}

// runMisuse runs main, the coroutine of the task "main".
func runMisuse(t *testing.T, main func(ctx context.Context, mt *misuseTest), opts ...loop.Option) *misuseTest {
	t.Helper()
	mt := &misuseTest{t: t, ticks: ticks{next: make(chan time.Time), done: make(chan struct{})}}
	mt.m = New(OnMisuse(func(i Incident) { mt.told = append(mt.told, i) }),
		func(s *settings) { s.now, s.ticks = mt.now, &mt.ticks })
	_, err := task.Run(t.Context(), func(ctx context.Context) (struct{}, error) {
		task.Current(ctx).SetName("main")
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { mt.handled = append(mt.handled, e) })
		main(ctx, mt)
		mt.over = true
		return struct{}{}, nil
	}, task.WithLoopOptions(append(opts, mt.m.Watch())...), task.WithHandoff(tasktest.DefaultHandoff()))
	check.NoError(t, err)
	check.NoError(t, mt.m.Close())
	return mt
}

func (mt *misuseTest) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(mt.passed.Load()))
}

// pass lets time go by, and the watchdog tick once.
func (mt *misuseTest) pass(ctx context.Context, d time.Duration) {
	mt.passed.Add(int64(d))
	mt.ticks.next <- mt.now()
	<-mt.ticks.done
	mt.yield(ctx, 3)
}

// yield lets the loop run n iterations.
func (mt *misuseTest) yield(ctx context.Context, n int) {
	for range n {
		check.NoError(mt.t, task.Yield(ctx))
	}
}

// texts returns what has been reported so far.
func (mt *misuseTest) texts() (all []string) {
	for _, i := range mt.told {
		all = append(all, i.Text)
	}
	return all
}

// stubborn returns a coroutine that does not care whether what it awaits is cancelled, as
// long as the test lasts.
func (mt *misuseTest) stubborn(until func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := until(ctx); mt.over || !future.IsCancelled(err) {
				return err
			}
		}
	}
}

const cleansUp = ": it cleans up slowly, or has swallowed the cancellation"

func TestSwallowedCancellationIsReportedOnce(t *testing.T) {
	mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
		followed, stop := mt.m.Follow()
		defer stop()
		jobs := sync.NewQueue[int](0)
		w := task.Go(ctx, mt.stubborn(func(ctx context.Context) error {
			_, err := jobs.Get(ctx)
			return err
		}), task.Name("w"))
		mt.yield(ctx, 1)
		mt.pass(ctx, time.Hour)
		w.Cancel()
		mt.pass(ctx, 9*time.Second)
		check.Equal(t, "texts before it is time", mt.texts(), nil)
		mt.pass(ctx, 3*time.Second)
		check.Equal(t, "texts", mt.texts(), []string{"Task 'w' was cancelled 12s ago by 'main' and waits in sync.(*Queue).Get" + cleansUp})
		i := mt.told[0]
		check.Equal(t, "kind", i.Kind, Misuse)
		check.Equal(t, "loop", i.Loop, 1)
		check.Equal(t, "time", i.Time, mt.now())
		check.Equal(t, "how long", i.For, 12*time.Second)
		check.True(t, "it is a suspicion", i.Suspect)
		check.Contains(t, i.Hint, "Uncancel")
		check.Equal(t, "task", i.Task.Name, "w")
		check.Equal(t, "its requests", i.Task.Cancelling, 1)
		check.Contains(t, functions(i.Stack), "TestSwallowedCancellationIsReportedOnce.func1.1 ")
		check.Equal(t, "what follows got", (<-followed).Number, i.Number)
		check.Equal(t, "incidents", len(slices.Collect(mt.m.Incidents())), 1)

		mt.pass(ctx, time.Hour)
		w.Cancel()
		w.Uncancel()
		w.Uncancel()
		w.Cancel()
		mt.pass(ctx, time.Hour)
		mt.pass(ctx, time.Hour)
		check.Equal(t, "reports later", len(mt.told), 1)
		check.NoError(t, jobs.PutNowait(1))
		check.NoError(t, w.Join(ctx))
	})
	check.Equal(t, "calls of the exception handler", len(mt.handled), 1)
	e := mt.handled[0]
	check.Equal(t, "message", e.Message, "A cancellation has not ended a task")
	check.Contains(t, e.Task.String(), "name='w'")
	var i *IncidentError
	check.True(t, "the error is the incident", errors.As(e.Err, &i))
	check.Equal(t, "its number", i.Incident.Number, mt.told[0].Number)
	check.Equal(t, "its text", e.Err.Error(), mt.told[0].Text)
}

// functions lists the functions of a stack, each followed by a space.
func functions(stack []Frame) string {
	text := ""
	for _, f := range stack {
		text += f.Func + " "
	}
	return text
}

func TestSwallowedCancellationThatIsNone(t *testing.T) {
	for name, fn := range map[string]func(ctx context.Context, f *future.Future[int]) error{
		"it ends": func(ctx context.Context, f *future.Future[int]) error {
			_, err := f.Await(ctx)
			return err
		},
		"Uncancel": func(ctx context.Context, f *future.Future[int]) error {
			_, err := f.Await(ctx)
			check.True(t, "cancelled", future.IsCancelled(err))
			task.Current(ctx).Uncancel()
			_, err = future.New[int](loop.Running(ctx)).Await(ctx)
			return err
		},
		"slow cleanup before Uncancel": func(ctx context.Context, f *future.Future[int]) error {
			_, err := f.Await(ctx)
			check.True(t, "cancelled", future.IsCancelled(err))
			for range 6 {
				check.NoError(t, task.Yield(ctx))
			}
			task.Current(ctx).Uncancel()
			_, err = future.New[int](loop.Running(ctx)).Await(ctx)
			return err
		},
		"a timeout": func(ctx context.Context, f *future.Future[int]) error {
			err := task.WithTimeout(ctx, time.Nanosecond, func(ctx context.Context) error {
				_, err := f.Await(ctx)
				return err
			})
			check.Is(t, err, context.DeadlineExceeded)
			_, err = future.New[int](loop.Running(ctx)).Await(ctx)
			return err
		},
		"it does not get the error": func(ctx context.Context, f *future.Future[int]) error {
			inner := task.Go(ctx, func(ctx context.Context) error {
				_, err := f.Await(ctx)
				check.True(t, "cancelled", future.IsCancelled(err))
				return nil
			})
			check.NoError(t, inner.Join(ctx))
			_, err := future.New[int](loop.Running(ctx)).Await(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
				f := future.New[int](loop.Running(ctx))
				w := task.Go(ctx, func(ctx context.Context) error { return fn(ctx, f) })
				mt.yield(ctx, 2)
				if name != "a timeout" {
					w.Cancel()
				}
				for range 5 {
					mt.pass(ctx, 9*time.Second)
				}
				mt.pass(ctx, time.Hour)
				_, some := mt.m.loops[0].cancellations.next()
				if name != "it does not get the error" {
					check.False(t, "something is left to look at", some)
				}
				w.Cancel()
			})
			check.Equal(t, "texts", mt.texts(), nil)
		})
	}
}

func TestSwallowedCancellationMovesTheBlame(t *testing.T) {
	never := func(ctx context.Context) error {
		_, err := future.New[int](loop.Running(ctx)).Await(ctx)
		return err
	}
	for name, test := range map[string]struct {
		fn   func(ctx context.Context, mt *misuseTest) error
		want []string
	}{
		"to a child of a group": {func(ctx context.Context, mt *misuseTest) error {
			return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(mt.stubborn(never), task.Name("child"))
				g.Go(never)
				return nil
			})
		}, []string{"Task 'child' was cancelled 12s ago by 'w' and waits in future.(*Future).Await" + cleansUp}},
		"to what it awaits and was cancelled with it": {func(ctx context.Context, mt *misuseTest) error {
			return task.Go(ctx, mt.stubborn(never), task.Name("inner")).Join(ctx)
		}, []string{"Task 'inner' was cancelled 12s ago by 'main' and waits in future.(*Future).Await" + cleansUp}},
		"to a child of a gather": {func(ctx context.Context, mt *misuseTest) error {
			_, err := task.Gather(ctx, task.Void(never), task.Void(mt.stubborn(never))).Await(ctx)
			return err
		}, []string{"Task 'Task-3' was cancelled 12s ago by 'main' and waits in future.(*Future).Await" + cleansUp}},
		"to what its cleanup awaits": {func(ctx context.Context, mt *misuseTest) error {
			last := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("last"))
			other := task.Go(ctx, last.Join, task.Name("other"))
			_ = never(ctx)
			return other.Join(ctx)
		}, []string{"Task 'w' was cancelled 12s ago by 'main' and waits for task 'last', which waits in task.Sleep" + cleansUp}},
		"to shielded work": {func(ctx context.Context, mt *misuseTest) error {
			work := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("work"))
			_, _ = task.Shield(ctx, work).Await(ctx)
			return work.Join(ctx)
		}, []string{"Task 'w' was cancelled 12s ago by 'main' and waits for task 'work', which is shielded and waits in task.Sleep" + cleansUp}},
		"to work that is shielded again": {func(ctx context.Context, mt *misuseTest) error {
			work := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("work"))
			return mt.stubborn(func(ctx context.Context) error {
				_, err := task.Shield(ctx, work).Await(ctx)
				return err
			})(ctx)
		}, []string{"Task 'w' was cancelled 12s ago by 'main' and waits for task 'work', which is shielded and waits in task.Sleep" + cleansUp}},
	} {
		t.Run(name, func(t *testing.T) {
			mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
				w := task.Go(ctx, func(ctx context.Context) error { return test.fn(ctx, mt) }, task.Name("w"))
				mt.yield(ctx, 3)
				w.Cancel()
				mt.yield(ctx, 3)
				mt.pass(ctx, 12*time.Second)
				mt.pass(ctx, 12*time.Second)
			})
			check.Equal(t, "texts", mt.texts(), test.want)
		})
	}
}

func TestSwallowedCancellationNamesWhoCancelled(t *testing.T) {
	type coroutine = func(ctx context.Context) error
	start := func(ctx context.Context, w coroutine) *task.Task[struct{}] {
		tk := task.Go(ctx, w, task.Name("w"))
		check.NoError(t, task.Yield(ctx))
		return tk
	}
	for want, cancel := range map[string]func(ctx context.Context, w coroutine){
		" by 'main'": func(ctx context.Context, w coroutine) { start(ctx, w).Cancel() },
		" by 'other'": func(ctx context.Context, w coroutine) {
			tk := start(ctx, w)
			task.Go(ctx, func(context.Context) error { tk.Cancel(); return nil }, task.Name("other"))
		},
		" by monitor.TestSwallowedCancellationNamesWhoCancelled.func": func(ctx context.Context, w coroutine) {
			tk := start(ctx, w)
			loop.Running(ctx).CallSoon(func() { tk.Cancel() })
		},
		" by 'eager'": func(ctx context.Context, w coroutine) {
			tk := start(ctx, w)
			on := loop.NewContext(context.Background(), loop.Running(ctx))
			loop.Running(ctx).CallSoon(func() {
				task.Go(on, func(context.Context) error { tk.Cancel(); return nil }, task.Eager(), task.Name("eager"))
			})
		},
		" by the timeout of w": func(ctx context.Context, w coroutine) {
			start(ctx, func(ctx context.Context) error { return task.WithTimeout(ctx, 0, w) })
		},
		" by TaskGroup": func(ctx context.Context, w coroutine) {
			task.Go(ctx, func(ctx context.Context) error {
				return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
					g.Go(w, task.Name("w"))
					g.Go(func(context.Context) error { return errors.New("failed") })
					return nil
				})
			})
		},
		" by the end of a context": func(ctx context.Context, w coroutine) {
			foreign, cancel := context.WithCancel(context.Background())
			task.Go(loop.NewContext(foreign, loop.Running(ctx)), w, task.Name("w"))
			check.NoError(t, task.Yield(ctx))
			cancel()
			for task.All(ctx)[1].Cancelling() == 0 { // the news comes from another goroutine
				check.NoError(t, task.Yield(ctx))
			}
		},
	} {
		t.Run(want, func(t *testing.T) {
			mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
				cancel(ctx, mt.stubborn(func(ctx context.Context) error {
					_, err := future.New[int](loop.Running(ctx)).Await(ctx)
					return err
				}))
				mt.yield(ctx, 5)
				mt.pass(ctx, time.Minute)
			})
			check.Equal(t, "number of reports", len(mt.told), 1)
			check.Contains(t, mt.told[0].Text, "Task 'w' was cancelled 1m0s ago"+want)
		})
	}
}

func TestSwallowedCancellationShowsStacksOfDebugMode(t *testing.T) {
	for _, recorded := range []bool{false, true} {
		var opts []loop.Option
		if recorded {
			opts = append(opts, loop.WithCreationStacks(1))
		}
		mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
			w := task.Go(ctx, swallows, task.Name("w"))
			mt.yield(ctx, 1)
			w.Cancel()
			mt.yield(ctx, 1)
			mt.pass(ctx, 12*time.Second)
		}, opts...)
		check.Equal(t, "reports", len(mt.handled), 1)
		e := mt.handled[0]
		check.Equal(t, "there is a creation stack", len(e.Created) > 0, recorded)
		text := withoutLines(fmt.Sprintf("%+v", e.Err))
		want := "Task 'w' was cancelled 12s ago by 'main' and waits in task.Sleep" + cleansUp +
			"; " + hintSwallowed + " task.Sleep monitor.swallows"
		if recorded {
			want += "\nCancel was called in monitor.TestSwallowedCancellationShowsStacksOfDebugMode.func1" +
				"\nthe error was returned in monitor.swallows" +
				"\nthe task was created in monitor.TestSwallowedCancellationShowsStacksOfDebugMode.func1"
		}
		check.Equal(t, "text", text, want)
		check.Equal(t, "text without the plus", fmt.Sprintf("%v", e.Err), e.Err.Error())
	}
}

func swallows(ctx context.Context) error {
	_, _ = future.New[int](loop.Running(ctx)).Await(ctx)
	return task.Sleep(ctx, time.Hour)
}

// withoutLines shortens stacks to the names of their functions.
func withoutLines(text string) string {
	var b strings.Builder
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(line, "      "):
		case strings.HasPrefix(line, "  "):
			b.WriteString(" " + path.Base(strings.TrimSpace(line)))
		default:
			b.WriteString("\n" + line)
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}

func TestOnMisuseThatPanicsIsReported(t *testing.T) {
	mt := runMisuse(t, func(ctx context.Context, mt *misuseTest) {
		mt.m.settings.onMisuse = func(Incident) { panic("oops") }
		w := task.Go(ctx, swallows)
		mt.yield(ctx, 1)
		w.Cancel()
		mt.yield(ctx, 1)
		mt.pass(ctx, 12*time.Second)
	})
	check.Equal(t, "calls of the exception handler", len(mt.handled), 2)
	check.Contains(t, mt.handled[0].Err.Error(), "was cancelled")
	check.Contains(t, mt.handled[1].Message, "Exception in callback a monitor")
}

func TestMisuseOptionsAreChecked(t *testing.T) {
	check.Is(t, check.Panics(t, func() { OnMisuse(nil) }), loop.ErrNilFunc, "OnMisuse")
	check.Is(t, check.Panics(t, func() { SwallowedAfter(0) }), loop.ErrInvalidArgument, "SwallowedAfter(0s)")
	m := New(SwallowedAfter(time.Second))
	check.Equal(t, "SwallowedAfter", m.settings.swallowed, time.Second)
	check.NoError(t, m.Close())
}

func TestSwallowedCancellationIsFoundWhileTheLoopSleeps(t *testing.T) {
	mt := &misuseTest{t: t, ticks: ticks{next: make(chan time.Time), done: make(chan struct{})}}
	mt.m = New(func(s *settings) { s.now, s.ticks = mt.now, &mt.ticks })
	mt.m.onLongSleep = nil // nor does anything else wake the watchdog
	incidents, stop := mt.m.Follow()
	defer stop()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		_, err := task.Run(ctx, func(ctx context.Context) (struct{}, error) {
			loop.Running(ctx).SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {})
			w := task.Go(ctx, swallows, task.Name("w"))
			mt.yield(ctx, 1)
			w.Cancel()
			return struct{}{}, task.Sleep(ctx, time.Hour)
		}, task.WithLoopOptions(mt.m.Watch()), task.WithHandoff(tasktest.DefaultHandoff()))
		check.Is(t, err, context.Canceled)
	}()
	asleep := func() *watched {
		for {
			if all := mt.m.all(); len(all) > 0 {
				if _, some := all[0].cancellations.next(); some && all[0].loop.Kernel().Pulse().Asleep {
					return all[0]
				}
			}
			runtime.Gosched()
		}
	}
	w := asleep()
	tick := func(d time.Duration) {
		mt.passed.Add(int64(d))
		mt.ticks.next <- mt.now()
		<-mt.ticks.done
	}
	tick(0)
	tick(2 * time.Second)
	pause, some := mt.m.dog.pause(mt.now()) // it waits for the next tick of the test
	check.True(t, "the watchdog goes on", some)
	check.Equal(t, "until it is time", pause, 8*time.Second)
	tick(pause)
	check.Contains(t, (<-incidents).Text, "Task 'w' was cancelled 10s ago")
	for !w.loop.Kernel().Pulse().Asleep {
		runtime.Gosched()
	}
	tick(time.Second)
	tick(10 * time.Second)
	_, some = mt.m.dog.pause(mt.now())
	check.False(t, "the watchdog goes on afterwards", some)
	cancel()
	<-done
	check.NoError(t, mt.m.Close())
}
