package task_test

import (
	"context"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// The two kinds behave alike, so the tests of one would pass with the other. The stack of
// a goroutine tells them apart.
func TestSetHandoffChoosesWhatCoroutinesRunOn(t *testing.T) {
	for h, want := range map[task.Handoff]bool{task.Channels: false, task.IterPull: true} {
		t.Run(h.String(), func(t *testing.T) {
			l := loop.New()
			task.SetHandoff(l, h)
			runTestOn(t, l, func(context.Context) {
				equal(t, "on iter.Pull", strings.Contains(string(debug.Stack()), "iter.Pull"), want)
			})
			noError(t, l.Close())
		})
	}
}
