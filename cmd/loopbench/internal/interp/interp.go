// Package interp measures event loops of other languages: CPython's asyncio, uvloop, Node.js. Their workloads are
// scripts embedded in this program. Nothing is installed, and nothing is written to disk.
//
// A script is started once. It is asked for one round at a time, by lines of JSON on its standard input and output, so
// that peers can take turns without starting an interpreter each time. If its process dies or takes too long, only
// that peer fails, not the whole run.
package interp

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

//go:embed peer.py
var pythonScript string

//go:embed peer.js
var nodeScript string

// patience is how long one round may take: far longer than the slowest does at full size.
const patience = 3 * time.Minute

// Command is a program with its arguments, which starts a script.
type Command struct {
	Path string
	Args []string
}

type hello struct {
	Version   string   `json:"version"`
	Workloads []string `json:"workloads"`
}

type request struct {
	Workload string       `json:"workload"`
	Metric   string       `json:"metric"`
	Params   bench.Params `json:"params"`
}

type answer struct {
	bench.Sample
	Error string `json:"error"`
}

// Process is a running script.
type Process struct {
	command Command
	hello   hello
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  bytes.Buffer
	ended   error
}

// Start starts the script and waits until it has said what it is.
func Start(ctx context.Context, command Command) (*Process, error) {
	p := &Process{command: command, cmd: exec.Command(command.Path, command.Args...)}
	detach(p.cmd)
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
	if err := p.receive(ctx, &p.hello); err != nil {
		return nil, err
	}
	return p, nil
}

// Version returns the name and version of what runs the script.
func (p *Process) Version() string { return p.hello.Version }

// Does reports whether the script implements w.
func (p *Process) Does(w *bench.Workload) bool {
	return slices.Contains(p.hello.Workloads, w.Implementation())
}

// Measure has the script do one round. If it fails, and not because the script has answered with an error, the process
// has ended and all further rounds fail too.
func (p *Process) Measure(ctx context.Context, w *bench.Workload, params bench.Params) (bench.Sample, error) {
	if p.ended != nil {
		return bench.Sample{}, p.ended
	}
	line, err := json.Marshal(request{Workload: w.Implementation(), Metric: w.Metric.String(), Params: params})
	if err != nil {
		return bench.Sample{}, err
	}
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		return bench.Sample{}, p.end(err)
	}
	var a answer
	if err := p.receive(ctx, &a); err != nil {
		return bench.Sample{}, err
	}
	if a.Error != "" {
		return bench.Sample{}, fmt.Errorf("interp: %s: %s failed: %s", p.hello.Version, w.Name, a.Error)
	}
	return a.Sample, a.Sample.Check(w.Metric)
}

// MeasureFresh has a new process of the script do one round.
func (p *Process) MeasureFresh(ctx context.Context, w *bench.Workload, params bench.Params) (bench.Sample, error) {
	fresh, err := Start(ctx, p.command)
	if err != nil {
		return bench.Sample{}, err
	}
	defer fresh.Close()
	return fresh.Measure(ctx, w, params)
}

// Close ends the script and waits for it.
func (p *Process) Close() {
	if p.ended == nil {
		_ = p.end(errors.New("closed"))
	}
}

// receive reads the next line of the script. It ends the process if ctx ends or no line comes.
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
	p.ended = fmt.Errorf("interp: %s ended: %w%s", p.command.Path, cause, message)
	return p.ended
}
