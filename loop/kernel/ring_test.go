package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestRingIsADequeAcrossGrowthAndWraparound(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		var r Ring[int]
		var want []int
		for step := range 20_000 {
			// Phases of filling and of emptying, longer than the first sizes.
			fill := step/700%2 == 0
			switch {
			case len(want) == 0 || random.IntN(3) < 1 || fill && random.IntN(2) == 0:
				r.Push(step)
				want = append(want, step)
			case random.IntN(4) == 0:
				if got := r.PopBack(); got != want[len(want)-1] {
					t.Fatalf("seed=%d step=%d: PopBack took %d", seed, step, got)
				}
				want = want[:len(want)-1]
			default:
				if r.Front() != want[0] || r.PopFront() != want[0] {
					t.Fatalf("seed=%d step=%d: the first item is another one", seed, step)
				}
				want = want[1:]
			}
			if random.IntN(100) == 0 {
				size := smallestRing
				for size < len(want) {
					size *= 2
				}
				r.Resize(size)
			}
			if r.Len() != len(want) {
				t.Fatalf("seed=%d step=%d: %d items, want %d", seed, step, r.Len(), len(want))
			}
			if size := r.Cap(); size&(size-1) != 0 {
				t.Fatalf("the buffer has %d places, which is no power of two", size)
			}
		}
		if !slices.Equal(slices.Collect(r.All()), want) {
			t.Fatalf("seed=%d: All yields something else", seed)
		}
	}
}

func TestRingGrowsWhereverItBegins(t *testing.T) {
	for head := range smallestRing {
		var r Ring[int]
		for range head {
			r.Push(0)
			r.PopFront()
		}
		for i := range 2*smallestRing + 1 {
			r.Push(i)
		}
		for i := range 2*smallestRing + 1 {
			if got := r.PopFront(); got != i {
				t.Fatalf("head=%d: item %d is %d", head, i, got)
			}
		}
	}
}

func TestRingLeftIterationStops(t *testing.T) {
	var r Ring[int]
	for i := range 3 {
		r.Push(i)
	}
	last := -1
	for i := range r.All() {
		if last = i; i == 1 {
			break
		}
	}
	if last != 1 {
		t.Errorf("it stopped at %d", last)
	}
}

func TestRingForgetsWhatWasPopped(t *testing.T) {
	var r Ring[*int]
	for range 10 {
		r.Push(new(int))
	}
	for range 5 {
		r.PopFront()
		r.PopBack()
	}
	for i, item := range r.buffer {
		if item != nil {
			t.Errorf("place %d still holds an item", i)
		}
	}
}

func TestRingOfTheReadyQueueGivesALargeBufferBackWhenTheLoopIdles(t *testing.T) {
	k, _ := newKernel(t)
	idleOnce := func() {
		var stop Timer
		stop.InitCallback(k.Stop)
		k.PushTimer(&stop, time.Second)
		run(t, k)
	}
	for range largeRing + 1 {
		soon(k, func() {})
	}
	idleOnce()
	if size := k.ready.Cap(); size > smallestRing {
		t.Errorf("the ready queue keeps %d places", size)
	}
	for range 100 {
		soon(k, func() {})
	}
	size := k.ready.Cap()
	idleOnce()
	if k.ready.Cap() != size {
		t.Errorf("a small buffer changed from %d to %d places", size, k.ready.Cap())
	}
}
