package streams

import (
	"net"
	"time"
)

// Dial sets what makes the connection. With a [*net.Dialer] the library still looks up the
// name itself, with the dialer's Resolver, and gives it one address at a time; its
// FallbackDelay has no effect. Its Timeout is for each attempt, and in real time. Any other
// dialer gets the address as the program gave it, once: it may be a proxy, or a simulated
// network.
//
// The dialer is called on a goroutine of its own, with a context that ends when the
// connection is no longer wanted. A panic in it becomes the error, a *task.PanicError. The
// default is a net.Dialer. The error matches [ErrInvalidArgument] if d is nil. asyncio has
// nothing of the kind.
func Dial(d Dialer) Option {
	return option("Dial", connecting, func(s *settings) error {
		if nd, ok := d.(*net.Dialer); d == nil || ok && nd == nil {
			return s.invalid("Dial: the dialer is nil")
		}
		s.dialer = d
		return nil
	})
}

// LocalAddr sets the address that [OpenConnection] connects from, as "host:port". Port 0
// is any that is free. An empty host is the loopback; "0.0.0.0" and "[::]" are any. The
// host may be a name: then the first of its addresses that has the family of the other
// side and can be bound is taken.
//
// The error matches [ErrInvalidArgument] if the address is none, and if [Dial] sets a
// dialer of the program. It is asyncio's local_addr.
func LocalAddr(address string) Option {
	return option("LocalAddr", connecting, func(s *settings) error {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return s.invalid("LocalAddr: " + err.Error())
		}
		s.localAddr = address
		return nil
	})
}

// Network sets the family of addresses: "tcp4" for IPv4, "tcp6" for IPv6, or "tcp", the
// default, for both. The error matches [ErrInvalidArgument] if it is another. It is
// asyncio's family.
func Network(network string) Option {
	return option("Network", connecting|serving, func(s *settings) error {
		switch network {
		case "tcp", "tcp4", "tcp6":
			s.network = network
			return nil
		}
		return s.invalid("Network: " + network + " is not tcp, tcp4 or tcp6")
	})
}

// KeepAlive sets how long a TCP connection may be silent before the system asks the other
// side whether it is still there, and the time between such questions. If d is negative
// the system does not ask; if it is 0 nothing is changed. The default is that of package
// net: 15 seconds. Connections that are not TCP ignore it. It is asyncio's keep_alive.
func KeepAlive(d time.Duration) Option {
	return option("KeepAlive", connecting|serving|wrapping, func(s *settings) error {
		s.keepAlive = d
		return nil
	})
}

// tune applies the options that are for the socket. An error would say only that the
// connection is lost, of which reading tells as well.
func (s *settings) tune(nc net.Conn) {
	c, ok := nc.(*net.TCPConn)
	if !ok || s.keepAlive == 0 {
		return
	}
	if s.keepAlive < 0 {
		_ = c.SetKeepAlive(false)
		return
	}
	_ = c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: s.keepAlive, Interval: s.keepAlive})
}

// looksUp reports whether the dialer looks up names itself.
func (s *settings) looksUp() bool {
	_, ours := s.dialer.(*net.Dialer)
	return s.dialer != nil && !ours && s.resolver == nil
}

// checkDialer refuses the options for addresses that the dialer chooses itself.
func (s *settings) checkDialer() error {
	if s.looksUp() {
		return s.refuse("the dialer, which chooses addresses itself", false)
	}
	return nil
}

// checkUnix refuses the options that make sense for TCP only.
func (s *settings) checkUnix() error {
	return s.refuse("a Unix socket", s.network != "")
}

// refuse is the error of an option for addresses, where there are none to be chosen.
func (s *settings) refuse(where string, network bool) error {
	for _, o := range []struct {
		name string
		set  bool
	}{
		{"Network", network},
		{"LocalAddr", s.localAddr != ""},
		{"HappyEyeballs", s.racing},
		{"Interleave", s.ordered},
	} {
		if o.set {
			return s.invalid("the option " + o.name + " does not apply to " + where)
		}
	}
	return nil
}

// NetConn returns the connection of package net, or of the program, for options of its
// socket. Do not read, write or close it: see [Writer.Detach]. It is nil if there is none,
// as for pipes and [Pair]. It is asyncio's get_extra_info('socket').
func (w *Writer) NetConn() net.Conn {
	if w.conn == nil {
		return nil
	}
	c, ok := w.conn.wire.(interface{ netConn() net.Conn })
	if !ok {
		return nil
	}
	return c.netConn()
}

func (s *socket) netConn() net.Conn {
	c, _ := s.file.(net.Conn)
	return c
}
