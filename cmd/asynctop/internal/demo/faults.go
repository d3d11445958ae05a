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
		{"block", "a coroutine calls time.Sleep", (*shop).block},
		{"mutex", "a coroutine waits for a sync.Mutex that a goroutine holds", (*shop).mutex},
		{"compute", "a callback computes", (*shop).compute},
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

func (s *shop) block() { s.start("impatient", s.sleepLikeAThread) }

// sleepLikeAThread holds up all tasks: it should call task.Sleep.
func (s *shop) sleepLikeAThread(context.Context) error {
	time.Sleep(s.hold)
	return nil
}

func (s *shop) mutex() {
	var mu gosync.Mutex
	mu.Lock()
	time.AfterFunc(s.hold, mu.Unlock)
	s.start("waits-for-mutex", guarded{&mu}.work)
}

type guarded struct{ mu *gosync.Mutex }

// work locks what a goroutine has locked: the Lock of this module's package sync would let other tasks run.
func (g guarded) work(context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return nil
}

func (s *shop) compute() { s.loop.CallSoon(s.computeAlone) }

func (s *shop) computeAlone() {
	for begin := time.Now(); time.Since(begin) < s.hold; {
	}
}

// circle makes a, who waits for b, who waits for c, who waits for a.
func (s *shop) circle() {
	links := make([]link, 3)
	for i := range links {
		links[i].task = s.start(string(rune('a'+i)), links[i].join)
		links[(i+len(links)-1)%len(links)].next = &links[i]
	}
}

type link struct {
	task *task.Task[struct{}]
	next *link
}

func (l *link) join(ctx context.Context) error { return l.next.task.Join(ctx) }

// locks makes two tasks that lock the same two locks, in different orders.
func (s *shop) locks() {
	var red, blue sync.Lock
	s.start("alice", pair{&red, &blue}.lockBoth)
	s.start("bob", pair{&blue, &red}.lockBoth)
}

type pair struct{ first, second *sync.Lock }

func (p pair) lockBoth(ctx context.Context) error {
	return p.first.With(ctx, func() error {
		if err := task.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		return p.second.With(ctx, func() error { return nil })
	})
}

func (s *shop) leak() {
	var never sync.Event
	for n := range 5000 {
		s.start(fmt.Sprintf("leaked-%d", n+1), visitor{&never}.waitForNews)
	}
}

type visitor struct{ news *sync.Event }

func (v visitor) waitForNews(ctx context.Context) error { return v.news.Wait(ctx) }

func (s *shop) swallow() {
	stubborn := s.start("stubborn", swallow)
	s.start("boss", boss{stubborn}.work)
}

// closing is the reason that the boss gives.
const closing = "the shop closes"

type boss struct{ of *task.Task[struct{}] }

func (b boss) work(ctx context.Context) error {
	if err := task.Sleep(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	b.of.Cancel(closing)
	return nil
}

// swallow takes a cancellation for an error like any other, and tries again. Only the boss's, so that the program ends.
func swallow(ctx context.Context) error {
	for {
		err := task.Sleep(ctx, time.Hour)
		if c := new(future.CancelledError); !errors.As(err, &c) || c.Message != closing {
			return err
		}
	}
}

func (s *shop) fill() {
	s.start("writer", s.writeLetters)
	s.start("reader", s.readLetters)
}

// writeLetters puts letters into a queue without a limit, four times as fast as they are read.
func (s *shop) writeLetters(ctx context.Context) error {
	for n := 0; ; n++ {
		if err := s.backlog.Put(ctx, n); err != nil {
			return err
		}
		if err := task.Sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *shop) readLetters(ctx context.Context) error {
	for _, err := range s.backlog.All(ctx) {
		if err != nil {
			return err
		}
		if err := task.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
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
