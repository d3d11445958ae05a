package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func acceptError(number syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", number)}
}

func TestAcceptTakesABacklogOfConnectionsInOneIteration(t *testing.T) {
	for name, test := range map[string]struct {
		opts []Option
		want int
	}{
		"default": {nil, 100},
		"Backlog": {[]Option{Backlog(7)}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				l := newServerListener()
				s, err := Serve(ctx, idle, l, test.opts...)
				if err != nil {
					return err
				}
				for range test.want + 5 {
					l.connect()
				}
				serverSpin(t, func() bool { return s.accepted() == test.want })
				check.Equal(t, "what nobody has accepted", len(l.results), 5)
				check.Equal(t, "the number of connections before the iteration", s.connections, 0)
				_ = task.Yield(ctx) // to the iteration that takes the connections, which comes later in it
				check.Equal(t, "the number of connections in the iteration", s.connections, 0)
				_ = task.Yield(ctx)
				check.Equal(t, "the number of connections after it", s.connections, test.want)
				serverUntil(t, ctx, func() bool { return s.connections == test.want+5 })
				_, err = s.Shutdown(ctx, 0)
				return err
			})
		})
	}
}

// The order of a connection's first events: it is accepted in an iteration, its handler
// begins in the next one, and what has arrived is fed after that.
func TestAcceptComesBeforeTheHandlerAndTheHandlerBeforeItsData(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, func(ctx context.Context, r *Reader, _ *Writer) error {
			check.Equal(t, "what is there at the first step", r.Buffered(), 0)
			_, err := r.ReadLine(ctx)
			return err
		}, "127.0.0.1:0")
		if err != nil {
			return err
		}
		for range 50 {
			nc := serverDial(t, s)
			_, _ = nc.Write([]byte("early\n"))
			serverSpin(t, func() bool { return s.accepted() == 1 })
			check.Equal(t, "the number of connections", s.connections, 0)
			// To the iteration of the handler's first step, which comes later in it. The one before
			// has taken the connection. The goroutine that has accepted it may still be about to
			// tell the loop, so there may be others before.
			serverUntil(t, ctx, func() bool { return s.connections == 1 })
			cl := s.clients.First().Value
			check.Equal(t, "whether the handler waits", cl.conn.reader.waiting, false)
			_ = task.Yield(ctx)
			check.Equal(t, "whether the handler has begun", cl.conn.reader.waiting || cl.task.Done(), true)
			serverUntil(t, ctx, func() bool { return s.connections == 0 })
		}
		return s.Close()
	})
}

func TestAcceptStartsHandlersInTheOrderOfTheConnections(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var s *Server
		var connected, served []*Writer
		l := newServerListener()
		s, err := Serve(ctx, func(_ context.Context, _ *Reader, w *Writer) error {
			for n := s.clients.First(); n != nil && len(served) == 0; n = n.Next() {
				connected = append(connected, &n.Value.conn.writer)
			}
			served = append(served, w)
			return nil
		}, l)
		if err != nil {
			return err
		}
		for range 5 {
			l.connect()
		}
		serverSpin(t, func() bool { return s.accepted() == 5 })
		serverUntil(t, ctx, func() bool { return len(served) == 5 })
		if !slices.Equal(served, connected) {
			t.Errorf("the handlers of %v began in the order %v", connected, served)
		}
		return s.Close()
	})
}

// Errors that say that a connection was lost before it was accepted are nothing.
func TestAcceptIgnoresLostConnections(t *testing.T) {
	run(t, func(ctx context.Context) error {
		reports := serverReports(ctx)
		l := newServerListener()
		s, err := Serve(ctx, idle, l)
		if err != nil {
			return err
		}
		for _, number := range passing {
			l.fail(acceptError(number))
		}
		l.connect()
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		check.Equal(t, "the number of reports", len(*reports), 0)
		_, err = s.Shutdown(ctx, 0)
		return err
	})
}

