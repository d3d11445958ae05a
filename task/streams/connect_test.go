package streams

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// connectServer answers one request of each connection, as a small web server does.
func connectServer(t testing.TB, network, address string) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() {
				defer c.Close()
				request := make([]byte, 0, 512)
				for !strings.HasSuffix(string(request), "\r\n\r\n") {
					n, err := c.Read(request[len(request):cap(request)])
					if err != nil {
						return
					}
					request = request[:len(request)+n]
				}
				_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nX: y\r\n\r\nTest message")
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		clients.Wait()
	})
	return l.Addr()
}

// connectRefused returns a TCP address where nobody listens.
func connectRefused(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// connectTalk speaks to connectServer, and closes the connection.
func connectTalk(t *testing.T, ctx context.Context, r *Reader, w *Writer) {
	t.Helper()
	if _, err := w.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Error(err)
	}
	line, err := r.ReadLine(ctx)
	if err != nil || string(line) != "HTTP/1.0 200 OK\r\n" {
		t.Errorf("ReadLine: %q, %v", line, err)
	}
	rest, err := r.ReadAll(ctx)
	if err != nil || !strings.HasSuffix(string(rest), "\r\n\r\nTest message") {
		t.Errorf("ReadAll: %q, %v", rest, err)
	}
	w.Close()
	if err := w.WaitClosed(ctx); err != nil {
		t.Errorf("WaitClosed: %v", err)
	}
}

// connectResolver is a resolver with a table.
type connectResolver struct {
	hosts map[string][]string
	block chan struct{} // if not nil, look-ups wait until it is closed, whatever their context
}

// connectNames makes OpenConnection use r, also with a dialer of the program.
func connectNames(r resolver) Option {
	return func(s *settings) error {
		s.resolver = r
		return nil
	}
}

func (r *connectResolver) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	if r.block != nil {
		<-r.block
	}
	texts, ok := r.hosts[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	var all []netip.Addr
	for _, text := range texts {
		a := netip.MustParseAddr(text)
		if network == "ip" || (network == "ip4") == a.Is4() {
			all = append(all, a)
		}
	}
	return all, nil
}

func (r *connectResolver) LookupPort(_ context.Context, _, service string) (int, error) {
	if service == "http" {
		return 80, nil
	}
	return 0, &net.DNSError{Err: "unknown port", Name: service, IsNotFound: true}
}

// connectDialer is a dialer that calls a function. It notes the addresses.
type connectDialer struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	called []string
}

func (d *connectDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	d.called = append(d.called, network+" "+address)
	d.mu.Unlock()
	return d.dial(ctx, network, address)
}

func (d *connectDialer) calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.called)
}

// connectConn is a connection of a type of the program, which tells when it is closed.
type connectConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func newConnectConn() (c *connectConn, peer net.Conn) {
	c = &connectConn{closed: make(chan struct{})}
	c.Conn, peer = net.Pipe()
	return c, peer
}

func (c *connectConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// connectRefusing is a dialer whose every attempt fails with an error of its own.
func connectRefusing(errs ...error) *connectDialer {
	n := 0
	return &connectDialer{dial: func(context.Context, string, string) (net.Conn, error) {
		err := errs[n]
		n++
		return nil, err
	}}
}

func TestOpenConnection(t *testing.T) {
	address := connectServer(t, "tcp", "127.0.0.1:0")
	run(t, func(ctx context.Context) error {
		r, w, err := OpenConnection(ctx, address.String())
		if err != nil {
			return err
		}
		if w.RemoteAddr().String() != address.String() {
			t.Errorf("the other side is %v", w.RemoteAddr())
		}
		if _, ok := w.NetConn().(*net.TCPConn); !ok {
			t.Errorf("NetConn: %T", w.NetConn())
		}
		connectTalk(t, ctx, r, w)
		return nil
	})
}

func TestOpenUnixConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	connectServer(t, "unix", path)
	run(t, func(ctx context.Context) error {
		r, w, err := OpenUnixConnection(ctx, path, Limit(100))
		if err != nil {
			return err
		}
		if _, ok := w.NetConn().(*net.UnixConn); !ok {
			t.Errorf("NetConn: %T", w.NetConn())
		}
		connectTalk(t, ctx, r, w)
		return nil
	})
}

func TestOpenUnixConnectionToAnAbstractAddress(t *testing.T) {
	name := "goasyncio-" + filepath.Base(t.TempDir()) + time.Now().Format(".150405.000000000")
	connectServer(t, "unix", "@"+name)
	run(t, func(ctx context.Context) error {
		for _, path := range []string{"@" + name, "\x00" + name} {
			r, w, err := OpenUnixConnection(ctx, path)
			if err != nil {
				return err
			}
			connectTalk(t, ctx, r, w)
		}
		return nil
	})
}

