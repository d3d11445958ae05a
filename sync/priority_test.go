package sync

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestPriorityQueueReturnsTheLeastItem(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	q := NewPriorityQueue[int](0)
	var model []int
	for range 20_000 {
		if len(model) == 0 || rng.IntN(100) < 52 {
			item := rng.IntN(1000)
			check.NoError(t, q.PutNowait(item))
			i, _ := slices.BinarySearch(model, item)
			model = slices.Insert(model, i, item)
		} else {
			getsNow(t, q, model[0])
			model = model[1:]
		}
		if t.Failed() {
			return
		}
	}
	for len(model) > 0 {
		getsNow(t, q, model[0])
		model = model[1:]
	}
	check.True(t, "Empty", q.Empty())
}

func TestPriorityQueueLetsGoOfItsItemsAndItsRoom(t *testing.T) {
	var h binaryHeap[*int]
	h.compare = func(a, b *int) int { return cmp.Compare(*a, *b) }
	for i := range 10_000 {
		h.push(&i)
	}
	for range 10_000 {
		h.pop()
	}
	for range 50_000 { // from now on, it is never more than one
		h.push(new(int))
		h.pop()
	}
	if room := cap(h.items); room > smallBuffer {
		t.Errorf("a heap that is nearly empty has room for %d items", room)
	}
	for i, p := range h.items[:cap(h.items)] {
		if p != nil {
			t.Errorf("place %d still has an item", i)
		}
	}
}

// The expected orders are those in which CPython's heapq returns the letters, put in
// alphabetical order with these priorities.
func TestPriorityQueueOrderOfEqualItemsIsThatOfHeapq(t *testing.T) {
	type entry struct {
		priority int
		name     string
	}
	for priorities, want := range map[string]string{
		"000000000000": "acglkjifhebd",
		"110011001100": "cgldkhafeijb",
		"210210210210": "cflibhkegajd",
	} {
		q := NewPriorityQueueFunc(0, func(a, b entry) int { return cmp.Compare(a.priority, b.priority) })
		for i, p := range priorities {
			check.NoError(t, q.PutNowait(entry{int(p - '0'), string(rune('a' + i))}))
		}
		var got strings.Builder
		for !q.Empty() {
			e, err := q.GetNowait()
			check.NoError(t, err)
			got.WriteString(e.name)
		}
		check.Equal(t, priorities, got.String(), want)
	}
}

func TestPriorityQueueFuncNilPanics(t *testing.T) {
	check.IsExactly(t, check.Panics(t, func() { NewPriorityQueueFunc[int](0, nil) }), loop.ErrNilFunc, "sync: NewPriorityQueueFunc: the function is nil")
}

func TestPriorityQueueWithoutAnOrderRefusesItems(t *testing.T) {
	var q PriorityQueue[int]
	err := q.Put(context.Background(), 1)
	check.Is(t, err, loop.ErrNilFunc)
	if err == nil || !strings.Contains(err.Error(), "NewPriorityQueue") {
		t.Errorf("got error %v, want one that names the constructor", err)
	}
	check.Equal(t, "Size", q.Size(), 0)
	check.NoError(t, q.Join(context.Background())) // nothing was put
}

func TestPriorityQueuePanicOfItsOrderLeavesEachItemOnce(t *testing.T) {
	fail := false
	q := NewPriorityQueueFunc(0, func(a, b int) int {
		if fail && a == 0 {
			panic("incomparable")
		}
		return cmp.Compare(a, b)
	})
	for i := range 20 {
		check.NoError(t, q.PutNowait(20-i))
	}
	fail = true
	func() {
		defer func() { check.Equal(t, "panic", recover(), "incomparable") }()
		_ = q.PutNowait(0)
	}()
	items := slices.Sorted(q.items.All())
	if len(slices.Compact(items)) != len(items) {
		t.Errorf("items are there twice: %v", items)
	}
}
