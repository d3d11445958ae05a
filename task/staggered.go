package task

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// StaggeredRace starts the coroutines one after the other, in order, until one
// of them returns a result, and cancels the others then: asyncio's
// staggered_race, the base of "Happy Eyeballs" (RFC 8305). Each is started when
// the one before it has failed or has been running for delay; with [Forever],
// only when it has failed.
//
// It returns the result and the index of the winner, and an error for each
// coroutine that was started, nil for the winner. A panic counts as an error. If
// nobody wins, also because there are no coroutines, index is -1 and err is an
// [*ExceptionGroup] of the errors.
//
// StaggeredRace returns when all coroutines that it started have ended. Each
// cancellation of the calling task cancels them too; err is the last one then, even
// if a coroutine has won. err matches [ErrNilCoroutine] if a coroutine is nil; none
// is started then.
func StaggeredRace[T any](ctx context.Context, coros []Coroutine[T], delay time.Duration) (winner T, index int, errs []error, err error) {
	var zero T
	t, err := mayAwait(ctx, "StaggeredRace")
	if err != nil {
		return zero, -1, nil, err
	}
	for i, coro := range coros {
		if coro == nil {
			return zero, -1, nil, fmt.Errorf("task: StaggeredRace: coroutine %d: %w", i, ErrNilCoroutine)
		}
	}
	r := &race[T]{children: children{parent: t}, ctx: ctx, coros: coros, delay: delay, winner: -1}
	r.start(nil)
	if err := r.join(); err != nil {
		return zero, -1, nil, err
	}
	if r.winner < 0 {
		return zero, -1, r.errs, &ExceptionGroup{Message: "no coroutine won the staggered race", Errors: slices.Clone(r.errs)}
	}
	return r.result, r.winner, r.errs, nil
}

// race is a staggered race. Each coroutine runs in a task that first waits for
// its turn; before it runs its coroutine, it starts the next task. So one task
// always waits for its turn, even when no coroutine is left: it finds that out when
// its turn comes.
type race[T any] struct {
	children children
	ctx      context.Context // the race's, whose values the tasks inherit
	coros    []Coroutine[T]
	delay    time.Duration
	runners  []*raceRunner[T] // in the order of their creation
	errs     []error          // of the coroutines that were started
	result   T
	winner   int
	faults   []error // what ended runners, rather than their coroutines
}

// raceRunner is one of the tasks.
type raceRunner[T any] struct {
	done kernel.Callback
	race *race[T]
	task *Task[struct{}]
}

// start creates a runner whose turn comes when the previous coroutine, if there
// is one, has failed, or after the delay.
func (r *race[T]) start(previousFailed *future.Future[struct{}]) {
	l := r.children.parent.Loop()
	// An eager task must not go ahead before the race knows of it.
	noted := future.New[struct{}](l)
	runner := &raceRunner[T]{race: r}
	runner.task = create(l, r.ctx, Void(func(ctx context.Context) error {
		if _, err := noted.Await(ctx); err != nil {
			return err
		}
		return r.run(ctx, runner, previousFailed)
	}), nil, false)
	r.runners = append(r.runners, runner)
	r.children.alive++
	runner.done.Init(kernel.Internal, runner)
	runner.task.Kernel().Register(&runner.done)
	_ = noted.SetResult(struct{}{}) // it is new
}

// run is what a runner does.
func (r *race[T]) run(ctx context.Context, self *raceRunner[T], previousFailed *future.Future[struct{}]) error {
	if previousFailed != nil {
		_, err := WaitFor(ctx, Coroutine[struct{}](previousFailed.Await), r.delay)
		if _, late := err.(*future.TimeoutError); err != nil && !late {
			return err
		}
	}
	index := len(r.errs)
	if index == len(r.coros) {
		return nil
	}
	failed := future.New[struct{}](r.children.parent.Loop())
	r.start(failed)
	r.errs = append(r.errs, nil)
	var result T
	err := protect(func() (err error) {
		result, err = r.coros[index](ctx)
		return err
	})
	switch {
	case loop.IsFatal(err):
		return err
	case err == nil && r.winner >= 0: // it took no notice of its cancellation
		r.errs[index] = &future.CancelledError{}
	case err != nil:
		r.errs[index] = err
		_ = failed.SetResult(struct{}{}) // unless the next one has waited long enough
	default:
		r.result, r.winner = result, index
		for _, other := range r.runners {
			if other != self {
				other.task.Cancel()
			}
		}
	}
	return nil
}

// Run is called when the runner's task is done.
func (runner *raceRunner[T]) Run() {
	r := runner.race
	r.children.ended()
	if f := runner.task.Kernel(); f.Failed() {
		r.faults = append(r.faults, sched.Exception(f))
		for _, other := range r.runners { // one of them waits for this one to fail
			if other != runner {
				other.task.Cancel()
			}
		}
	}
}

// String names the callback in descriptions of the task.
func (*raceRunner[T]) String() string { return "staggered_race" }

func (runner *raceRunner[T]) AwaitingTask() *sched.Task { return runner.race.children.parent }

// AwaitedBy is what the race awaits.
func (runner *raceRunner[T]) AwaitedBy() *kernel.Future { return runner.race.children.end() }

// Parts is the runners: see sched.Part. One that wins or fails cancels the others.
func (runner *raceRunner[T]) Parts(*kernel.Future) sched.Parts {
	return sched.Parts{Futures: func(yield func(*kernel.Future) bool) {
		for _, other := range runner.race.runners {
			if !yield(other.task.Kernel()) {
				return
			}
		}
	}, Cancelled: true}
}

// join waits for the runners. It returns the latest cancellation of the race.
func (r *race[T]) join() error {
	var interrupted error
	closed := r.children.wait(r.ctx, func(interruption error) {
		interrupted = interruption
		for _, runner := range r.runners {
			runner.task.Cancel(sched.MessageOf(interruption))
		}
	})
	if closed != nil {
		return closed
	}
	for _, fault := range r.faults {
		if loop.IsFatal(fault) {
			return fault // alone, as out of a group
		}
	}
	if len(r.faults) > 0 {
		return &ExceptionGroup{Message: "staggered race failed", Errors: r.faults}
	}
	return interrupted
}