func TestOpenConnectionThatIsRefused(t *testing.T) {
	address := connectRefused(t)
	run(t, func(ctx context.Context) error {
		_, _, err := OpenConnection(ctx, address)
		var failed *ConnectError
		if !errors.As(err, &failed) || failed.Address != address || len(failed.Errors) != 1 {
			t.Errorf("the error is %#v", err)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestOpenUnixConnectionWithoutASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	run(t, func(ctx context.Context) error {
		_, _, err := OpenUnixConnection(ctx, path)
		var failed *ConnectError
		if !errors.As(err, &failed) || failed.Address != path || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestNetConnIsNilWithoutOne(t *testing.T) {
	run(t, func(ctx context.Context) error {
		left, _, _ := Pair(ctx)
		for _, w := range []*Writer{left.W, new(Writer)} {
			if c := w.NetConn(); c != nil {
				t.Errorf("%v: %v", w, c)
			}
		}
		return nil
	})
}

func TestOpenConnectionThatIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	address := connectServer(t, "tcp", "127.0.0.1:0").String()
	connectServer(t, "unix", path)
	lost := errors.New("lost")
	run(t, func(ctx context.Context) error {
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			t.Errorf("reported: %v", e)
		})
		for _, open := range []func() (*Reader, *Writer, error){
			func() (*Reader, *Writer, error) { return OpenConnection(ctx, address) },
			func() (*Reader, *Writer, error) { return OpenUnixConnection(ctx, path) },
		} {
			r, w, err := open()
			if err != nil {
				return err
			}
			w.conn.failed(lost)
			if _, err := r.ReadAll(ctx); err != lost {
				t.Errorf("ReadAll: %v", err)
			}
			w.Close()
			if err := w.WaitClosed(ctx); err != lost {
				t.Errorf("WaitClosed: %v", err)
			}
		}
		return nil
	})
}

func TestOpenConnectionTriesAllAddressesInOrder(t *testing.T) {
	names := &connectResolver{hosts: map[string][]string{"example.com": {"192.0.2.1", "2001:db8::1", "192.0.2.2"}}}
	errs := []error{errors.New("err1"), errors.New("err2"), syscall.EHOSTUNREACH}
	run(t, func(ctx context.Context) error {
		d := connectRefusing(errs...)
		_, _, err := OpenConnection(ctx, "example.com:80", connectNames(names), Dial(d))
		var failed *ConnectError
		if !errors.As(err, &failed) || !slices.Equal(failed.Errors, errs) {
			t.Errorf("the error is %v", err)
		}
		for _, one := range errs {
			if !errors.Is(err, one) {
				t.Errorf("%v does not match %v", err, one)
			}
		}
		want := []string{"tcp 192.0.2.1:80", "tcp [2001:db8::1]:80", "tcp 192.0.2.2:80"}
		if got := d.calls(); !slices.Equal(got, want) {
			t.Errorf("it has tried %v", got)
		}
		if text := "streams: cannot connect to example.com:80: err1, err2, no route to host"; err.Error() != text {
			t.Errorf("the text is %q", err)
		}

		d = connectRefusing(errs...)
		_, _, err = OpenConnection(ctx, "example.com:80", connectNames(names), Dial(d), Network("tcp4"))
		if !errors.As(err, &failed) || !slices.Equal(failed.Errors, errs[:2]) {
			t.Errorf("the error is %v", err)
		}
		if got := d.calls(); !slices.Equal(got, []string{"tcp4 192.0.2.1:80", "tcp4 192.0.2.2:80"}) {
			t.Errorf("it has tried %v", got)
		}
		return nil
	})
}

func TestOpenConnectionTakesTheFirstAddressThatAnswers(t *testing.T) {
	names := &connectResolver{hosts: map[string][]string{"example.com": {"192.0.2.1", "192.0.2.2", "192.0.2.3"}}}
	c, peer := newConnectConn()
	defer peer.Close()
	d := &connectDialer{dial: func(_ context.Context, _, address string) (net.Conn, error) {
		if address == "192.0.2.2:80" {
			return c, nil
		}
		return nil, syscall.ECONNREFUSED
	}}
	run(t, func(ctx context.Context) error {
		_, w, err := OpenConnection(ctx, "example.com:80", connectNames(names), Dial(d))
		if err != nil {
			return err
		}
		if w.NetConn() != c {
			t.Errorf("NetConn: %v", w.NetConn())
		}
		if got := d.calls(); len(got) != 2 {
			t.Errorf("it has tried %v", got)
		}
		return w.Close()
	})
	<-c.closed
}

func TestOpenConnectionWithADialerOfTheProgramGivesItTheAddressAsItIs(t *testing.T) {
	c, peer := newConnectConn()
	defer peer.Close()
	d := &connectDialer{dial: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
	run(t, func(ctx context.Context) error {
		_, w, err := OpenConnection(ctx, "no.such.host.invalid:nonsense", Dial(d), Network("tcp6"))
		if err != nil {
			return err
		}
		if got := d.calls(); !slices.Equal(got, []string{"tcp6 no.such.host.invalid:nonsense"}) {
			t.Errorf("the dialer was called with %v", got)
		}
		return w.Close()
	})
	<-c.closed
}

func TestOpenConnectionWithADialerThatPanicsFails(t *testing.T) {
	names := &connectResolver{hosts: map[string][]string{"example.com": {"192.0.2.1", "192.0.2.2"}}}
	run(t, func(ctx context.Context) error {
		d := &connectDialer{dial: func(context.Context, string, string) (net.Conn, error) { panic("broken") }}
		_, _, err := OpenConnection(ctx, "example.com:80", connectNames(names), Dial(d))
		var panicked *task.PanicError
		if !errors.As(err, &panicked) || panicked.Value != "broken" || len(d.calls()) != 1 {
			t.Errorf("the error is %v, after %v", err, d.calls())
		}
		d.dial = func(context.Context, string, string) (net.Conn, error) { return nil, nil }
		_, _, err = OpenConnection(ctx, "example.com:80", Dial(d))
		var failed *ConnectError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "returned no connection") {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

func TestOpenConnectionRefusesWhatMakesNoSense(t *testing.T) {
	program := Dial(connectRefusing())
	for name, test := range map[string]struct {
		address string
		opts    []Option
	}{
		"no address":                    {"", nil},
		"no host and no port":           {":", nil},
		"no port":                       {"127.0.0.1", nil},
		"a bad local address":           {"127.0.0.1:80", []Option{LocalAddr("nonsense")}},
		"a network that is not TCP":     {"127.0.0.1:80", []Option{Network("udp")}},
		"a nil dialer":                  {"127.0.0.1:80", []Option{Dial(nil)}},
		"a nil net.Dialer":              {"127.0.0.1:80", []Option{Dial((*net.Dialer)(nil))}},
		"a negative delay":              {"127.0.0.1:80", []Option{HappyEyeballs(-1)}},
		"a negative number":             {"127.0.0.1:80", []Option{Interleave(-1)}},
		"a negative idle time":          {"127.0.0.1:80", []Option{IdleTimeout(-1)}},
		"a limit of 0":                  {"127.0.0.1:80", []Option{Limit(0)}},
		"a local address for a dialer":  {"127.0.0.1:80", []Option{program, LocalAddr("127.0.0.1:0")}},
		"happy eyeballs for a dialer":   {"127.0.0.1:80", []Option{program, HappyEyeballs(1)}},
		"interleaving for a dialer":     {"127.0.0.1:80", []Option{program, Interleave(1)}},
		"an option that is nil":         {"127.0.0.1:80", []Option{nil}},
		"too many colons for host:port": {"::1:80", nil},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				if _, _, err := OpenConnection(ctx, test.address, test.opts...); !errors.Is(err, ErrInvalidArgument) {
					t.Errorf("the error is %v", err)
				}
				return nil
			})
		})
	}
}

func TestOpenUnixConnectionRefusesWhatMakesNoSense(t *testing.T) {
	for name, test := range map[string]struct {
		path string
		opt  Option
	}{
		"no path":        {"", Limit(1)},
		"network":        {"/x", Network("tcp")},
		"local address":  {"/x", LocalAddr("127.0.0.1:0")},
		"happy eyeballs": {"/x", HappyEyeballs(1)},
		"interleave":     {"/x", Interleave(0)},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				if _, _, err := OpenUnixConnection(ctx, test.path, test.opt); !errors.Is(err, ErrInvalidArgument) {
					t.Errorf("the error is %v", err)
				}
				return nil
			})
		})
	}
}

func TestOpenConnectionIsForTasks(t *testing.T) {
	func() {
		defer func() {
			if err, _ := recover().(error); !errors.Is(err, loop.ErrNotRunning) {
				t.Errorf("without a loop: %v", err)
			}
		}()
		_, _, _ = OpenConnection(context.Background(), "127.0.0.1:80")
	}()
	run(t, func(ctx context.Context) error {
		other := task.Go(ctx, func(context.Context) error {
			_, _, err := OpenConnection(ctx, "127.0.0.1:80") // with the context of another task
			return err
		})
		if err := other.Join(ctx); !errors.Is(err, task.ErrNotCurrent) {
			t.Errorf("in another task: %v", err)
		}
		return nil
	})
}
