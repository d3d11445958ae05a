package streams

import (
	"crypto/tls"
	"fmt"
	"time"
)

// The time limits of TLS, unless options set others.
const (
	defaultHandshakeTimeout = 60 * time.Second
	defaultShutdownTimeout  = 30 * time.Second
)

// TLS makes the connection speak TLS, or every connection of a server. The config belongs
// to the streams from then on and must not be changed; for a client whose config has no
// ServerName a copy gets the host of the address. What opens a connection returns when the
// handshake is done, and a server calls its handler then.
//
// A TLS connection cannot end one direction only: when the other side has ended its own,
// the connection closes itself. The error matches [ErrInvalidArgument] if config is nil, if
// a server's has no certificate, or if a client's has no ServerName where there is no host
// to take it from. It is asyncio's ssl.
func TLS(config *tls.Config) Option {
	return option("TLS", connecting|serving|wrapping, func(s *settings) error {
		if config == nil {
			return s.invalid("TLS: the config is nil")
		}
		s.tls = config
		return nil
	})
}

// HandshakeTimeout limits the time of the TLS handshake, by the loop's clock: see
// [HandshakeTimeoutError]. The default is 60 seconds. The error matches
// [ErrInvalidArgument] if d is not positive, or if there is no TLS. It is asyncio's
// ssl_handshake_timeout.
func HandshakeTimeout(d time.Duration) Option {
	return limitOfTLS("HandshakeTimeout", d, func(s *settings) { s.handshakeTimeout = d })
}

// ShutdownTimeout limits the time that closing a TLS connection takes, by the loop's clock:
// until all is sent and the other side has said goodbye too. Then it is aborted, and
// WaitClosed returns an error that matches future.ErrTimeout. The default is 30 seconds.
// The error matches [ErrInvalidArgument] if d is not positive, or if there is no TLS. It is
// asyncio's ssl_shutdown_timeout.
func ShutdownTimeout(d time.Duration) Option {
	return limitOfTLS("ShutdownTimeout", d, func(s *settings) { s.shutdownTimeout = d })
}

func limitOfTLS(name string, d time.Duration, set func(*settings)) Option {
	return option(name, connecting|serving|wrapping|securing, func(s *settings) error {
		if d <= 0 {
			return s.invalid(fmt.Sprintf("%s: %v is not a positive time", name, d))
		}
		set(s)
		return nil
	})
}

// ServerSide makes this the server's side of a connection that no server of this package
// has accepted: it answers the TLS handshake instead of beginning it, here or in a later
// [Writer.StartTLS]. It is what connect_accepted_socket(ssl=...) and
// start_tls(server_side=True) are in asyncio.
func ServerSide() Option {
	return option("ServerSide", wrapping|securing, func(s *settings) error {
		s.serverSide = true
		return nil
	})
}

// checkTLS checks the settings of TLS, and fills in what is missing. The host is the name
// that a client expects to be certified; it is "" if that is not known.
func (s *settings) checkTLS(host string) error {
	switch {
	case s.tls == nil && s.handshakeTimeout != 0:
		return s.invalid("HandshakeTimeout is only meaningful with TLS")
	case s.tls == nil && s.shutdownTimeout != 0:
		return s.invalid("ShutdownTimeout is only meaningful with TLS")
	case s.tls == nil:
		return nil
	}
	if s.handshakeTimeout == 0 {
		s.handshakeTimeout = defaultHandshakeTimeout
	}
	if s.shutdownTimeout == 0 {
		s.shutdownTimeout = defaultShutdownTimeout
	}
	if s.serverSide || s.purpose&serving != 0 {
		return s.checkCertificates()
	}
	if s.tls.ServerName != "" || host == "" && s.tls.InsecureSkipVerify {
		return nil
	}
	if host == "" {
		return s.invalid("you must set ServerName in the tls.Config when using TLS without a host")
	}
	s.tls = s.tls.Clone()
	s.tls.ServerName = host
	return nil
}

func (s *settings) checkCertificates() error {
	if len(s.tls.Certificates) == 0 && s.tls.GetCertificate == nil && s.tls.GetConfigForClient == nil {
		return s.invalid("the tls.Config of a server must have a certificate: " +
			"set Certificates, GetCertificate or GetConfigForClient")
	}
	return nil
}
