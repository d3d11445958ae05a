//go:build !race

package timers

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The runtime looks whether anybody waits for a descriptor. The alarm waits only while it
// is set. (It does not look in programs with cgo, as those of the race detector are.)
func TestRuntimeStillFindsThatAllGoroutinesAreAsleep(t *testing.T) {
	const variable = "ASYNCIO_TEST_ASLEEP"
	if os.Getenv(variable) != "" {
		s := System().(*system)
		getAlarm(s)
		sleeps(t, s, time.Millisecond)
		s.Sleep(time.Time{}, make(chan struct{}))
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=0")
	child.Env = append(os.Environ(), variable+"=1")
	output, err := child.CombinedOutput()
	if !strings.Contains(string(output), "all goroutines are asleep - deadlock!") {
		t.Errorf("the process ended with %v, and said:\n%s", err, output)
	}
}
