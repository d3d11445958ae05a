package task_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// withoutCoroutine returns the text of a task without that of its coroutine.
func withoutCoroutine(text string) string {
	return regexp.MustCompile(` coro=<[^>]*>`).ReplaceAllString(text, "")
}

// ofTask is an error whose text has that of a task.
type ofTask struct{ task fmt.Stringer }

func (e *ofTask) Error() string { return fmt.Sprintf("%v has failed", e.task) }

// unspeakable is an error whose text panics.
type unspeakable struct{}

func (unspeakable) Error() string { panic("no text") }

func TestTaskStringWhenTheExceptionShowsTheTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, func(ctx context.Context) error { return &ofTask{task.Current(ctx)} }, task.Name("snake"))
		_, err := tk.Await(ctx)
		check.Equal(t, "error", withoutCoroutine(err.Error()),
			`<Task finished name='snake' exception="<Task finished name='snake' exception=...> has failed"> has failed`)
		check.Equal(t, "task", withoutCoroutine(tk.String()),
			`<Task finished name='snake' exception="<Task finished name='snake' exception=...> has failed">`)
		check.Equal(t, "the task again", withoutCoroutine(tk.String()),
			`<Task finished name='snake' exception="<Task finished name='snake' exception=...> has failed">`)
	})
}

func TestTaskStringWhenTheTextOfItsEndPanics(t *testing.T) {
	const end = "task_test.unspeakable, which panics when it is printed"
	runTest(t, func(ctx context.Context) {
		failed := task.Create(ctx, fails[int](0, unspeakable{}), task.Name("f"))
		returned := task.Create(ctx, returns(0, unspeakable{}), task.Name("r"))
		ticks(ctx, 2)
		for range 2 {
			check.Equal(t, "failed", withoutCoroutine(failed.String()), `<Task finished name='f' exception="`+end+`">`)
			check.Equal(t, "returned", withoutCoroutine(returned.String()), `<Task finished name='r' result=`+end+`>`)
		}
		_ = failed.Err()
	})
}

func TestFutureStringOfFuturesInFutures(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := any(1)
		for range 50 { // with two in each, all of them would be 2^50
			f := newFuture[[]any](ctx)
			check.NoError(t, f.SetResult([]any{inner, inner}))
			inner = f
		}
		const core = "<Future finished result=...>"
		second := "<Future finished result=[" + core + " " + core + "]>"
		third := "<Future finished result=[" + second + " " + second + "]>"
		check.Equal(t, "String", fmt.Sprint(inner), "<Future finished result=["+third+" "+third+"]>")
	})
}

func TestErrorTextsAreShortWhateverTheResultIs(t *testing.T) {
	const large = 1 << 24
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(0, make([]byte, large)), task.Name("x"))
		failed := task.Create(ctx, fails[int](0, errors.New(strings.Repeat("e", large))), task.Name("y"))
		ticks(ctx, 2)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := tk.Await(context.Background())
		_, err2 := failed.Await(context.Background())
		text, text2 := err.Error(), err2.Error()
		runtime.ReadMemStats(&after)
		check.Is(t, err, future.ErrNoTask, "<Task finished name='x'", "result=[0 0 0 0 0 0 <16777210 more>]>")
		check.Is(t, err2, future.ErrNoTask, "<Task finished name='y'", "exception=\"eeee")
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 || len(text)+len(text2) > 4000 {
			t.Errorf("texts of %d and %d bytes took %d bytes of memory", len(text), len(text2), n)
		}
		check.Equal(t, "the error itself", len(failed.Err().Error()), large)
	})
}

func TestTaskStringOfAResultThatContainsItself(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		m := map[string]any{}
		m["self"] = m
		tk := task.Create(ctx, returns(0, m))
		ticks(ctx, 2)
		check.Equal(t, "levels", strings.Count(tk.String(), `"self":`), 6)
	})
}

func TestGatherStringShowsResults(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		all := task.Gather(ctx, returns(0, 1), returns(0, 2))
		settled := task.GatherSettled(ctx, fails[int](0, errTest))
		_, err := all.Await(ctx)
		check.NoError(t, err)
		_, err = settled.Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "Gather", all.String(), "<GatheringFuture finished result=[1 2]>")
		check.Equal(t, "GatherSettled", settled.String(), "<GatheringFuture finished result=[{0 test error}]>")
		check.Equal(t, "Gather of nothing", task.Gather[int, task.Coroutine[int]](ctx).String(), "<GatheringFuture finished result=[]>")
	})
}

