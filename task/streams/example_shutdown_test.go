//go:build unix

package streams_test

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// A server that SIGTERM ends in good order: nobody is accepted any more, and those who are
// there have ten seconds to finish. Shutdown cuts off the rest, so it ends in any case.
func Example_shutdown() {
	var terminated sync.Event
	handle := func(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
		order, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("order: %s", order)
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil { // of all moments
			return err
		}
		if err := terminated.Wait(ctx); err != nil {
			return err
		}
		if err := task.Sleep(ctx, time.Millisecond); err != nil { // stands for work
			return err
		}
		return w.WriteAll(ctx, []byte("here you are\n"))
	}
	customer := func(ctx context.Context, address string) error {
		r, w, err := streams.OpenConnection(ctx, address)
		if err != nil {
			return err
		}
		defer w.Close()
		if err := w.WriteAll(ctx, []byte("spam and eggs\n")); err != nil {
			return err
		}
		answer, err := r.ReadLine(ctx)
		fmt.Printf("answer: %s", answer)
		return err
	}
	run(func(ctx context.Context) error {
		l := loop.Running(ctx)
		if err := l.AddSignalHandler(syscall.SIGTERM, terminated.Set); err != nil {
			return err
		}
		defer l.RemoveSignalHandler(syscall.SIGTERM)
		server, err := streams.StartServer(ctx, handle, "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		client := task.Go(ctx, func(ctx context.Context) error {
			return customer(ctx, server.Addrs()[0].String())
		})
		if err := terminated.Wait(ctx); err != nil {
			return err
		}
		fmt.Println("shutting down")
		aborted, err := server.Shutdown(ctx, 10*time.Second)
		if err != nil {
			return err
		}
		err = client.Join(ctx)
		fmt.Println("cut off:", aborted)
		return err
	})
	// Output:
	// order: spam and eggs
	// shutting down
	// answer: here you are
	// cut off: 0
}
