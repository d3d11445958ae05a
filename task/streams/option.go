package streams

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// Option is an option of the functions that open connections and start servers, and of
// [Writer.Sendfile]. One that does not apply is refused with an error that matches [ErrInvalidArgument].
type Option func(*settings) error

// settings are what options set.
type settings struct {
	operation string  // that the options are for
	purpose   purpose // of that operation

	limit       int
	idleTimeout time.Duration // 0: none

	tls              *tls.Config // nil: no TLS
	handshakeTimeout time.Duration
	shutdownTimeout  time.Duration
	serverSide       bool

	network       string // such as "tcp4"; "" is the operation's default
	keepAlive     time.Duration
	dialer        Dialer
	localAddr     string
	resolver      resolver // nil: the dialer's
	racing        bool     // attempts overlap, see HappyEyeballs
	happyEyeballs time.Duration
	ordered       bool // interleave was set
	interleave    int

	listenConfig   ListenConfig
	hosts          []string
	backlog        int
	reusePort      bool
	startLater     bool
	keepSocket     bool // do not remove the file of a Unix socket
	closeClients   bool // when ServeForever is cancelled
	maxConnections int
	callback       func(r *Reader, w *Writer)
	taskName       func(peer net.Addr) string

	noFallback bool // for Sendfile
}

// purpose is what an operation with options does. An option is for one or more of them.
type purpose uint16

const (
	connecting purpose = 1 << iota
	serving
	wrapping // a connection that is there
	securing // a connection that is in use
	sendingFile
	readingPipe
	writingPipe
	binding     // a server on addresses of a network
	bindingFile // a server on a Unix socket
)

// A Dialer makes connections. *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// A ListenConfig makes listeners. *net.ListenConfig is one.
type ListenConfig interface {
	Listen(ctx context.Context, network, address string) (net.Listener, error)
}

// settingsOf applies the options.
func settingsOf(operation string, p purpose, opts []Option) (*settings, error) {
	s := &settings{operation: operation, purpose: p, limit: DefaultLimit}
	for _, opt := range opts {
		if opt == nil {
			return nil, s.invalid("an option is nil")
		}
		if err := opt(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// invalid is the error of an operation whose options do not make sense.
func (s *settings) invalid(wrong string) error {
	return fmt.Errorf("streams: %s: %s: %w", s.operation, wrong, ErrInvalidArgument)
}

// option makes an option for operations with one of the purposes.
func option(name string, p purpose, set func(*settings) error) Option {
	return func(s *settings) error {
		if s.purpose&p == 0 {
			return s.invalid("the option " + name + " does not apply")
		}
		return set(s)
	}
}

// Limit sets the limit of the reader, in bytes: how long what comes before a separator may
// be, such as a line. The reader holds little more than twice as much. The default is
// [DefaultLimit]. It is asyncio's limit.
func Limit(n int) Option {
	return option("Limit", connecting|serving|wrapping|readingPipe, func(s *settings) error {
		if n <= 0 {
			return badLimit(s.operation, n)
		}
		s.limit = n
		return nil
	})
}
