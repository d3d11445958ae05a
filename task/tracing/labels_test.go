package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/task/tracing"
)

// labelsAt returns the labels of the goroutines that have that function on their stack, as
// the goroutine profile shows them.
func labelsAt(t *testing.T, function string) (all []map[string]string) {
	t.Helper()
	var buf bytes.Buffer
	check.NoError(t, pprof.Lookup("goroutine").WriteTo(&buf, 1))
	for record := range strings.SplitSeq(buf.String(), "\n\n") {
		if !strings.Contains(record, function) {
			continue
		}
		set := make(map[string]string)
		for line := range strings.Lines(record) {
			if text, ok := strings.CutPrefix(line, "# labels: "); ok {
				check.NoError(t, json.Unmarshal([]byte(text), &set))
				delete(set, "asyncio.test") // that of package tasktest
			}
		}
		all = append(all, set)
	}
	return all
}

// labelsHere checks the labels of the calling goroutine, given as "key=value".
//
//go:noinline
func labelsHere(t *testing.T, where string, want ...string) {
	t.Helper()
	all := labelsAt(t, "tracing_test.labelsHere")
	if len(all) != 1 {
		t.Fatalf("%s: %d goroutines are here", where, len(all))
	}
	wanted := make(map[string]string)
	for _, w := range want {
		key, value, _ := strings.Cut(w, "=")
		wanted[key] = value
	}
	got, _ := json.Marshal(all[0])
	expected, _ := json.Marshal(wanted)
	check.Equal(t, "labels "+where, string(got), string(expected))
}

// show is a coroutine that checks its labels, besides its own.
//
//go:noinline
func show(t *testing.T, want ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		const own = "asyncio.coroutine=tracing_test.show.func1"
		labelsHere(t, "at first", append(want, own)...)
		if err := task.Yield(ctx); err != nil {
			return err
		}
		labelsHere(t, "after an await", append(want, own)...)
		pprof.Do(ctx, pprof.Labels("k", "v"), func(ctx context.Context) {
			labelsHere(t, "inside of pprof.Do", append(want, own, "k=v")...)
		})
		labelsHere(t, "after pprof.Do", append(want, own)...)
		done := make(chan struct{})
		go func() {
			defer close(done)
			labelsHere(t, "in a goroutine that it starts", append(want, own)...)
		}()
		<-done
		return nil
	}
}

func TestLabelsOfACoroutine(t *testing.T) {
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, show(t)), task.Go(ctx, show(t)), task.Go(ctx, show(t), task.Eager()))
		join(t, ctx, task.Go(ctx, func(ctx context.Context) error { return task.Go(ctx, show(t)).Join(ctx) }))
	})
}

func TestLabelsWithNames(t *testing.T) {
	run(t, tracing.Options{Names: true}, func(ctx context.Context) {
		a := task.Go(ctx, show(t, "asyncio.task=a"), task.Name("a"))
		join(t, ctx, a, task.Go(ctx, func(ctx context.Context) error {
			return task.Go(ctx, show(t, "asyncio.task=b"), task.Name("b")).Join(ctx)
		}))
	})
}

func TestLabelsOfTheContextAreKept(t *testing.T) {
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		pprof.Do(ctx, pprof.Labels("request", "7", "asyncio.coroutine", "mine"), func(ctx context.Context) {
			join(t, ctx, task.Go(ctx, show(t, "request=7")))
			join(t, ctx, task.Go(ctx, func(ctx context.Context) error { // and of those of its descendants
				return task.Go(ctx, func(ctx context.Context) error {
					return task.Go(ctx, show(t, "request=7")).Join(ctx)
				}).Join(ctx)
			}))
		})
		labelsHere(t, "afterwards")
	})
}

func TestLabelsEndWithTheirTask(t *testing.T) {
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, show(t)))
		check.Is(t, task.Go(ctx, panics).Join(ctx), errTest)
		for _, set := range labelsAt(t, "sched.(*Sched).rest") {
			check.Equal(t, "labels of an idle worker", len(set), 0)
		}
	})
}

func TestLabelsOfAnEagerStart(t *testing.T) {
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, func(ctx context.Context) error {
			const own = "asyncio.coroutine=tracing_test.TestLabelsOfAnEagerStart.func1.1"
			inner := task.Go(ctx, show(t), task.Eager())
			labelsHere(t, "of the one that starts another", own)
			err := inner.Join(ctx)
			labelsHere(t, "after it", own)
			return err
		}))
	})
}

