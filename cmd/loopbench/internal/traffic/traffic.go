// Package traffic is the client of the stream workloads. It is the same for all peers, and as cheap as a client can be:
// what is measured is the server. On Linux one thread talks on all connections, without the network poller of Go's
// runtime; elsewhere each connection has a goroutine.
package traffic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// patience is how long a server may be silent.
const patience = 30 * time.Second

// visiting is the byte that goes each way on a connection of stream_connect.
const visiting = 'v'

var (
	errClosedEarly = errors.New("the server closed a connection before it had answered")
	errWrongAnswer = errors.New("the server answered something else than it was sent")
)

// Measure does one round of w against a server.
func Measure(ctx context.Context, w *bench.Workload, p bench.Params, server *serve.Server) (bench.Sample, error) {
	m := &meter{ctx: ctx, server: server, metric: w.Metric}
	err := m.run(w, p)
	if err == nil {
		err = m.sample.Check(w.Metric)
	} else if ctx.Err() != nil {
		err = context.Cause(ctx) // and not what it led to
	}
	if err != nil {
		return bench.Sample{}, fmt.Errorf("traffic: %s: %w", w.Name, err)
	}
	return m.sample, nil
}

func (m *meter) run(w *bench.Workload, p bench.Params) error {
	switch {
	case w.Metric == bench.Resident:
		return idle(m, p)
	case w.Service == "lines":
		return exchange(m, p, talk{message: lines(), unit: bench.LineSize, each: p.Batches()})
	case w.Service == "bulk" || w.Service == "bulk_tls":
		return receive(m, p)
	case w.Service == "byte":
		return visit(m, p)
	case w.Metric == bench.Latency:
		return exchange(m, p, talk{message: request(), unit: bench.MessageSize, each: p.Batches(), observe: m.observe})
	}
	return exchange(m, p, talk{message: request(), unit: bench.MessageSize, each: p.Batches()})
}

// request returns what is to be echoed.
func request() []byte {
	message := make([]byte, bench.MessageSize)
	for i := range message {
		message[i] = byte(i)
	}
	return message
}

// lines returns the lines that are sent at once.
func lines() []byte {
	message := make([]byte, bench.LineSize*bench.Pipelined)
	for i := range message {
		message[i] = 'a' + byte(i%26)
		if i%bench.LineSize == bench.LineSize-1 {
			message[i] = '\n'
		}
	}
	return message
}

// talk is what is said on each connection of a crowd: the message, which consists of operations of unit bytes, until
// each operations were done. The next one is sent when the answer has come, which must be the message itself.
type talk struct {
	message    []byte
	unit, each int
	// observe is called with the time of each exchange, if it is not nil.
	observe func(time.Duration)
}

// next returns what is sent when left operations have yet to be done.
func (t *talk) next(left int) []byte { return t.message[:min(len(t.message), left*t.unit)] }

// exchange measures a talk on p.Width connections.
func exchange(m *meter, p bench.Params, t talk) error {
	c, err := newCrowd(m.ctx, m.server.Address)
	if err != nil {
		return err
	}
	defer c.close()
	if err := introduce(c, p.Width, t); err != nil {
		return err
	}
	if err := m.start(); err != nil {
		return err
	}
	if err := c.exchange(0, t); err != nil {
		return err
	}
	return m.stop(t.each * p.Width)
}

// idle measures what p.Width connections leave behind that have each had one request. One before has made the server
// load what it needs.
func idle(m *meter, p bench.Params) error {
	c, err := newCrowd(m.ctx, m.server.Address)
	if err != nil {
		return err
	}
	defer c.close()
	t := talk{message: request(), unit: bench.MessageSize}
	if err := introduce(c, 1, t); err != nil {
		return err
	}
	if err := m.start(); err != nil {
		return err
	}
	if err := introduce(c, 1+p.Width, t); err != nil {
		return err
	}
	return m.stop(p.Width)
}

// introduce lets a crowd grow to n connections, and has each do one operation: when it is done, the server has accepted
// them. They are opened a few at a time, so that no listen queue overflows.
func introduce(c *crowd, n int, t talk) error {
	const together = 50
	first := talk{message: t.message[:t.unit], unit: t.unit, each: 1}
	for c.size() < n {
		known := c.size()
		if err := c.grow(min(together, n-known)); err != nil {
			return err
		}
		if err := c.exchange(known, first); err != nil {
			return err
		}
	}
	return nil
}

// meter measures what happens between start and stop.
type meter struct {
	ctx    context.Context
	server *serve.Server
	metric bench.Metric
	sample bench.Sample

	before serve.Usage
	client float64
	began  time.Time
}

func (m *meter) observe(d time.Duration) { m.sample.Latencies = append(m.sample.Latencies, int64(d)) }

// start starts the measurement. The server collects its garbage first.
func (m *meter) start() (err error) {
	m.before, err = m.server.Usage(m.ctx, true)
	m.client = float64(bench.CPUTime())
	m.began = time.Now()
	return err
}

// stop ends the measurement. Since start, ops operations were done.
func (m *meter) stop(ops int) error {
	elapsed := float64(time.Since(m.began))
	client := float64(bench.CPUTime()) - m.client
	after, err := m.server.Usage(m.ctx, false)
	if err != nil {
		return err
	}
	m.sample.Ops = ops
	if m.metric == bench.Resident {
		if m.before.Resident == 0 {
			return errors.New("this system does not tell how much memory a process uses")
		}
		m.sample.Total = after.Resident - m.before.Resident
		return nil
	}
	m.sample.Total = elapsed
	m.sample.Traffic = &bench.Traffic{Elapsed: elapsed, ServerCPU: after.CPU - m.before.CPU, ClientCPU: client}
	return nil
}
