package streamtest

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// checkBoth is Check with both ways to hand over control.
func checkBoth(t *testing.T, makePair func(ctx context.Context) (a, b streams.End, err error)) {
	Check(t, makePair)
	t.Run("pull", func(t *testing.T) { checkWith(t, makePair, task.WithHandoff(task.IterPull)) })
}

// connected makes a pair of what connect returns.
func connected(connect func() (a, b net.Conn, err error)) func(ctx context.Context) (a, b streams.End, err error) {
	return func(ctx context.Context) (a, b streams.End, err error) {
		left, right, err := connect()
		if err != nil {
			return a, b, err
		}
		if a.R, a.W, err = streams.FromConn(ctx, left); err != nil {
			return a, b, err
		}
		b.R, b.W, err = streams.FromConn(ctx, right)
		return a, b, err
	}
}

// dial returns the two ends of a connection over the system.
func dial(network, address string) func() (a, b net.Conn, err error) {
	return func() (a, b net.Conn, err error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, nil, err
		}
		defer l.Close()
		if a, err = net.Dial(network, l.Addr().String()); err != nil {
			return nil, nil, err
		}
		b, err = l.Accept()
		return a, b, err
	}
}

// hidden keeps a connection from being recognised as one of package net.
type hidden struct{ net.Conn }

func TestPair(t *testing.T) {
	for name, opts := range map[string][]streams.PairOption{
		"plain":           nil,
		"chunk=1000":      {streams.Chunk(1000)},
		"window=1000":     {streams.Window(1000), streams.Chunk(300)},
		"limit=50":        {streams.PairLimit(50)},
		"latency=100us":   {streams.Latency(100 * time.Microsecond)},
		"latency, window": {streams.Latency(10 * time.Microsecond), streams.Window(10000)},
	} {
		t.Run(name, func(t *testing.T) {
			checkBoth(t, func(ctx context.Context) (a, b streams.End, err error) {
				a, b, _ = streams.Pair(ctx, opts...)
				return a, b, nil
			})
		})
	}
}

func TestTCP(t *testing.T) { checkBoth(t, connected(dial("tcp", "127.0.0.1:0"))) }

func TestUnixSocket(t *testing.T) {
	checkBoth(t, connected(dial("unix", filepath.Join(t.TempDir(), "socket"))))
}

func TestNetPipe(t *testing.T) {
	checkBoth(t, connected(func() (a, b net.Conn, err error) {
		a, b = net.Pipe()
		return a, b, nil
	}))
}

// A connection of a type that the streams do not know is read and written by its methods.
func TestConnOfAnotherType(t *testing.T) {
	checkBoth(t, connected(func() (a, b net.Conn, err error) {
		a, b, err = dial("tcp", "127.0.0.1:0")()
		return hidden{a}, hidden{b}, err
	}))
}

// A garbledConn changes the 50th byte that arrives.
type garbledConn struct {
	net.Conn
	arrived int
}

func (c *garbledConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if i := 50 - c.arrived; i >= 0 && i < n {
		p[i]++
	}
	c.arrived += n
	return n, err
}

func TestChecksNoticeAByteThatIsWrong(t *testing.T) {
	for _, c := range checks {
		switch c.name {
		case "message", "read_exactly", "read_into", "IO", "echo", "much_in_both_directions", "write_and_close",
			"pause", "cancelled_reads", "cancelled_read_all":
		default:
			continue
		}
		err := play(connected(func() (a, b net.Conn, err error) {
			a, b = net.Pipe()
			return &garbledConn{Conn: a}, &garbledConn{Conn: b}, nil
		}), false, c, nil)
		if err == nil {
			t.Errorf("%s has noticed nothing", c.name)
		}
	}
}
