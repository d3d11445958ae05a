package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// serverKinds are servers on all kinds of real listeners, each given as a function that
// starts one.
var serverKinds = map[string]func(t *testing.T, ctx context.Context, h Handler, opts ...Option) (*Server, error){
	"TCP": func(_ *testing.T, ctx context.Context, h Handler, opts ...Option) (*Server, error) {
		return StartServer(ctx, h, "127.0.0.1:0", opts...)
	},
	"Unix": func(t *testing.T, ctx context.Context, h Handler, opts ...Option) (*Server, error) {
		return StartUnixServer(ctx, h, filepath.Join(t.TempDir(), "s"), opts...)
	},
	"Serve": func(_ *testing.T, ctx context.Context, h Handler, opts ...Option) (*Server, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		return Serve(ctx, h, l, opts...)
	},
}

func echoLine(ctx context.Context, r *Reader, w *Writer) error {
	line, err := r.ReadLine(ctx)
	if err != nil {
		return err
	}
	return w.WriteAll(ctx, line)
}

func TestServerServesAHandlerOrACallback(t *testing.T) {
	for name, start := range serverKinds {
		for _, plain := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s callback=%t", name, plain), func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					reports := serverReports(ctx)
					var handler Handler = echoLine
					var opts []Option
					if plain {
						handler, opts = nil, []Option{Callback(func(r *Reader, w *Writer) {
							task.Go(ctx, func(ctx context.Context) error {
								defer w.Close()
								return echoLine(ctx, r, w)
							})
						})}
					}
					s, err := start(t, ctx, handler, opts...)
					if err != nil {
						return err
					}
					r, w := serverConnect(t, ctx, s)
					_, _ = w.Write([]byte("hello world!\n"))
					line, err := r.ReadLine(ctx)
					if string(line) != "hello world!\n" || err != nil {
						t.Errorf("the answer is %q, %v", line, err)
					}
					if _, err := r.ReadLine(ctx); err != io.EOF {
						t.Errorf("after the answer comes %v, not the end of the stream", err)
					}
					w.Close()
					if err := w.WaitClosed(ctx); err != nil {
						t.Error(err)
					}
					s.Close()
					if err := s.WaitClosed(ctx); err != nil {
						t.Error(err)
					}
					check.Equal(t, "the number of reports", len(*reports), 0)
					return nil
				})
			})
		}
	}
}

// whoAmI answers with the description of its task.
func whoAmI(ctx context.Context, _ *Reader, w *Writer) error {
	return w.WriteAll(ctx, []byte(task.Current(ctx).String()+"\n"))
}

func TestServerTasksAreCalledAfterTheHandler(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := serverKinds["TCP"](t, ctx, whoAmI)
		if err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		line, err := r.ReadLine(ctx)
		check.NoError(t, err)
		check.Contains(t, string(line), "coro=<streams.whoAmI at server_test.go:")
		w.Close()
		s.Close()
		return s.WaitClosed(ctx)
	})
}

func TestServerServesForeverUntilItIsCancelled(t *testing.T) {
	for name, start := range serverKinds {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				var forever *task.Task[struct{}]
				s, err := start(t, ctx, func(ctx context.Context, r *Reader, w *Writer) error {
					if _, err := r.ReadLine(ctx); err != nil {
						return err
					}
					forever.Cancel()
					_, _ = w.Write([]byte("1"))
					w.Close()
					return w.WaitClosed(ctx)
				}, StartLater())
				if err != nil {
					return err
				}
				check.Equal(t, "IsServing of a server that starts later", s.IsServing(), false)
				addr := s.Addrs()[0]
				answer := make(chan string, 1)
				forever = task.Go(ctx, func(ctx context.Context) error {
					return s.With(ctx, func(ctx context.Context) error {
						if name == "Unix" {
							if err := s.StartServing(ctx); err != nil {
								return err
							}
							check.Equal(t, "IsServing after StartServing", s.IsServing(), true)
						}
						go func() {
							nc, err := net.Dial(addr.Network(), addr.String())
							if err != nil {
								answer <- err.Error()
								return
							}
							defer nc.Close()
							_, _ = nc.Write([]byte(strings.Repeat("1", 5<<10) + "\n"))
							all, _ := io.ReadAll(nc)
							answer <- string(all)
						}()
						return s.ServeForever(ctx)
					})
				})
				serverCancelled(t, ctx, forever)
				check.Equal(t, "the answer", <-answer, "1")
				check.Equal(t, "the number of addresses of a closed server", len(s.Addrs()), 0)
				check.Equal(t, "IsServing of a closed server", s.IsServing(), false)
				check.Is(t, s.ServeForever(ctx), ErrServerClosed)
				check.Is(t, s.ServeForever(ctx), net.ErrClosed)
				check.Is(t, s.StartServing(ctx), ErrServerClosed)
				return s.WaitClosed(ctx) // which returns at once
			})
		})
	}
}

