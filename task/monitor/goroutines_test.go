package monitor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestGoroutinesAreThoseOfLoops(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	_, err := task.Run(t.Context(), func(ctx context.Context) (struct{}, error) {
		var text strings.Builder
		done := make(chan struct{})
		go func() { // no goroutine of the loop, whose coroutine blocks
			defer close(done)
			check.NoError(t, m.WriteGoroutines(&text))
		}()
		<-done
		stacks := strings.Split(strings.TrimSuffix(text.String(), "\n\n"), "\n\n")
		check.Equal(t, "stacks", len(stacks), 2) // this one's, and that of the loop
		check.Contains(t, text.String(), "TestGoroutinesAreThoseOfLoops.func1+", "(*Kernel).Run")
		check.False(t, "another goroutine", strings.Contains(text.String(), "WriteGoroutines"))
		return struct{}{}, nil
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}
