package streams

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A resolver looks up names. *net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupPort(ctx context.Context, network, service string) (int, error)
}

// An endpoint is an address that may have to be looked up.
type endpoint struct {
	network string // "tcp", "tcp4" or "tcp6"
	host    string // a name, an address, or "": the loopback, as in asyncio
	service string // a name or a number
}

// splitAddress returns the parts of "host:port".
func splitAddress(network, address string) (endpoint, error) {
	host, service, err := net.SplitHostPort(address)
	return endpoint{network, host, service}, err
}

// port returns the number of the port, if it can be told without a resolver.
func (e endpoint) port() (port uint16, ok bool) {
	if e.service == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(e.service, 10, 16)
	return uint16(n), err == nil
}

// hosts returns the addresses of the host, if they can be told without a resolver.
func (e endpoint) hosts() (hosts []netip.Addr, ok bool) {
	if e.host == "" {
		return []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}, true
	}
	host, err := netip.ParseAddr(e.host)
	return []netip.Addr{host}, err == nil
}

// literal reports whether there is nothing to be looked up.
func (e endpoint) literal() bool {
	_, isHost := e.hosts()
	_, isPort := e.port()
	return isHost && isPort
}

// resolve returns the addresses in the order of the resolver, at least one. It blocks
// unless the endpoint is literal.
func (e endpoint) resolve(ctx context.Context, r resolver) ([]netip.AddrPort, error) {
	hosts, ok := e.hosts()
	if !ok {
		var err error
		if hosts, err = r.LookupNetIP(ctx, "ip"+strings.TrimPrefix(e.network, "tcp"), e.host); err != nil {
			return nil, err
		}
	}
	port, ok := e.port()
	if !ok {
		n, err := r.LookupPort(ctx, e.network, e.service)
		if err != nil {
			return nil, err
		}
		port = uint16(n)
	}
	var all []netip.AddrPort
	for _, host := range hosts {
		if host = host.Unmap(); e.suits(host) {
			all = append(all, netip.AddrPortFrom(host, port))
		}
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no suitable address", Name: e.host, IsNotFound: true}
	}
	return all, nil
}

// lookUp is resolve, on another goroutine if need be.
func (e endpoint) lookUp(ctx context.Context, waiter kernel.Awaiter, r resolver) ([]netip.AddrPort, error) {
	if e.literal() {
		return e.resolve(ctx, nil)
	}
	type result struct {
		addresses []netip.AddrPort
		err       error
	}
	found, err := elsewhere(ctx, waiter, func(ctx context.Context) (all result) {
		all.addresses, all.err = e.resolve(ctx, r)
		return all
	}, func(result) {})
	if err != nil {
		return nil, err
	}
	return found.addresses, found.err
}

// suits reports whether the host is of the family that the network asks for.
func (e endpoint) suits(host netip.Addr) bool {
	return e.network == "tcp" || (e.network == "tcp4") == host.Is4()
}
