package tasktest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// A program is a few tasks that do a few things to each other, small enough for all of its
// traces to be listed. Its trace has a line for all that the tasks and callbacks notice.
type program struct {
	tasks   [][]op
	swallow []bool // which tasks go on when they are cancelled
	futures int
}

// An op is an operation of a task, or of a callback if it cannot suspend.
type op struct {
	kind opKind
	arg  int  // a future or a task
	d    int  // seconds
	body []op // of a callback
}

type opKind int

const (
	yield opKind = iota
	sleep
	await   // a future
	thread  // a function in the executor
	wait    // for a future, with a timeout
	waitFor // a future, which the timeout cancels

	soon // call_soon
	later
	set
	cancel
)

func (k opKind) String() string {
	return []string{"yield", "sleep", "await", "thread", "wait", "waitFor", "soon", "later", "set", "cancel"}[k]
}

func (o op) String() string {
	switch o.kind {
	case yield, thread:
		return o.kind.String()
	case sleep:
		return fmt.Sprintf("sleep(%d)", o.d)
	case soon:
		return fmt.Sprintf("soon%v", o.body)
	case later:
		return fmt.Sprintf("later(%d)%v", o.d, o.body)
	case wait, waitFor:
		return fmt.Sprintf("%v(f%d, %d)", o.kind, o.arg, o.d)
	}
	return fmt.Sprintf("%v(%d)", o.kind, o.arg)
}

func (p program) String() string {
	var b strings.Builder
	for i, ops := range p.tasks {
		fmt.Fprintf(&b, "t%d: %v", i, ops)
		if p.swallow[i] {
			b.WriteString(" and goes on when cancelled")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// has reports whether a task of the program performs such an operation.
func (p program) has(k opKind) bool {
	return slices.ContainsFunc(p.tasks, func(ops []op) bool {
		return slices.ContainsFunc(ops, func(o op) bool { return o.kind == k })
	})
}

// rescue is when all futures get a result, so that no program waits for ever.
const rescue = 5

// randomProgram draws a program with 2 to that many tasks, each of at most that many operations.
func randomProgram(r *rand.Rand, most, length int) program {
	p := program{futures: 1 + r.IntN(2)}
	tasks := 2 + r.IntN(most-1)
	for range tasks {
		var ops []op
		for range 1 + r.IntN(length) {
			ops = append(ops, randomOp(r, tasks, p.futures, true, 0))
		}
		p.tasks = append(p.tasks, ops)
		p.swallow = append(p.swallow, r.IntN(2) == 0)
	}
	return p
}

func randomOp(r *rand.Rand, tasks, futures int, suspends bool, depth int) op {
	o := op{kind: opKind(r.IntN(int(cancel) + 1)), d: 1 + r.IntN(2)}
	if !suspends {
		o.kind = soon + opKind(r.IntN(int(cancel-soon)+1))
	} else if r.IntN(6) == 0 {
		o.kind = thread
	}
	switch o.kind {
	case await, wait, waitFor, set:
		o.arg = r.IntN(futures)
	case cancel:
		o.arg = r.IntN(tasks)
	case soon, later:
		o.d = r.IntN(4) - 1 // what was due a second ago comes before what is due now
		for range r.IntN(3 - depth) {
			o.body = append(o.body, randomOp(r, tasks, futures, false, depth+1))
		}
	}
	return o
}

// execution runs a program on the library.
type execution struct {
	program
	t       *T
	ctx     context.Context // of main
	over    bool
	trace   []byte
	tasks   []*task.Task[struct{}]
	futures []*future.Future[int]
}

// run is the main task of the program.
func (p program) run(ctx context.Context, t *T) string {
	x := &execution{program: p, t: t, ctx: ctx}
	for range p.futures {
		x.futures = append(x.futures, future.New[int](t.Loop()))
	}
	for i, ops := range p.tasks {
		x.tasks = append(x.tasks, task.Go(ctx, func(ctx context.Context) error { return x.perform(ctx, i, ops) }))
	}
	t.Loop().CallLater(rescue*time.Second, func() {
		for i, f := range x.futures {
			x.log("rescue", fmt.Sprint(i, f.SetResult(0) == nil))
		}
	})
	for _, child := range x.tasks {
		_ = child.Join(ctx)
	}
	x.log("main", "ends")
	x.over = true
	return string(x.trace)
}

func (x *execution) log(who, event string) {
	if !x.over {
		x.trace = fmt.Appendf(x.trace, "%d %s %s\n", int(x.t.Elapsed().Seconds()), who, event)
	}
}

// perform is the coroutine of task i.
func (x *execution) perform(ctx context.Context, i int, ops []op) error {
	name := fmt.Sprint("t", i)
	for j, o := range ops {
		if o.kind >= soon {
			x.synchronous(name, j, o)
			continue
		}
		var err error
		var finally string
		d := time.Duration(o.d) * time.Second
		switch o.kind {
		case yield:
			err = task.Yield(ctx)
		case sleep:
			err = task.Sleep(ctx, d)
		case await:
			_, err = x.futures[o.arg].Await(ctx)
		case thread:
			_, err = task.ToThread(ctx, func(context.Context) (int, error) { return 0, nil })
		case wait:
			f := x.futures[o.arg]
			_, _, err = task.Wait(ctx, []*future.Future[int]{f}, task.Within(d))
			finally = fmt.Sprint("done ", f.Done())
		case waitFor:
			_, err = task.WaitFor(ctx, x.futures[o.arg], d)
		}
		switch {
		case err == nil:
			x.log(name, fmt.Sprint(j, " ", o.kind))
			if finally != "" {
				x.log(name, finally)
			}
		case errors.Is(err, context.DeadlineExceeded):
			x.log(name, fmt.Sprint(j, " timeout"))
		case future.IsCancelled(err):
			x.log(name, fmt.Sprint(j, " cancelled"))
			if !x.swallow[i] {
				return err
			}
		default:
			x.t.Error(err)
		}
	}
	return nil
}

func (x *execution) synchronous(who string, i int, o op) {
	switch o.kind {
	case soon:
		x.t.Loop().CallSoon(x.callback(who, i, o))
	case later:
		x.t.Loop().CallLater(time.Duration(o.d)*time.Second, x.callback(who, i, o))
	case set:
		x.log(who, fmt.Sprint(i, " set ", x.futures[o.arg].SetResult(0) == nil))
	case cancel:
		x.log(who, fmt.Sprint(i, " cancel ", x.tasks[o.arg].Cancel()))
	}
}

func (x *execution) callback(who string, i int, o op) func() {
	name := fmt.Sprint(who, "/", i)
	return func() {
		x.log(name, "runs")
		for j, inner := range o.body {
			x.synchronous(name, j, inner)
		}
	}
}
