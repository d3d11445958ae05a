package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests run the program against the demonstration, as a user does: with nothing between them but a socket.

// program is the demonstration, built once for all tests.
var program struct {
	once sync.Once
	dir  string
	err  error
}

func buildDemo() (path string, err error) {
	p := &program
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "asynctop"); p.err == nil {
			p.err = exec.Command("go", "build", "-o", filepath.Join(p.dir, "demo"), "./internal/demo").Run()
		}
	})
	return filepath.Join(p.dir, "demo"), p.err
}

// removeDemo removes what buildDemo has built.
func removeDemo() {
	if program.dir != "" {
		_ = os.RemoveAll(program.dir)
	}
}

// demo is the demonstration in a process of its own.
type demo struct {
	t     *testing.T
	input io.Writer
	lines *bufio.Scanner
	pid   string
}

func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	path, err := buildDemo()
	check.NoError(t, err)
	// Paths of sockets must be short, and those of t.TempDir are not on every system.
	dir, err := os.MkdirTemp("", "top")
	check.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir)
	// The demonstration is killed at the end, since its loop may be blocked.
	ctx, kill := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path, append([]string{"-http", ""}, args...)...)
	input, err := c.StdinPipe()
	check.NoError(t, err)
	output, err := c.StdoutPipe()
	check.NoError(t, err)
	check.NoError(t, c.Start())
	t.Cleanup(func() {
		kill()
		_ = c.Wait()
	})
	d := &demo{t: t, input: input, lines: bufio.NewScanner(output), pid: strconv.Itoa(c.Process.Pid)}
	d.until("  strange ") // the last line that it prints before somebody says something
	return d
}

// until reads the output of the demonstration until a line begins so.
func (d *demo) until(begin string) {
	d.t.Helper()
	for d.lines.Scan() {
		if strings.HasPrefix(d.lines.Text(), begin) {
			return
		}
	}
	d.t.Fatalf("no line begins with %q", begin)
}

// do has it do something wrong.
func (d *demo) do(fault string) {
	d.t.Helper()
	_, err := io.WriteString(d.input, fault+"\n")
	check.NoError(d.t, err)
	d.until(fault + ": ")
}

// ask asks until the answer has all of that.
func ask(t *testing.T, want []string, args ...string) (status int, stdout string) {
	t.Helper()
	for t.Context().Err() == nil {
		var stderr string
		status, stdout, stderr = asynctop(t, args...)
		if status == noAnswer {
			t.Fatalf("%q: %s", args, stderr)
		}
		missing := false
		for _, w := range want {
			missing = missing || !strings.Contains(stdout, w)
		}
		if !missing {
			return status, stdout
		}
	}
	t.Fatalf("%q does not print %q, but\n%s", args, want, stdout)
	return status, stdout
}

func TestDemoIsHealthy(t *testing.T) {
	d := startDemo(t)
	_, table := ask(t, []string{"customers", "clerk-1", "sync.(*Queue).All"}, "ps") // it is the only process of this user
	check.Contains(t, table, "ID", "WAITS IN", "AWAITED BY", "main.(*shop).clerk", "Task-1")
	status, tree, _ := asynctop(t, d.pid, "pstree")
	check.Equal(t, "status", status, well)
	check.Contains(t, tree, "── Task-1 in main.(*shop).run at shop.go:", "   ├── customers in main.(*shop).customers at shop.go:")
	for _, command := range []string{"", "groups", "stats", "stuck", "stack 1"} {
		status, stdout, stderr := asynctop(t, append([]string{d.pid}, strings.Fields(command)...)...)
		check.Equal(t, "status of "+command, status, well)
		check.Equal(t, "stderr of "+command, stderr, "")
		check.True(t, "an answer to "+command, stdout != "")
	}
}

func TestDemoDeadlocks(t *testing.T) {
	d := startDemo(t)
	d.do("deadlock")
	status, stdout := ask(t, []string{"stuck: "}, "pstree")
	check.Equal(t, "status", status, trouble)
	check.Contains(t, stdout, "a in main.(*link).join at faults.go:", "(see above)", " → a")
	status, stdout, _ = asynctop(t, d.pid, "stuck")
	check.Equal(t, "status", status, trouble)
	check.Contains(t, stdout, "none can finish unless one is cancelled from outside", "task.(*Task).Join")
	id := regexp.MustCompile(`(?m)^(\d+) +a `).FindStringSubmatch(stdout)
	if id == nil {
		t.Fatalf("no task is named a:\n%s", stdout)
	}
	status, stdout, stderr := asynctop(t, "cancel", id[1])
	check.Equal(t, "status of cancel", status, well)
	check.Contains(t, stdout+stderr, "asked task "+id[1]+" a to cancel")
	status, _ = ask(t, []string{"no tasks wait for each other"}, "stuck")
	check.Equal(t, "status", status, well)
}

func TestDemoBlocks(t *testing.T) {
	d := startDemo(t, "-for", "1h")
	read, write := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{d.pid, "watch"}, strings.NewReader(""), write, io.Discard)
		_ = write.Close()
	}()
	d.do("block")
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		var i monitor.Incident
		check.NoError(t, json.Unmarshal(lines.Bytes(), &i))
		if i.Kind == monitor.Blocked {
			check.Contains(t, i.Text, "impatient (main.(*shop).sleepLikeAThread) has held the loop for")
			break
		}
	}
	check.NoError(t, lines.Err())
	ask(t, []string{"time.Sleep", "sleepLikeAThread"}, "stuck") // stats, and what is blocked, may be a second old
	status, _, stderr := asynctop(t, "stuck")
	check.Equal(t, "status", status, trouble)
	check.Contains(t, stderr, "BLOCKED", "by impatient main.(*shop).sleepLikeAThread  time.Sleep  faults.go:")
	for _, command := range []string{"", "ps", "pstree", "groups", "stats"} {
		status, _, _ := asynctop(t, strings.Fields(command)...)
		check.Equal(t, "status of "+command, status, trouble)
	}
	stop()
	go func() { _, _ = io.Copy(io.Discard, read) }() // so that it can write what it has begun
	check.Equal(t, "status of watch", <-ended, well)
}
