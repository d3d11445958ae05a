package sync

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// rings makes the stores that are rings.
var rings = map[string]func() ringStore{
	"fifo": func() ringStore { return new(fifo[int]) },
	"lifo": func() ringStore { return new(lifo[int]) },
}

type ringStore interface {
	store[int]
	Len() int
	Cap() int
}

// A store does what a slice does, while it grows, shrinks and goes round its buffer.
func TestRingIsASlice(t *testing.T) {
	next := map[string]func(model []int) int{
		"fifo": func([]int) int { return 0 },
		"lifo": func(model []int) int { return len(model) - 1 },
	}
	for name, newRing := range rings {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			r := newRing()
			var model []int
			grown, shrunk, size := 0, 0, 0
			for i := range 50_000 {
				pushes := 6 // of ten steps
				if i%10_000 >= 3000 {
					pushes = 4
				}
				if len(model) == 0 || rng.IntN(10) < pushes {
					r.push(i)
					model = append(model, i)
				} else {
					at := next[name](model)
					if item := r.pop(); item != model[at] {
						t.Fatalf("step %d: got item %d, want %d", i, item, model[at])
					}
					model = slices.Delete(model, at, at+1)
				}
				switch {
				case r.Cap() > size:
					grown++
				case r.Cap() < size:
					shrunk++
				}
				size = r.Cap()
				if r.Len() != len(model) {
					t.Fatalf("step %d: got %d items, want %d", i, r.Len(), len(model))
				}
				if i%97 == 0 && !slices.Equal(slices.Collect(r.All()), model) {
					t.Fatalf("step %d: the items differ", i)
				}
			}
			if grown < 10 || shrunk < 5 {
				t.Errorf("it has grown %d times and shrunk %d times", grown, shrunk)
			}
		})
	}
}

func TestRingLetsGoOfItsRoomAfterASpike(t *testing.T) {
	for name, newRing := range rings {
		t.Run(name, func(t *testing.T) {
			r := newRing()
			for i := range 100_000 {
				r.push(i)
			}
			for range 100_000 {
				r.pop()
			}
			for range 500_000 { // from now on, it is never more than one
				r.push(0)
				r.pop()
			}
			if r.Cap() > smallBuffer {
				t.Errorf("a ring that is nearly empty has room for %d items", r.Cap())
			}
		})
	}
}

func TestRingFilledAndEmptiedKeepsItsRoom(t *testing.T) {
	for name, newRing := range rings {
		t.Run(name, func(t *testing.T) {
			r := newRing()
			cycle := func() {
				for i := range 1000 {
					r.push(i)
				}
				for range 1000 {
					r.pop()
				}
			}
			cycle()
			if n := testing.AllocsPerRun(10, cycle); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestRingLeftIterationStops(t *testing.T) {
	for name, newRing := range rings {
		t.Run(name, func(t *testing.T) {
			r := newRing()
			for i := range 3 {
				r.push(i)
			}
			var got []int
			for i := range r.All() {
				got = append(got, i)
				if i == 1 {
					break
				}
			}
			check.Equal(t, "items", got, []int{0, 1})
		})
	}
}

// What an empty or nearly empty buffer for 128 items counts.
func TestRingIsHalvedAfterAsManyItemsAsItHasRoomFor(t *testing.T) {
	const size = 2 * smallBuffer
	var q quiet
	for range 2 { // it begins anew each time
		for i := range size {
			check.Equal(t, "to be halved", q.after(0, size), i == size-1)
		}
	}
	for range size - 1 {
		q.after(0, size)
	}
	check.False(t, "to be halved when it is used again", q.after(size/2, size))
	check.False(t, "to be halved soon after that", q.after(0, size))
	for range 2 * size {
		check.False(t, "to be halved though it is small", q.after(0, smallBuffer))
	}
}
