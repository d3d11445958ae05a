// Package program starts other programs that answer lines of JSON with lines of JSON: the scripts of the interpreters,
// and the servers of the stream workloads.
//
// A program says hello in one line, and is then asked one question at a time, until its standard input ends. If it dies
// or takes too long, only the questions to it fail.
package program

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long one answer may take: far longer than the slowest round does at full size.
const patience = 3 * time.Minute

// Command is a program with its arguments.
type Command struct {
	Path string
	Args []string
	// Env is added to the environment.
	Env []string
}

// Process is a running program.
type Process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
	ended  error
}

// Start starts the program and waits until it has said hello, which is stored in hello.
func Start(ctx context.Context, command Command, hello any) (*Process, error) {
	p := &Process{cmd: exec.Command(command.Path, command.Args...)}
	detach(p.cmd)
	if len(command.Env) > 0 {
		p.cmd.Env = append(os.Environ(), command.Env...)
	}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = 5 * time.Second // a program that the script started may hold its output open
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := p.receive(ctx, hello); err != nil {
		return nil, err
	}
	return p, nil
}

// Ask sends a question and stores the answer. If it fails, the process has ended and all further questions fail too.
func (p *Process) Ask(ctx context.Context, question, answer any) error {
	if p.ended != nil {
		return p.ended
	}
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		return p.end(err)
	}
	return p.receive(ctx, answer)
}

// Close ends the program and waits for it.
func (p *Process) Close() {
	if p.ended == nil {
		_ = p.end(errors.New("closed"))
	}
}

// receive reads the next line of the program. It ends the process if ctx ends or no line comes.
func (p *Process) receive(ctx context.Context, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer for %v", patience))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	line, err := p.stdout.ReadBytes('\n')
	if !stop() {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = json.Unmarshal(line, v)
	}
	if err != nil {
		return p.end(err)
	}
	return nil
}

// end ends the process because of cause, unless it has ended, and releases its resources.
func (p *Process) end(cause error) error {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	message := strings.TrimSpace(p.stderr.String())
	if i := strings.LastIndexByte(message, '\n'); i >= 0 {
		// The last line of a traceback is the one that says what happened.
		message = message[i+1:]
	}
	if message != "" {
		message = ": " + message
	}
	p.ended = fmt.Errorf("program: %s ended: %w%s", p.cmd.Path, cause, message)
	return p.ended
}
