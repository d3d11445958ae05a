package traffic_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/plaingo"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/program"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/traffic"
)

// childRequest makes the test binary a server: of plain Go, or of another manner.
const (
	childRequest = "TRAFFIC_TEST_TASK"
	childManner  = "TRAFFIC_TEST_MANNER"
)

func TestMain(m *testing.M) {
	if request, ok := os.LookupEnv(childRequest); ok {
		var task serve.Task
		err := json.Unmarshal([]byte(request), &task)
		service := plaingo.Services()[task.Service]
		if manner := os.Getenv(childManner); manner != "" {
			service = manners[manner].serve
		}
		if err == nil {
			err = serve.Run(task, service, os.Stdin, os.Stdout)
		}
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, service, manner string) *serve.Server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server, err := serve.Start(t.Context(), service, func(task serve.Task) program.Command {
		request, err := json.Marshal(task)
		if err != nil {
			t.Fatal(err)
		}
		return program.Command{Path: self, Env: []string{childRequest + "=" + string(request), childManner + "=" + manner}}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// served returns the workloads that have a client.
func served() []*bench.Workload {
	var found []*bench.Workload
	for _, w := range bench.Workloads() {
		if w.Service != "" {
			found = append(found, w)
		}
	}
	return found
}

func TestClientDoesTheWorkItCounts(t *testing.T) {
	for _, w := range served() {
		t.Run(w.Name, func(t *testing.T) {
			server := start(t, w.Service, "")
			// Seventeen for each of sixty: neither is a multiple of what is sent or opened at once.
			for _, p := range []bench.Params{w.Params(0.0005), {Ops: 17 * 60, Width: 60}} {
				switch {
				case w.Full.Width == 0:
					p.Ops = min(p.Ops, 17)
				case w.Metric == bench.Resident:
					p.Ops = p.Width
				case w.Metric == bench.Latency:
					p.Width = 1
				}
				sample, err := traffic.Measure(t.Context(), w, p, server)
				if err != nil {
					t.Fatal(err)
				}
				if want := w.Done(p); sample.Ops != want {
					t.Errorf("did %d operations, want %d", sample.Ops, want)
				}
				if (sample.Traffic == nil) != (w.Metric == bench.Resident) {
					t.Errorf("traffic %+v", sample.Traffic)
				}
				if sample.Traffic != nil && sample.Traffic.Elapsed <= 0 {
					t.Errorf("took no time: %+v", sample.Traffic)
				}
			}
		})
	}
}

// manners are servers that do something else than they are asked for.
var manners = map[string]struct {
	serve serve.Func
	// want is what the client says of it, "" if it waits for ever.
	want string
}{
	"closes": {each(func(conn net.Conn) { _, _ = io.ReadFull(conn, make([]byte, 1)) }), "close"},
	"says something else": {each(func(conn net.Conn) {
		request := make([]byte, 16<<10)
		for {
			n, err := conn.Read(request)
			if err != nil {
				return
			}
			request[n-1] ^= 1
			_, _ = conn.Write(request[:n])
		}
	}), "something else"},
	"is silent": {each(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }), ""},
	"says too much": {each(func(conn net.Conn) {
		request := make([]byte, 16<<10)
		for {
			n, err := conn.Read(request)
			if err != nil {
				return
			}
			_, _ = conn.Write(append(request[:n:n], 'x'))
		}
	}), "something else"},
}

func each(handle func(net.Conn)) serve.Func {
	return func(ctx context.Context, _ *tls.Config, ready func(string)) error {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
		ready(listener.Addr().String())
		for {
			conn, err := listener.Accept()
			if err != nil {
				return err
			}
			go func() {
				handle(conn)
				_ = conn.Close()
			}()
		}
	}
}

func TestServerThatDoesSomethingElseIsNotMeasured(t *testing.T) {
	for name, manner := range manners {
		if manner.want == "" {
			continue
		}
		for _, w := range served() {
			if w.Service == "bulk" && name != "closes" || w.Service == "bulk_tls" {
				continue // it counts bytes, and does not look at them
			}
			t.Run(name+"/"+w.Name, func(t *testing.T) {
				p := bench.Params{Ops: 100, Width: 10}
				if w.Metric == bench.Latency {
					p.Width = 1
				}
				_, err := traffic.Measure(t.Context(), w, p, start(t, w.Service, name))
				if err == nil {
					t.Fatal("measured")
				}
				// Bytes that were not read make a reset of the close.
				if text := err.Error(); !strings.Contains(text, manner.want) && !strings.Contains(text, "reset") {
					t.Errorf("got %v, want %q", err, manner.want)
				}
			})
		}
	}
}

func TestClientOfASilentServerEndsWithItsContext(t *testing.T) {
	why := errors.New("interrupted")
	for _, w := range served() {
		t.Run(w.Name, func(t *testing.T) {
			server := start(t, w.Service, "is silent")
			ctx, cancel := context.WithCancelCause(t.Context())
			go cancel(why)
			if _, err := traffic.Measure(ctx, w, bench.Params{Ops: 100, Width: 10}, server); !errors.Is(err, why) {
				t.Errorf("got %v", err)
			}
		})
	}
}
