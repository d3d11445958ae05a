package timers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

func TestZeroVirtualBeginsAtTheUnixEpoch(t *testing.T) {
	var asked, moved, slept timers.Virtual
	epoch := time.Unix(0, 0)
	moved.Advance(time.Second)
	slept.Sleep(epoch.Add(time.Minute), nil)
	for _, clock := range []struct {
		now  time.Time
		want time.Duration
	}{{asked.Now(), 0}, {moved.Now(), time.Second}, {slept.Now(), time.Minute}} {
		if got := clock.now.Sub(epoch); got != clock.want {
			t.Errorf("the clock shows %v after its start, want %v", got, clock.want)
		}
	}
}

// An item in two places would make others disappear.
func TestHeapRefusesAnItemThatItHas(t *testing.T) {
	refuses := func(h *timers.Heap[int], item *timers.Item[int]) {
		t.Helper()
		defer func() {
			t.Helper()
			if err, ok := recover().(error); !ok || !errors.Is(err, timers.ErrInvalidArgument) {
				t.Errorf("the panic is %v", err)
			}
		}()
		h.Push(item, 3)
	}
	h := timers.NewHeap[int]()
	var item, other timers.Item[int]
	h.Push(&item, 1)
	h.Push(&other, 2)
	refuses(h, &item) // in the list
	if when, _ := h.Peek(); when != 1 {
		t.Errorf("the first deadline is %d", when)
	}
	refuses(h, &item) // in the tree
	if h.Len() != 2 {
		t.Errorf("%d items", h.Len())
	}
	if !h.Remove(&item) {
		t.Error("it was not there")
	}
	h.Push(&item, 5)
	h.PopDue(2)
	h.Push(&other, 6)
	h.Clear()
	h.Push(&item, 7)
	if when, _ := h.Peek(); when != 7 || h.Len() != 1 {
		t.Errorf("the first of %d deadlines is %d", h.Len(), when)
	}
}
