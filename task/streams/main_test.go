package streams

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newLoop returns a loop for a test, which must close it.
func newLoop(opts ...loop.Option) *loop.Loop {
	l := loop.New(opts...)
	task.SetHandoff(l, tasktest.DefaultHandoff())
	return l
}

// runMain is task.Main for a test.
func runMain(fn func(ctx context.Context) error, opts ...loop.Option) error {
	return task.Main(context.Background(), fn, task.WithHandoff(tasktest.DefaultHandoff()), task.WithLoopOptions(opts...))
}

// run runs fn as a coroutine on a loop with a real clock.
func run(t testing.TB, fn func(ctx context.Context) error) {
	t.Helper()
	if err := runMain(fn); err != nil {
		t.Error(err)
	}
}

// tcpPair returns the two ends of a TCP connection.
func tcpPair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}
