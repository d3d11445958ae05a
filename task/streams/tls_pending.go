package streams

import (
	"context"
	"net"
)

func (s *settings) checkTLS(string) error { return nil }

func (c *conn) open(ctx context.Context, operation string, nc net.Conn, _ *settings) error {
	newSocket(c, nc)
	return c.begin(ctx, operation)
}
