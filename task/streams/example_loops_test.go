package streams_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// A shard is a loop on a goroutine of its own, with its part of the clients and what they
// share. Several of them use several processors; nothing is shared between two.
type shard struct {
	name    string
	loop    *loop.Loop
	clients int
}

// greet is the handler of a client.
func (s *shard) greet(ctx context.Context, _ *streams.Reader, w *streams.Writer) error {
	s.clients++
	return w.WriteAll(ctx, fmt.Appendf(nil, "client %d of loop %s\n", s.clients, s.name))
}

// serve takes over a connection. It runs on the loop.
func (s *shard) serve(conn net.Conn) task.Coroutine[struct{}] {
	return task.Void(func(ctx context.Context) error {
		r, w, err := streams.FromConn(ctx, conn)
		if err != nil {
			return err
		}
		defer w.Close()
		return s.greet(ctx, r, w)
	})
}

// One listener feeds four loops on four goroutines.
func Example_fourLoops() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	var running sync.WaitGroup
	stop := make(chan struct{})
	started := make(chan *shard)
	var shards []*shard
	for _, name := range []string{"A", "B", "C", "D"} {
		running.Go(func() {
			run(func(ctx context.Context) error {
				started <- &shard{name: name, loop: loop.Running(ctx)}
				_, _, err := task.Receive(ctx, stop)
				return err
			})
		})
		shards = append(shards, <-started)
	}
	running.Go(func() { // deals the connections out
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			if err != nil {
				return // the listener is closed
			}
			s := shards[i%len(shards)]
			task.RunCoroutineThreadsafe(s.loop, s.serve(conn))
		}
	})

	for range 6 { // plain clients
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			fmt.Println("error:", err)
			break
		}
		greeting, _ := io.ReadAll(conn)
		fmt.Printf("%s", greeting)
		conn.Close()
	}
	listener.Close()
	close(stop)
	running.Wait()
	// Output:
	// client 1 of loop A
	// client 1 of loop B
	// client 1 of loop C
	// client 1 of loop D
	// client 2 of loop A
	// client 2 of loop B
}
