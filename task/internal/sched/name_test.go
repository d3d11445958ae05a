package sched_test

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

func TestDefaultNamesAreCountedWithoutEnd(t *testing.T) {
	l := loop.New()
	sched.Of(l.Kernel()).SetUnnamed(1<<32 - 2)
	for _, want := range []string{"Task-4294967295", "Task-4294967296", "Task-4294967297"} {
		tk := task.CreateOn(l, func(context.Context) (int, error) { return 0, nil })
		if got := tk.Name(); got != want {
			t.Errorf("got name %q, want %q", got, want)
		}
		if _, err := task.RunUntilComplete(l, tk); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