func TestServerWaitClosedNeedsCloseAndTheEndOfAllClients(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
		if err != nil {
			return err
		}
		wait := func() *task.Task[struct{}] {
			tk := task.Go(ctx, s.WaitClosed)
			_ = task.Yield(ctx)
			_ = task.Yield(ctx)
			return tk
		}
		first := wait()
		check.Equal(t, "Done of a wait without clients while the server is open", first.Done(), false)
		serverDial(t, s).Close()
		accepted := func() bool { return s.clients.First() != nil }
		serverUntil(t, ctx, accepted)
		serverUntil(t, ctx, func() bool { return s.connections == 0 })
		_ = task.Yield(ctx)
		_ = task.Yield(ctx)
		check.Equal(t, "Done of a wait when a client has left the open server", first.Done(), false)
		_, w := serverConnect(t, ctx, s)
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		second := wait()
		s.Close()
		third := wait()
		for _, tk := range []*task.Task[struct{}]{first, second, third} {
			check.Equal(t, "Done of a wait with a client", tk.Done(), false)
		}
		cancelled := wait()
		cancelled.Cancel()
		serverCancelled(t, ctx, cancelled)
		w.Close()
		for _, tk := range []*task.Task[struct{}]{first, second, third} {
			if err := tk.Join(ctx); err != nil {
				t.Error(err)
			}
		}
		return s.WaitClosed(ctx)
	})
}

func TestServerWaitClosedWithACloseAndALossAtTheSameTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
		if err != nil {
			return err
		}
		wait := task.Go(ctx, s.WaitClosed)
		_, w := serverConnect(t, ctx, s)
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		check.Equal(t, "Done of the wait", wait.Done(), false)
		loop.Running(ctx).CallSoon(func() { s.Close() })
		loop.Running(ctx).CallSoon(func() { w.Close() })
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		return wait.Join(ctx)
	})
}

func TestServerCloseClientsEndsThemInTwoIterations(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
		if err != nil {
			return err
		}
		serverConnect(t, ctx, s)
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		wait := task.Go(ctx, s.WaitClosed)
		_ = task.Yield(ctx)
		s.Close()
		s.CloseClients()
		_ = task.Yield(ctx)
		_ = task.Yield(ctx)
		check.Equal(t, "Done of the wait", wait.Done(), true)
		return nil
	})
}

func TestServerAbortClientsEndsThemInTwoIterations(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var sw *Writer
		s, err := StartServer(ctx, func(ctx context.Context, _ *Reader, w *Writer) error {
			sw = w
			return w.WaitClosed(ctx)
		}, "127.0.0.1:0")
		if err != nil {
			return err
		}
		serverDial(t, s) // it never reads
		serverUntil(t, ctx, func() bool { return sw != nil })
		for sw.WriteBufferSize() == 0 {
			_, _ = sw.Write(make([]byte, 1<<20))
		}
		wait := task.Go(ctx, s.WaitClosed)
		_ = task.Yield(ctx)
		s.Close()
		s.CloseClients()
		_ = task.Yield(ctx)
		_ = task.Yield(ctx)
		check.Equal(t, "Done of the wait while bytes are kept", wait.Done(), false)
		s.AbortClients()
		_ = task.Yield(ctx)
		_ = task.Yield(ctx)
		check.Equal(t, "Done of the wait after AbortClients", wait.Done(), true)
		return nil
	})
}

