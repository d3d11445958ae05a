package chaos

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// lives checks that an instrument is told whole lives of tasks, and in order.
type lives struct {
	p    *program
	all  map[task.Any]*life
	open []task.Any // whose steps are being run, each eager one inside the one before
}

// life is what was told of a task.
type life struct {
	goroutine uintptr // of its coroutine, 0 until that has begun
	steps     int
	finished  bool
	ended     bool
}

// watchLives makes a loop that has had no tasks be checked.
func (p *program) watchLives() *lives {
	ls := &lives{p: p, all: map[task.Any]*life{}}
	task.AddInstrument(p.loop, &task.Instrument{
		Created: ls.created, Begin: ls.begin, BeforeStep: ls.beforeStep, AfterStep: ls.afterStep,
		Cancel: ls.cancel, Finished: ls.finish,
	})
	return ls
}

// of returns the life of a task, of which something is told that may be wrong.
func (ls *lives) of(t task.Any, what string, wrong func(l *life) bool) *life {
	l := ls.all[t]
	if l == nil {
		ls.p.fault("%s of a task that was not created: %v", what, t)
		l = &life{}
		ls.all[t] = l
	}
	if wrong(l) {
		ls.p.fault("%s comes at a wrong time: %v, of which was told %+v, with %d open steps", what, t, *l, len(ls.open))
	}
	ls.p.touched++
	return l
}

func (ls *lives) created(t task.Any) {
	if ls.all[t] != nil || t.Kernel().Done() {
		ls.p.fault("Created comes late: %v", t)
	}
	ls.all[t] = &life{}
}

func (ls *lives) begin(t task.Any) (end func()) {
	l := ls.of(t, "Begin", func(l *life) bool { return l.goroutine != 0 || l.finished })
	l.goroutine = kernel.Goroutine()
	return func() {
		ls.of(t, "the end", func(l *life) bool {
			return l.ended || !l.finished || l.goroutine != kernel.Goroutine() || ls.isOpen(t)
		}).ended = true
	}
}

func (ls *lives) beforeStep(t task.Any) {
	ls.of(t, "BeforeStep", func(l *life) bool {
		inside := len(ls.open) > 0 && (l.steps > 0 || ls.isOpen(t)) // and not by an eager start
		return inside || l.finished || l.ended || l.goroutine != kernel.Goroutine() || task.CurrentOn(ls.p.loop) != t
	}).steps++
	ls.open = append(ls.open, t)
}

func (ls *lives) afterStep(t task.Any) {
	ls.of(t, "AfterStep", func(l *life) bool {
		last := len(ls.open) - 1
		return last < 0 || ls.open[last] != t || l.ended || l.goroutine != kernel.Goroutine()
	})
	ls.open = ls.open[:max(0, len(ls.open)-1)]
}

func (ls *lives) cancel(t task.Any, _ string) {
	ls.of(t, "Cancel", func(l *life) bool { return l.finished || t.Kernel().Done() })
}

func (ls *lives) finish(t task.Any) {
	ls.of(t, "Finished", func(l *life) bool { return l.finished || l.ended || t.Kernel().Done() }).finished = true
}

func (ls *lives) isOpen(t task.Any) bool {
	for _, other := range ls.open {
		if other == t {
			return true
		}
	}
	return false
}

// check checks that all lives are over when the loop is closed.
func (ls *lives) check() {
	for t, l := range ls.all {
		if !l.finished || l.ended != (l.goroutine != 0) {
			ls.p.fault("the loop is closed, and the life of %v is not over: %+v", t, *l)
		}
	}
	if len(ls.open) > 0 {
		ls.p.fault("%d steps are open at the end", len(ls.open))
	}
}

// instrument adds an instrument that looks at everything, and may panic.
func (a *actor) instrument() error {
	p, r, times := a.p, split(a.r), 0
	var remove func()
	hook := func(t task.Any) {
		p.touched++
		if times++; times == 30 {
			remove()
			return
		}
		closed := p.loop.IsClosed()
		switch r.IntN(20) {
		case 0:
			panic(&fault{name: "of an instrument"})
		case 1:
			remove()
		case 2:
			if err := task.Yield(t.Context()); !errors.Is(err, task.ErrNotCurrent) && !closed {
				p.fault("an instrument has awaited: %s", text(err))
			}
		case 3:
			if !closed {
				task.FormatTaskTree(loop.NewContext(context.Background(), p.loop))
			}
		case 4:
			if !closed {
				task.CreateOn(p.loop, noop, task.Eager())
			}
		default:
			_ = t.Name()
		}
	}
	remove = task.AddInstrument(p.loop, oneOf(r, hook))
	return nil
}

// oneOf is an instrument with some of the hooks.
func oneOf(r *rand.Rand, hook func(task.Any)) *task.Instrument {
	i := &task.Instrument{}
	for _, add := range []func(){
		func() { i.Created = hook },
		func() { i.Begin = func(t task.Any) func() { hook(t); return func() { hook(t) } } },
		func() { i.BeforeStep = hook },
		func() { i.AfterStep = hook },
		func() { i.Cancel = func(t task.Any, _ string) { hook(t) } },
		func() { i.Finished = hook },
	} {
		if r.IntN(2) == 0 {
			add()
		}
	}
	return i
}
