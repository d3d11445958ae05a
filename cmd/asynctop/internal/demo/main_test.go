package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is a run of the demonstration, and its user.
type session struct {
	t     *testing.T
	input *io.PipeWriter
	lines *bufio.Scanner
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, args ...string) *session {
	t.Helper()
	// Paths of sockets must be short, and those of t.TempDir are not on every system.
	dir, err := os.MkdirTemp("", "demo")
	check.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("XDG_CACHE_HOME", dir)
	t.Setenv("HOME", dir)
	ctx, stop := context.WithCancel(t.Context())
	stdin, input := io.Pipe()
	output, stdout := io.Pipe()
	s := &session{t: t, input: input, lines: bufio.NewScanner(output), stop: stop, ended: make(chan error, 1)}
	go func() {
		err := run(ctx, args, stdin, stdout, io.Discard)
		_ = stdout.CloseWithError(io.EOF)
		s.ended <- err
	}()
	return s
}

// until reads the output until a line begins so, and returns it.
func (s *session) until(begin string) string {
	s.t.Helper()
	for s.lines.Scan() {
		if strings.HasPrefix(s.lines.Text(), begin) {
			return s.lines.Text()
		}
	}
	s.t.Fatalf("no line begins with %q", begin)
	return ""
}

func (s *session) say(line string) {
	s.t.Helper()
	_, err := io.WriteString(s.input, line+"\n")
	check.NoError(s.t, err)
}

// end ends the program as Ctrl+C does.
func (s *session) end() error {
	s.stop()
	_ = s.input.Close()
	go func() {
		for s.lines.Scan() { // so that nobody waits to print something
		}
	}()
	return <-s.ended
}

func TestDemoDoesWhatItIsTold(t *testing.T) {
	s := start(t, "-http", "127.0.0.1:0", "-for", "1ms", "-do", "fail", "-after", "1ms")
	s.until("Look at it from another terminal")
	url := strings.TrimSpace(s.until("  http://"))
	answer, err := http.Get(url + "loops")
	check.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
	check.NoError(t, answer.Body.Close())
	check.Equal(t, "status of the page", answer.StatusCode, http.StatusOK)
	s.until("fail: ")
	s.say("nonsense")
	s.until(`there is no "nonsense"`)
	for _, f := range faults() {
		s.say(f.name)
		s.until(f.name + ": " + f.what)
	}
	check.NoError(t, s.end())
}

func TestDemoEndsWhileTasksAreStuck(t *testing.T) {
	s := start(t, "-http", "")
	s.until("  strange") // the last line of the list
	s.say("deadlock")
	s.until("deadlock: ")
	s.say("locks")
	s.until("locks: ")
	check.NoError(t, s.end())
}

func TestDemoRefusesWhatMakesNoSense(t *testing.T) {
	for line, want := range map[string]string{
		"-do nonsense":        `there is no "nonsense"`,
		"what":                `unexpected argument "what"`,
		"-http 127.0.0.1:x":   "-http: ",
		"-do block,,deadlock": `there is no ""`,
	} {
		s := start(t, strings.Fields(line)...)
		go func() {
			for s.lines.Scan() {
			}
		}()
		check.Says(t, <-s.ended, want)
		s.stop()
	}
}