func TestServerClosesClientsInTheOrderOfTheirConnections(t *testing.T) {
	for _, abort := range []bool{false, true} {
		run(t, func(ctx context.Context) error {
			l := newServerListener()
			number := 0
			var order []string
			s, err := Serve(ctx, func(ctx context.Context, _ *Reader, w *Writer) error {
				err := w.WaitClosed(ctx)
				order = append(order, task.Current(ctx).Name())
				return err
			}, l, TaskName(func(net.Addr) string { number++; return fmt.Sprint(number) }))
			if err != nil {
				return err
			}
			for i := range 5 {
				l.connect()
				serverUntil(t, ctx, func() bool { return s.connections == i+1 })
			}
			s.Close()
			if abort {
				s.AbortClients()
			} else {
				s.CloseClients()
			}
			if err := s.WaitClosed(ctx); err != nil {
				return err
			}
			serverUntil(t, ctx, func() bool { return len(order) == 5 })
			check.Equal(t, "the order", fmt.Sprint(order), "[1 2 3 4 5]")
			return nil
		})
	}
}

func TestServerServeForever(t *testing.T) {
	t.Run("two of them", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
			if err != nil {
				return err
			}
			first := task.Go(ctx, s.ServeForever)
			_ = task.Yield(ctx)
			check.Is(t, s.ServeForever(ctx), ErrServing)
			s.Close()
			check.Is(t, s.ServeForever(ctx), ErrServerClosed)
			serverCancelled(t, ctx, first)
			return nil
		})
	})
	t.Run("a client that stays", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, w := serverConnect(t, ctx, s)
			serverUntil(t, ctx, func() bool { return s.connections == 1 })
			forever := task.Go(ctx, s.ServeForever)
			_ = task.Yield(ctx)
			forever.Cancel()
			for range 5 {
				_ = task.Yield(ctx)
			}
			check.Equal(t, "Done of a cancelled ServeForever with a client", forever.Done(), false)
			check.Equal(t, "IsServing", s.IsServing(), false)
			check.Is(t, s.ServeForever(ctx), ErrServing)
			forever.Cancel("again")
			serverCancelled(t, ctx, forever)
			check.Equal(t, "the number of connections", s.connections, 1)
			w.Close()
			return s.WaitClosed(ctx)
		})
	})
	t.Run("CloseClientsOnCancel", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			s, err := StartServer(ctx, idle, "127.0.0.1:0", CloseClientsOnCancel())
			if err != nil {
				return err
			}
			serverDial(t, s)
			serverUntil(t, ctx, func() bool { return s.connections == 1 })
			forever := task.Go(ctx, s.ServeForever)
			_ = task.Yield(ctx)
			forever.Cancel()
			serverCancelled(t, ctx, forever)
			return s.WaitClosed(ctx)
		})
	})
	t.Run("the end of a context", func(t *testing.T) {
		run(t, func(ctx context.Context) error {
			s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
			if err != nil {
				return err
			}
			_, w := serverConnect(t, ctx, s)
			serverUntil(t, ctx, func() bool { return s.connections == 1 })
			var end context.CancelCauseFunc
			forever := task.Go(ctx, func(ctx context.Context) error {
				ctx, end = context.WithCancelCause(ctx)
				return s.ServeForever(ctx)
			})
			_ = task.Yield(ctx)
			end(errServerTest)
			serverUntil(t, ctx, func() bool { return !s.IsServing() })
			for range 5 {
				_ = task.Yield(ctx)
			}
			check.Equal(t, "Done with a client", forever.Done(), false)
			w.Close()
			check.Is(t, forever.Join(ctx), errServerTest)
			return nil
		})
	})
}