func TestNamesCannotForgeLines(t *testing.T) {
	const name = "x'\n2026/01/01 00:00:00 ERROR admin logged in\x1b[2J"
	const quoted = `'x\'\n2026/01/01 00:00:00 ERROR admin logged in\x1b[2J'`
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, sleepsLong, task.Name(name))
		over := task.Go(ctx, func(ctx context.Context) error { return tk.Join(ctx) })
		tick(ctx)
		for what, text := range map[string]string{
			"String":      tk.String(),
			"awaited by":  over.String(),
			"the awaited": task.EnsureFuture(ctx, tk).Kernel().String(),
			"tree":        task.FormatTaskTree(ctx),
			"call graph":  task.FormatCallGraph(tk),
			"context":     fmt.Sprint(tk.Context()),
			"callback":    textAwaitedBy(ctx, name),
		} {
			if !strings.Contains(text, quoted) || strings.Contains(text, "\x1b") || strings.Contains(text, "\n2026") {
				t.Errorf("%s: the name is not quoted in %q", what, text)
			}
		}
		tk.Cancel()
	})
}

// textAwaitedBy describes a future that a task of that name awaits.
func textAwaitedBy(ctx context.Context, name string) string {
	f := newFuture[int](ctx)
	tk := task.Create(ctx, waits[int](f), task.Name(name))
	tick(ctx)
	defer tk.Cancel()
	return f.String()
}

func TestSlowStepReportNamesTheCoroutineAndNoResult(t *testing.T) {
	var log strings.Builder
	l, c := tasktest.NewLoop(t, tasktest.Debug(), tasktest.LoopOptions(loop.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
	sluggish := func(context.Context) (string, error) {
		c.Advance(time.Second)
		return "password=hunter2", nil
	}
	failing := func(context.Context) error {
		c.Advance(time.Second)
		return errTest
	}
	check.RunOn(t, l, func(ctx context.Context) {
		_, err := task.Create(ctx, sluggish, task.Name("a\nb")).Await(ctx)
		check.NoError(t, err)
		_, err = task.Go(ctx, failing, task.Name("failing")).Await(ctx)
		check.Is(t, err, errTest)
	})
	for _, want := range []string{
		`Executing <Task finished name='a\\nb' coro=<task_test.TestSlowStepReportNamesTheCoroutineAndNoResult.func1 at text_test.go:`,
		`Executing <Task finished name='failing' coro=<task_test.TestSlowStepReportNamesTheCoroutineAndNoResult.func2 at text_test.go:`,
		`exception=\"test error\" created at text_test.go:`, `> took 1.000 seconds`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log has the result:\n%s", log.String())
	}
}

// chain returns a coroutine at the head of n others that await each other.
func chain(n int) task.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		if n == 0 {
			return 0, task.Sleep(ctx, time.Hour)
		}
		return task.Create(ctx, chain(n-1), task.Name(fmt.Sprint("link ", n))).Await(ctx)
	}
}

func TestTreesOfLongChainsAreNotIndentedForEver(t *testing.T) {
	const n = 2000
	runTest(t, func(ctx context.Context) {
		head := task.Create(ctx, chain(n), task.Name("head"))
		ticks(ctx, n+2)
		lines := strings.Split(task.FormatTaskTree(ctx), "\n")
		lines = lines[1:] // the test itself
		check.Equal(t, "lines", len(lines), n+1)
		for i, line := range lines {
			name, want := "head", ""
			if i > 0 {
				name = fmt.Sprint("link ", n-i+1)
			}
			switch {
			case i == 0:
				want = name
			case i <= 30:
				want = strings.Repeat("    ", i-1) + "└── " + name
			default:
				want = strings.Repeat("    ", 30) + fmt.Sprintf("(level %d) ", i) + name
			}
			if !strings.HasPrefix(line, want+" in ") {
				t.Fatalf("line %d is %q, want %q", i, line, want)
			}
		}
		var last task.Any
		for _, tk := range task.All(ctx) {
			last = tk
		}
		graph := task.FormatCallGraph(last)
		for _, want := range []string{
			"\n" + strings.Repeat("    ", 30) + "* Task(name='link 31')\n",
			"\n" + strings.Repeat("    ", 30) + "(level 31) * Task(name='link 32')\n",
			"\n" + strings.Repeat("    ", 30) + fmt.Sprintf("(level %d) * Task(name='head')\n", n),
		} {
			if !strings.Contains(graph, want) {
				t.Errorf("the call graph lacks %q", want)
			}
		}
		head.Cancel()
	})
}

// gathered is the future of a gather of what has type any.
type gathered struct{ *future.Future[[]any] }

func (g gathered) Await(ctx context.Context) (any, error) { return g.Future.Await(ctx) }
func (g gathered) Result() (any, error)                   { return g.Future.Result() }

func TestGatherOfOneTwiceNestedIsCancelledOnce(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		leaf := newFuture[any](ctx)
		var x future.Typed[any] = leaf
		for range 100 { // each level would double the work
			x = gathered{task.Gather[any](ctx, x, x)}
		}
		check.Equal(t, "cancelled", x.Cancel("enough"), true)
		check.Equal(t, "cancelled again", x.Cancel(), false)
		check.Equal(t, "leaf", leaf.Cancelled(), true)
		_, err := x.Await(ctx)
		check.Is(t, err, future.ErrCancelled, "enough")
	})
}

