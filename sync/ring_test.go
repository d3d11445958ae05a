package sync

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A ring does what a slice does, whatever its size and wherever it begins.
func TestRingIsASlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r ring[int]
	var model []int
	grow := 1
	for i := range 200_000 {
		switch n := rng.IntN(10); {
		case len(model) == 0 || n < 3 || n < 7 && grow > 0:
			r.push(i)
			model = append(model, i)
		case n < 9:
			equal(t, "popFront", r.popFront(), model[0])
			model = model[1:]
		default:
			equal(t, "popBack", r.popBack(), model[len(model)-1])
			model = model[:len(model)-1]
		}
		if len(model) > 5000 {
			grow = -1
		} else if len(model) == 0 {
			grow = 1
		}
		if i%97 == 0 && !slices.Equal(slices.Collect(r.all()), model) {
			t.Fatalf("step %d: the items differ", i)
		}
		if t.Failed() {
			return
		}
	}
}

func TestRingLetsGoOfItsItemsAndItsRoom(t *testing.T) {
	var r ring[*int]
	for i := range 100_000 {
		r.push(&i)
	}
	for i := range 100_000 {
		if i%2 == 0 {
			r.popFront()
		} else {
			r.popBack()
		}
	}
	for range 500_000 { // from now on, it is never more than one
		r.push(new(int))
		r.popFront()
	}
	if len(r.buf) > 8*smallestRing {
		t.Errorf("a ring that is nearly empty has room for %d items", len(r.buf))
	}
	for i, p := range r.buf {
		if p != nil {
			t.Errorf("place %d still has an item", i)
		}
	}
}

func TestRingFilledAndEmptiedKeepsItsRoom(t *testing.T) {
	var r ring[int]
	cycle := func() {
		for i := range 1000 {
			r.push(i)
		}
		for range 1000 {
			r.popFront()
		}
	}
	cycle()
	if n := testing.AllocsPerRun(10, cycle); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRingLeftIterationStops(t *testing.T) {
	var r ring[int]
	for i := range 3 {
		r.push(i)
	}
	var got []int
	for i := range r.all() {
		got = append(got, i)
		if i == 1 {
			break
		}
	}
	equal(t, "items", got, []int{0, 1})
}
