package loop_test

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestContextCarriesTheRunningLoop(t *testing.T) {
	l, _ := newLoop(t)
	if got, ok := loop.FromContext(context.Background()); ok || got != nil {
		t.Errorf("FromContext of a bare context = %v, %t", got, ok)
	}
	check.IsFrom(t, check.Panics(t, func() { loop.Running(context.Background()) }), loop.ErrNotRunning, "loop: Running: the context carries no loop")

	type key struct{}
	ctx := loop.NewContext(context.WithValue(context.Background(), key{}, "value"), l)
	check.Equal(t, "value of the parent", ctx.Value(key{}), any("value"))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if got, ok := loop.FromContext(ctx); !ok || got != l {
		t.Errorf("FromContext = %v, %t", got, ok)
	}
	if got := loop.Running(ctx); got != l {
		t.Errorf("Running = %v", got)
	}
}

func TestContextInsideOfAnotherChoosesTheLoop(t *testing.T) {
	outer, _ := newLoop(t)
	inner, _ := newLoop(t)
	ctx := loop.NewContext(loop.NewContext(context.Background(), outer), inner)
	if got := loop.Running(ctx); got != inner {
		t.Errorf("Running = %v, want %v", got, inner)
	}
}
