package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/goasyncio/asyncio/loop/kernel"
)

func (s *settings) checkTLS(string) error {
	if s.tls == nil && (s.handshakeTimeout != 0 || s.shutdownTimeout != 0) {
		return s.invalid("time limits are only meaningful with TLS")
	}
	return nil
}

// newTLSWire stands in for TLS, which is still to come: the connection fails.
func newTLSWire(c *conn, nc net.Conn, _ *tls.Config, _ bool, _ *settings, done func(err error)) {
	newSocket(c, nc)
	h := new(kernel.Handle)
	h.Init(kernel.Internal, &tlsPending{c, done})
	c.kernel.PushIO(h)
}

type tlsPending struct {
	conn *conn
	done func(err error)
}

func (t *tlsPending) Run() {
	t.conn.forceClose(errors.ErrUnsupported)
	t.done(errors.ErrUnsupported)
}

func (c *conn) open(ctx context.Context, operation string, nc net.Conn, _ *settings) error {
	newSocket(c, nc)
	return c.begin(ctx, operation)
}
