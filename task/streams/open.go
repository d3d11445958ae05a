package streams

import (
	"context"
	"fmt"
	"net"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// FromConn makes a connection of a net.Conn, which belongs to the streams from then on:
// they read, write and close it, and the program uses it no more. Connections of packages
// net and crypto/tls need least memory and copying; any other will do.
//
// With [TLS] it first does the handshake, as a client unless [ServerSide] is given.
//
// The error matches [ErrInvalidArgument] if nc is nil or the options make no sense, and nc
// is left alone. If FromConn fails otherwise or is cancelled, nc is closed. It is asyncio's
// open_connection(sock=...) and connect_accepted_socket.
func FromConn(ctx context.Context, nc net.Conn, opts ...Option) (*Reader, *Writer, error) {
	h := hubFor(ctx, "FromConn")
	if nc == nil {
		return nil, nil, fmt.Errorf("streams: FromConn: the connection is nil: %w", ErrInvalidArgument)
	}
	o, err := settingsOf("FromConn", wrapping, opts)
	if err != nil {
		return nil, nil, err
	}
	if err := o.checkTLS(""); err != nil {
		return nil, nil, err
	}
	o.tune(nc)
	c := newConn(h, o.limit)
	c.serverSide = o.serverSide
	if err := c.open(ctx, "FromConn", nc, o); err != nil {
		return nil, nil, err
	}
	c.watchIdle(o.idleTimeout)
	return &c.reader, &c.writer, nil
}

// open makes nc the wire of a new connection, and waits until that can be used. If it
// fails, it closes nc.
func (c *conn) open(ctx context.Context, operation string, nc net.Conn, o *settings) error {
	if o.tls != nil {
		return c.secure(ctx, operation, nc, o.serverSide, o)
	}
	newSocket(c, nc)
	return c.begin(ctx, operation)
}

// begin starts the connection and waits until it can be used, as asyncio does. If that
// fails, it closes the connection.
func (c *conn) begin(ctx context.Context, operation string) (err error) {
	begun := false
	defer func() {
		if !begun {
			c.forceClose(nil)
		}
	}()
	task, err := waitingTask(ctx, c.kernel, &c.writer, operation)
	if err != nil {
		return err
	}
	c.start()
	var ready opening
	ready.future.Init(c.kernel, nil)
	ready.handle.Init(kernel.Internal, &ready)
	c.kernel.Push(&ready.handle)
	if err := task.Await(ctx, &ready.future.Future); err != nil {
		return err
	}
	begun = true
	return nil
}

// opening is the job that a connection is ready for its user.
type opening struct {
	future kernel.Promise
	handle kernel.Handle
}

func (o *opening) Run() { o.future.Wake() }

func (*opening) String() string { return "connection ready" }
