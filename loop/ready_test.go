package loop

import (
	"math/rand/v2"
	"testing"
)

func TestRingIsAQueueAcrossGrowthAndWraparound(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		var r ring
		var want []*Handle
		for step := range 20_000 {
			// Phases of filling and of emptying, longer than the first sizes.
			fill := step/700%2 == 0
			if len(want) == 0 || random.IntN(3) < 1 || fill && random.IntN(2) == 0 {
				h := new(Handle)
				r.push(h)
				want = append(want, h)
			} else {
				if r.peek() != want[0] {
					t.Fatalf("seed=%d step=%d: the first handle is another one", seed, step)
				}
				if r.pop() != want[0] {
					t.Fatalf("seed=%d step=%d: popped another handle", seed, step)
				}
				want = want[1:]
			}
			if r.n != len(want) {
				t.Fatalf("seed=%d step=%d: %d handles, want %d", seed, step, r.n, len(want))
			}
			if size := len(r.buffer); size&(size-1) != 0 {
				t.Fatalf("the buffer has %d places, which is no power of two", size)
			}
		}
	}
}

func TestRingGrowsWhereverItBegins(t *testing.T) {
	for head := range smallRing {
		var r ring
		for range head {
			r.push(nil)
			r.pop()
		}
		var want []*Handle
		for range 2*smallRing + 1 {
			h := new(Handle)
			want = append(want, h)
			r.push(h)
		}
		for i, h := range want {
			if r.pop() != h {
				t.Fatalf("head=%d: handle %d is another one", head, i)
			}
		}
	}
}

func TestRingForgetsWhatWasPopped(t *testing.T) {
	var r ring
	for range 10 {
		r.push(new(Handle))
	}
	for range 10 {
		r.pop()
	}
	for i, h := range r.buffer {
		if h != nil {
			t.Errorf("place %d still holds a handle", i)
		}
	}
}

func TestRingGivesALargeBufferBackOnlyWhenEmpty(t *testing.T) {
	var r ring
	for range largeRing + 1 {
		r.push(nil)
	}
	r.pop()
	r.shrink()
	if r.n != largeRing || len(r.buffer) <= largeRing {
		t.Fatalf("shrink changed a ring that is not empty: n=%d size=%d", r.n, len(r.buffer))
	}
	for r.n > 0 {
		r.pop()
	}
	r.shrink()
	if len(r.buffer) != 0 {
		t.Errorf("the empty ring keeps %d places", len(r.buffer))
	}
	h := new(Handle)
	r.push(h)
	if r.pop() != h {
		t.Error("the ring is of no use after shrink")
	}
	r.shrink()
	if len(r.buffer) != smallRing {
		t.Errorf("shrink gave a small buffer back: size=%d", len(r.buffer))
	}
}
