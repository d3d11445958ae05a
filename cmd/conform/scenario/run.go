package scenario

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// shutdownRounds is how often the tasks that are left over are cancelled.
const shutdownRounds = 3

// mostLines is the length of the longest trace: a program that writes more
// counts as one that does not end. None can go on for long without writing lines.
const mostLines = 50_000

// errEndless stops a program that does not end by itself.
var errEndless = errors.New("scenario: the program does not end")

// run is one execution of a program.
type run struct {
	program   *Program
	loop      *loop.Loop
	clock     *clock
	ctx       context.Context // carries the loop and no task, as in a callback
	variables map[string]any
	futures   *futures
	settable  map[aFuture]bool // the futures made by the future statement
	callbacks map[registration][]*future.Callback
	lines     []string
	finished  bool  // nothing is written any more
	crash     error // a panic that is not the program's own
}

// Run executes a program on a new loop with the given engine and returns its
// trace. It returns an error if there is more wrong than a trace can show: the
// library panicked, the loop failed to run, or the program does not end.
func Run(program *Program, engine Engine) (trace []string, err error) {
	r := &run{
		program:   program,
		clock:     &clock{now: epoch()},
		variables: map[string]any{},
		futures:   newFutures(),
		settable:  map[aFuture]bool{},
		callbacks: map[registration][]*future.Callback{},
	}
	r.loop = loop.New(loop.WithClock(r.clock))
	r.clock.idle = r.loop.Stop
	r.ctx = loop.NewContext(context.Background(), r.loop)
	r.loop.SetExceptionHandler(r.onLoopException)
	if err := engine.use(r.loop); err != nil {
		return nil, errors.Join(err, r.loop.Close())
	}
	defer func() {
		r.finished = true
		err = errors.Join(err, r.loop.Close())
	}()
	if err = r.execute(); err == nil {
		err = r.crash
	}
	return r.lines, err
}

// execute runs the program to its end, shutdown included.
func (r *run) execute() error {
	main, err := r.spawn("main", "main", func(c coroutine, opts ...task.Option) (aTask, error) {
		return task.CreateOn(r.loop, c, opts...), nil
	})
	if err != nil {
		return err
	}
	r.variables["main"] = main
	if r.program.eager {
		task.SetFactory(r.loop, task.EagerFactory)
	}
	stop := main.AddDoneCallback(r.loop.Stop)
	if err := r.untilStopped(); err != nil {
		return err
	}
	main.RemoveDoneCallback(stop)
	if !main.Done() {
		r.log(r.ctx, "DEADLOCK "+namesOf(task.All(r.ctx)))
	}
	for range shutdownRounds {
		pending := task.All(r.ctx)
		if len(pending) == 0 {
			break
		}
		r.log(r.ctx, "SHUTDOWN "+namesOf(pending))
		for _, t := range pending {
			t.Cancel()
		}
		if err := r.untilStopped(); err != nil {
			return err
		}
	}
	if pending := task.All(r.ctx); len(pending) > 0 {
		r.log(r.ctx, "STUCK "+namesOf(pending))
	}
	for _, obj := range r.futures.unretrieved() {
		r.log(r.ctx, "UNRETRIEVED "+r.futures.name(obj)+" "+showException(obj.Err()))
	}
	bound := make([]string, 0, len(r.variables))
	for name := range r.variables {
		bound = append(bound, name)
	}
	slices.Sort(bound)
	for _, name := range bound {
		r.log(r.ctx, "FINAL "+name+" = "+r.showState(r.variables[name]))
	}
	return nil
}

// untilStopped runs the loop until the program, or the clock, stops it.
func (r *run) untilStopped() error {
	if err := r.loop.RunForever(); err != nil {
		return err
	}
	return r.crash
}

// log writes a line of the trace.
func (r *run) log(ctx context.Context, line string) {
	if r.finished {
		return
	}
	if len(r.lines) == mostLines {
		r.finished, r.crash = true, errEndless
		r.loop.Stop()
		panic(errEndless) // a coroutine that calls itself does not come back otherwise
	}
	who := "-"
	if current := task.Current(ctx); current != nil {
		who = current.Name()
	}
	r.lines = append(r.lines, fmt.Sprintf("%d %s %s", number(r.loop.Time()), who, line))
}

// onLoopException is the loop's exception handler. What the garbage collector finds
// is reported at any time, so it is not written.
func (r *run) onLoopException(_ *loop.Loop, report loop.ExceptionContext) {
	err := report.Err
	if r.finished || err == nil || strings.HasSuffix(report.Message, "never retrieved") {
		return
	}
	subject := ""
	for _, obj := range []fmt.Stringer{report.Future, report.Task} {
		if obj, ok := obj.(futureLike); ok {
			subject = r.futures.name(obj) + " "
		}
	}
	var panicked *loop.PanicError
	if errors.As(err, &panicked) {
		if thrown, ok := panicked.Value.(thrown); ok {
			err = thrown.error
		}
	}
	r.log(r.ctx, "handler "+subject+showException(err))
}

// thrown marks an error that a callback of the program panics with.
type thrown struct{ error }

func (t thrown) Unwrap() error { return t.error }

// watch is deferred around the program's code. It notes a panic that is not
// the program's own and lets it go on into the library.
func (r *run) watch() {
	value := recover()
	if value == nil {
		return
	}
	if _, own := value.(thrown); !own && r.crash == nil && !r.finished {
		r.crash = fmt.Errorf("scenario: panic: %v\n%s", value, debug.Stack())
	}
	panic(value)
}

// namesOf returns the names of tasks, sorted.
func namesOf(tasks []task.Any) string {
	names := make([]string, len(tasks))
	for i, t := range tasks {
		names[i] = t.Name()
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
