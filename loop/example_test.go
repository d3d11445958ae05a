package loop_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

// The loop shows its time every second, for five seconds. On a virtual clock
// that takes no time; without the option, it takes five seconds.
func Example() {
	l := loop.New(loop.WithClock(timers.NewVirtual(time.Date(2024, 10, 7, 12, 0, 0, 0, time.UTC))))
	defer l.Close()

	end := l.Time().Add(5 * time.Second)
	var displayDate func()
	displayDate = func() {
		fmt.Println(l.Time().Format(time.TimeOnly))
		if l.Time().Add(time.Second).Before(end) {
			l.CallLater(time.Second, displayDate)
		} else {
			l.Stop()
		}
	}
	l.CallSoon(displayDate)
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 12:00:00
	// 12:00:01
	// 12:00:02
	// 12:00:03
	// 12:00:04
}

func ExampleLoop_CallSoon() {
	l := loop.New()
	defer l.Close()

	l.CallSoon(func() {
		fmt.Println("hello")
		l.CallSoon(l.Stop)
	})
	l.CallSoon(func() { fmt.Println("cancelled") }).Cancel()
	l.CallSoon(func() { fmt.Println("world") })
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello
	// world
}

func ExampleLoop_CallLater() {
	clock := timers.NewVirtual(time.Time{})
	l := loop.New(loop.WithClock(clock))
	defer l.Close()

	begin := l.Time()
	show := func(what string) func() {
		return func() { fmt.Println(what, "after", l.Time().Sub(begin)) }
	}
	l.CallLater(3*time.Second, show("dessert"))
	l.CallLater(time.Second, show("soup"))
	fish := l.CallLater(2*time.Second, show("fish"))
	fish.Cancel()
	l.CallAt(begin.Add(time.Minute), l.Stop)
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// soup after 1s
	// dessert after 3s
}

// Another goroutine hands its result to the loop, which sleeps until then.
func ExampleLoop_CallSoonThreadsafe() {
	l := loop.New()
	defer l.Close()

	total := 0 // belongs to the loop: no lock
	go func() {
		for i := range 4 {
			_, err := l.CallSoonThreadsafe(func() { total += i })
			if err != nil {
				return // the loop is closed
			}
		}
		l.CallSoonThreadsafe(l.Stop)
	}()
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	fmt.Println(total)
	// Output:
	// 6
}

// A game draws frames, and gives the loop a turn before each of them.
func ExampleLoop_Poll() {
	clock := timers.NewVirtual(time.Time{})
	l := loop.New(loop.WithClock(clock))
	defer l.Close()

	l.CallLater(40*time.Millisecond, func() { fmt.Println("the enemy moves") })
	for frame := range 4 {
		next, ok, _ := l.Poll()
		fmt.Printf("frame %d", frame)
		if ok {
			fmt.Printf(", next call in %v", next.Sub(l.Time()))
		}
		fmt.Println()
		clock.Advance(20 * time.Millisecond) // the frame takes its time
	}
	// Output:
	// frame 0, next call in 40ms
	// frame 1, next call in 20ms
	// the enemy moves
	// frame 2
	// frame 3
}

func ExampleLoop_SetExceptionHandler() {
	l := loop.New()
	defer l.Close()

	errBroken := errors.New("the printer is broken")
	l.SetExceptionHandler(func(l *loop.Loop, e loop.ExceptionContext) {
		if errors.Is(e.Err, errBroken) {
			fmt.Println("handled:", errBroken)
			return
		}
		l.DefaultExceptionHandler(e)
	})
	l.CallSoon(func() { panic(errBroken) })
	l.CallSoon(func() {
		fmt.Println("the loop goes on")
		l.Stop()
	})
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// handled: the printer is broken
	// the loop goes on
}

// A fatal error ends the run. What was ready runs when the loop runs again.
func ExampleIsFatal() {
	l := loop.New()
	defer l.Close()

	l.CallSoon(func() { panic(&loop.SystemExit{Code: 3}) })
	l.CallSoon(func() { fmt.Println("the rest") })
	err := l.RunForever()
	fmt.Println(err, loop.IsFatal(err))

	l.Poll()
	// Output:
	// system exit 3 true
	// the rest
}

func ExampleLoop_Stats() {
	l := loop.New()
	defer l.Close()
	l.CallSoon(func() { l.CallSoon(l.Stop) })
	if err := l.RunForever(); err != nil {
		fmt.Println(err)
	}
	s := l.Stats() // any goroutine may ask, also while the loop runs
	fmt.Println(s.Callbacks, "callbacks in", s.Iterations, "iterations")
	// Output: 2 callbacks in 2 iterations
}
