package timers_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goasyncio/asyncio/timers"
)

// drain pops everything that is due at any time.
func drain(h *timers.Heap[int]) []int {
	var out []int
	for {
		item, ok := h.PopDue(math.MaxInt64)
		if !ok {
			return out
		}
		out = append(out, item.Value)
	}
}

// push adds a value in an item of its own.
func push(h *timers.Heap[int], when int64, value int) *timers.Item[int] {
	item := &timers.Item[int]{Value: value}
	h.Push(item, when)
	return item
}

func TestHeapPopsRandomPermutationsInOrder(t *testing.T) {
	for _, n := range []int{1, 2, 3, 31, 63, 64, 65, 1000, 5000} {
		for seed := range uint64(5) {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			h := timers.NewHeap[int]()
			for _, v := range random.Perm(n) {
				push(h, int64(v), v)
			}
			if h.Len() != n {
				t.Fatalf("n=%d: Len is %d", n, h.Len())
			}
			got := drain(h)
			if len(got) != n || !slices.IsSorted(got) {
				t.Fatalf("n=%d seed=%d: popped out of order: %v", n, seed, got)
			}
		}
	}
}

func TestHeapRemovesRandomHalfInRandomOrder(t *testing.T) {
	const n = 4000
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 2))
		h := timers.NewHeap[int]()
		items := make([]*timers.Item[int], n)
		for _, v := range random.Perm(n) {
			items[v] = push(h, int64(v), v)
		}
		removed := random.Perm(n)[:n/2]
		for _, v := range removed {
			if !h.Remove(items[v]) {
				t.Fatalf("seed=%d: entry %d is not there to be removed", seed, v)
			}
			if h.Remove(items[v]) {
				t.Fatalf("seed=%d: entry %d was removed twice", seed, v)
			}
		}
		slices.Sort(removed)
		var want []int
		for v := range n {
			if _, gone := slices.BinarySearch(removed, v); !gone {
				want = append(want, v)
			}
		}
		if got := drain(h); !slices.Equal(got, want) {
			t.Fatalf("seed=%d: what is left came out as %v", seed, got)
		}
	}
}

// reference is a heap that is obviously right: a slice in the order of insertion.
type reference []pushed

type pushed struct {
	when  int64
	value int
	item  *timers.Item[int]
}

// first is the index of the entry that is due first, the earliest inserted among
// equals; -1 if there is none.
func (r reference) first() int {
	found := -1
	for i, e := range r {
		if found < 0 || e.when < r[found].when {
			found = i
		}
	}
	return found
}

func TestHeapAgreesWithReference(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		h := timers.NewHeap[int]()
		var r reference
		for step := range 3000 {
			// Phases of growing and shrinking; few distinct deadlines, so
			// that many are equal.
			grow := step/500%2 == 0
			switch op := random.IntN(10); {
			case op < 3 || grow && op < 6:
				when := int64(random.IntN(40)) - 10
				r = append(r, pushed{when, step, push(h, when, step)})
			case op < 7 && len(r) > 0:
				i := random.IntN(len(r))
				if !h.Remove(r[i].item) {
					t.Fatalf("seed=%d step=%d: Remove found nothing", seed, step)
				}
				r = slices.Delete(r, i, i+1)
			default:
				now := int64(random.IntN(40)) - 10
				i := r.first()
				due := i >= 0 && r[i].when <= now
				item, ok := h.PopDue(now)
				if ok != due || ok && item != r[i].item {
					t.Fatalf("seed=%d step=%d: PopDue(%d) = %v, %t; want entry %d of %v", seed, step, now, item, ok, i, r)
				}
				if due {
					r = slices.Delete(r, i, i+1)
				}
			}
			if h.Len() != len(r) {
				t.Fatalf("seed=%d step=%d: Len is %d, want %d", seed, step, h.Len(), len(r))
			}
			soonest, some := h.Soonest()
			if i := r.first(); some != (i >= 0) || some && soonest > r[i].when {
				t.Fatalf("seed=%d step=%d: Soonest = %d, %t; want no later than entry %d of %v", seed, step, soonest, some, i, r)
			}
			if random.IntN(2) == 0 { // sometimes the first entry is left unknown
				when, ok := h.Peek()
				if i := r.first(); ok != (i >= 0) || ok && when != r[i].when {
					t.Fatalf("seed=%d step=%d: Peek = %d, %t; want entry %d of %v", seed, step, when, ok, i, r)
				}
			}
		}
		var want []int
		for len(r) > 0 {
			i := r.first()
			want = append(want, r[i].value)
			r = slices.Delete(r, i, i+1)
		}
		if got := slices.Collect(h.All()); !slices.Equal(got, want) {
			t.Fatalf("seed=%d: All yields %v, want %v", seed, got, want)
		}
		if got := drain(h); !slices.Equal(got, want) {
			t.Fatalf("seed=%d: the rest came out as %v, want %v", seed, got, want)
		}
	}
}

func TestHeapAllTakesNothingOutAndCanBeBrokenOff(t *testing.T) {
	h := timers.NewHeap[int]()
	for i := range 100 {
		push(h, int64(100-i), i)
	}
	for i := range h.All() {
		if i != 99 {
			t.Errorf("the first is %d", i)
		}
		break
	}
	if h.Len() != 100 {
		t.Errorf("there are %d items left", h.Len())
	}
}

