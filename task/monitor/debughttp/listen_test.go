package debughttp

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// listening calls Listen, and fn once it listens.
func listening(t *testing.T, addr string, fn func(net.Addr), opts ...Option) {
	t.Helper()
	m := monitor.New()
	defer m.Close()
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ready, failed := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		failed <- Listen(ctx, m, addr, append(opts, Announce(func(a net.Addr) { ready <- a }))...)
	}()
	select {
	case err := <-failed:
		t.Fatalf("Listen(%q): %v", addr, err)
	case a := <-ready:
		fn(a)
	}
	cancel(over)
	check.Equal(t, "error", <-failed, over)
}

// fetch gets the list of loops from a server.
func fetch(t *testing.T, network, address, path string) int {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
	check.NoError(t, err)
	r, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode
}

// atHome gives the process a cache directory of its own.
func atHome(t *testing.T) (dir string) {
	t.Helper()
	home, err := os.MkdirTemp("", "h") // a socket's path must be short
	check.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	t.Setenv("XDG_CACHE_HOME", home)
	t.Setenv("HOME", home)
	t.Setenv("LocalAppData", home)
	dir, err = socketDir()
	check.NoError(t, err)
	return dir
}

func TestListenServesThisMachine(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		listening(t, addr, func(a net.Addr) {
			check.Equal(t, "status", fetch(t, "tcp", a.String(), "/loops"), 200)
			check.Equal(t, "status", fetch(t, "tcp", a.String(), "/"), 200)
		})
	}
	listening(t, "127.0.0.1:0", func(a net.Addr) {
		check.Equal(t, "status", fetch(t, "tcp", a.String(), "/debug/loops"), 200)
		check.Equal(t, "status", fetch(t, "tcp", a.String(), "/loops"), 404)
	}, Prefix("/debug/"))
	listening(t, "0.0.0.0:0", func(a net.Addr) {}, AllowRemote())
}

func TestListenRefusesOtherMachines(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "8.8.8.8:80"} {
		check.Is(t, Listen(t.Context(), m, addr), ErrRemote, addr)
	}
	for _, addr := range []string{"localhost", "unix:", "unix:/does/not/exist/s"} {
		err := Listen(t.Context(), m, addr)
		check.True(t, addr, err != nil && !errors.Is(err, ErrRemote))
	}
}

func TestListenEndsStreams(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ready, failed := make(chan net.Addr, 1), make(chan error, 1)
	go func() { failed <- Listen(ctx, m, "127.0.0.1:0", Announce(func(a net.Addr) { ready <- a })) }()
	conn, err := net.Dial("tcp", (<-ready).String())
	check.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	check.NoError(t, err)
	_, err = conn.Read(make([]byte, 1)) // it has begun
	check.NoError(t, err)
	cancel()
	check.Is(t, <-failed, context.Canceled)
}

func TestSocketsBelongToTheUser(t *testing.T) {
	dir := atHome(t)
	path := filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock")
	var during []Socket
	listening(t, "", func(a net.Addr) {
		check.Equal(t, "address", a.String(), path)
		if runtime.GOOS != "windows" {
			info, err := os.Stat(path)
			check.NoError(t, err)
			check.Equal(t, "mode of the socket", info.Mode(), fs.ModeSocket|0o600)
			info, err = os.Stat(dir)
			check.NoError(t, err)
			check.Equal(t, "mode of the directory", info.Mode(), fs.ModeDir|0o700)
		}
		check.Equal(t, "status", fetch(t, "unix", path, "/loops"), 200)
		var err error
		during, err = Sockets()
		check.NoError(t, err)
	})
	check.Equal(t, "sockets", len(during), 1)
	check.Equal(t, "socket", during[0], Socket{os.Getpid(), path})
	after, err := Sockets()
	check.NoError(t, err)
	check.Equal(t, "sockets afterwards", len(after), 0)
	_, err = os.Stat(path)
	check.Is(t, err, fs.ErrNotExist)
}

func TestSocketsAreNotPutWhereOthersMayEnter(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := atHome(t)
	check.NoError(t, os.MkdirAll(dir, 0o700))
	check.NoError(t, os.Chmod(dir, 0o755))
	m := monitor.New()
	defer m.Close()
	check.Is(t, Listen(t.Context(), m, ""), fs.ErrPermission, "0700")
}

// leaveBehind makes a socket as a process does that is killed.
func leaveBehind(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	check.NoError(t, err)
	l.SetUnlinkOnClose(false)
	check.NoError(t, l.Close())
}

func TestSocketsOfTheDeadAreRemoved(t *testing.T) {
	dir := atHome(t)
	check.NoError(t, os.MkdirAll(dir, 0o700))
	const nobody = 1<<31 - 2
	dead, own := filepath.Join(dir, strconv.Itoa(nobody)+".sock"), filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock")
	leaveBehind(t, dead)
	leaveBehind(t, own)
	other := filepath.Join(dir, "notes.txt")
	check.NoError(t, os.WriteFile(other, nil, 0o600))

	all, err := Sockets()
	check.NoError(t, err)
	check.Equal(t, "sockets", len(all), 0)
	_, err = os.Stat(dead)
	check.Is(t, err, fs.ErrNotExist)
	_, err = os.Stat(own) // its process lives, and may be about to listen
	check.NoError(t, err)
	_, err = os.Stat(other)
	check.NoError(t, err)

	listening(t, "", func(net.Addr) { // which replaces what a process of the same number has left
		all, err := Sockets()
		check.NoError(t, err)
		check.Equal(t, "sockets", all, []Socket{{os.Getpid(), own}})
		m := monitor.New()
		defer m.Close()
		check.True(t, "a second one is refused", Listen(t.Context(), m, "") != nil)
		check.Equal(t, "status", fetch(t, "unix", own, "/loops"), 200)
	})
}

func TestListenReplacesNothingButSockets(t *testing.T) {
	dir := atHome(t)
	check.NoError(t, os.MkdirAll(dir, 0o700))
	file := filepath.Join(dir, "file")
	check.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	m := monitor.New()
	defer m.Close()
	check.True(t, "refused", Listen(t.Context(), m, "unix:"+file) != nil)
	content, err := os.ReadFile(file)
	check.NoError(t, err)
	check.True(t, "content", slices.Equal(content, []byte("mine")))
}
