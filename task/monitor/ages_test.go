package monitor

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestAgesOfTasksOlderThanTheMonitor(t *testing.T) {
	var a ages
	when, before := a.since(1, start)
	check.Equal(t, "without a checkpoint", when, start)
	check.True(t, "before", before)
	a.note(start, 5)
	when, before = a.since(5, start.Add(time.Hour))
	check.Equal(t, "older", when, start)
	check.True(t, "before", before)
	when, before = a.since(6, start.Add(time.Hour))
	check.Equal(t, "new", when, start.Add(time.Hour))
	check.False(t, "before", before)
}

func TestAgesAreNotedOnceASecondAndWhenThereAreNewTasks(t *testing.T) {
	var a ages
	for i, created := range []uint64{3, 4, 5, 5, 5, 6} {
		a.note(start.Add(time.Duration(i)*600*time.Millisecond), created)
	}
	check.Equal(t, "checkpoints", a.points, []checkpoint{
		{start, 3}, {start.Add(1200 * time.Millisecond), 5}, {start.Add(3 * time.Second), 6},
	})
}

// TestAgesAreRightInProportion has a program create tasks for a month, in bursts and with
// pauses, and asks for all ages.
func TestAgesAreRightInProportion(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 0))
		var a ages
		now, created := start, uint64(0)
		born := []time.Time{start} // by id
		a.note(now, 0)
		for now.Sub(start) < 10*24*time.Hour && len(born) < 20_000 {
			for n := random.IntN(2000); n >= 0; n-- { // a busy stretch: a look each second
				for range random.IntN(3) {
					created++
					born = append(born, now)
				}
				now = now.Add(time.Second)
				a.note(now, created)
			}
			now = now.Add(time.Duration(random.ExpFloat64() * float64(time.Duration(1+random.IntN(100))*time.Minute)))
		}
		if len(a.points) > 2000 {
			t.Errorf("seed %d: there are %d checkpoints", seed, len(a.points))
		}
		for id := uint64(1); id < uint64(len(born)); id++ {
			when, before := a.since(id, now)
			if off, most := when.Sub(born[id]), time.Second+now.Sub(born[id])/precision; before || off < 0 || off > most {
				t.Fatalf("seed %d: task %d of %d is %v old, and said to be %v (%v)", seed, id, created, now.Sub(born[id]), now.Sub(when), before)
			}
		}
	}
}
