package streams

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A listenConfig notes what is to be bound, and binds nothing.
type listenConfig struct {
	bound  []string
	fail   map[string]error // by address
	opened []*serverListener
	panics string // at that address
}

func (c *listenConfig) Listen(_ context.Context, network, address string) (net.Listener, error) {
	c.bound = append(c.bound, network+" "+address)
	if address == c.panics {
		panic(errServerTest)
	}
	if err := c.fail[address]; err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", err)}
	}
	l := newServerListener()
	c.opened = append(c.opened, l)
	return l, nil
}

// open counts the listeners that are not closed.
func (c *listenConfig) open() (n int) {
	for _, l := range c.opened {
		select {
		case <-l.closed:
		default:
			n++
		}
	}
	return n
}

// A listenResolver knows some names.
type listenResolver map[string][]string

func (r listenResolver) LookupPort(_ context.Context, _, service string) (int, error) {
	switch service {
	case "http":
		return 80, nil
	case "0":
		return 0, nil
	}
	return 0, &net.DNSError{Err: "unknown port", Name: service}
}

func (r listenResolver) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	if host == "slow.test" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	texts, ok := r[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var addrs []netip.Addr
	for _, text := range texts {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

// resolving makes a server look up names there.
func resolving(r listenResolver) Option {
	return func(s *settings) error { s.resolver = r; return nil }
}

func TestListenBindsEachAddressOnce(t *testing.T) {
	names := listenResolver{"double.test": {"1.2.3.4", "::ffff:1.2.3.4", "::2"}}
	for _, test := range []struct {
		address string
		opts    []Option
		want    string
	}{
		{"1.2.3.4:5", nil, "tcp4 1.2.3.4:5"},
		{"[::1]:5", nil, "tcp6 [::1]:5"},
		{"[fe80::1%lo]:5", nil, "tcp6 [fe80::1%lo]:5"},
		{":5", nil, "tcp4 0.0.0.0:5, tcp6 [::]:5"},
		{":0", []Option{Network("tcp4")}, "tcp4 0.0.0.0:0"},
		{":0", []Option{Network("tcp6")}, "tcp6 [::]:0"},
		{":0", []Option{Hosts("1.2.3.4", "5.6.7.8", "1.2.3.4")}, "tcp4 1.2.3.4:0, tcp4 5.6.7.8:0"},
		{":0", []Option{Hosts("::1", "::2", "::1")}, "tcp6 [::1]:0, tcp6 [::2]:0"},
		{"double.test:http", nil, "tcp4 1.2.3.4:80, tcp6 [::2]:80"},
		{":http", []Option{Hosts("::2", "double.test")}, "tcp6 [::2]:80, tcp4 1.2.3.4:80"},
	} {
		t.Run(fmt.Sprint(test.address, " ", test.want), func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				cfg := new(listenConfig)
				s, err := StartServer(ctx, idle, test.address, append(test.opts, Listen(cfg), resolving(names))...)
				if err != nil {
					return err
				}
				check.Equal(t, "what is bound", strings.Join(cfg.bound, ", "), test.want)
				check.Equal(t, "the number of addresses", len(s.Addrs()), len(cfg.bound))
				s.Close()
				check.Equal(t, "the number of open listeners", cfg.open(), 0)
				return nil
			})
		})
	}
}

func TestListenToNothing(t *testing.T) {
	names := listenResolver{"empty.test": nil, "v6.test": {"::1"}}
	run(t, func(ctx context.Context) error {
		cfg := new(listenConfig)
		for address, opts := range map[string][]Option{
			"empty.test:0":    nil,
			"unknown.test:0":  nil,
			"1.2.3.4:nothing": nil,
			"v6.test:0":       {Network("tcp4")},
		} {
			_, err := StartServer(ctx, idle, address, append(opts, Listen(cfg), resolving(names))...)
			var dns *net.DNSError
			if !errors.As(err, &dns) {
				t.Errorf("the error of %s is %v", address, err)
			}
		}
		check.Equal(t, "the number of listeners", len(cfg.bound), 0)
		return nil
	})
}

func TestListenIsCancelledWhileItLooksUpANameThatTakesLong(t *testing.T) {
	run(t, func(ctx context.Context) error {
		starting := task.Go(ctx, func(ctx context.Context) error {
			_, err := StartServer(ctx, idle, "slow.test:0", resolving(nil))
			return err
		})
		_ = task.Yield(ctx)
		_ = task.Yield(ctx)
		starting.Cancel()
		serverCancelled(t, ctx, starting)
		return nil
	})
}

func TestListenSkipsAddressesThatTheMachineDoesNotHave(t *testing.T) {
	run(t, func(ctx context.Context) error {
		for _, number := range notAvailable {
			cfg := &listenConfig{fail: map[string]error{"[::]:0": number}}
			s, err := StartServer(ctx, idle, ":0", Listen(cfg))
			if err != nil {
				t.Error(err)
				continue
			}
			check.Equal(t, "the number of addresses", len(s.Addrs()), 1)
			s.Close()

			cfg.fail["0.0.0.0:0"] = number
			_, err = StartServer(ctx, idle, ":0", Listen(cfg))
			check.Is(t, err, number)
			if err == nil || !strings.Contains(err.Error(), "could not bind on any address out of [0.0.0.0:0 [::]:0]") {
				t.Errorf("the error is %v", err)
			}
		}
		return nil
	})
}

