package debughttp

import (
	"fmt"
	"net"
	"strings"

	"github.com/goasyncio/asyncio/loop"
)

// An Option configures [Handler] and [Listen].
type Option func(*settings)

type settings struct {
	prefix   string // begins and ends with a slash
	cancel   bool
	hosts    []string // in small letters
	remote   bool
	announce func(net.Addr)
}

func newSettings(operation, prefix string, opts []Option) settings {
	s := settings{prefix: prefix}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("debughttp: %s: an option is nil: %w", operation, loop.ErrNilFunc))
		}
		opt(&s)
	}
	return s
}

// Prefix says at which path the handler is mounted, instead of /debug/asyncio/ for
// [Handler] and / for [Listen]. It must begin with a slash; one at the end is added. It
// panics with [loop.ErrInvalidArgument] if it does not.
func Prefix(path string) Option {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "{} ") {
		panic(fmt.Errorf("debughttp: Prefix(%q): it must be a path that begins with a slash: %w", path, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.prefix = strings.TrimRight(path, "/") + "/" }
}

// AllowCancel lets clients cancel tasks.
func AllowCancel() Option { return func(s *settings) { s.cancel = true } }

// AllowHosts allows requests that name one of these hosts, without a port, besides
// localhost and IP addresses. Name only hosts whose addresses are in your hands: who
// decides where a name leads can have browsers reach the handler under it. It panics with
// [loop.ErrInvalidArgument] if a name is empty or has a port.
func AllowHosts(names ...string) Option {
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, ":/*") {
			panic(fmt.Errorf("debughttp: AllowHosts(%q): it must be the name of a host: %w", name, loop.ErrInvalidArgument))
		}
	}
	return func(s *settings) {
		for _, name := range names {
			s.hosts = append(s.hosts, strings.ToLower(name))
		}
	}
}

// AllowRemote lets [Listen] listen to an address that other machines can reach. Everybody
// who can reach it can look.
func AllowRemote() Option { return func(s *settings) { s.remote = true } }

// Announce makes [Listen] call fn with its address, once it listens.
func Announce(fn func(net.Addr)) Option {
	if fn == nil {
		panic(fmt.Errorf("debughttp: Announce: %w", loop.ErrNilFunc))
	}
	return func(s *settings) { s.announce = fn }
}