func TestHeapKeepsOrderOfEqualDeadlines(t *testing.T) {
	h := timers.NewHeap[int]()
	var want []int
	for i := range 1000 {
		push(h, 7, i)
		want = append(want, i)
	}
	if got := drain(h); !slices.Equal(got, want) {
		t.Errorf("equal deadlines came out as %v", got)
	}
}

func TestHeapPopDueLeavesWhatIsNotDue(t *testing.T) {
	h := timers.NewHeap[int]()
	item := push(h, 10, 1)
	if got, ok := h.PopDue(9); ok {
		t.Errorf("at 9 the deadline 10 was due: %v", got)
	}
	if got, ok := h.PopDue(10); !ok || got != item {
		t.Errorf("at 10 the deadline 10 was not due: %v, %t", got, ok)
	}
	if got, ok := h.PopDue(math.MaxInt64); ok {
		t.Errorf("the empty heap gave %v", got)
	}
	if h.Remove(item) {
		t.Error("what was popped could be removed")
	}
}

func TestHeapRemoveOfFirstUncoversNext(t *testing.T) {
	h := timers.NewHeap[int]()
	first := push(h, 1, 1)
	push(h, 2, 2)
	if when, ok := h.Peek(); !ok || when != 1 {
		t.Errorf("Peek = %d, %t", when, ok)
	}
	if !h.Remove(first) {
		t.Fatal("the first entry is not there")
	}
	if when, ok := h.Peek(); !ok || when != 2 {
		t.Errorf("Peek = %d, %t after the first was removed", when, ok)
	}
	push(h, 0, 0)
	if when, _ := h.Peek(); when != 0 {
		t.Errorf("Peek = %d after an earlier deadline was pushed", when)
	}
}

// Soonest may be early because of what was removed, but not again and again.
func TestHeapSoonestIsExactOnceItIsReached(t *testing.T) {
	h := timers.NewHeap[int]()
	h.Remove(push(h, 5, 0))
	if when, ok := h.Soonest(); ok {
		t.Errorf("Soonest = %d of an empty heap", when)
	}
	removed := push(h, 5, 1)
	push(h, 100, 2)
	h.Remove(removed)
	if item, ok := h.PopDue(5); ok {
		t.Errorf("at 5 there was %v", item)
	}
	if when, ok := h.Soonest(); !ok || when != 100 {
		t.Errorf("Soonest = %d, %t", when, ok)
	}
}

func TestHeapItemCanBePushedAgain(t *testing.T) {
	h := timers.NewHeap[int]()
	var item timers.Item[int]
	if h.Remove(&item) {
		t.Error("an item that was never pushed could be removed")
	}
	for when := range int64(3) {
		h.Push(&item, when)
		if item.When() != when {
			t.Errorf("When is %d, want %d", item.When(), when)
		}
		if got, ok := h.PopDue(when); !ok || got != &item {
			t.Fatalf("PopDue(%d) = %v, %t", when, got, ok)
		}
		h.Push(&item, when)
		if !h.Remove(&item) || h.Len() != 0 {
			t.Fatalf("the item was not removed: %d entries", h.Len())
		}
	}
}

func TestHeapClearEmptiesAndStaysUsable(t *testing.T) {
	h := timers.NewHeap[int]()
	placed, later := push(h, 1, 1), push(h, 2, 2)
	h.Peek() // finds a place for what was pushed
	fresh := push(h, 3, 3)
	h.Clear()
	if when, ok := h.Peek(); ok || h.Len() != 0 {
		t.Errorf("after Clear: Peek = %d, %t, Len = %d", when, ok, h.Len())
	}
	if h.Remove(placed) || h.Remove(later) || h.Remove(fresh) {
		t.Error("an item from before Clear could be removed")
	}
	push(h, 3, 3)
	if got := drain(h); !slices.Equal(got, []int{3}) {
		t.Errorf("after Clear and a push: %v", got)
	}
}

// BenchmarkHeapAddCancel adds and cancels one timer while many others are live,
// which is the life of nearly every timeout.
func BenchmarkHeapAddCancel(b *testing.B) {
	for _, size := range []struct {
		name string
		live int
	}{{"10k", 10_000}, {"1M", 1_000_000}} {
		b.Run(size.name, func(b *testing.B) {
			random := rand.New(rand.NewPCG(1, 1))
			h := timers.NewHeap[int]()
			for range size.live {
				push(h, random.Int64N(1<<40), 0)
			}
			h.Peek() // finds a place for each of them
			var item timers.Item[int]
			b.ReportAllocs()
			for b.Loop() {
				h.Push(&item, random.Int64N(1<<40))
				h.Remove(&item)
			}
		})
	}
}

// BenchmarkHeapAddCancelSorted does the same with a loop that asks for the
// earliest deadline in between, so that each timer finds its place.
func BenchmarkHeapAddCancelSorted(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	h := timers.NewHeap[int]()
	for range 10_000 {
		push(h, random.Int64N(1<<40), 0)
	}
	var item timers.Item[int]
	b.ReportAllocs()
	for b.Loop() {
		h.Push(&item, random.Int64N(1<<40))
		h.Peek()
		h.Remove(&item)
	}
}

// BenchmarkHeapFire adds a timer and pops the first one.
func BenchmarkHeapFire(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	h := timers.NewHeap[int]()
	for range 10_000 {
		push(h, random.Int64N(1<<40), 0)
	}
	item := &timers.Item[int]{}
	b.ReportAllocs()
	for b.Loop() {
		h.Push(item, random.Int64N(1<<40))
		item, _ = h.PopDue(math.MaxInt64)
	}
}
