package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/goasyncio/asyncio/cmd/internal/interpreters"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/interp"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/onloop"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/plaingo"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// kind is a peer that loopbench knows, whether or not this machine has it.
type kind struct {
	report.Peer
	// runtime is what it runs on. If it is compiled, it is part of this program.
	runtime bench.Runtime
	// observed is how somebody looks at it. Then it is measured only if -observe asks for that.
	observed string
	// only names the workloads at which it is worth measuring. If it is empty, all are.
	only []string
	// start starts it. The error says what is missing.
	start func(ctx context.Context, f *finder) (measurer, error)
}

// measurer does rounds. It is a *compiled or an *interp.Process.
type measurer interface {
	Version() string
	Does(w *bench.Workload) bool
	Measure(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error)
	// MeasureFresh does a round in a process that has done nothing before.
	MeasureFresh(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error)
	// Serve starts a server in a process of its own, for the workloads that have a service.
	Serve(ctx context.Context, service string) (*serve.Server, error)
	Close()
}

// knownPeers returns all peers, in the order in which they are reported.
func knownPeers() []kind {
	var known []kind
	for _, flavour := range onloop.Flavours() {
		known = append(known, onLoop(flavour))
	}
	for _, flavour := range onloop.Observed() {
		k := onLoop(flavour)
		k.observed = strings.TrimPrefix(flavour.Name, "loop-")
		known = append(known, k)
	}
	eager := []string{"create_await", "gather_nop", "taskgroup_nop", "async_tree_none"}
	return append(known,
		kind{
			Peer: report.Peer{Name: "go", What: "plain Go: goroutines, channels, errgroup, contexts, net"},
			start: func(context.Context, *finder) (measurer, error) {
				return &compiled{name: "go", workloads: erase(plaingo.Workloads()), services: plaingo.Services()}, nil
			},
		},
		kind{
			Peer:    report.Peer{Name: "cpython", What: "CPython's asyncio"},
			runtime: bench.Python,
			start: func(ctx context.Context, f *finder) (measurer, error) {
				return f.startPython(ctx, "Python 3.11 or newer", interp.CanRunPython)
			},
		},
		kind{
			Peer:    report.Peer{Name: "cpython-eager", What: "CPython's asyncio with the eager task factory"},
			runtime: bench.Python,
			only:    eager,
			start: func(ctx context.Context, f *finder) (measurer, error) {
				return f.startPython(ctx, "Python 3.12 or newer, which has eager tasks", interp.HasEager, "eager")
			},
		},
		kind{
			Peer:    report.Peer{Name: "uvloop", What: "asyncio on uvloop"},
			runtime: bench.Python,
			start: func(ctx context.Context, f *finder) (measurer, error) {
				return f.startPython(ctx, "Python that can import uvloop", func(p interpreters.Python) bool { return p.UVLoop && interp.CanRunPython(p) }, "uvloop")
			},
		},
		kind{
			Peer:    report.Peer{Name: "node", What: "Node.js: promises, setImmediate, worker threads, net"},
			runtime: bench.Node,
			start: func(ctx context.Context, f *finder) (measurer, error) {
				return f.startNode(ctx)
			},
		},
	)
}

// onLoop is the peer that is a flavour of this module.
func onLoop(flavour onloop.Flavour) kind {
	return kind{
		Peer: report.Peer{Name: flavour.Name, What: flavour.What},
		only: flavour.Only,
		start: func(context.Context, *finder) (measurer, error) {
			return &compiled{name: flavour.Name, workloads: erase(flavour.Workloads()), services: flavour.Services()}, nil
		},
	}
}

// finder looks for interpreters, once for all peers that need one.
type finder struct {
	options *options
	looked  bool
	pythons []interpreters.Python
	// broken are the programs that are named like an interpreter and are none, such as a version manager's shim
	// without a version.
	broken []error
}

func (f *finder) startPython(ctx context.Context, need string, suits func(interpreters.Python) bool, flavours ...string) (measurer, error) {
	if path := f.options.python; path != "" {
		python, err := interpreters.ProbePython(ctx, path)
		if err != nil {
			return nil, err
		}
		f.pythons = []interpreters.Python{python}
	} else if !f.looked {
		f.looked = true
		f.pythons, f.broken = interpreters.Pythons(ctx)
	}
	i := slices.IndexFunc(f.pythons, suits)
	if i < 0 {
		if path := f.options.python; path != "" {
			return nil, fmt.Errorf("%s is no %s", path, need)
		}
		return nil, fmt.Errorf("there is no %s on the PATH", need)
	}
	process, err := interp.Start(ctx, interp.Python(f.pythons[i], flavours...))
	if err != nil {
		return nil, err // a nil *Process must not become a measurer
	}
	return process, nil
}

