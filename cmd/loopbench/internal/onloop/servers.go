package onloop

import (
	"context"
	"crypto/tls"
	"encoding/binary"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// Services returns the servers of the stream workloads on a loop of this flavour. The service echo_busy is for a
// benchmark of this module alone.
func (f Flavour) Services() map[string]serve.Func {
	if len(f.Only) > 0 {
		return nil
	}
	nothing := func(context.Context) {}
	return map[string]serve.Func{
		"echo":      f.serve(echo, nothing),
		"lines":     f.serve(lines, nothing),
		"bulk":      f.serve(bulk, nothing),
		"bulk_tls":  f.serve(bulk, nothing),
		"byte":      f.serve(oneByte, nothing),
		"echo_busy": f.serve(echo, stayBusy),
	}
}

// serve serves each connection by handle, while what begin has started runs beside.
func (f Flavour) serve(handle streams.Handler, begin func(context.Context)) serve.Func {
	return func(ctx context.Context, config *tls.Config, ready func(address string)) error {
		loops, stop := f.loops()
		defer stop()
		return task.Main(ctx, func(ctx context.Context) error {
			var opts []streams.Option
			if config != nil {
				opts = append(opts, streams.TLS(config))
			}
			server, err := streams.StartServer(ctx, leaving(handle), "127.0.0.1:0", opts...)
			if err != nil {
				return err
			}
			begin(ctx)
			ready(server.Addrs()[0].String())
			return server.ServeForever(ctx)
		}, loops)
	}
}

// stayBusy starts two tasks that yield for ever, so that the loop never idles.
func stayBusy(ctx context.Context) {
	for range 2 {
		task.Go(ctx, func(ctx context.Context) error {
			for {
				if err := task.Yield(ctx); err != nil {
					return err
				}
			}
		})
	}
}

func lines(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	for {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		if err := answer(ctx, w, line); err != nil {
			return err
		}
	}
}

func bulk(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	block := make([]byte, bench.BlockSize)
	for {
		request, err := r.ReadExactly(ctx, 8)
		if err != nil {
			return err
		}
		for range binary.BigEndian.Uint64(request) {
			if err := w.WriteAll(ctx, block); err != nil {
				return err
			}
		}
	}
}

func oneByte(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	b, err := r.ReadExactly(ctx, 1)
	if err != nil {
		return err
	}
	return answer(ctx, w, b)
}