func TestServerWith(t *testing.T) {
	run(t, func(ctx context.Context) error {
		start := func() *Server {
			s, err := StartServer(ctx, readToEnd, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := start()
		err := s.With(ctx, func(context.Context) error { return errServerTest })
		check.Is(t, err, errServerTest)
		check.Equal(t, "closed", s.isOver(), true)

		s = start()
		_, w := serverConnect(t, ctx, s)
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		waiting := task.Go(ctx, func(ctx context.Context) error {
			return s.With(ctx, func(context.Context) error { return errServerTest })
		})
		for range 3 {
			_ = task.Yield(ctx)
		}
		waiting.Cancel()
		err = waiting.Join(ctx)
		if !future.IsCancelled(err) || !strings.Contains(err.Error(), errServerTest.Error()) {
			t.Errorf("the error of With that is cancelled is %v", err)
		}
		w.Close()
		if err := s.WaitClosed(ctx); err != nil {
			t.Error(err)
		}

		s = start()
		func() {
			defer func() { check.Equal(t, "the panic", recover(), any("oh")) }()
			_ = s.With(ctx, func(context.Context) error { panic("oh") })
		}()
		check.Equal(t, "closed by a panic", s.isOver(), true)
		check.Is(t, s.With(ctx, nil), loop.ErrNilFunc)
		return nil
	})
}

// serverEnds are the ways in which a handler can end. The connection is closed in each
// case.
var serverEnds = map[string]struct {
	handler Handler
	report  string
}{
	"nil":    {func(context.Context, *Reader, *Writer) error { return nil }, ""},
	"error":  {func(context.Context, *Reader, *Writer) error { return errServerTest }, errServerTest.Error()},
	"panic":  {func(context.Context, *Reader, *Writer) error { panic("oh") }, "panic: oh"},
	"cancel": {func(ctx context.Context, _ *Reader, w *Writer) error { w.Close(); cancelCurrent(ctx); return nil }, ""},
	"cancelled while it waits": {func(ctx context.Context, r *Reader, _ *Writer) error {
		cancelCurrent(ctx)
		_, err := r.ReadLine(ctx)
		return err
	}, ""},
}

func cancelCurrent(ctx context.Context) { task.Current(ctx).(*task.Task[struct{}]).Cancel() }

func TestServerClosesTheConnectionWhenItsHandlerEnds(t *testing.T) {
	for name, test := range serverEnds {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				reports := serverReports(ctx)
				s, err := StartServer(ctx, test.handler, "127.0.0.1:0")
				if err != nil {
					return err
				}
				r, w := serverConnect(t, ctx, s)
				if all, err := r.ReadAll(ctx); len(all) > 0 || err != nil {
					t.Errorf("the client reads %q, %v", all, err)
				}
				w.Close()
				s.Close()
				if err := s.WaitClosed(ctx); err != nil {
					return err
				}
				if test.report == "" {
					check.Equal(t, "the number of reports", len(*reports), 0)
					return nil
				}
				if len(*reports) != 1 {
					t.Fatalf("there are %d reports, not one", len(*reports))
				}
				e := (*reports)[0]
				check.Equal(t, "the message", e.Message, "Unhandled exception in client_connected_cb")
				if e.Err == nil || !strings.Contains(e.Err.Error(), "oh") && !errors.Is(e.Err, errServerTest) {
					t.Errorf("the error is %v", e.Err)
				}
				if e.Transport == nil || !strings.HasPrefix(e.Transport.String(), "<Connection 127.0.0.1:") {
					t.Errorf("the transport is %v", e.Transport)
				}
				return nil
			})
		})
	}
}