func TestListenClosesWhatItHasBoundIfAnAddressCannotBe(t *testing.T) {
	run(t, func(ctx context.Context) error {
		cfg := &listenConfig{fail: map[string]error{"[::]:7": syscall.EADDRINUSE}}
		_, err := StartServer(ctx, idle, ":7", Listen(cfg))
		check.Is(t, err, syscall.EADDRINUSE)
		if err == nil || !strings.Contains(err.Error(), "error while attempting to bind on address [::]:7") {
			t.Errorf("the error is %v", err)
		}
		check.Equal(t, "the number of listeners", len(cfg.opened), 1)
		check.Equal(t, "the number of open listeners", cfg.open(), 0)

		cfg = &listenConfig{panics: "[::]:7"}
		func() {
			defer func() { check.Equal(t, "the panic", recover(), any(errServerTest)) }()
			_, _ = StartServer(ctx, idle, ":7", Listen(cfg))
		}()
		check.Equal(t, "the number of listeners", len(cfg.opened), 1)
		check.Equal(t, "the number of open listeners", cfg.open(), 0)
		return nil
	})
}

func TestListenOnAnAddressThatIsInUse(t *testing.T) {
	run(t, func(ctx context.Context) error {
		first, err := StartServer(ctx, idle, "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := first.Addrs()[0].String()
		_, err = StartServer(ctx, idle, address)
		if err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("the error of a second server is %v", err)
		}
		if !listenIsWindows {
			check.Is(t, err, syscall.EADDRINUSE)
		}
		first.Close()
		again, err := StartServer(ctx, idle, address)
		if err != nil {
			return err
		}
		return again.Close()
	})
}

const listenIsWindows = os.PathSeparator == '\\'

func TestListenOnAllInterfaces(t *testing.T) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("no IPv6: ", err)
	} else {
		l.Close()
	}
	run(t, func(ctx context.Context) error {
		for range 20 { // the port may be taken for the other family
			free, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				return err
			}
			port := free.Addr().(*net.TCPAddr).Port
			free.Close()
			s, err := StartServer(ctx, readToEnd, fmt.Sprintf(":%d", port))
			if errors.Is(err, syscall.EADDRINUSE) {
				continue
			}
			if err != nil {
				return err
			}
			check.Equal(t, "the number of addresses", len(s.Addrs()), 2)
			for _, host := range []string{"127.0.0.1", "::1"} {
				nc, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(port)))
				if err != nil {
					t.Error(err)
					continue
				}
				serverUntil(t, ctx, func() bool { return s.connections == 1 })
				nc.Close()
				serverUntil(t, ctx, func() bool { return s.connections == 0 })
			}
			return s.Close()
		}
		t.Skip("no port is free for both families")
		return nil
	})
}

func TestListenOnPort0GivesEachAddressAPort(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, ":0", Hosts("127.0.0.1", "127.0.0.1", "127.0.0.2"))
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			t.Skip(err)
		}
		if err != nil {
			return err
		}
		var hosts []string
		for _, addr := range s.Addrs() {
			a := addr.(*net.TCPAddr)
			if a.Port == 0 {
				t.Errorf("%v has no port", a)
			}
			hosts = append(hosts, a.IP.String())
			nc, err := net.Dial("tcp", a.String())
			if err != nil {
				return err
			}
			nc.Close()
		}
		if !slices.Equal(hosts, []string{"127.0.0.1", "127.0.0.2"}) && !slices.Equal(hosts, []string{"127.0.0.1"}) {
			t.Errorf("the server listens on %v", hosts)
		}
		_, err = s.Shutdown(ctx, time.Minute)
		return err
	})
}

// A closed server's port is free. Clients are refused.
func TestListenEndsWithClose(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := s.Addrs()[0].String()
		serverDial(t, s)
		s.Close()
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			t.Error("a closed server accepts a connection")
		} else if !listenIsWindows {
			check.Is(t, err, syscall.ECONNREFUSED)
		}
		s.CloseClients()
		return s.WaitClosed(ctx)
	})
}

// A server that starts later listens all the same: clients wait.
func TestListenBeginsBeforeServing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, echoLine, "127.0.0.1:0", StartLater())
		if err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		_, _ = w.Write([]byte("early\n"))
		for range 10 {
			_ = task.Yield(ctx)
		}
		check.Equal(t, "the number of connections", s.connections, 0)
		if err := s.StartServing(ctx); err != nil {
			return err
		}
		line, err := r.ReadLine(ctx)
		check.Equal(t, "the answer", string(line), "early\n")
		w.Close()
		return errors.Join(err, s.With(ctx, func(context.Context) error { return nil }))
	})
}

func TestListenWithReusePort(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, "127.0.0.1:0", ReusePort())
		if !canReusePort {
			check.Is(t, err, errors.ErrUnsupported)
			return nil
		}
		if err != nil {
			return err
		}
		again, err := StartServer(ctx, readToEnd, s.Addrs()[0].String(), ReusePort())
		if err != nil {
			return err
		}
		_, err = StartServer(ctx, readToEnd, s.Addrs()[0].String())
		check.Is(t, err, syscall.EADDRINUSE)
		return errors.Join(s.Close(), again.Close())
	})
}

func TestListenIsCancelledByTheEndOfItsContext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		ended, cancel := context.WithCancelCause(ctx)
		cancel(errServerTest)
		_, err := StartServer(ended, idle, "127.0.0.1:0")
		check.Is(t, err, errServerTest)
		return nil
	})
}
