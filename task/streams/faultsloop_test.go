package streams

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// A handler that never reads makes its client wait, and Shutdown ends both.
func TestFloodOfAHandlerThatNeverReads(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		const limit, grace = 1000, 10 * time.Second
		var reader *Reader
		var writer *Writer
		s, err := StartServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			reader, writer = r, w
			return task.Sleep(ctx, task.Forever)
		}, "127.0.0.1:0", Limit(limit))
		if err != nil {
			return err
		}
		nc := serverDial(t, s)
		flood := plainly(func() error {
			for p := make([]byte, 64<<10); ; {
				if _, err := nc.Write(p); err != nil {
					return err
				}
			}
		})
		serverUntil(t, ctx, func() bool { return reader != nil && !reader.IsReading() })
		if n := reader.Buffered(); n <= 2*limit || n > 2*limit+faultPump {
			t.Errorf("the reader holds %d bytes", n)
		}
		if n := faultHeld(writer); n > faultPump {
			t.Errorf("the pump holds %d bytes", n)
		}
		begin := s.Loop().Time()
		aborted, err := s.Shutdown(ctx, grace)
		check.Equal(t, "aborted", aborted, 0)
		check.Equal(t, "time", s.Loop().Time().Sub(begin), grace)
		check.Equal(t, "closing", writer.IsClosing(), true)
		check.Equal(t, "connections", s.connections, 0)
		check.Equal(t, "disconnected", IsDisconnect(flood()), true)
		return err
	})
}

// Bytes arrive also if the loop never sleeps, and if it has the only processor.
func TestBusyLoopReceives(t *testing.T) {
	for _, processors := range []int{runtime.GOMAXPROCS(0), 1} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		run(t, func(ctx context.Context) error {
			spinning := task.Go(ctx, func(ctx context.Context) error {
				for {
					if err := task.Yield(ctx); err != nil {
						return err
					}
				}
			})
			e, peer := fromTCP(t, ctx)
			echoing := plainly(func() error {
				_, err := io.Copy(peer, peer)
				return errors.Join(err, peer.Close())
			})
			for range 10 {
				writes(t, e.W, "text\n")
				gives(t, "text\n")(e.R.ReadLine(ctx))
			}
			ended(t, ctx, e)
			spinning.Cancel()
			check.Equal(t, "cancelled", future.IsCancelled(spinning.Join(ctx)), true)
			return echoing()
		})
	}
}

// What arrives while nobody runs the loop is there in the next run, and what is held
// meanwhile is bounded. A read that waits goes on in the next run.
func TestLoopThatIsRunAgainReceives(t *testing.T) {
	const total = 8 << 20
	l := loop.New()
	inLoop := func(fn func(ctx context.Context) error) {
		t.Helper()
		_, err := task.RunUntilComplete(l, task.Void(fn))
		check.NoError(t, err)
	}
	var e, left, right End
	var peer *net.TCPConn
	var line, pairLine *reading
	inLoop(func(ctx context.Context) error {
		e, peer = fromTCP(t, ctx)
		left, right, _ = Pair(ctx)
		line, pairLine = startReadLine(ctx, e.R), startReadLine(ctx, right.R)
		turns(t, ctx, 2)
		writes(t, left.W, "over ")
		return nil
	})
	_, err := peer.Write([]byte("between "))
	check.NoError(t, err)
	serverSpin(t, func() bool { return faultHeld(e.W) == len("between ") })
	writes(t, left.W, "the pair\n") // nobody runs the loop, so any goroutine may
	check.Equal(t, "done", line.Done() || pairLine.Done(), false)
	inLoop(func(ctx context.Context) error {
		gives(t, "over the pair\n")(pairLine.Await(ctx))
		turns(t, ctx, 2)
		check.Equal(t, "done", line.Done(), false)
		return nil
	})
	sending := plainly(func() error {
		_, err := peer.Write(append([]byte("two runs\n"), make([]byte, total)...))
		return errors.Join(err, peer.CloseWrite())
	})
	serverSpin(t, func() bool { return faultHeld(e.W) >= maxReceive })
	for range 100 {
		runtime.Gosched()
	}
	if n := faultHeld(e.W); n > faultPump {
		t.Errorf("%d bytes wait for the loop", n)
	}
	inLoop(func(ctx context.Context) error {
		gives(t, "between two runs\n")(line.Await(ctx))
		rest, err := e.R.ReadAll(ctx)
		if err != nil || !bytes.Equal(rest, make([]byte, total)) {
			t.Errorf("%d bytes are read: %v", len(rest), err)
		}
		ended(t, ctx, e)
		ended(t, ctx, left)
		ended(t, ctx, right)
		return joinPlain(ctx, sending)
	})
	check.NoError(t, peer.Close())
	check.NoError(t, l.Close())
}

// A task of another loop that is running cannot touch a stream, whether it would have to
// wait or not, and nothing is sent.
func TestStreamsRefuseATaskOfAnotherRunningLoop(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, link := Pair(ctx, Record())
		writes(t, r.W, "some bytes\n")
		turns(t, ctx, 3)
		events := len(link.Events())
		done := make(chan error, 1)
		go func() {
			done <- task.Main(context.Background(), func(ctx context.Context) error {
				for name, call := range streamCalls(ctx, l, link) {
					if err := call(); !errors.Is(err, loop.ErrWrongGoroutine) {
						t.Errorf("%s: %v", name, err)
					}
				}
				return nil
			})
		}()
		check.NoError(t, <-done) // this loop is running, and waits here
		turns(t, ctx, 3)
		check.Equal(t, "events", len(link.Events()), events)
		left(t, r.R, "")
		gives(t, "some bytes\n")(l.R.ReadLine(ctx))
	})
}

