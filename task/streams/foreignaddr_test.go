package streams

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// askingConn is a connection of the program whose methods need the loop.
type askingConn struct {
	net.Conn
	ask func()
}

func (c *askingConn) LocalAddr() net.Addr {
	c.ask()
	return c.Conn.LocalAddr()
}

// What a job of the library does, such as to log a failure, must not call the program: it
// runs on the goroutine of a bystander.
func TestConnectionFailureDoesNotCallTheProgramsNetConn(t *testing.T) {
	l := newLoop(loop.WithDebug(), loop.WithLogger(slog.New(slog.DiscardHandler)))
	defer l.Close()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		client, server := tcpPair(t)
		called, mayCall := 0, true
		asking := &askingConn{client, func() {
			if !mayCall {
				called++
			}
		}}
		r, w, err := FromConn(ctx, asking)
		if err != nil {
			return err
		}
		defer w.Abort()
		reading := task.Create(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 1) })
		mayCall = false
		_ = server.(*net.TCPConn).SetLinger(0)
		_ = server.Close()
		if _, err := reading.Await(ctx); err == nil {
			t.Error("the read has not failed")
		}
		_ = w.WaitClosed(ctx)
		if called > 0 {
			t.Errorf("LocalAddr was called %d times", called)
		}
		return nil
	}))
	check.NoError(t, err)
}
