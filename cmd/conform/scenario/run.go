package scenario

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// mostLines is the length of the longest trace: a program that writes more
// counts as one that does not end. None can go on for long without writing lines.
const mostLines = 50_000

// errEndless stops a program that does not end by itself.
var errEndless = errors.New("scenario: the program does not end")

// run is one execution of a program.
type run struct {
	program   *Program
	runner    *task.Runner
	loop      *loop.Loop
	clock     *clock
	ctx       context.Context // carries the loop and no task, as in a callback
	variables map[string]any
	futures   *futures
	settable  map[aFuture]bool // the futures made by the future statement
	callbacks map[registration][]*future.Callback
	lines     []string
	idle      bool  // the loop has stopped because there was nothing to do
	finished  bool  // nothing is written any more
	crash     error // a panic that is not the program's own
}

// Run executes a program on a new loop with the given engine and returns its
// trace. It returns an error if there is more wrong than a trace can show: the
// library panicked, the loop failed to run, or the program does not end.
func Run(program *Program, engine Engine) (trace []string, err error) {
	return RunOn(program, engine, func(*loop.Loop) {})
}

// RunOn is Run for tests of the loop: it passes the loop to prepare before anything runs.
func RunOn(program *Program, engine Engine, prepare func(l *loop.Loop)) (trace []string, err error) {
	r := &run{
		program:   program,
		clock:     &clock{now: epoch()},
		variables: map[string]any{},
		futures:   newFutures(),
		settable:  map[aFuture]bool{},
		callbacks: map[registration][]*future.Callback{},
	}
	r.loop = loop.New(loop.WithClock(r.clock), loop.WithLogger(slog.New(slog.DiscardHandler)))
	if engine == Lent {
		r.clock.lent = newLent(r.loop.Kernel())
	}
	r.runner = task.NewRunner(task.WithLoopFactory(func() *loop.Loop { return r.loop }))
	r.clock.idle = func() {
		r.idle = true
		r.loop.Stop()
	}
	r.ctx = loop.NewContext(context.Background(), r.loop)
	r.loop.SetExceptionHandler(r.onLoopException)
	defer func() {
		r.finished = true
		err = errors.Join(err, r.loop.Close())
	}()
	prepare(r.loop)
	if err = engine.use(r.loop); err == nil {
		err = r.execute()
	}
	if err == nil {
		err = r.crash
	}
	return r.lines, err
}

// execute runs the program to its end, shutdown included.
func (r *run) execute() error {
	if _, err := r.runner.Loop(); err != nil {
		return err
	}
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
	_, err = task.RunUntilComplete(r.loop, future.Awaitable[Value](main))
	switch {
	case r.crash != nil:
		return r.crash
	case !main.Done() && !errors.Is(err, task.ErrStopped):
		return err
	case !main.Done():
		r.logTasks("DEADLOCK", task.AllOn(r.loop))
	}
	r.logTasks("SHUTDOWN", task.AllOn(r.loop))
	r.idle = false
	if err := r.runner.Close(); err != nil && !errors.Is(err, task.ErrStopped) {
		return err
	}
	r.conclude()
	return r.crash
}

// conclude writes the last lines of the trace.
func (r *run) conclude() {
	left := r.futures.leftOver()
	if r.idle {
		r.logTasks("STUCK", left)
	} else {
		r.logTasks("LEFT", left)
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
		obj := r.variables[name]
		if _, ok := obj.(stream); ok { // the loop has closed it
			continue
		}
		if len(left) > 0 { // the loop has unwound their coroutines
			if f, ok := obj.(futureLike); !ok || isOneOf(f, left) {
				continue
			}
		}
		r.log(r.ctx, "FINAL "+name+" = "+r.showState(obj))
	}
}

// logTasks writes a line with the names of tasks, if there are any.
func (r *run) logTasks(label string, tasks []task.Any) {
	if len(tasks) > 0 {
		r.log(r.ctx, label+" "+namesOf(tasks))
	}
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
