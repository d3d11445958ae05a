package debughttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
)

// ErrRemote means that other machines could reach the address: see [AllowRemote].
var ErrRemote = errors.New("the address is not one of this machine only")

// Listen serves what [Handler] does, and nothing else, until ctx ends. Then it returns the
// cause of that. It uses a goroutine for each client, none of a loop.
//
// The address is "host:port", where the host must be of this machine only, as localhost or
// 127.0.0.1: else the error matches [ErrRemote]. Or it is "unix:path" for a Unix socket,
// that only the user may use. The empty address is a Unix socket in the user's cache
// directory, where asynctop finds it by the number of the process.
func Listen(ctx context.Context, m *monitor.Monitor, addr string, opts ...Option) error {
	set := newSettings("Listen", "/", opts)
	l, err := listen(ctx, addr, set.remote)
	if err != nil {
		return fmt.Errorf("debughttp: Listen(%q): %w", addr, err)
	}
	server := &http.Server{
		Handler:           newHandler(m, set).serving(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = server.Close()
	})
	if set.announce != nil {
		set.announce(l.Addr())
	}
	err = server.Serve(l)
	if !stop() {
		<-closed
		return context.Cause(ctx)
	}
	return fmt.Errorf("debughttp: Listen(%q): %w", addr, err)
}

func listen(ctx context.Context, addr string, remote bool) (net.Listener, error) {
	if addr == "" {
		path, err := ownSocket()
		if err != nil {
			return nil, err
		}
		return listenUnix(ctx, path)
	}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return listenUnix(ctx, path)
	}
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, err
	}
	if !remote && !tcp.IP.IsLoopback() {
		return nil, ErrRemote
	}
	return net.ListenTCP("tcp", tcp)
}

// listenUnix listens to a socket that only the user may use. It replaces one that nobody
// listens to any more.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if abandoned(path) {
		_ = os.Remove(path)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}