// A faultDialer waits until nobody wants its connection any more.
type faultDialer struct{ called chan struct{} }

func (d faultDialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	close(d.called)
	<-ctx.Done()
	return nil, ctx.Err()
}

// Close of the loop ends whatever is open, in whatever it is doing: tasks are unwound,
// descriptors closed, goroutines gone, and the other sides told.
func TestCloseOfALoopWithConnectionsOfEveryKind(t *testing.T) {
	c, peer := tcpPair(t) // the runtime has its own descriptors from now on
	check.NoError(t, errors.Join(c.Close(), peer.Close()))
	runtime.GC() // of what other tests have left
	before, countable := serverDescriptors()
	goroutines := runtime.NumGoroutine()
	path := filepath.Join(t.TempDir(), "socket")
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	check.NoError(t, err)
	check.NoError(t, file.Truncate(64<<20))
	much := []byte(strings.Repeat("x", 16<<20))

	l := loop.New()
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // tasks are pending
	var peers []net.Conn
	begun, unwound := 0, 0
	_, err = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		// pending starts a task that will not get beyond fn.
		pending := func(fn func(ctx context.Context) error) {
			task.Go(ctx, func(ctx context.Context) error {
				begun++
				defer func() { unwound++ }()
				err := fn(ctx)
				t.Errorf("a task goes on with %v", err)
				return err
			})
		}
		tcp := func(opts ...Option) End {
			c, s := tcpPair(t)
			peers = append(peers, s)
			r, w, err := FromConn(ctx, c, opts...)
			check.NoError(t, err)
			return End{r, w}
		}
		reads := func(r *Reader) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				_, err := r.ReadLine(ctx)
				return err
			}
		}

		tcp() // nothing happens on it
		pending(reads(tcp().R))
		full := tcp()
		writes(t, full.W, string(much))
		pending(full.W.Drain)
		closing := tcp()
		writes(t, closing.W, string(much))
		check.NoError(t, closing.W.Close())
		pending(closing.W.WaitClosed)
		idle := tcp(IdleTimeout(time.Hour))
		idle.R.Pause()

		c, s := tcpPair(t)
		client, server, err := tlsEnds(ctx, c, s)
		if err != nil {
			return err
		}
		pending(reads(client.R))
		server.R.Pause()
		writes(t, client.W, string(much))
		pending(client.W.Drain)

		a, b, _ := Pair(ctx)
		pending(reads(a.R))
		b.R.Pause()
		writes(t, a.W, string(much))
		pending(a.W.Drain)

		in, out, err := os.Pipe()
		check.NoError(t, err)
		pipeReader, err := ReadPipe(ctx, in)
		check.NoError(t, err)
		pipeReader.Pause()
		pipeWriter, err := WritePipe(ctx, out)
		check.NoError(t, err)
		writes(t, pipeWriter, string(much))
		pending(pipeWriter.Drain)

		_, err = StartUnixServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			begun++
			defer func() { unwound++ }()
			err := echo(ctx, r, w)
			t.Errorf("a handler goes on with %v", err)
			return err
		}, path)
		if err != nil {
			return err
		}
		unixReader, unixWriter, err := OpenUnixConnection(ctx, path)
		if err != nil {
			return err
		}
		writes(t, unixWriter, "text\n")
		gives(t, "text\n")(unixReader.ReadLine(ctx))
		pending(reads(unixReader))

		listening, err := StartServer(ctx, echo, "127.0.0.1:0")
		if err != nil {
			return err
		}
		pending(listening.ServeForever)

		dialer := faultDialer{make(chan struct{})}
		pending(func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, "nowhere:1", Dial(dialer))
			return err
		})
		pending(func(ctx context.Context) error {
			c, s := tcpPair(t)
			peers = append(peers, s)
			_, _, err := FromConn(ctx, c, TLS(tlsClientConfig()))
			return err
		})
		starting := tcp()
		pending(func(ctx context.Context) error { return starting.W.StartTLS(ctx, tlsClientConfig()) })
		detaching := tcp()
		writes(t, detaching.W, string(much))
		pending(func(ctx context.Context) error {
			_, _, err := detaching.W.Detach(ctx)
			return err
		})
		sending := tcp()
		pending(func(ctx context.Context) error {
			_, err := sending.W.Sendfile(ctx, file, 0, 64<<20)
			return err
		})
		copying := tcp()
		pending(func(ctx context.Context) error { return copying.W.WriteAll(ctx, much) })

		serverUntil(t, ctx, func() bool {
			select {
			case <-dialer.called:
				return sending.W.conn.sending && detaching.W.conn.changing && starting.W.conn.changing
			default:
				return false
			}
		})
		turns(t, ctx, 10)
		return nil
	}))
	check.NoError(t, err)
	check.NoError(t, l.Close())
	if begun < 15 || unwound != begun {
		t.Errorf("of %d tasks %d are unwound", begun, unwound)
	}
	for _, peer := range peers {
		_ = peer.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, peer); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection is open")
		}
		_ = peer.Close()
	}
	check.NoError(t, file.Close())
	serverSpin(t, func() bool { return runtime.NumGoroutine() <= goroutines })
	if after, _ := serverDescriptors(); countable && after > before { // the collector may have closed others meanwhile
		t.Errorf("there are %d descriptors, %d before", after, before)
	}
}
