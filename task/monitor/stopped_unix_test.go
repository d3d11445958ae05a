//go:build unix

package monitor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A process that was stopped has done nothing wrong: its only step ends as soon as it is
// allowed to, and has then taken far longer than the threshold.
func TestMonitorGivesNoAlarmBecauseTheProcessWasStopped(t *testing.T) {
	const threshold = time.Second
	cmd := child(t, func() {
		m := New(Threshold(threshold), OnBlocked(func(i Incident) { fmt.Println("alarm:", i) }))
		_, _ = task.Run(context.Background(), task.Void(func(ctx context.Context) error {
			fmt.Println("ready")
			_, err := bufio.NewReader(os.Stdin).ReadString('\n')
			return err
		}), task.WithLoopOptions(m.Watch()))
		_ = m.Close()
		fmt.Println("over")
	})
	input, err := cmd.StdinPipe()
	check.NoError(t, err)
	output, err := cmd.StdoutPipe()
	check.NoError(t, err)
	check.NoError(t, cmd.Start())
	lines := bufio.NewScanner(output)
	line := func() string {
		lines.Scan()
		return lines.Text()
	}
	check.Equal(t, "first line", line(), "ready")
	check.NoError(t, cmd.Process.Signal(syscall.SIGSTOP))
	<-time.After(3 * threshold / 2) // of real time: no clock of ours reaches the other process
	check.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	<-time.After(threshold / 2) // it looks again meanwhile
	_, err = input.Write([]byte("\n"))
	check.NoError(t, err)
	check.Equal(t, "second line", line(), "over")
	check.NoError(t, cmd.Wait())
}
