package streams

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestPairArgumentsAreChecked(t *testing.T) {
	for name, row := range map[string]struct {
		call func()
		want error
	}{
		"Pair without a loop": {func() { Pair(context.Background()) }, loop.ErrNotRunning},
		"Window":              {func() { Window(0) }, ErrInvalidArgument},
		"Chunk":               {func() { Chunk(-1) }, ErrInvalidArgument},
		"PairLimit":           {func() { PairLimit(0) }, ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) { check.Is(t, check.Panics(t, row.call), row.want) })
	}
}
