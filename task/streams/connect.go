package streams

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// OpenConnection connects to a TCP address "host:port". The host is a name, an IPv4 or IPv6
// address ("[fe80::1%eth0]:80"), or empty: then it is the loopback. The port is a number or
// the name of a service.
//
// A name is looked up first; its addresses are tried one after the other until one
// answers, without a time limit: see [HappyEyeballs] and task.WithTimeout. While names are
// looked up and connections made, a virtual clock does not jump.
//
// If OpenConnection is cancelled it returns at once, and what has been opened is closed,
// also if the connection is made too late to be noticed. The error of a name that cannot
// be looked up is a [*net.DNSError]; if no address answers it is a [*ConnectError], which
// matches what each attempt's error matches, such as syscall.ECONNREFUSED. The error matches
// [ErrInvalidArgument] if the address or the options do not make sense. OpenConnection
// panics if ctx carries no loop. It is asyncio's open_connection(host, port).
func OpenConnection(ctx context.Context, address string, opts ...Option) (*Reader, *Writer, error) {
	h := hubFor(ctx, "OpenConnection")
	s, err := settingsOf("OpenConnection", connecting, opts)
	if err != nil {
		return nil, nil, err
	}
	if s.network == "" {
		s.network = "tcp"
	}
	remote, err := splitAddress(s.network, address)
	switch {
	case err != nil:
		return nil, nil, s.invalid(err.Error())
	case remote.host == "" && remote.service == "":
		return nil, nil, s.invalid("the address has neither host nor port")
	}
	if err := s.checkDialer(); err != nil {
		return nil, nil, err
	}
	if err := s.checkTLS(remote.host); err != nil {
		return nil, nil, err
	}
	c := &connector{settings: s, hub: h, address: address}
	if c.waiter, err = waitingTask(ctx, h.kernel, c, s.operation); err != nil {
		return nil, nil, err
	}
	attempts, err := c.tcpAttempts(ctx, remote)
	if err != nil {
		return nil, nil, err
	}
	return c.open(ctx, attempts)
}

// OpenUnixConnection connects to a Unix socket. The path is that of a file; if it begins
// with "@" or a NUL it is a name that is no file, of Linux's abstract sockets.
//
// The error is a [*ConnectError] if nobody answers there, and matches syscall.ECONNREFUSED
// or fs.ErrNotExist, for instance. It matches [ErrInvalidArgument] if the path is empty, if
// an option is for TCP only, or for TLS without a ServerName. Otherwise it is like
// [OpenConnection]. It is asyncio's open_unix_connection(path).
func OpenUnixConnection(ctx context.Context, path string, opts ...Option) (*Reader, *Writer, error) {
	h := hubFor(ctx, "OpenUnixConnection")
	s, err := settingsOf("OpenUnixConnection", connecting, opts)
	if err != nil {
		return nil, nil, err
	}
	if path == "" {
		return nil, nil, s.invalid("the path is empty")
	}
	if err := s.checkUnix(); err != nil {
		return nil, nil, err
	}
	if err := s.checkTLS(""); err != nil {
		return nil, nil, err
	}
	c := &connector{settings: s, hub: h, address: path}
	if c.waiter, err = waitingTask(ctx, h.kernel, c, s.operation); err != nil {
		return nil, nil, err
	}
	if name, abstract := strings.CutPrefix(path, "\x00"); abstract {
		path = "@" + name
	}
	dialer := s.dialer
	if dialer == nil {
		dialer = new(net.Dialer)
	}
	return c.open(ctx, []attempt{dialing(dialer, "unix", path)})
}

// A connector opens a connection.
type connector struct {
	*settings
	hub     *hub
	waiter  kernel.Awaiter
	address string // as the program gave it
}

// An attempt connects to one address. It blocks.
type attempt func(ctx context.Context) dialed

// dialed is the outcome of an attempt: a connection, or errors.
type dialed struct {
	conn net.Conn
	errs []error
}

