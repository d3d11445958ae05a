package task_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// pulled is a coroutine that reports whether it is the inside of an iter.Pull.
func pulled(ctx context.Context) (bool, error) {
	if err := task.Yield(ctx); err != nil {
		return false, err
	}
	return bytes.Contains(debug.Stack(), []byte("iter.Pull")), nil
}

func TestWithHandoff(t *testing.T) {
	for _, test := range []struct {
		name string
		opts []task.RunOption
		want bool
	}{
		{"none", nil, false},
		{"channels", []task.RunOption{task.WithHandoff(task.Channels)}, false},
		{"iter.Pull", []task.RunOption{task.WithHandoff(task.IterPull)}, true},
		{"the last one counts", []task.RunOption{task.WithHandoff(task.IterPull), task.WithHandoff(task.Channels)}, false},
		{"the loop of a factory", []task.RunOption{task.WithHandoff(task.IterPull), task.WithLoopFactory(func() *loop.Loop { return loop.New() })}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := task.Run(context.Background(), pulled, test.opts...)
			check.NoError(t, err)
			check.Equal(t, "iter.Pull is used", got, test.want)
		})
	}
}

func TestWithHandoffOnALoopThatHasHadTasks(t *testing.T) {
	l := loop.New()
	_, err := task.RunUntilComplete(l, task.Coro(pulled))
	check.NoError(t, err)
	_, err = task.Run(context.Background(), neverRun, task.WithHandoff(task.IterPull),
		task.WithLoopFactory(func() *loop.Loop { return l }))
	check.Is(t, err, task.ErrHandoffFixed, "WithHandoff(iterpull)")
	check.Equal(t, "the loop is closed", l.IsClosed(), true)
}

func TestSetHandoffOnALoopThatHasHadTasks(t *testing.T) {
	for h, other := range map[task.Handoff]task.Handoff{task.Channels: task.IterPull, task.IterPull: task.Channels} {
		l := loop.New()
		task.SetHandoff(l, h)
		check.RunOn(t, l, tick)
		check.Is(t, check.Panics(t, func() { task.SetHandoff(l, other) }), task.ErrHandoffFixed, "SetHandoff("+other.String()+")")
		check.NoError(t, l.Close())
	}
}

func TestHandoffThatDoesNotExist(t *testing.T) {
	check.Equal(t, "text", task.Handoff(7).String(), "Handoff(7)")
	err := check.Panics(t, func() { task.WithHandoff(7) })
	check.Equal(t, "panic", fmt.Sprint(err), "task: WithHandoff: there is no Handoff(7): invalid argument")
	err = check.Panics(t, func() { task.SetHandoff(newTestLoop(t), 7) })
	check.Equal(t, "panic", fmt.Sprint(err), "task: SetHandoff: there is no Handoff(7): invalid argument")
}

// The two kinds behave alike, so the tests of one would pass with the other. The stack of
// a goroutine tells them apart.
func TestSetHandoffChoosesWhatCoroutinesRunOn(t *testing.T) {
	for h, want := range map[task.Handoff]bool{task.Channels: false, task.IterPull: true} {
		t.Run(h.String(), func(t *testing.T) {
			l := loop.New()
			task.SetHandoff(l, h)
			check.RunOn(t, l, func(context.Context) {
				check.Equal(t, "on iter.Pull", bytes.Contains(debug.Stack(), []byte("iter.Pull")), want)
			})
			check.NoError(t, l.Close())
		})
	}
}

func TestSetHandoffOnALoopThatHasHadTasksPanics(t *testing.T) {
	l, _ := tasktest.NewLoop(t, tasktest.Handoff(task.Channels))
	check.RunOn(t, l, func(context.Context) {})
	other := task.IterPull
	check.Is(t, check.Panics(t, func() { task.SetHandoff(l, other) }), task.ErrHandoffFixed, "SetHandoff("+other.String()+")")
}