func TestLabelsOfOlderTasks(t *testing.T) {
	run(t, tracing.Options{}, func(ctx context.Context) {
		begun := task.Go(ctx, func(ctx context.Context) error {
			err := task.Yield(ctx)
			labelsHere(t, "of one that has begun")
			return err
		})
		check.NoError(t, task.Yield(ctx))
		unborn := task.Go(ctx, func(ctx context.Context) error {
			labelsHere(t, "of one that has not", "asyncio.coroutine=tracing_test.TestLabelsOfOlderTasks.func1.2")
			return nil
		})
		remove := tracing.Install(loop.Running(ctx), tracing.Options{Labels: true})
		join(t, ctx, begun, unborn)
		last := task.Go(ctx, func(ctx context.Context) error {
			labelsHere(t, "of one that begins later")
			return nil
		})
		remove()
		join(t, ctx, last)
	})
}

// What package monitor labels and what tracing labels is in one set.
func TestLabelsOfWorkersAndTasks(t *testing.T) {
	run(t, tracing.Options{}, func(ctx context.Context) {
		l := loop.Running(ctx)
		own := labels.Of(sched.Of(l.Kernel()))
		own.SetWorkers("1/")
		watched := func(ctx context.Context) error {
			labelsHere(t, "of a worker", "asyncio.worker="+own.Worker())
			return nil
		}
		join(t, ctx, task.Go(ctx, watched))
		remove := tracing.Install(l, tracing.Options{Labels: true})
		const mine = "asyncio.coroutine=tracing_test.TestLabelsOfWorkersAndTasks.func1.2.1"
		for range 2 {
			pprof.Do(ctx, pprof.Labels("k", "v"), func(with context.Context) {
				for at, more := range map[context.Context][]string{ctx: nil, with: {"k=v"}} {
					join(t, ctx, task.Go(at, func(context.Context) error {
						labelsHere(t, "of both", append(more, mine, "asyncio.worker="+own.Worker())...)
						return nil
					}))
				}
			})
		}
		seen := map[string]bool{}
		for range 3 {
			seen[""] = true
			other := task.Go(ctx, func(ctx context.Context) error { seen[own.Worker()] = true; return task.Yield(ctx) })
			defer join(t, ctx, other)
		}
		check.NoError(t, task.Yield(ctx))
		check.Equal(t, "workers", len(seen), 4)
		remove()
		join(t, ctx, task.Go(ctx, watched))
		own.SetWorkers("")
		check.Equal(t, "worker", own.Worker(), "")
		join(t, ctx, task.Go(ctx, func(context.Context) error { labelsHere(t, "of nobody"); return nil }))
	})
}

// Package tasktest knows the goroutines of a test by their labels: this one posts, and
// without its label the loop on the virtual clock would seem to wait for nothing.
func TestLabelsOfATestAreKept(t *testing.T) {
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		l := loop.Running(ctx)
		labels.Of(sched.Of(l.Kernel())).SetWorkers("1/")
		join(t, ctx, task.CreateOn(l, func(ctx context.Context) (int, error) {
			f, parent := future.New[int](l), goroutineLabel(t)
			go func() {
				check.Equal(t, "the label of the test", goroutineLabel(t), parent)
				_, _ = l.CallSoonThreadsafe(func() { _ = f.SetResult(1) })
			}()
			return f.Await(ctx)
		}))
		labels.Of(sched.Of(l.Kernel())).SetWorkers("")
	})
}

// goroutineLabel is the label by which package tasktest knows the calling goroutine.
//
//go:noinline
func goroutineLabel(t *testing.T) string {
	var buf bytes.Buffer
	check.NoError(t, pprof.Lookup("goroutine").WriteTo(&buf, 1))
	for record := range strings.SplitSeq(buf.String(), "\n\n") {
		_, label, found := strings.Cut(record, `"asyncio.test":`)
		if found && strings.Contains(record, "tracing_test.goroutineLabel") {
			return strings.SplitN(label, `"`, 3)[1]
		}
	}
	t.Error("the goroutine has no label of the test")
	return ""
}
