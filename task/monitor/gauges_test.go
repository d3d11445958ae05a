package monitor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// TestGaugeGrowsIfNothingOfTheSecondHalfIsInTheFirst compares with the
// definition.
func TestGaugeGrowsIfNothingOfTheSecondHalfIsInTheFirst(t *testing.T) {
	for _, test := range []struct {
		name  string
		value func(i int) int
		grows int // from which reading on, -1 for never
	}{
		{"it rises", func(i int) int { return i }, 39},
		{"it is constant", func(int) int { return 7 }, -1},
		{"it falls", func(i int) int { return -i }, -1},
		{"it swings", func(i int) int { return i % 20 }, -1},
		{"it rises and swings", func(i int) int { return i + 5*(i%4) }, -1},
		{"it rises more than it swings", func(i int) int { return i + i%2 }, 40},
		{"it rises late", func(i int) int { return max(0, i-50) }, 70},
		{"it jumps", func(i int) int { return i / 60 }, 79},
	} {
		var gs gauges
		g := &gauge{}
		var values []int
		first := -1
		for i := range 120 {
			values = append(values, test.value(i))
			grows := gs.note(g, test.value(i))
			if grows {
				check.Equal(t, test.name+": it grows for the first time", first, -1)
				first = i
			}
			want := i >= 39 && slices.Min(values[i-19:]) > slices.Max(values[i-39:i-19])
			check.Equal(t, test.name, g.Growing, want)
		}
		check.Equal(t, test.name+": from then on", first, test.grows)
	}
}

func TestGaugesAreReadOnTheirLoop(t *testing.T) {
	m := New()
	defer m.Close()
	err := task.Main(context.Background(), func(ctx context.Context) error {
		l := loop.Running(ctx)
		w := m.all()[0]
		n, on := 0, 0
		remove := m.Gauge("orders", func() int {
			n++
			if l.Kernel().RunsCaller() {
				on++
			}
			return n
		})
		check.Equal(t, "before the first reading", len(m.Gauges(1)), 0)
		for i := range 100 { // four looks a second
			w.tick(start.Add(time.Duration(i) * 250 * time.Millisecond))
			iterations(ctx, 2)
		}
		check.Equal(t, "gauges", m.Gauges(1), []Gauge{{Name: "orders", Value: 25}})
		check.Equal(t, "readings on the loop", on, 25)
		for i := range 40 {
			w.tick(start.Add(time.Minute + time.Duration(i)*time.Second))
			iterations(ctx, 2)
		}
		check.Equal(t, "gauges", m.Gauges(1), []Gauge{{Name: "orders", Value: 65, Growing: true}})
		told := slices.Collect(m.Incidents())
		check.Equal(t, "incidents", len(told), 1)
		check.Equal(t, "kind", told[0].Kind, Growing)
		check.Equal(t, "text", told[0].Text, "gauge 'orders' grows: it is 40, and its last 20 readings all exceed the 20 before")

		m.Gauge("orders", func() int { return -1 })
		w.tick(start.Add(time.Hour))
		iterations(ctx, 2)
		check.Equal(t, "another one of that name", m.Gauges(1), []Gauge{{Name: "orders", Value: -1}})
		remove() // of what is gone already
		check.Equal(t, "gauges of another loop", len(m.Gauges(2)), 0)
		return nil
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}

func TestGaugesThatPanicAreGone(t *testing.T) {
	m := New()
	defer m.Close()
	m.Gauge("bad", func() int { panic(errors.New("oh")) }) // there is no loop yet
	m.Gauge("good", func() int { return 1 })
	err := task.Main(context.Background(), func(ctx context.Context) error {
		w := m.all()[0]
		for i := range 3 {
			w.tick(start.Add(time.Duration(i) * time.Second))
			iterations(ctx, 2)
		}
		check.Equal(t, "gauges", m.Gauges(1), []Gauge{{Name: "good", Value: 1}})
		told := slices.Collect(m.Incidents())
		check.Equal(t, "incidents", len(told), 1)
		check.Equal(t, "kind", told[0].Kind, Misuse)
		check.Equal(t, "text", told[0].Text, "gauge 'bad' is gone: it panicked: oh")
		check.Equal(t, "loop", told[0].Loop, 1)
		return nil
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}

func TestGaugesThatEndTheGoroutineAreGone(t *testing.T) {
	m := New()
	defer m.Close()
	m.Gauge("exits", func() int { runtime.Goexit(); return 0 })
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = task.Main(context.Background(), func(ctx context.Context) error {
			m.all()[0].tick(start)
			return forever(ctx)
		}, task.WithLoopOptions(m.Watch()))
	}()
	<-over
	told := slices.Collect(m.Incidents())
	check.Equal(t, "incidents, with the end of the loop", len(told), 2)
	check.Equal(t, "text", told[0].Text, "gauge 'exits' is gone: it called runtime.Goexit")
}

func TestGaugesAreReadWhenTheLoopWakesUpByItself(t *testing.T) {
	st := newStage(t, func(context.Context) {})
	w := st.m.all()[0]
	read := 0
	st.onLoop(func() { st.m.Gauge("orders", func() int { read++; return read }) })
	for w.loop.Kernel().Pulse().Awake {
		runtime.Gosched()
	}
	slept := w.loop.Stats().Sleeps
	w.tick(start)
	check.Equal(t, "sleeps after the tick", w.loop.Stats().Sleeps, slept)
	st.onLoop(func() { check.Equal(t, "readings", read, 1) })
}

func TestGaugeOfNothing(t *testing.T) {
	check.Is(t, check.Panics(t, func() { New().Gauge("orders", nil) }), loop.ErrNilFunc, "monitor: Gauge")
}
