package streams

import (
	"context"
	"io"
	"testing"

	"github.com/goasyncio/asyncio/task"
)

// echo sends back what it receives.
func echo(ctx context.Context, r *Reader, w *Writer) error {
	defer w.Close()
	for {
		p, err := r.Read(ctx, 1<<16)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.WriteAll(ctx, p); err != nil {
			return err
		}
	}
}

// talk sends a message and reads it back, several times.
func talk(t *testing.T, ctx context.Context, r *Reader, w *Writer, size int) error {
	message := make([]byte, size)
	for i := range message {
		message[i] = byte(i * 7)
	}
	for range 3 {
		both, err := task.CreateOn(w.Loop(), task.Coroutine[[]byte](func(ctx context.Context) ([]byte, error) {
			return r.ReadExactly(ctx, size)
		})), w.WriteAll(ctx, message)
		if err != nil {
			return err
		}
		got, err := both.Await(ctx)
		if err != nil {
			return err
		}
		if string(got) != string(message) {
			t.Error("the echo is different")
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return w.WaitClosed(ctx)
}

func TestEchoOverPair(t *testing.T) {
	for _, size := range []int{1, 1000, 3 << 20} {
		run(t, func(ctx context.Context) error {
			left, right, _ := Pair(ctx)
			server := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, right.R, right.W) })
			if err := talk(t, ctx, left.R, left.W, size); err != nil {
				return err
			}
			return server.Join(ctx)
		})
	}
}

func TestEchoOverTCP(t *testing.T) {
	for _, size := range []int{1, 1000, 3 << 20} {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			cr, cw, err := FromConn(ctx, c)
			if err != nil {
				return err
			}
			sr, sw, err := FromConn(ctx, s)
			if err != nil {
				return err
			}
			server := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, sr, sw) })
			if err := talk(t, ctx, cr, cw, size); err != nil {
				return err
			}
			return server.Join(ctx)
		})
	}
}
