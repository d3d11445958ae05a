package onloop

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// streamCancel reads with a timeout, until the byte comes.
func streamCancel(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	near, far, err := bench.SocketPairs(p.Width)
	if err != nil {
		return err
	}
	defer bench.CloseAll(far)
	waited := future.New[int](loop.Running(ctx))
	waiting, timedOut := p.Width, 0
	var readers []task.Coroutine[struct{}]
	for _, conn := range near {
		r, w, err := streams.FromConn(ctx, conn)
		if err != nil {
			return err
		}
		defer w.Close()
		read := func(ctx context.Context) error {
			return task.WithTimeout(ctx, p.Span, func(ctx context.Context) error {
				_, err := r.Read(ctx, 1)
				return err
			})
		}
		readers = append(readers, task.Void(func(ctx context.Context) error {
			for range p.Batches() {
				if errors.Is(read(ctx), future.ErrTimeout) {
					timedOut++
				}
			}
			if waiting--; waiting == 0 {
				if err := waited.SetResult(timedOut); err != nil {
					return err
				}
			}
			for {
				if err := read(ctx); !errors.Is(err, future.ErrTimeout) {
					return err
				}
			}
		}))
	}
	watch.Start()
	all := task.Gather(ctx, readers...)
	done, err := waited.Await(ctx)
	if err != nil {
		return err
	}
	for _, conn := range far {
		if _, err := conn.Write([]byte{1}); err != nil {
			return err
		}
	}
	err = task.Join(ctx, all)
	watch.Stop(done)
	return err
}

// pairEcho is a round trip on the two ends of a pair.
func pairEcho(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	trips, end, err := echoes(ctx, p.Ops, watch.Start)
	watch.Stop(trips)
	return errors.Join(err, end())
}

// echoShare is pair_echo on one of several loops.
func echoShare(ctx context.Context, ops int, begin func()) (did int, err error) {
	did, end, err := echoes(ctx, ops, begin)
	return did, errors.Join(err, end())
}

// echoes calls begin and then has n messages echoed on a pair, which end closes.
func echoes(ctx context.Context, n int, begin func()) (trips int, end func() error, err error) {
	left, right, _ := streams.Pair(ctx)
	other := task.Go(ctx, func(ctx context.Context) error { return leaving(echo)(ctx, right.R, right.W) })
	end = func() error {
		left.W.Close()
		err := other.Join(ctx)
		right.W.Close()
		return err
	}
	message := make([]byte, bench.MessageSize)
	begin()
	for range n {
		if err := answer(ctx, left.W, message); err != nil {
			return trips, end, err
		}
		echoed, err := left.R.ReadExactly(ctx, len(message))
		if err != nil {
			return trips, end, err
		}
		if bytes.Equal(echoed, message) {
			trips++
		}
	}
	return trips, end, nil
}

// leaving makes a handler of handle, for which a client that has gone is the usual end.
func leaving(handle func(context.Context, *streams.Reader, *streams.Writer) error) func(context.Context, *streams.Reader, *streams.Writer) error {
	return func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		err := handle(ctx, r, w)
		if errors.Is(err, io.EOF) || streams.IsDisconnect(err) {
			return nil
		}
		return err
	}
}

func echo(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	for {
		message, err := r.ReadExactly(ctx, bench.MessageSize)
		if err != nil {
			return err
		}
		if err := answer(ctx, w, message); err != nil {
			return err
		}
	}
}

func answer(ctx context.Context, w *streams.Writer, p []byte) error {
	if _, err := w.Write(p); err != nil {
		return err
	}
	return w.Drain(ctx)
}
