package streams

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// unixExists reports whether there is a file of that name.
func unixExists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestUnixServerRemovesItsFile(t *testing.T) {
	starts := map[string]func(ctx context.Context, path string, opts ...Option) (*Server, error){
		"StartUnixServer": func(ctx context.Context, path string, opts ...Option) (*Server, error) {
			return StartUnixServer(ctx, idle, path, opts...)
		},
		"Serve": func(ctx context.Context, path string, opts ...Option) (*Server, error) {
			l, err := net.Listen("unix", path)
			if err != nil {
				return nil, err
			}
			return Serve(ctx, idle, l, opts...)
		},
	}
	for name, start := range starts {
		for what, test := range map[string]struct {
			opts   []Option
			before func(t *testing.T, path string) // Close of the server
			exists bool                            // the file, afterwards
		}{
			"by default":        {nil, func(*testing.T, string) {}, false},
			"CleanupSocket":     {[]Option{CleanupSocket(true)}, func(*testing.T, string) {}, false},
			"not CleanupSocket": {[]Option{CleanupSocket(false)}, func(*testing.T, string) {}, true},
			"if it is there": {nil, func(t *testing.T, path string) {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}, false},
			"if it is its own": {nil, func(t *testing.T, path string) {
				if err := os.Rename(path, path+".old"); err != nil { // so that its number is not used again
					t.Fatal(err)
				}
				l, err := net.Listen("unix", path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { l.Close() })
			}, true},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					path := filepath.Join(t.TempDir(), "s")
					s, err := start(ctx, path, test.opts...)
					if err != nil {
						return err
					}
					check.Equal(t, "the address", s.Addrs()[0].String(), path)
					check.Equal(t, "whether the file exists", unixExists(path), true)
					test.before(t, path)
					s.Close()
					check.Equal(t, "whether the file exists after Close", unixExists(path), test.exists)
					return s.WaitClosed(ctx)
				})
			})
		}
	}
}

func TestUnixServerRemovesItsFileWithTheLoop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := newLoop()
	_, err := task.RunUntilComplete(l, task.Coro(func(ctx context.Context) (*Server, error) { return StartUnixServer(ctx, idle, path) }))
	if err != nil {
		t.Error(err)
	}
	check.Equal(t, "whether the file exists", unixExists(path), true)
	l.Close()
	check.Equal(t, "whether the file exists after Close of the loop", unixExists(path), false)
}

func TestUnixServerReplacesASocketButNoOtherFile(t *testing.T) {
	run(t, func(ctx context.Context) error {
		path := filepath.Join(t.TempDir(), "s")
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		stale.SetUnlinkOnClose(false)
		stale.Close()
		s, err := StartUnixServer(ctx, echoLine, path)
		if err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		_, _ = w.Write([]byte("x\n"))
		line, err := r.ReadLine(ctx)
		check.Equal(t, "the answer", string(line), "x\n")
		w.Close()
		if err := errors.Join(err, s.With(ctx, func(context.Context) error { return nil })); err != nil {
			return err
		}

		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			return err
		}
		_, err = StartUnixServer(ctx, idle, path)
		check.Is(t, err, syscall.EADDRINUSE)
		if err == nil || !strings.Contains(err.Error(), "is already in use") {
			t.Errorf("the error is %v", err)
		}
		text, err := os.ReadFile(path)
		check.Equal(t, "the file", string(text), "precious")
		return err
	})
}

func TestUnixServerWithoutItsDirectory(t *testing.T) {
	run(t, func(ctx context.Context) error {
		_, err := StartUnixServer(ctx, idle, filepath.Join(t.TempDir(), "missing", "s"))
		check.Is(t, err, fs.ErrNotExist)
		cfg := &listenConfig{fail: map[string]error{"/test": syscall.EPERM}}
		_, err = StartUnixServer(ctx, idle, "/test", Listen(cfg))
		check.Is(t, err, syscall.EPERM)
		check.Equal(t, "the number of listeners", len(cfg.opened), 0)
		return nil
	})
}

func TestUnixServerWithAnAbstractAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract addresses")
	}
	for _, first := range []string{"@", "\x00"} {
		run(t, func(ctx context.Context) error {
			name := "asyncio test " + filepath.Base(t.TempDir()) + t.Name() + first[:1]
			name = strings.ReplaceAll(name, "\x00", "0")
			s, err := StartUnixServer(ctx, echoLine, first+name)
			if err != nil {
				return err
			}
			check.Equal(t, "the address", s.Addrs()[0].String(), "@"+name)
			r, w := serverConnect(t, ctx, s)
			_, _ = w.Write([]byte("x\n"))
			line, err := r.ReadLine(ctx)
			check.Equal(t, "the answer", string(line), "x\n")
			w.Close()
			s.Close()
			return errors.Join(err, s.WaitClosed(ctx))
		})
	}
}