// A task that calls runtime.Goexit ends the run. When the loop runs again, the connection
// is closed as after any handler.
func TestServerClosesTheConnectionOfAHandlerThatCallsGoexit(t *testing.T) {
	l := newLoop()
	defer l.Close()
	reports := 0
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { reports++ })
	listener := newServerListener()
	var s *Server
	start := func(ctx context.Context) (_ struct{}, err error) {
		s, err = Serve(ctx, func(context.Context, *Reader, *Writer) error { runtime.Goexit(); return nil }, listener)
		return struct{}{}, err
	}
	if _, err := task.RunUntilComplete(l, task.Coro(start)); err != nil {
		t.Fatal(err)
	}
	client := listener.connect()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = l.RunForever()
		t.Error("Goexit of a task does not end the run")
	}()
	<-over
	wait := func(ctx context.Context) (struct{}, error) {
		s.Close()
		return struct{}{}, s.WaitClosed(ctx)
	}
	if _, err := task.RunUntilComplete(l, task.Coro(wait)); err != nil {
		t.Error(err)
	}
	check.Equal(t, "the number of reports", reports, 1)
	client.mustBeClosed(t)
}

func TestServerKeepOpenLeavesTheConnectionToTheProgram(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var sw *Writer
		s, err := StartServer(ctx, func(_ context.Context, _ *Reader, w *Writer) error {
			w.KeepOpen()
			sw = w
			return nil
		}, "127.0.0.1:0")
		if err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		serverUntil(t, ctx, func() bool { return sw != nil && s.running.Empty() })
		w.KeepOpen() // does nothing to a client's connection
		check.Equal(t, "IsClosing after the handler", sw.IsClosing(), false)
		_, _ = sw.Write([]byte("x"))
		sw.Close()
		all, err := r.ReadAll(ctx)
		if string(all) != "x" || err != nil {
			t.Errorf("the client reads %q, %v", all, err)
		}
		w.Close()
		s.Close()
		return s.WaitClosed(ctx)
	})
}

func TestServerReportsAPanicOfItsCallback(t *testing.T) {
	run(t, func(ctx context.Context) error {
		reports := serverReports(ctx)
		s, err := StartServer(ctx, nil, "127.0.0.1:0", Callback(func(*Reader, *Writer) { panic(errServerTest) }))
		if err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		if all, err := r.ReadAll(ctx); len(all) > 0 || err != nil {
			t.Errorf("the client reads %q, %v", all, err)
		}
		w.Close()
		if len(*reports) != 1 {
			t.Fatalf("there are %d reports, not one", len(*reports))
		}
		check.Equal(t, "the message", (*reports)[0].Message, "Unhandled exception in client_connected_cb")
		check.Is(t, (*reports)[0].Err, errServerTest)
		s.Close()
		return s.WaitClosed(ctx)
	})
}

func TestServerCallbackMayEndTheRunByAFatalError(t *testing.T) {
	var client *serverClient
	err := runMain(func(ctx context.Context) error {
		l := newServerListener()
		if _, err := Serve(ctx, nil, l, Callback(func(*Reader, *Writer) { panic(loop.ErrKeyboardInterrupt) })); err != nil {
			return err
		}
		client = l.connect()
		return task.Sleep(ctx, task.Forever)
	})
	check.Is(t, err, loop.ErrKeyboardInterrupt)
	client.mustBeClosed(t)
}

func TestServerPassesPanicsOfTaskNamesToTheExceptionHandler(t *testing.T) {
	run(t, func(ctx context.Context) error {
		reports := serverReports(ctx)
		l := newServerListener()
		s, err := Serve(ctx, idle, l, TaskName(func(net.Addr) string { panic(errServerTest) }))
		if err != nil {
			return err
		}
		client := l.connect()
		serverUntil(t, ctx, func() bool { return len(*reports) == 1 })
		check.Is(t, (*reports)[0].Err, errServerTest)
		s.Close()
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		client.mustBeClosed(t)
		return nil
	})
}

type serverKey struct{}

