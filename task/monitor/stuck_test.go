package monitor

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// circleOf makes tasks that await each other in a circle. They are cancelled with ctx.
func circleOf(ctx context.Context, names ...string) {
	tasks := make([]*task.Task[struct{}], len(names))
	for i, name := range names {
		tasks[i] = task.Go(ctx, func(ctx context.Context) error {
			return tasks[(i+1)%len(names)].Join(ctx)
		}, task.Name(name))
	}
	iterations(ctx, 3)
}

// describeSets names the tasks of sets, each with what it awaits.
func describeSets(sets [][]Task) string {
	var text []string
	for _, set := range sets {
		names := map[uint64]string{}
		for _, t := range set {
			names[t.ID] = t.Name
		}
		for _, t := range set {
			var on []string
			for _, id := range t.Waits.On {
				on = append(on, names[id])
			}
			text = append(text, fmt.Sprintf("%s→%s", t.Name, strings.Join(on, ",")))
		}
		text = append(text, "|")
	}
	return strings.Join(text, " ")
}

// stuckIncidents returns the incidents of stuck sets.
func stuckIncidents(m *Monitor) (found []Incident) {
	for i := range m.Incidents() {
		if i.Kind == Stuck {
			found = append(found, i)
		}
	}
	return found
}

func TestStuckReturnsSetsAndReportsEachOnce(t *testing.T) {
	st := newStage(t, func(ctx context.Context) { circleOf(ctx, "a", "b") })
	stuck := func(want string) {
		t.Helper()
		sets, err := st.m.Stuck(t.Context())
		check.NoError(t, err)
		check.Equal(t, "sets", describeSets(sets), want)
	}
	stuck("a→b b→a |")
	stuck("a→b b→a |")
	sets, _ := st.m.Stuck(t.Context())
	a := sets[0][0]
	check.Equal(t, "state", a.State, StateWaiting)
	check.Equal(t, "id", a.ID, uint64(2))
	check.Contains(t, a.Place.Func, "circleOf")
	check.Equal(t, "waits in", a.Waits.In, "task.(*Task).Join")
	incidents := stuckIncidents(st.m)
	check.Equal(t, "number of incidents", len(incidents), 1)
	check.Equal(t, "text", incidents[0].Text, "a awaits b, b awaits a: none of these can finish unless something outside cancels one, or sets the future of its gather by hand")
	check.Equal(t, "tasks", describeSets([][]Task{incidents[0].Tasks}), "a→b b→a |")
	check.False(t, "suspect", incidents[0].Suspect)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var rest []*task.Task[struct{}]
	st.onLoop(func() {
		for _, x := range task.AllOn(st.loop) {
			if x.Name() == "a" {
				rest = append(rest, task.CreateOn(st.loop, func(ctx context.Context) (struct{}, error) { return struct{}{}, x.Join(ctx) }, task.Name("late")))
			}
		}
	})
	st.onLoop(func() {})
	stuck("a→b b→a late→a |") // no news
	check.Equal(t, "number of incidents", len(stuckIncidents(st.m)), 1)
	_, err := task.Call(ctx, st.loop, func(ctx context.Context) (int, error) {
		circleOf(ctx, "c", "d")
		return 0, nil
	})
	check.NoError(t, err)
	stuck("a→b b→a late→a | c→d d→c |")
	check.Equal(t, "number of incidents", len(stuckIncidents(st.m)), 2)
}

func TestStuckAnswersATaskOfTheLoop(t *testing.T) {
	st := newStage(t, func(ctx context.Context) { circleOf(ctx, "a", "b") })
	_, err := task.Call(t.Context(), st.loop, func(ctx context.Context) (int, error) {
		sets, err := st.m.Stuck(ctx)
		check.Equal(t, "sets", describeSets(sets), "a→b b→a |")
		return 0, err
	})
	check.NoError(t, err)
}

func TestStuckSaysWhichLoopDoesNotAnswer(t *testing.T) {
	st := newStage(t, func(ctx context.Context) {})
	check.NoError(t, st.m.Attach(loop.New())) // it never runs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := st.m.Stuck(ctx)
	blocked, ok := err.(*BlockedError)
	check.True(t, "a BlockedError", ok)
	check.True(t, "a loop", blocked.Loop > 0)
}

func TestStuckRefusesAClosedMonitor(t *testing.T) {
	m := New()
	check.NoError(t, m.Close())
	_, err := m.Stuck(t.Context())
	check.Is(t, err, ErrClosed, "monitor: Stuck")
}