func (f *finder) startNode(ctx context.Context) (measurer, error) {
	var nodes []interpreters.Node
	if path := f.options.node; path != "" {
		node, err := interpreters.ProbeNode(ctx, path, "")
		if err != nil {
			return nil, err
		}
		nodes = []interpreters.Node{node}
	} else {
		nodes = interpreters.Nodes(ctx, "")
	}
	i := slices.IndexFunc(nodes, interp.CanRunNode)
	if i < 0 {
		if path := f.options.node; path != "" {
			return nil, fmt.Errorf("%s is no Node.js 16 or newer", path)
		}
		return nil, errors.New("there is no Node.js 16 or newer on the PATH")
	}
	process, err := interp.Start(ctx, interp.Node(nodes[i]))
	if err != nil {
		return nil, err
	}
	return process, nil
}

// peer is a peer that was started.
type peer struct {
	report.Peer
	measurer
	runtime bench.Runtime
	only    []string
}

// does reports whether the peer is to be measured at w.
func (p *peer) does(w *bench.Workload) bool {
	return p.Does(w) && (len(p.only) == 0 || slices.Contains(p.only, w.Name))
}

// assemble starts the peers that were asked for. If one cannot be started, that is a note, or an error if it was asked
// for by name.
func assemble(ctx context.Context, o *options) (peers []*peer, notes []string, err error) {
	f := &finder{options: o}
	for _, k := range knownPeers() {
		wanted, named := o.wants(k)
		if !wanted || ctx.Err() != nil {
			continue
		}
		m, err := k.start(ctx, f)
		switch {
		case err == nil:
			p := &peer{Peer: k.Peer, measurer: m, runtime: k.runtime, only: k.only}
			p.Peer.Version = m.Version()
			peers = append(peers, p)
		case ctx.Err() != nil:
		case named:
			for _, p := range peers {
				p.Close()
			}
			return nil, nil, fmt.Errorf("-peers: %s: %w", k.Name, errors.Join(append([]error{err}, f.broken...)...))
		default:
			notes = append(notes, fmt.Sprintf("not compared with %s: %v", k.Name, err))
		}
	}
	var skipped []string
	for _, err := range f.broken {
		skipped = append(skipped, fmt.Sprintf("skipped %v", err))
	}
	return peers, append(skipped, notes...), nil
}

// compiled is a peer that is part of this program.
type compiled struct {
	name      string
	workloads map[string]func(bench.Params, *bench.Stopwatch) error
	services  map[string]serve.Func
}

// erase converts the functions of any package to one type.
func erase[F ~func(bench.Params, *bench.Stopwatch) error](workloads map[string]F) map[string]func(bench.Params, *bench.Stopwatch) error {
	erased := make(map[string]func(bench.Params, *bench.Stopwatch) error, len(workloads))
	for name, do := range workloads {
		erased[name] = do
	}
	return erased
}

func (c *compiled) Version() string { return runtime.Version() }

func (c *compiled) Does(w *bench.Workload) bool {
	return c.workloads[w.Implementation()] != nil || c.services[w.Service] != nil
}

// Measure does a round on a goroutine of its own. If ctx ends, it leaves the goroutine behind: nothing can stop it, but
// the program is about to end.
func (c *compiled) Measure(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error) {
	type outcome struct {
		sample bench.Sample
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		sample, err := c.measure(w, p)
		done <- outcome{sample, err}
	}()
	select {
	case o := <-done:
		return o.sample, o.err
	case <-ctx.Done():
		return bench.Sample{}, context.Cause(ctx)
	}
}

func (c *compiled) measure(w *bench.Workload, p bench.Params) (bench.Sample, error) {
	watch := bench.NewStopwatch(w.Metric)
	if err := c.workloads[w.Implementation()](p, watch); err != nil {
		return bench.Sample{}, fmt.Errorf("%s: %s: %w", c.name, w.Name, err)
	}
	return watch.Sample()
}

func (c *compiled) MeasureFresh(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error) {
	return startChild(ctx, childTask{Peer: c.name, Workload: w.Name, Params: p})
}

func (c *compiled) Serve(ctx context.Context, service string) (*serve.Server, error) {
	return startServer(ctx, c.name, service)
}

// serve is the life of a child process that serves.
func (c *compiled) serve(task serve.Task, stdin io.Reader, stdout io.Writer) error {
	service := c.services[task.Service]
	if service == nil {
		return fmt.Errorf("%s: %s has no service %q", childRequest, c.name, task.Service)
	}
	return serve.Run(task, service, stdin, stdout)
}

func (c *compiled) Close() {}