// When the system has no more descriptors, that is reported once, and the listener rests
// for a second of the loop's time. Other connections and listeners go on.
func TestAcceptPausesWhenTheSystemHasNoResources(t *testing.T) {
	for _, number := range exhaustions {
		t.Run(fmt.Sprint(int(number)), func(t *testing.T) {
			runVirtually(t, func(ctx context.Context) error {
				l := loop.Running(ctx)
				reports := serverReports(ctx)
				begin := l.Time()
				listener := newServerListener()
				var when []time.Duration
				var both sync.Event
				s, err := Serve(ctx, func(ctx context.Context, _ *Reader, _ *Writer) error {
					if when = append(when, l.Time().Sub(begin)); len(when) == 2 {
						both.Set()
					}
					return nil
				}, listener)
				if err != nil {
					return err
				}
				listener.fail(acceptError(number))
				listener.fail(acceptError(number))
				listener.connect()
				listener.fail(acceptError(number))
				listener.connect()
				if err := both.Wait(ctx); err != nil {
					return err
				}
				check.Equal(t, "the times of the handlers", fmt.Sprint(when), "[2s 3s]")
				check.Equal(t, "the number of reports", len(*reports), 3)
				for _, e := range *reports {
					check.Equal(t, "the message", e.Message, "socket.accept() out of system resource")
					check.Is(t, e.Err, number)
					if e.Socket == nil || e.Socket.String() != "<Listener fake>" {
						t.Errorf("the socket is %v", e.Socket)
					}
				}
				check.Equal(t, "IsServing", s.IsServing(), true)
				return s.Close()
			})
		})
	}
}

func TestAcceptReportsOtherErrorsAndGoesOn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		reports := serverReports(ctx)
		l := newServerListener()
		s, err := Serve(ctx, idle, l)
		if err != nil {
			return err
		}
		for range 2 {
			l.fail(errServerTest)
			n := s.connections
			l.connect()
			serverUntil(t, ctx, func() bool { return s.connections == n+1 })
		}
		if len(*reports) != 2 {
			t.Fatalf("there are %d reports, not 2", len(*reports))
		}
		e := (*reports)[0]
		check.Equal(t, "the message", e.Message, "Exception in callback accept")
		check.Is(t, e.Err, errServerTest)
		check.Equal(t, "the handle", e.Handle.String(), "<Handle accept>")
		check.Equal(t, "the socket", e.Socket.String(), "<Listener fake>")
		_, err = s.Shutdown(ctx, 0)
		return err
	})
}

// brokenListener is a listener of a program that does not know its trade.
type brokenListener struct{ *serverListener }

func (*brokenListener) Accept() (net.Conn, error) { panic("broken") }

func (l *brokenListener) Close() error {
	_ = l.serverListener.Close()
	panic("broken")
}

func TestAcceptOfABrokenListenerDoesNotFloodTheLog(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		l := loop.Running(ctx)
		begin := l.Time()
		var reports []loop.ExceptionContext
		var many sync.Event
		l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			if reports = append(reports, e); len(reports) == 10 {
				many.Set()
			}
		})
		s, err := Serve(ctx, idle, &brokenListener{newServerListener()})
		if err != nil {
			return err
		}
		if err := many.Wait(ctx); err != nil {
			return err
		}
		check.Equal(t, "the time that 10 failures take", l.Time().Sub(begin), 8*time.Second)
		var p *loop.PanicError
		if !errors.As(reports[0].Err, &p) {
			t.Errorf("the report is of %v, not of a panic", reports[0].Err)
		}
		return s.Close()
	})
}

// A listener that is closed by somebody else accepts nothing any more. What it has
// accepted is served.
func TestAcceptEndsWithTheListener(t *testing.T) {
	var reports *[]loop.ExceptionContext
	run(t, func(ctx context.Context) error {
		reports = serverReports(ctx)
		l := newServerListener()
		s, err := Serve(ctx, idle, l)
		if err != nil {
			return err
		}
		l.connect()
		serverSpin(t, func() bool { return s.accepted() == 1 })
		l.Close()
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		a := s.acceptors[0]
		check.Equal(t, "whether the hub knows the listener", a.listed, true)
		_, err = s.Shutdown(ctx, 0)
		check.Equal(t, "whether the hub knows the listener", a.listed, false)
		return err
	})
	check.Equal(t, "the number of reports", len(*reports), 0) // the goroutine has ended
}