// drop closes a connection that nobody takes.
func (d dialed) drop() {
	switch conn := d.conn.(type) {
	case nil:
	case *net.TCPConn, *net.UnixConn:
		_ = conn.Close()
	default:
		go func() { // a type of the program may take its time
			defer func() { _ = recover() }()
			_ = conn.Close()
		}()
	}
}

func dialing(d Dialer, network, address string) attempt {
	return func(ctx context.Context) dialed {
		conn, err := d.DialContext(ctx, network, address)
		switch {
		case err != nil:
			return dialed{errs: []error{err}}
		case conn == nil:
			return dialed{errs: []error{fmt.Errorf("streams: %T returned no connection", d)}}
		}
		return dialed{conn: conn}
	}
}

// tcpAttempts looks up the addresses and returns an attempt for each.
func (c *connector) tcpAttempts(ctx context.Context, remote endpoint) ([]attempt, error) {
	if c.looksUp() {
		return []attempt{dialing(c.dialer, c.network, c.address)}, nil
	}
	dialer := c.dialer
	if dialer == nil {
		dialer = new(net.Dialer)
	}
	netDialer, _ := dialer.(*net.Dialer)
	names := c.resolver
	if names == nil {
		names = net.DefaultResolver
		if netDialer.Resolver != nil {
			names = netDialer.Resolver
		}
	}
	remotes, err := remote.lookUp(ctx, c.waiter, names)
	if err != nil {
		return nil, err
	}
	var locals []netip.AddrPort
	if c.localAddr != "" {
		local, _ := splitAddress(c.network, c.localAddr) // the option has looked at it
		if locals, err = local.lookUp(ctx, c.waiter, names); err != nil {
			return nil, err
		}
	}
	var attempts []attempt
	for _, remote := range c.inOrder(remotes) {
		if locals == nil {
			attempts = append(attempts, dialing(dialer, c.network, remote.String()))
			continue
		}
		attempts = append(attempts, func(ctx context.Context) dialed {
			return dialFrom(ctx, netDialer, locals, c.network, remote)
		})
	}
	return attempts, nil
}

// dialFrom connects from the first local address of the right family that can be bound.
func dialFrom(ctx context.Context, d *net.Dialer, locals []netip.AddrPort, network string, remote netip.AddrPort) dialed {
	var errs []error
	for _, local := range locals {
		if local.Addr().Is4() != remote.Addr().Is4() {
			continue
		}
		bound := *d
		bound.LocalAddr = net.TCPAddrFromAddrPort(local)
		conn, err := bound.DialContext(ctx, network, remote.String())
		if err == nil {
			return dialed{conn: conn}
		}
		errs = append(errs, err)
		if call := (*os.SyscallError)(nil); !errors.As(err, &call) || call.Syscall != "bind" {
			break
		}
	}
	if errs == nil {
		errs = []error{fmt.Errorf("streams: no matching local address for %v found", remote)}
	}
	return dialed{errs: errs}
}

// open makes the attempts, and a connection of the first that succeeds.
func (c *connector) open(ctx context.Context, attempts []attempt) (*Reader, *Writer, error) {
	connect := c.inTurn
	if c.racing {
		connect = c.race
	}
	nc, err := connect(ctx, attempts)
	if err != nil {
		return nil, nil, err
	}
	c.tune(nc)
	opened := newConn(c.hub, c.limit)
	if err := opened.open(ctx, c.operation, nc, c.settings); err != nil {
		return nil, nil, err
	}
	opened.watchIdle(c.idleTimeout)
	return &opened.reader, &opened.writer, nil
}

// try makes an attempt. The error says that there is no point in another.
func (c *connector) try(ctx context.Context, waiter kernel.Awaiter, a attempt) (dialed, error) {
	return elsewhere(ctx, waiter, a, dialed.drop)
}

// inTurn makes one attempt after the other.
func (c *connector) inTurn(ctx context.Context, attempts []attempt) (net.Conn, error) {
	var failed []error
	for _, a := range attempts {
		d, err := c.try(ctx, c.waiter, a)
		if err != nil {
			return nil, err
		}
		if d.conn != nil {
			return d.conn, nil
		}
		failed = append(failed, d.errs...)
	}
	return nil, &ConnectError{Address: c.address, Errors: failed}
}
