package streams_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

func ExampleStartServer() {
	shout := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			if err := w.WriteAll(ctx, append([]byte("HEY "), line...)); err != nil {
				return err
			}
		}
		return nil // which closes the connection
	}
	_ = task.Main(context.Background(), func(ctx context.Context) error {
		s, err := streams.StartServer(ctx, shout, "127.0.0.1:0")
		if err != nil {
			return err
		}
		return s.With(ctx, func(ctx context.Context) error {
			r, w, err := streams.OpenConnection(ctx, s.Addrs()[0].String())
			if err != nil {
				return err
			}
			defer w.Close()
			if err := w.WriteAll(ctx, []byte("you\n")); err != nil {
				return err
			}
			line, err := r.ReadLine(ctx)
			fmt.Printf("%s", line)
			return err
		})
	})
	// Output:
	// HEY you
}

func ExampleServer_Shutdown() {
	greet := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		_, _ = fmt.Fprintln(w, "hello from", task.Current(ctx).Name())
		return task.Sleep(ctx, task.Forever)
	}
	_ = task.Main(context.Background(), func(ctx context.Context) error {
		s, err := streams.StartServer(ctx, greet, "127.0.0.1:0", streams.MaxConnections(100),
			streams.TaskName(func(peer net.Addr) string { return "a " + peer.Network() + " handler" }))
		if err != nil {
			return err
		}
		r, w, err := streams.OpenConnection(ctx, s.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		greeting, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s", greeting)
		aborted, err := s.Shutdown(ctx, 10*time.Millisecond)
		_, end := r.ReadLine(ctx)
		fmt.Println(aborted, "aborted, and the client reads", end)
		return err
	})
	// Output:
	// hello from a tcp handler
	// 0 aborted, and the client reads EOF
}