func TestAcceptIsForgottenOnceTheServerIsClosed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		s, err := Serve(ctx, idle, l)
		if err != nil {
			return err
		}
		s.Close()
		s.Close()
		serverUntil(t, ctx, func() bool { return !s.acceptors[0].listed })
		later, err := Serve(ctx, idle, newServerListener(), StartLater())
		if err != nil {
			return err
		}
		later.Close()
		check.Equal(t, "whether the hub knows a listener that never served", later.acceptors[0].listed, false)
		check.Equal(t, "whether the hub is empty", s.hub.open.Empty(), true)
		return nil
	})
}

func TestAcceptWaitsWhileThereAreMaxConnections(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		most := 0
		var s *Server
		var err error
		s, err = Serve(ctx, func(ctx context.Context, r *Reader, _ *Writer) error {
			most = max(most, s.connections)
			_, err := r.ReadAll(ctx)
			return err
		}, l, MaxConnections(3))
		if err != nil {
			return err
		}
		var clients []*serverClient
		for range 10 {
			clients = append(clients, l.connect())
		}
		serverUntil(t, ctx, func() bool { return s.connections == 3 })
		for i, c := range clients {
			check.Equal(t, "what nobody has accepted", s.accepted()+len(l.results), max(0, 7-i))
			c.Close()
			left := min(3, 9-i)
			serverUntil(t, ctx, func() bool {
				return s.connections == left && s.accepted()+len(l.results) == max(0, 6-i)
			})
		}
		check.Equal(t, "the greatest number of connections", most, 3)
		return s.Close()
	})
}

// With several listeners, each may have accepted a connection when the last but one place
// is taken. It waits.
func TestAcceptOfSeveralListenersSharesMaxConnections(t *testing.T) {
	run(t, func(ctx context.Context) error {
		listeners := []net.Listener{newServerListener(), newServerListener(), newServerListener()}
		s := serverOf(t, ctx, listeners, MaxConnections(1))
		var clients []*serverClient
		for _, l := range listeners {
			clients = append(clients, l.(*serverListener).connect())
		}
		served := make(map[*conn]bool)
		for range listeners {
			serverUntil(t, ctx, func() bool { return s.connections == 1 && !s.clients.First().Value.conn.closing })
			for range 5 {
				_ = task.Yield(ctx)
				check.Equal(t, "the number of connections", s.connections, 1)
			}
			served[s.clients.First().Value.conn] = true
			s.AbortClients()
		}
		serverUntil(t, ctx, func() bool { return s.connections == 0 })
		check.Equal(t, "the number of connections served", len(served), 3)
		for _, c := range clients {
			c.mustBeClosed(t)
		}
		check.Equal(t, "the number of connections", s.connections, 0)
		return s.Close()
	})
}

// serverOf returns a server on several fake listeners.
func serverOf(t testing.TB, ctx context.Context, listeners []net.Listener, opts ...Option) *Server {
	t.Helper()
	o, err := serverSettings("Serve", serving, readToEnd, opts)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(hubFor(ctx, "Serve"), o, readToEnd, listeners).begin(ctx, "Serve")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAcceptedConnectionsThatAreNotTakenAreClosedWithTheServer(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		s, err := Serve(ctx, func(context.Context, *Reader, *Writer) error {
			t.Error("the handler is called")
			return nil
		}, l)
		if err != nil {
			return err
		}
		clients := []*serverClient{l.connect(), l.connect()}
		serverSpin(t, func() bool { return s.accepted() == 2 })
		s.Close()
		check.Equal(t, "isOver", s.isOver(), true)
		for _, c := range clients {
			c.mustBeClosed(t)
		}
		return s.WaitClosed(ctx)
	})
}

// A listener may return a connection even after it was closed.
func TestAcceptedConnectionThatComesTooLateIsClosed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := &lateListener{newServerListener(), make(chan struct{})}
		s, err := Serve(ctx, readToEnd, l)
		if err != nil {
			return err
		}
		<-l.called
		client := l.connect()
		s.Close()
		client.mustBeClosed(t)
		return nil
	})
}

type lateListener struct {
	*serverListener
	called chan struct{}
}

func (l *lateListener) Accept() (net.Conn, error) {
	close(l.called)
	<-l.closed
	r := <-l.results
	return r.conn, r.err
}

