package timers_test

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

// A loop on a virtual clock gets through an hour at once.
func ExampleVirtual() {
	clock := timers.NewVirtual(time.Date(2024, 10, 7, 9, 0, 0, 0, time.UTC))
	l := loop.New(loop.WithClock(clock))
	defer l.Close()

	l.CallLater(time.Hour, func() {
		fmt.Println("an hour later it is", l.Time().Format("15:04:05"))
		l.Stop()
	})
	l.CallLater(90*time.Second, func() {
		fmt.Println("first it is", l.Time().Format("15:04:05"))
	})
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// first it is 09:01:30
	// an hour later it is 10:00:00
}

// A host with a main loop of its own moves the clock itself.
func ExampleVirtual_Advance() {
	clock := timers.NewVirtual(time.Date(2024, 10, 7, 9, 0, 0, 0, time.UTC))
	l := loop.New(loop.WithClock(clock))
	defer l.Close()

	l.CallLater(25*time.Millisecond, func() { fmt.Println("due") })
	for frame := range 3 {
		fmt.Println("frame", frame)
		l.Poll()
		clock.Advance(16 * time.Millisecond)
	}
	// Output:
	// frame 0
	// frame 1
	// frame 2
	// due
}

func ExampleHeap() {
	h := timers.NewHeap[string]()
	alarm := &timers.Item[string]{Value: "alarm"}
	h.Push(&timers.Item[string]{Value: "tea"}, 20)
	h.Push(alarm, 10)
	h.Push(&timers.Item[string]{Value: "biscuits"}, 20)
	h.Remove(alarm)
	for {
		item, ok := h.PopDue(20)
		if !ok {
			break
		}
		fmt.Println(item.Value)
	}
	// Output:
	// tea
	// biscuits
}
