package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	gosync "sync"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

// fault is something that can go wrong. It is begun on the loop, by a task or callback.
type fault struct {
	name, what string
	begin      func(s *shop)
}

// faults are all that can go wrong.
func faults() []fault {
	return []fault{
		{"block", "a coroutine calls time.Sleep for 3 s", (*shop).block},
		{"mutex", "a coroutine waits for a mutex that a goroutine holds for 3 s", (*shop).mutex},
		{"compute", "a callback computes for 2 s", (*shop).compute},
		{"deadlock", "three tasks await each other in a circle", (*shop).circle},
		{"locks", "two tasks wait for each other's locks", (*shop).locks},
		{"leak", "5,000 tasks wait for what never comes", (*shop).leak},
		{"swallow", "a task is cancelled, and goes on", (*shop).swallow},
		{"fill", "a queue grows, faster than it is emptied", (*shop).fill},
		{"fail", "a task fails, and nobody looks at its error", (*shop).fail},
		{"strange", "tasks have names that could harm a terminal or a page", (*shop).strange},
	}
}

func findFault(name string) (fault, bool) {
	all := faults()
	i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
	if i < 0 {
		return fault{}, false
	}
	return all[i], true
}

func faultNames() string {
	var names []string
	for _, f := range faults() {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// faultList is a line for each fault.
func faultList() string {
	var b strings.Builder
	for _, f := range faults() {
		fmt.Fprintf(&b, "  %-9s %s\n", f.name, f.what)
	}
	return b.String()
}

// do begins a fault.
func (s *shop) do(f fault, stdout io.Writer) {
	fmt.Fprintf(stdout, "%s: %s\n", f.name, f.what)
	f.begin(s)
}

// start starts a task that is no part of the shop.
func (s *shop) start(name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.CreateOn(s.loop, task.Void(fn), task.Name(name))
}

func (s *shop) block() { s.start("impatient", sleepLikeAThread) }

// sleepLikeAThread holds up all tasks: it should call task.Sleep.
func sleepLikeAThread(context.Context) error {
	time.Sleep(3 * time.Second)
	return nil
}

func (s *shop) mutex() {
	var mu gosync.Mutex
	mu.Lock()
	time.AfterFunc(3*time.Second, mu.Unlock)
	s.start("waits-for-mutex", func(context.Context) error {
		mu.Lock() // sync.Lock of this module would let other tasks run
		defer mu.Unlock()
		return nil
	})
}

func (s *shop) compute() { s.loop.CallSoon(computeInCallback) }

func computeInCallback() {
	for begin := time.Now(); time.Since(begin) < 2*time.Second; {
	}
}

// circle makes a, who waits for b, who waits for c, who waits for a.
func (s *shop) circle() {
	var tasks [3]*task.Task[struct{}]
	for i, name := range []string{"a", "b", "c"} {
		tasks[i] = s.start(name, func(ctx context.Context) error {
			return tasks[(i+1)%len(tasks)].Join(ctx)
		})
	}
}

// locks makes two tasks that lock the same two locks, in different orders.
func (s *shop) locks() {
	var first, second sync.Lock
	lockBoth := func(a, b *sync.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return a.With(ctx, func() error {
				if err := task.Sleep(ctx, 10*time.Millisecond); err != nil {
					return err
				}
				return b.With(ctx, func() error { return nil })
			})
		}
	}
	s.start("alice", lockBoth(&first, &second))
	s.start("bob", lockBoth(&second, &first))
}

func (s *shop) leak() {
	var never sync.Event
	for n := range 5000 {
		s.start(fmt.Sprintf("leaked-%d", n+1), func(ctx context.Context) error { return waitFor(ctx, &never) })
	}
}

func waitFor(ctx context.Context, e *sync.Event) error { return e.Wait(ctx) }

func (s *shop) swallow() {
	t := s.start("stubborn", swallowOnce)
	s.start("boss", func(ctx context.Context) error {
		if err := task.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
		t.Cancel("the shop closes")
		return nil
	})
}

// swallowOnce takes a cancellation for an error like any other, and tries again.
func swallowOnce(ctx context.Context) error {
	if err := task.Sleep(ctx, time.Hour); err != nil {
		return task.Sleep(ctx, time.Hour)
	}
	return nil
}

func (s *shop) fill() {
	s.start("writer", func(ctx context.Context) error {
		for n := 0; ; n++ {
			if err := s.backlog.Put(ctx, n); err != nil {
				return err
			}
			if err := task.Sleep(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
	})
	s.start("reader", func(ctx context.Context) error {
		for _, err := range s.backlog.All(ctx) {
			if err != nil {
				return err
			}
			if err := task.Sleep(ctx, 20*time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *shop) fail() {
	s.start("unlucky", func(context.Context) error { return errors.New("nobody will see this") })
}

func (s *shop) strange() {
	never := future.New[struct{}](s.loop)
	for _, name := range []string{
		"\x1b[2J\x1b[31mred\x1b[0m", "two\nlines\tand a tab", "\u202egnp.exe", `<img src=x onerror="alert(1)">`,
		"注文の処理", "заказ", strings.Repeat("long ", 40), "",
	} {
		s.start(name, func(ctx context.Context) error { return task.Join(ctx, never) })
	}
}
