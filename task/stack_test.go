package task_test

import (
	"context"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func outerCall(ctx context.Context) (int, error) { return innerCall(ctx) }

func innerCall(ctx context.Context) (int, error) { return 1, task.Sleep(ctx, time.Second) }

// functions are the functions of a stack, without their package.
func functions(stack []task.Frame) (names []string) {
	for _, f := range stack {
		names = append(names, f.Function[strings.LastIndex(f.Function, "/")+1:])
	}
	return names
}

func TestStackOfAWaitingTaskIsWhereItWaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, outerCall)
		check.Equal(t, "before it begins", len(tk.Stack()), 0)
		tick(ctx)
		for range 2 { // looking does not disturb it
			check.Equal(t, "functions", functions(tk.Stack()), []string{"task.Sleep", "task_test.innerCall", "task_test.outerCall"})
		}
		frame := tk.Stack()[1]
		check.Equal(t, "file", strings.HasSuffix(frame.File, "stack_test.go"), true)
		check.Equal(t, "line", frame.Line > 0, true)
		gives(t, ctx, tk, 1)
		check.Equal(t, "when it is done", len(tk.Stack()), 0)
	})
}

func ownStack(ctx context.Context) ([]task.Frame, error) { return task.Current(ctx).Stack(), nil }

func TestStackOfTheRunningTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		stack, err := task.Create(ctx, ownStack).Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "functions", functions(stack), []string{"task_test.ownStack"})
	})
}

func TestPrintStack(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, outerCall, task.Name("x"))
		print := func(limit int) string {
			var b strings.Builder
			check.NoError(t, tk.PrintStack(&b, limit))
			return b.String()
		}
		check.Equal(t, "before it begins", strings.HasPrefix(print(0), "No stack for <Task pending name='x'"), true)
		tick(ctx)
		full := print(0)
		check.Equal(t, "title", strings.HasPrefix(full, "Stack for <Task pending name='x'"), true)
		check.Equal(t, "lines", strings.Count(full, "\n"), 7)
		check.Equal(t, "names the function", strings.Contains(full, "task_test.outerCall"), true)
		check.Equal(t, "limited lines", strings.Count(print(1), "\n"), 3)
		gives(t, ctx, tk, 1)
		check.Equal(t, "when it is done", strings.HasPrefix(print(0), "No stack for <Task finished name='x'"), true)
	})
}

// failingWriter fails from the first write on.
type failingWriter struct{ writes int }

func (w *failingWriter) Write([]byte) (int, error) {
	w.writes++
	return 0, io.ErrClosedPipe
}

func TestPrintStackEndsWithTheFirstFailure(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, outerCall)
		for _, what := range []string{"without a stack", "with a stack"} {
			w := &failingWriter{}
			check.Equal(t, what, tk.PrintStack(w, 0), error(io.ErrClosedPipe))
			check.Equal(t, "writes "+what, w.writes, 1)
			tick(ctx)
		}
		tk.Cancel()
	})
}

func startsEagerly(ctx context.Context) (during, after []task.Frame) {
	me := task.Current(ctx)
	task.Create(ctx, func(context.Context) (int, error) {
		during = me.Stack()
		return 0, nil
	}, task.Eager())
	return during, me.Stack()
}

func TestStackOfATaskIsEmptyWhileItStartsAnotherOneEagerly(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		during, after := startsEagerly(ctx)
		check.Equal(t, "the depth during the start", len(during), 0)
		check.Equal(t, "there is a stack after the start", len(after) > 0, true)
	})
}

func TestStackOfATaskWhoseCoroutineIsOfTheLibrary(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, task.Yield)
		tick(ctx)
		var names []string
		for _, f := range tk.Stack() {
			names = append(names, f.Function)
		}
		check.Equal(t, "functions", slices.Contains(names, "github.com/goasyncio/asyncio/task.Yield"), true)
	})
}

func TestStackLeavesTheMemoryOfTasksAsItIs(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		const tasks = 2000
		var all []*task.Task[int]
		for range tasks {
			all = append(all, task.Create(ctx, outerCall))
		}
		ticks(ctx, 2)
		memory := func() uint64 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.StackInuse
		}
		before := memory()
		for _, tk := range all {
			tk.Stack()
		}
		task.FormatTaskTree(ctx)
		// To look names up there would double each stack.
		if more := int64(memory()-before) / tasks; more > 512 {
			t.Errorf("each task has %d more bytes of stack", more)
		}
		for _, tk := range all {
			tk.Cancel()
		}
	})
}
