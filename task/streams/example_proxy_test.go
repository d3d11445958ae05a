package streams_test

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// forwardTo returns a handler that connects its client with a server elsewhere. If one
// direction fails, the group ends the other one too.
func forwardTo(address string) streams.Handler {
	return func(ctx context.Context, fromClient *streams.Reader, toClient *streams.Writer) error {
		fromServer, toServer, err := streams.OpenConnection(ctx, address)
		if err != nil {
			return err
		}
		defer toServer.Close()
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error { return pump(ctx, fromClient, toServer) })
			g.Go(func(ctx context.Context) error { return pump(ctx, fromServer, toClient) })
			return nil
		})
	}
}

// pump copies all that comes, and the end too. WriteAll waits for a slow receiver; then
// nothing is read, and the sender has to wait as well.
func pump(ctx context.Context, from *streams.Reader, to *streams.Writer) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.ReadInto(ctx, buffer)
		if err == io.EOF {
			return to.WriteEOF()
		}
		if err != nil {
			return err
		}
		if err := to.WriteAll(ctx, buffer[:n]); err != nil {
			return err
		}
	}
}

// A proxy: two pumps in a group.
func Example_proxy() {
	shout := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		all, err := r.ReadAll(ctx) // until the client has ended its half
		if err != nil {
			return err
		}
		return w.WriteAll(ctx, bytes.ToUpper(all))
	}
	run(func(ctx context.Context) error {
		server, err := streams.StartServer(ctx, shout, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		proxy, err := streams.StartServer(ctx, forwardTo(server.Addrs()[0].String()), "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer proxy.Close()

		r, w, err := streams.OpenConnection(ctx, proxy.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer w.Close()
		if err := w.WriteAll(ctx, []byte("can you hear me?")); err != nil {
			return err
		}
		if err := w.WriteEOF(); err != nil {
			return err
		}
		answer, err := r.ReadAll(ctx)
		fmt.Printf("%s\n", answer)
		return err
	})
	// Output: CAN YOU HEAR ME?
}