// Connections can be accepted together. If the callback for one of them closes the server,
// the others are not served any more.
func TestServerClosedByACallbackClosesWhatWasAcceptedWithIt(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		called := 0
		var s *Server
		var err error
		s, err = Serve(ctx, nil, l, Callback(func(_ *Reader, w *Writer) {
			called++
			s.Close()
			w.Close()
		}))
		if err != nil {
			return err
		}
		clients := []*serverClient{l.connect(), l.connect(), l.connect()}
		serverSpin(t, func() bool { return s.accepted() == 3 })
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		check.Equal(t, "the number of calls", called, 1)
		for _, c := range clients {
			c.mustBeClosed(t)
		}
		return nil
	})
}

func TestServerClosedByTheExceptionHandlerDoesNotRetry(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		l := newServerListener()
		s, err := Serve(ctx, idle, l)
		if err != nil {
			return err
		}
		reports := 0
		loop.Running(ctx).SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {
			reports++
			s.Close()
		})
		l.fail(acceptError(syscall.EMFILE))
		l.connect()
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		if err := task.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
		check.Equal(t, "the number of reports", reports, 1)
		check.Equal(t, "what nobody has accepted", len(l.results), 1)
		return nil
	})
}

// A client that cannot do the TLS handshake is told of in debug mode only, and the server
// goes on.
func TestServerReportsFailedHandshakesInDebugModeOnly(t *testing.T) {
	for _, debug := range []bool{false, true} {
		t.Run(fmt.Sprintf("debug=%t", debug), func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				loop.Running(ctx).SetDebug(debug)
				reports := serverReports(ctx)
				s, err := StartServer(ctx, idle, "127.0.0.1:0", func(s *settings) error {
					s.tls = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errServerTest }}
					return nil
				})
				if err != nil {
					return err
				}
				for range 2 {
					nc := serverDial(t, s)
					serverUntil(t, ctx, func() bool { return s.connections == 1 })
					_, _ = nc.Write([]byte("this is no TLS at all\n"))
					serverUntil(t, ctx, func() bool { return s.connections == 0 })
				}
				s.Close()
				if !debug {
					check.Equal(t, "the number of reports", len(*reports), 0)
					return s.WaitClosed(ctx)
				}
				check.Equal(t, "the number of reports", len(*reports), 2)
				e := (*reports)[0]
				check.Equal(t, "the message", e.Message, "Error on transport creation for incoming connection")
				if e.Err == nil || !strings.HasPrefix(e.Transport.String(), "<Connection ") {
					t.Errorf("the report is of %v, on %v", e.Err, e.Transport)
				}
				return s.WaitClosed(ctx)
			})
		})
	}
}

// What was accepted, and is being served, when the loop is closed is closed with it.
func TestServerLeavesNothingBehindWhenTheLoopIsClosed(t *testing.T) {
	const connections = 2000
	before, countable := serverDescriptors()
	goroutines := runtime.NumGoroutine()
	l := newLoop()
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // it is told of each task
	var clients []net.Conn
	start := func(ctx context.Context) (struct{}, error) {
		s, err := StartServer(ctx, echo, "127.0.0.1:0")
		if err != nil {
			return struct{}{}, err
		}
		for i := range connections {
			nc, err := net.Dial("tcp", s.Addrs()[0].String())
			if err != nil {
				return struct{}{}, err
			}
			clients = append(clients, nc)
			if i < 1900 {
				serverUntil(t, ctx, func() bool { return s.connections == i+1 })
			}
		}
		serverSpin(t, func() bool { return s.accepted() == 100 })
		return struct{}{}, nil
	}
	_, err := task.RunUntilComplete(l, task.Coro(start))
	l.Close()
	if err != nil {
		t.Error(err)
	}
	serverSpin(t, func() bool { return runtime.NumGoroutine() <= goroutines })
	for _, nc := range clients {
		(&serverClient{nc}).mustBeGone(t)
	}
	if after, _ := serverDescriptors(); countable && after != before {
		t.Errorf("there are %d descriptors, %d before", after, before)
	}
}

// mustBeGone waits until the other side has closed or reset the connection.
func (c *serverClient) mustBeGone(t testing.TB) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is open: Read returns %d, %v", n, err)
	}
	c.Close()
}

// serverDescriptors counts the descriptors of the process, where the system lets one.
func serverDescriptors() (n int, ok bool) {
	entries, err := os.ReadDir("/proc/self/fd")
	return len(entries), err == nil
}