func TestServerTasksHaveNamesAndInheritValues(t *testing.T) {
	run(t, func(ctx context.Context) error {
		names := make(chan string, 2)
		handler := func(ctx context.Context, r *Reader, w *Writer) error {
			check.Equal(t, "the value", ctx.Value(serverKey{}), any("inherited"))
			names <- task.Current(ctx).Name()
			return nil
		}
		outer, cancel := context.WithCancel(context.WithValue(ctx, serverKey{}, "inherited"))
		defer cancel()
		s, err := StartServer(outer, handler, "127.0.0.1:0", TaskName(func(peer net.Addr) string { return "client " + peer.String() }))
		if err != nil {
			return err
		}
		d, err := StartServer(outer, handler, "127.0.0.1:0")
		if err != nil {
			return err
		}
		cancel() // a server does not end with the context that it was started with
		nc := serverDial(t, s)
		name, _, err := task.Receive(ctx, names)
		check.Equal(t, "the name", name, "client "+nc.LocalAddr().String())
		serverDial(t, d)
		name, _, err2 := task.Receive(ctx, names)
		if !strings.HasPrefix(name, "Task-") {
			t.Errorf("the default name is %q", name)
		}
		return errors.Join(err, err2, s.Close(), d.Close())
	})
}

func TestServerConnectionsHaveAnIdleTimeout(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		l := newServerListener()
		failed := future.New[time.Duration](loop.Running(ctx))
		s, err := Serve(ctx, func(ctx context.Context, r *Reader, _ *Writer) error {
			begin := loop.Running(ctx).Time()
			_, err := r.ReadLine(ctx)
			check.Is(t, err, future.ErrTimeout)
			return failed.SetResult(loop.Running(ctx).Time().Sub(begin))
		}, l, IdleTimeout(5*time.Second))
		if err != nil {
			return err
		}
		client := l.connect()
		took, err := failed.Await(ctx)
		check.Equal(t, "the time that it takes", took, 5*time.Second)
		client.mustBeClosed(t)
		s.Close()
		return errors.Join(err, s.WaitClosed(ctx))
	})
}

func TestServerThatIsCancelledWhileItStartsIsClosed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		starting := task.Go(ctx, func(ctx context.Context) error {
			_, err := Serve(ctx, idle, l)
			return err
		})
		_ = task.Yield(ctx)
		starting.Cancel()
		serverCancelled(t, ctx, starting)
		select {
		case <-l.closed:
		default:
			t.Error("the listener is open")
		}
		return nil
	})
}

func TestServerString(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		s, err := Serve(ctx, idle, l, StartLater())
		if err != nil {
			return err
		}
		check.Equal(t, "the text", s.String(), "<Server fake>")
		if err := s.StartServing(ctx); err != nil {
			return err
		}
		if err := s.StartServing(ctx); err != nil { // a second time
			return err
		}
		l.connect()
		serverUntil(t, ctx, func() bool { return s.connections == 1 })
		check.Equal(t, "the text", s.String(), "<Server fake serving clients=1>")
		s.Close()
		s.AbortClients()
		check.Equal(t, "the text", s.String(), "<Server closed clients=1>")
		check.Equal(t, "the text of nil", (*Server)(nil).String(), "<nil>")
		check.Equal(t, "the loop", s.Loop(), loop.Running(ctx))
		return s.WaitClosed(ctx)
	})
}

func TestServerRefusesOtherGoroutinesAndCallbacks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := Serve(ctx, idle, newServerListener())
		if err != nil {
			return err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			check.Is(t, s.Close(), loop.ErrWrongGoroutine)
			check.Is(t, s.WaitClosed(ctx), loop.ErrWrongGoroutine)
			check.Is(t, s.StartServing(ctx), loop.ErrWrongGoroutine)
			check.Is(t, s.ServeForever(ctx), loop.ErrWrongGoroutine)
			check.Is(t, s.With(ctx, s.ServeForever), loop.ErrWrongGoroutine)
			_, err := s.Shutdown(ctx, 0)
			check.Is(t, err, loop.ErrWrongGoroutine)
			check.Is(t, check.Panics(t, s.CloseClients), loop.ErrWrongGoroutine)
			check.Is(t, check.Panics(t, s.AbortClients), loop.ErrWrongGoroutine)
		}()
		<-done
		check.Is(t, s.WaitClosed(context.Background()), loop.ErrNotRunning)
		return s.Close()
	})
}

