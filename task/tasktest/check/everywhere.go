package check

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// A Scenario is a program that uses some operations of this module. It must end well,
// whichever of its tasks is cancelled wherever: all the others go on as if that one had never
// come, and nothing is lost.
type Scenario struct {
	Of   []string // the operations, as "Lock.Acquire"
	Play func(ctx context.Context, p *Play)
	Opts []tasktest.Option
}

// Play is one run of a scenario.
type Play struct {
	*tasktest.T
	hits  map[string]int // how often operations were cancelled, in all runs
	harsh bool           // Interrupt does something
	waits []*wait        // those that Interrupt may end
}

// wait is a call with a context of its own.
type wait struct{ end func(cause error) }

// ErrInterrupted is the error of a wait that [Play.Interrupt] has ended.
var ErrInterrupted = errors.New("interrupted")

// Try calls an operation that waits, again if it was interrupted, and notes if it was
// cancelled.
func (p *Play) Try(ctx context.Context, operation string, call func(ctx context.Context) error) error {
	for {
		err := p.Once(ctx, operation, call)
		if !errors.Is(err, ErrInterrupted) {
			return err
		}
	}
}

// Once is Try that does not try again.
func (p *Play) Once(ctx context.Context, operation string, call func(ctx context.Context) error) error {
	ending, end := context.WithCancelCause(ctx)
	w := &wait{end}
	if p.harsh {
		p.waits = append(p.waits, w)
	}
	err := call(ending)
	p.waits = slices.DeleteFunc(p.waits, func(other *wait) bool { return other == w })
	end(nil)
	p.Note(operation, err)
	return err
}

// Note notes with which error an operation has ended.
func (p *Play) Note(operation string, err error) {
	if future.IsCancelled(err) {
		p.hits[operation]++
	}
}

// Interrupt may end the context of a wait, if it is called in [Stress]. Scenarios call it when
// they have woken a task, as that is the moment to lose what it was woken for.
func (p *Play) Interrupt() {
	if n := len(p.waits); n > 0 {
		if i := p.Choose(n+1, "whose context ends"); i > 0 {
			p.waits[i-1].end(ErrInterrupted)
			p.waits = slices.Delete(p.waits, i-1, i)
		}
	}
}

// Peace ends the time of interruptions.
func (p *Play) Peace() { p.harsh, p.waits = false, nil }

// Start starts a task that may be cancelled.
func (p *Play) Start(ctx context.Context, name string, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.Go(ctx, fn, task.Name(name))
}

// End waits until tasks have ended, which must have succeeded or been cancelled, or interrupted.
func (p *Play) End(ctx context.Context, tasks ...*task.Task[struct{}]) {
	p.Helper()
	if _, _, err := task.Wait(ctx, tasks); err != nil {
		p.Fatal(err)
	}
	for _, tk := range tasks {
		if !tk.Cancelled() && tk.Err() != nil && !errors.Is(tk.Err(), ErrInterrupted) {
			p.Errorf("%s: %v", tk.Name(), tk.Err())
		}
	}
}

// Settle waits until nobody else can go on.
func (p *Play) Settle(ctx context.Context) {
	p.Helper()
	if err := p.WaitAllBlocked(ctx); err != nil {
		p.Fatal(err)
	}
}

// AllDone reports whether all tasks have ended.
func AllDone(tasks []*task.Task[struct{}]) bool {
	return !slices.ContainsFunc(tasks, func(tk *task.Task[struct{}]) bool { return !tk.Done() })
}

// CancelEverywhere plays the scenarios once for each place at which one of their tasks can be
// cancelled. A scenario fails also if that has never hit one of its operations.
func CancelEverywhere(t *testing.T, scenarios []Scenario) {
	for _, s := range scenarios {
		t.Run(strings.Join(s.Of, ","), func(t *testing.T) {
			hits := map[string]int{}
			tasktest.CancelEverywhere(t, func(ctx context.Context, t *tasktest.T) {
				s.Play(ctx, &Play{T: t, hits: hits})
			}, s.Opts...)
			for _, operation := range s.Of {
				if hits[operation] == 0 {
					t.Errorf("no run has cancelled %s while it waited", operation)
				}
			}
		})
	}
}

// Stress plays the scenarios under many schedules: several tasks are cancelled, the contexts
// of waits end, and tasks that are ready run in any order. Each has that much time.
func Stress(t *testing.T, scenarios []Scenario, each time.Duration) {
	for _, s := range scenarios {
		t.Run(strings.Join(s.Of, ","), func(t *testing.T) {
			opts := []tasktest.Option{tasktest.Cancel(), tasktest.Level(tasktest.Tasks), tasktest.For(each)}
			tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
				s.Play(ctx, &Play{T: t, hits: map[string]int{}, harsh: true})
			}, append(opts, s.Opts...)...)
		})
	}
}
