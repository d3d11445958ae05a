package streams

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// addresses returns what a server is to be bound to, each address once.
func (o *settings) addresses(ctx context.Context, waiter kernel.Awaiter, address string) ([]netip.AddrPort, error) {
	all, err := splitAddress(o.network, address)
	if err != nil {
		return nil, o.invalid(err.Error())
	}
	hosts := []string{all.host}
	if o.hosts != nil {
		if hosts = o.hosts; all.host != "" {
			return nil, o.invalid("there are a host in the address and the option Hosts")
		}
	}
	var names resolver = net.DefaultResolver
	if o.resolver != nil {
		names = o.resolver
	}
	var addrs []netip.AddrPort
	for _, host := range o.withInterfaces(hosts) {
		found, err := endpoint{o.network, host, all.service}.lookUp(ctx, waiter, names)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if !slices.Contains(addrs, a) {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs, nil
}

// withInterfaces returns the hosts, with all interfaces in place of the empty host.
func (o *settings) withInterfaces(hosts []string) (all []string) {
	for _, host := range hosts {
		if host != "" {
			all = append(all, host)
			continue
		}
		if o.network != "tcp6" {
			all = append(all, "0.0.0.0")
		}
		if o.network != "tcp4" {
			all = append(all, "::")
		}
	}
	return all
}

// listen binds all addresses, or as many as the machine has. If one cannot be bound, the
// others are closed.
func (o *settings) listen(ctx context.Context, addrs []netip.AddrPort) ([]net.Listener, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	var all []net.Listener
	complete := false
	defer func() {
		if !complete { // also if a type of the program panics
			for _, l := range all {
				closeQuietly(l)
			}
		}
	}()
	var missing error
	for _, a := range addrs {
		network := "tcp4"
		if a.Addr().Is6() {
			network = "tcp6"
		}
		l, err := cfg.Listen(ctx, network, a.String())
		switch {
		case err == nil:
			all = append(all, l)
		case isNotAvailable(err):
			missing = err
		default:
			return nil, fmt.Errorf("streams: %s: error while attempting to bind on address %v: %w", o.operation, a, err)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("streams: %s: could not bind on any address out of %v: %w", o.operation, addrs, missing)
	}
	complete = true
	return all, nil
}

// config is what makes the listeners.
func (o *settings) config() (ListenConfig, error) {
	if o.listenConfig != nil {
		return o.listenConfig, nil
	}
	cfg := new(net.ListenConfig)
	if o.reusePort {
		if !canReusePort {
			return nil, fmt.Errorf("streams: %s: ReusePort: %w", o.operation, errors.ErrUnsupported)
		}
		cfg.Control = reusePort
	}
	return cfg, nil
}

// isNotAvailable reports whether err says that the machine has no such address: IPv6, say,
// may not be enabled.
func isNotAvailable(err error) bool { return isOneOf(err, notAvailable[:]) }

var notAvailable = [...]syscall.Errno{
	syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT,
	wsaAddrNotAvailable, wsaFamilyNotSupported,
}

const (
	wsaFamilyNotSupported syscall.Errno = 10047
	wsaAddrNotAvailable   syscall.Errno = 10049
)

// listenUnix binds a Unix socket.
func (o *settings) listenUnix(ctx context.Context, k *kernel.Kernel, path string) (net.Listener, error) {
	if path == "" {
		return nil, o.invalid("the path is empty")
	}
	if path[0] == 0 {
		path = "@" + path[1:] // as package net writes it
	}
	if path[0] != '@' {
		removeStale(k, path)
	}
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	l, err := cfg.Listen(ctx, "unix", path)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("streams: %s: address %q is already in use: %w", o.operation, path, err)
	case err != nil:
		return nil, fmt.Errorf("streams: %s: %w", o.operation, err)
	}
	return l, nil
}

// removeStale removes the socket that a server may have left behind.
func removeStale(k *kernel.Kernel, path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&fs.ModeSocket != 0 {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.Warn(fmt.Sprintf("Unable to check or remove stale UNIX socket %q: %v", path, err))
	}
}

// A socketFile is the file of a Unix socket.
type socketFile struct {
	kernel *kernel.Kernel
	path   string
	info   fs.FileInfo // of the file that the listener has made
}

// socketFileOf returns the file to be removed with the listener, nil if there is none.
// Package net would remove it by name, even if it is another server's by now.
func socketFileOf(k *kernel.Kernel, o *settings, l net.Listener) *socketFile {
	u, ok := l.(*net.UnixListener)
	if !ok {
		return nil
	}
	u.SetUnlinkOnClose(false)
	path := u.Addr().String()
	if o.keepSocket || path == "" || strings.HasPrefix(path, "@") {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil // somebody was faster
	}
	return &socketFile{k, path, info}
}

// Close removes the file, if it is still the same.
func (f *socketFile) Close() error {
	info, err := os.Stat(f.path)
	if err == nil && os.SameFile(info, f.info) {
		err = os.Remove(f.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.kernel.Warn(fmt.Sprintf("Unable to clean up listening UNIX socket %q: %v", f.path, err))
	}
	return nil
}