func TestGatherOfATaskTwiceCountsARequestForEach(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, func(ctx context.Context) (int, error) { return 0, task.Sleep(ctx, time.Hour) })
		tick(ctx)
		all := task.Gather(ctx, tk, tk)
		check.Equal(t, "cancelled", all.Cancel(), true)
		check.Equal(t, "requests", tk.Cancelling(), 2) // as in CPython
		_, err := all.Await(ctx)
		check.Is(t, err, future.ErrCancelled)

		tk = task.Create(ctx, func(ctx context.Context) (int, error) { return 0, task.Sleep(ctx, time.Hour) })
		tick(ctx)
		inner := task.Gather(ctx, tk, tk)
		outer := task.Gather(ctx, inner, inner)
		check.Equal(t, "cancelled, nested", outer.Cancel(), true)
		check.Equal(t, "requests, nested", tk.Cancelling(), 4)
		_, err = outer.Await(ctx)
		check.Is(t, err, future.ErrCancelled)
	})
}

func TestTimeoutsAndGroupsNestDeeply(t *testing.T) {
	n := 20_000
	if check.SlowIdentity {
		n = 1000 // each await looks at the whole stack
	}
	type key struct{}
	runTest(t, func(ctx context.Context) {
		ctx = context.WithValue(ctx, key{}, "value")
		var nest func(ctx context.Context, n int) error
		nest = func(ctx context.Context, n int) error {
			switch {
			case n == 0:
				check.Equal(t, "value", ctx.Value(key{}), any("value"))
				check.Equal(t, "task", task.Current(ctx) != nil, true)
				check.NoError(t, ctx.Err())
				check.NoError(t, task.Yield(ctx))
				err := task.Sleep(ctx, 2*time.Second)
				<-ctx.Done()
				check.Equal(t, "the end of the outermost is that of the innermost", ctx.Err(), context.DeadlineExceeded)
				return err
			case n%2 == 0:
				return task.WithGroup(ctx, func(ctx context.Context, _ *task.Group) error { return nest(ctx, n-1) })
			}
			return task.WithTimeout(ctx, time.Hour, func(ctx context.Context) error { return nest(ctx, n-1) })
		}
		expired(t, task.WithTimeout(ctx, time.Second, func(ctx context.Context) error { return nest(ctx, n) }))
	})
}

func TestExceptionGroupsNestDeeply(t *testing.T) {
	const n = 20_000
	err := errTest
	for range n {
		err = &task.ExceptionGroup{Message: "m", Errors: []error{err}}
	}
	text := err.Error()
	check.Equal(t, "text", text == strings.Repeat("m (1 sub-exception): ", n)+"test error", true)
	check.Is(t, err, errTest)
	matched, rest := task.Except(err, func(err error) bool { return err == errTest })
	check.Equal(t, "matched", error(matched) == err, true)
	check.NoError(t, rest)
	for leaf := range matched.Leaves() {
		check.Is(t, leaf, errTest)
	}
}

func TestStringsOfZeroValuesAndNil(t *testing.T) {
	for _, test := range []struct {
		object fmt.Stringer
		want   string
	}{
		{new(task.Task[int]), "<Task pending name=''>"},
		{new(task.Timeout), "<Timeout [created]>"},
		{new(task.Group), "<Group>"},
		{new(task.CallGraph), "* Future"},
		{task.Handoff(9), "Handoff(9)"},
		{(*task.Task[int])(nil), "<nil>"},
		{(*task.Timeout)(nil), "<nil>"},
		{(*task.Group)(nil), "<nil>"},
		{(*task.CallGraph)(nil), "<nil>"},
		{new(future.Future[int]), "<Future pending>"},
		{(*future.Future[int])(nil), "<nil>"},
		{(*future.Concurrent[int])(nil), "<nil>"},
		{new(loop.Handle), "<Handle done>"},
		{(*loop.Handle)(nil), "<nil>"},
		{new(loop.TimerHandle), "<TimerHandle when=00:00:00.000000 done>"},
		{(*loop.TimerHandle)(nil), "<nil>"},
	} {
		check.Equal(t, fmt.Sprintf("%T", test.object), test.object.String(), test.want)
	}
	check.Equal(t, "no group", (*task.ExceptionGroup)(nil).Error(), "<nil>")
	check.Equal(t, "an empty group", new(task.ExceptionGroup).Error(), "(0 sub-exceptions)")
	text := new(future.Concurrent[int]).String()
	check.Equal(t, "Concurrent: "+text, strings.HasPrefix(text, "<Concurrent at 0x") && strings.HasSuffix(text, " state=pending>"), true)
}
