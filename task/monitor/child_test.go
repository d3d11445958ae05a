package monitor

import (
	"context"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// child is this very test in a process of its own, where it calls fn and ends.
func child(t *testing.T, fn func()) *exec.Cmd {
	t.Helper()
	const name = "MONITOR_CHILD"
	if os.Getenv(name) == t.Name() {
		fn()
		os.Exit(0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=0") // which would be a timer
	cmd.Env = append(os.Environ(), name+"="+t.Name())
	return cmd
}

// If nothing can happen any more, the runtime ends a process. A monitor must not keep it
// from that.
func TestMonitorDoesNotHideThatAllGoroutinesAreAsleep(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" && s.Value == "true" {
				t.Skip("the race detector hides it")
			}
		}
	}
	output, err := child(t, func() {
		l := loop.New(New().Watch()) // task.Run would wait for signals
		_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			_, err := future.New[int](l).Await(ctx)
			return err
		}))
	}).CombinedOutput()
	check.True(t, "fails", err != nil)
	check.Contains(t, string(output), "all goroutines are asleep - deadlock!")
}

// The other tests have ticks of their own.
func TestMonitorSeesThatARealLoopIsBlocked(t *testing.T) {
	told := make(chan Incident, 10)
	m := New(Threshold(40*time.Millisecond), OnBlocked(func(i Incident) { told <- i }))
	defer m.Close()
	_, err := task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		i := <-told // the loop is blocked until the monitor says so
		check.Equal(t, "kind", i.Kind, Blocked)
		check.True(t, "has a stack", strings.Contains(places(i), "TestMonitorSeesThatARealLoopIsBlocked"))
		return nil
	}), task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}
