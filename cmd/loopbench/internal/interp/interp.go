// Package interp measures event loops of other languages: CPython's asyncio, uvloop, Node.js. Their workloads are
// scripts embedded in this program. Nothing is installed.
//
// A script is started once. It is asked for one round at a time, so that peers can take turns without starting an
// interpreter each time. For the stream workloads, whose client is this program, there is a second script, which is
// started as a server.
package interp

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

//go:embed peer.py
var pythonScript string

//go:embed server.py
var pythonServer string

//go:embed peer.js
var nodeScript string

//go:embed server.js
var nodeServer string

// Command starts an interpreter.
type Command struct {
	// script runs the workloads, server serves the clients of the stream workloads.
	script, server program.Command
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
	program *program.Process
}

// Start starts the script and waits until it has said what it is.
func Start(ctx context.Context, command Command) (*Process, error) {
	p := &Process{command: command}
	var err error
	if p.program, err = program.Start(ctx, command.script, &p.hello); err != nil {
		return nil, err
	}
	return p, nil
}

// Version returns the name and version of what runs the script.
func (p *Process) Version() string { return p.hello.Version }

// Does reports whether the script implements w. The other script can serve whatever needs a server.
func (p *Process) Does(w *bench.Workload) bool {
	return w.Service != "" || slices.Contains(p.hello.Workloads, w.Implementation())
}

// Measure has the script do one round. If it fails, and not because the script has answered with an error, the process
// has ended and all further rounds fail too.
func (p *Process) Measure(ctx context.Context, w *bench.Workload, params bench.Params) (bench.Sample, error) {
	var a answer
	err := p.program.Ask(ctx, request{Workload: w.Implementation(), Metric: w.Metric.String(), Params: params}, &a)
	if err != nil {
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

// Serve starts a server of the interpreter.
func (p *Process) Serve(ctx context.Context, service string) (*serve.Server, error) {
	return serve.Start(ctx, service, func(task serve.Task) program.Command {
		command := p.command.server
		command.Args = append(slices.Clip(command.Args), task.Service, task.Certificate)
		return command
	})
}

// Close ends the script and waits for it.
func (p *Process) Close() { p.program.Close() }