func TestServerOfAClosedLoopIsClosed(t *testing.T) {
	l := newLoop()
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // it is told of tasks
	listener := newServerListener()
	var s *Server
	start := func(ctx context.Context) (_ struct{}, err error) {
		s, err = Serve(ctx, idle, listener)
		task.Go(ctx, s.ServeForever)
		return struct{}{}, err
	}
	if _, err := task.RunUntilComplete(l, task.Coro(start)); err != nil {
		t.Fatal(err)
	}
	waiting := listener.connect()
	serverSpin(t, func() bool { return s.accepted() == 1 })
	l.Close()
	waiting.mustBeClosed(t)
	check.Equal(t, "IsServing", s.IsServing(), false)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestServerOptionsAreChecked(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := newServerListener()
		handshake := Option(func(s *settings) error { s.handshakeTimeout = time.Second; return nil })
		callback := Callback(func(*Reader, *Writer) {})
		name := TaskName(func(net.Addr) string { return "" })
		for what, start := range map[string]func() (*Server, error){
			"no handler":          func() (*Server, error) { return StartServer(ctx, nil, ":0") },
			"two handlers":        func() (*Server, error) { return StartServer(ctx, idle, ":0", callback) },
			"nil Callback":        func() (*Server, error) { return StartServer(ctx, nil, ":0", Callback(nil)) },
			"names of callbacks":  func() (*Server, error) { return StartServer(ctx, nil, ":0", callback, name) },
			"nil TaskName":        func() (*Server, error) { return StartServer(ctx, idle, ":0", TaskName(nil)) },
			"no port":             func() (*Server, error) { return StartServer(ctx, idle, "127.0.0.1") },
			"no Hosts":            func() (*Server, error) { return StartServer(ctx, idle, ":0", Hosts()) },
			"host and Hosts":      func() (*Server, error) { return StartServer(ctx, idle, "127.0.0.1:0", Hosts("::1")) },
			"TLS time limit":      func() (*Server, error) { return StartServer(ctx, idle, ":0", handshake) },
			"Unix TLS time limit": func() (*Server, error) { return StartUnixServer(ctx, idle, "spam", handshake) },
			"Backlog":             func() (*Server, error) { return StartServer(ctx, idle, ":0", Backlog(0)) },
			"MaxConnections":      func() (*Server, error) { return StartServer(ctx, idle, ":0", MaxConnections(0)) },
			"nil Listen":          func() (*Server, error) { return StartServer(ctx, idle, ":0", Listen(nil)) },
			"Listen and ReusePort": func() (*Server, error) {
				return StartServer(ctx, idle, ":0", Listen(&net.ListenConfig{}), ReusePort())
			},
			"nil option":    func() (*Server, error) { return StartServer(ctx, idle, ":0", nil) },
			"no path":       func() (*Server, error) { return StartUnixServer(ctx, idle, "") },
			"Unix Hosts":    func() (*Server, error) { return StartUnixServer(ctx, idle, "spam", Hosts("a")) },
			"no listener":   func() (*Server, error) { return Serve(ctx, idle, nil) },
			"Serve Hosts":   func() (*Server, error) { return Serve(ctx, idle, l, Hosts("a")) },
			"Serve Listen":  func() (*Server, error) { return Serve(ctx, idle, l, Listen(&net.ListenConfig{})) },
			"Serve Network": func() (*Server, error) { return Serve(ctx, idle, l, Network("tcp4")) },
			"Unix Network":  func() (*Server, error) { return StartUnixServer(ctx, idle, "spam", Network("tcp4")) },
		} {
			s, err := start()
			check.Is(t, err, ErrInvalidArgument)
			if s != nil {
				t.Errorf("%s: there is a server", what)
			}
		}
		select {
		case <-l.closed:
			t.Error("a listener was closed for the sake of a wrong option")
		default:
		}
		return nil
	})
}