func TestStuckSetIsFoundWhenALoopHasSleptForFiveSeconds(t *testing.T) {
	eachHandoff(t, func(t *testing.T, h task.Handoff) {
		told := make(chan Incident, 1)
		s, over := newScene(t, OnMisuse(func(i Incident) { told <- i })), make(chan struct{})
		l := s.run(h, func(ctx context.Context) {
			circleOf(ctx, "a", "b")
			_, _, err := task.Receive(ctx, over)
			check.NoError(t, err)
		})
		defer close(over)
		s.sleepingFor(l, 5*time.Second-period)
		check.Equal(t, "number of incidents", len(stuckIncidents(s.m)), 0)
		s.tick(3)
		check.Equal(t, "number of incidents", len(stuckIncidents(s.m)), 1)
		check.Equal(t, "tasks", describeSets([][]Task{stuckIncidents(s.m)[0].Tasks}), "a→b b→a |")
		check.Equal(t, "kind of what the program is told", (<-told).Kind, Stuck)
		for !l.Stats().Asleep {
		}
		sleeps := l.Stats().Sleeps
		s.sleepingFor(l, 20*time.Second)
		check.Equal(t, "number of incidents", len(stuckIncidents(s.m)), 1)
		check.Equal(t, "number of sleeps", l.Stats().Sleeps, sleeps) // it is not looked at again
	})
}

// sleepingFor lets time pass while the loop sleeps.
func (s *scene) sleepingFor(l *loop.Loop, d time.Duration) {
	for !l.Stats().Asleep {
	}
	for range d / period {
		s.tick(1)
	}
}

func TestStuckSaysThatAVirtualClockHasNothingToGoOnTo(t *testing.T) {
	for name, held := range map[string]bool{"free": false, "held": true} {
		t.Run(name, func(t *testing.T) {
			s, over := newScene(t), make(chan struct{})
			l := s.run(task.Channels, func(ctx context.Context) {
				if held {
					defer loop.Running(ctx).Hold()()
				}
				_, _, err := task.Receive(ctx, over)
				check.NoError(t, err)
			}, loop.WithClock(timers.NewVirtual(time.Time{})))
			defer close(over)
			s.sleepingFor(l, 2*time.Second)
			incidents := stuckIncidents(s.m)
			if held {
				check.Equal(t, "number of incidents", len(incidents), 0)
				return
			}
			check.Equal(t, "number of incidents", len(incidents), 1)
			check.Contains(t, incidents[0].Text, "The loop is asleep with 1 unfinished tasks, its virtual clock has no timer")
			check.Equal(t, "number of tasks", len(incidents[0].Tasks), 1)
			check.Equal(t, "waits in", incidents[0].Tasks[0].Waits.In, "task.Receive")
		})
	}
}

func TestStuckSuspectsTasksThatHaveEachOthersLocks(t *testing.T) {
	for name, on := range map[string]bool{"tracked": true, "not tracked": false} {
		t.Run(name, func(t *testing.T) {
			var first, second sync.Lock
			st := newStage(t, func(ctx context.Context) {
				sync.TrackHolders(loop.Running(ctx), on)
				both := func(a, b *sync.Lock) func(ctx context.Context) error {
					return func(ctx context.Context) error {
						return a.With(ctx, func() error {
							if err := task.Yield(ctx); err != nil {
								return err
							}
							return b.With(ctx, func() error { return nil })
						})
					}
				}
				task.Go(ctx, both(&first, &second), task.Name("a"))
				task.Go(ctx, both(&second, &first), task.Name("b"))
				task.Go(ctx, first.Acquire, task.Name("c"))
				iterations(ctx, 5)
			})
			for range 2 {
				sets, err := st.m.Stuck(t.Context())
				check.NoError(t, err)
				check.Equal(t, "certain sets", len(sets), 0)
			}
			incidents := stuckIncidents(st.m)
			if !on {
				check.Equal(t, "number of incidents", len(incidents), 0)
				return
			}
			check.Equal(t, "number of incidents", len(incidents), 1)
			check.True(t, "suspect", incidents[0].Suspect)
			check.Equal(t, "text", incidents[0].Text, fmt.Sprintf("a awaits b, b awaits a, c awaits a: it looks as if none of these can finish, because "+
				"b has acquired <Lock %p>, a has acquired <Lock %p>; but a lock has no owner, and any task may release it", &second, &first))
			check.Equal(t, "tasks", describeSets([][]Task{incidents[0].Tasks}), "a→b b→a c→a |")
		})
	}
}
