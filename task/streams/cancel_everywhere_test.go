package streams

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests cancel tasks at every place at which that can happen, one place in each run, over
// pairs. No byte may be lost then, nobody wait who could go on, no connection be left.

func TestCancelEverywhere(t *testing.T) { check.CancelEverywhere(t, everywhere(t)) }

func TestStressLosesNothing(t *testing.T) { check.Stress(t, everywhere(t), 80*time.Millisecond) }

func TestCancelEverywhereIsEverywhere(t *testing.T) {
	const goroutines = "goroutines of its connections reach the loop when no schedule can say"
	const noWait = "it does not wait"
	check.Covered(t, everywhere(t), map[string]string{
		"FromConn":           goroutines,
		"OpenConnection":     goroutines + ": see connectcancel_test.go",
		"OpenUnixConnection": goroutines + ": see connectcancel_test.go",
		"ReadPipe":           goroutines,
		"WritePipe":          goroutines,
		"StartServer":        goroutines + "; what it does when it has sockets is that of Serve",
		"StartUnixServer":    goroutines + "; what it does when it has sockets is that of Serve",
		"Writer.Detach":      "a pair has no net.Conn, " + goroutines,
		"Writer.StartTLS":    "a pair has no net.Conn, " + goroutines,
		"Pair":               noWait,
	})
}

func everywhere(t *testing.T) []check.Scenario {
	var all []check.Scenario
	add := func(operation string, play func(ctx context.Context, p *check.Play)) {
		all = append(all, check.Scenario{Of: []string{operation}, Play: play})
	}
	for name, read := range reads {
		add("Reader."+name, losesNoByte("Reader."+name, read))
	}
	add("Writer.Drain", drainsAll)
	add("Writer.WriteAll", writesInOrder("Writer.WriteAll", (*Writer).WriteAll))
	add("Writer.IO", writesInOrder("Writer.IO", func(w *Writer, ctx context.Context, p []byte) error {
		_, err := w.IO(ctx).Write(p)
		return err
	}))
	add("Writer.WaitClosed", waitsUntilClosed)
	add("Writer.CloseWithin", closesWithin)
	add("Writer.Sendfile", sendsFile(t))
	add("Serve", servesOrCloses)
	add("Server.StartServing", startsServing)
	for name, serve := range servings {
		add("Server."+name, endsServing("Server."+name, serve))
	}
	return all
}

const sentText = "one\ntwo\nthree\nfour\n"

// reads are the ways to read: each reads something, or reports io.EOF.
var reads = map[string]func(ctx context.Context, r *Reader) ([]byte, error){
	"Read":        func(ctx context.Context, r *Reader) ([]byte, error) { return r.Read(ctx, 4) },
	"ReadAll":     func(ctx context.Context, r *Reader) ([]byte, error) { return r.ReadAll(ctx) },
	"ReadExactly": func(ctx context.Context, r *Reader) ([]byte, error) { return r.ReadExactly(ctx, 5) },
	"ReadLine":    func(ctx context.Context, r *Reader) ([]byte, error) { return r.ReadLine(ctx) },
	"ReadUntil": func(ctx context.Context, r *Reader) ([]byte, error) {
		return r.ReadUntil(ctx, []byte("ee"), []byte("\n"))
	},
	"ReadInto": func(ctx context.Context, r *Reader) ([]byte, error) {
		p := make([]byte, 6)
		n, err := r.ReadInto(ctx, p)
		return p[:n], err
	},
	"IO": func(ctx context.Context, r *Reader) ([]byte, error) {
		p := make([]byte, 6)
		n, err := io.ReadFull(r.IO(ctx), p[:1])
		return p[:n], err
	},
	"Lines": func(ctx context.Context, r *Reader) ([]byte, error) {
		for line, err := range r.Lines(ctx) {
			return line, err
		}
		return nil, io.EOF
	},
}

// losesNoByte reads a text that comes in pieces. What a task has not read the next one reads.
func losesNoByte(operation string, read func(ctx context.Context, r *Reader) ([]byte, error)) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		left, right, _ := Pair(ctx, Chunk(3))
		var got []byte
		readAll := func(ctx context.Context) error {
			for !right.R.AtEOF() {
				err := p.Try(ctx, operation, func(ctx context.Context) error {
					part, err := read(ctx, right.R)
					got = append(got, part...)
					return err
				})
				var short *IncompleteReadError
				switch {
				case errors.As(err, &short):
					got = append(got, short.Partial...)
				case err != nil && !errors.Is(err, io.EOF):
					return err
				}
			}
			return nil
		}
		first := p.Start(ctx, "first", readAll)
		second := p.Start(ctx, "second", func(ctx context.Context) error {
			_, _, err := task.Wait(ctx, []*task.Task[struct{}]{first})
			if err != nil {
				return err
			}
			return readAll(ctx)
		})
		for i := 0; i < len(sentText); i += 5 {
			p.Settle(ctx)
			_, err := left.W.Write([]byte(sentText[i:min(i+5, len(sentText))]))
			check.NoError(p, err)
			p.Interrupt()
			check.NoError(p, task.Yield(ctx))
			p.Interrupt()
		}
		check.NoError(p, left.W.WriteEOF())
		p.End(ctx, first, second)
		p.Peace()
		rest, err := right.R.ReadAll(ctx)
		check.NoError(p, err)
		got = append(got, rest...)
		check.Equal(p, "text", string(got), sentText)
		closePair(ctx, p, left, right)
	}
}

// closePair closes both ends, which nobody must keep from it.
func closePair(ctx context.Context, p *check.Play, ends ...End) {
	for _, e := range ends {
		check.NoError(p, e.W.Close())
	}
	for _, e := range ends {
		check.NoError(p, e.W.WaitClosed(ctx))
	}
}

// drainsAll lets tasks wait until there is room.
func drainsAll(ctx context.Context, p *check.Play) {
	left, right, _ := Pair(ctx, Window(8))
	right.R.Pause()
	check.NoError(p, left.W.SetWriteBufferLimits(8, 4))
	var tasks []*task.Task[struct{}]
	for i := range 3 {
		tasks = append(tasks, p.Start(ctx, fmt.Sprint("writer", i), func(ctx context.Context) error {
			for range 2 {
				if _, err := left.W.Write(bytes.Repeat([]byte{'x'}, 10)); err != nil {
					return err
				}
				if err := p.Try(ctx, "Writer.Drain", left.W.Drain); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	n := 0
	for !check.AllDone(tasks) {
		p.Settle(ctx)
		if check.AllDone(tasks) {
			break
		}
		p.Interrupt()
		right.R.Resume()
		part, err := right.R.Read(ctx, 100)
		right.R.Pause()
		check.NoError(p, err)
		p.Interrupt()
		n += len(part)
	}
	right.R.Resume()
	p.End(ctx, tasks...)
	check.NoError(p, left.W.Close())
	rest, err := right.R.ReadAll(ctx)
	check.NoError(p, err)
	if n += len(rest); n%10 != 0 {
		p.Errorf("%d bytes have come, where 10 were written at a time", n)
	}
	closePair(ctx, p, left, right)
}

// writesInOrder writes texts that the buffer has no room for. Who is cancelled has written the
// beginning of its text, and the others the whole.
func writesInOrder(operation string, write func(w *Writer, ctx context.Context, p []byte) error) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		left, right, _ := Pair(ctx, Window(1<<10))
		check.NoError(p, left.W.SetWriteBufferLimits(1<<10, 0))
		const size = 100 << 10
		written := map[byte]bool{}
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("writer", i), func(ctx context.Context) error {
				err := p.Once(ctx, operation, func(ctx context.Context) error {
					return write(left.W, ctx, bytes.Repeat([]byte{byte(i)}, size))
				})
				written[byte(i)] = err == nil
				return err
			}))
		}
		got := p.Background(ctx, "reader", func(ctx context.Context) error {
			all, err := right.R.ReadAll(ctx)
			for i := range byte(2) {
				n := bytes.Count(all, []byte{i})
				if n > size || n < size && written[i] {
					p.Errorf("writer%d: %d bytes have come of %d, and it has ended with success: %v", i, n, size, written[i])
				}
			}
			return err
		})
		check.NoError(p, task.Yield(ctx))
		p.Interrupt()
		p.End(ctx, tasks...)
		check.NoError(p, left.W.Close())
		p.End(ctx, got)
		closePair(ctx, p, left, right)
	}
}

// waitsUntilClosed lets several tasks wait for the end.
func waitsUntilClosed(ctx context.Context, p *check.Play) {
	left, right, _ := Pair(ctx, Window(8))
	_, err := left.W.Write(make([]byte, 20))
	check.NoError(p, err)
	right.R.Pause()
	var tasks []*task.Task[struct{}]
	for i := range 3 {
		tasks = append(tasks, p.Start(ctx, fmt.Sprint("waiter", i), func(ctx context.Context) error {
			return p.Try(ctx, "Writer.WaitClosed", left.W.WaitClosed)
		}))
	}
	p.Settle(ctx)
	p.Interrupt()
	check.NoError(p, left.W.Close())
	p.Settle(ctx)
	p.Interrupt()
	right.R.Resume()
	n, err := right.R.ReadAll(ctx)
	check.NoError(p, err)
	check.Equal(p, "bytes", len(n), 20)
	p.Interrupt()
	p.End(ctx, tasks...)
	closePair(ctx, p, left, right)
}

// closesWithin closes a connection behind which nobody reads. It is closed when the call
// returns, or about to be if that was cancelled.
func closesWithin(ctx context.Context, p *check.Play) {
	left, right, _ := Pair(ctx, Window(8))
	_, err := left.W.Write(make([]byte, 20))
	check.NoError(p, err)
	right.R.Pause()
	begun := false
	closer := p.Start(ctx, "closer", func(ctx context.Context) error {
		begun = true
		err := p.Once(ctx, "Writer.CloseWithin", func(ctx context.Context) error {
			return left.W.CloseWithin(ctx, time.Second)
		})
		if err == nil && !left.W.conn.gone {
			p.Error("the connection is there when CloseWithin has returned")
		}
		return err
	})
	p.Settle(ctx)
	p.Interrupt()
	p.End(ctx, closer)
	if !begun {
		left.W.Abort()
	}
	p.Settle(ctx)
	if !left.W.conn.gone {
		p.Errorf("the connection is left: %v", left.W)
	}
	right.W.Abort()
	closePair(ctx, p, left, right)
}

// sendsFile sends a file, of which the call says how much it has sent.
func sendsFile(t *testing.T) func(context.Context, *check.Play) {
	const size = 40 << 10
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte{'x'}, size), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, p *check.Play) {
		f, err := os.Open(path)
		check.NoError(p, err)
		defer f.Close()
		left, right, _ := Pair(ctx, Window(4<<10))
		check.NoError(p, left.W.SetWriteBufferLimits(1<<10, 0))
		var sent int64
		sender := p.Start(ctx, "sender", func(ctx context.Context) error {
			return p.Once(ctx, "Writer.Sendfile", func(ctx context.Context) (err error) {
				sent, err = left.W.Sendfile(ctx, f, 0, size)
				if err == nil {
					check.Equal(p, "sent", sent, int64(size))
				}
				return err
			})
		})
		var all []byte
		reader := p.Background(ctx, "reader", func(ctx context.Context) (err error) {
			all, err = right.R.ReadAll(ctx)
			return err
		})
		check.NoError(p, task.Yield(ctx))
		p.Interrupt()
		p.End(ctx, sender)
		_, err = left.W.Write([]byte("y")) // it may be used again
		check.NoError(p, err)
		check.NoError(p, left.W.Close())
		p.End(ctx, reader)
		check.Equal(p, "bytes that have come", int64(len(all)-1), sent)
		closePair(ctx, p, left, right)
	}
}

// servesOrCloses begins to serve. The listener is closed if that fails.
func servesOrCloses(ctx context.Context, p *check.Play) {
	listener := newServerListener()
	var s *Server
	begun := false
	tk := p.Start(ctx, "server", func(ctx context.Context) error {
		begun = true
		return p.Once(ctx, "Serve", func(ctx context.Context) (err error) {
			s, err = Serve(ctx, idle, listener)
			return err
		})
	})
	check.NoError(p, task.Yield(ctx))
	p.Interrupt()
	p.End(ctx, tk)
	if s != nil {
		check.NoError(p, s.Close())
	}
	select {
	case <-listener.closed:
	default:
		if begun {
			p.Error("the listener is open")
		}
	}
}

// startsServing starts a server that was told to start later.
func startsServing(ctx context.Context, p *check.Play) {
	s, err := Serve(ctx, idle, newServerListener(), StartLater())
	check.NoError(p, err)
	begun := false
	tk := p.Start(ctx, "server", func(ctx context.Context) error {
		begun = true
		return p.Once(ctx, "Server.StartServing", s.StartServing)
	})
	check.NoError(p, task.Yield(ctx))
	p.Interrupt()
	p.End(ctx, tk)
	check.Equal(p, "IsServing", s.IsServing(), begun)
	check.NoError(p, s.Close())
}

// servings are the ways to wait for the end of a server, most of which close it first.
var servings = map[string]func(s *Server, ctx context.Context) error{
	"ServeForever": (*Server).ServeForever,
	"WaitClosed":   (*Server).WaitClosed,
	"Shutdown": func(s *Server, ctx context.Context) error {
		_, err := s.Shutdown(ctx, time.Second)
		return err
	},
	"With": func(s *Server, ctx context.Context) error {
		return s.With(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) })
	},
}

// endsServing lets a server have clients that leave after a while. It is over when a task has
// waited for that, and was not cancelled twice.
func endsServing(operation string, wait func(s *Server, ctx context.Context) error) func(context.Context, *check.Play) {
	return func(ctx context.Context, p *check.Play) {
		s, err := Serve(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			_, err := r.ReadAll(ctx)
			return cmp.Or(task.Yield(ctx), err) // it takes time to end
		}, newServerListener())
		check.NoError(p, err)
		clients := []End{connectTo(ctx, s), connectTo(ctx, s)}
		closes := operation != "Server.WaitClosed"
		begun := 0
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			if i > 0 && closes {
				break
			}
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("server", i), func(ctx context.Context) error {
				begun++
				err := p.Once(ctx, operation, func(ctx context.Context) error { return wait(s, ctx) })
				if closes && !s.closed {
					p.Error("the server is open")
				}
				if task.Current(ctx).Cancelling() == 0 && !errors.Is(err, check.ErrInterrupted) && !s.isOver() {
					p.Errorf("it is not over: %v", s)
				}
				return err
			}))
		}
		for i := range clients {
			p.Settle(ctx)
			p.Interrupt()
			check.NoError(p, task.Sleep(ctx, 700*time.Millisecond))
			clients[i].W.Abort()
			p.Interrupt()
		}
		check.NoError(p, task.Sleep(ctx, time.Second))
		check.NoError(p, s.Close())
		p.End(ctx, tasks...)
		p.Settle(ctx)
		check.Equal(p, "isOver", s.isOver(), true)
		check.Equal(p, "handlers that run", s.running.First() == nil, true)
		for _, c := range clients {
			check.NoError(p, c.W.WaitClosed(ctx))
		}
	}
}

// connectTo makes one end of a pair a connection that a server has accepted, and returns the
// other end.
func connectTo(ctx context.Context, s *Server) End {
	left, right, _ := Pair(ctx)
	c := right.W.conn
	cl := &client{server: s, conn: c}
	c.server, c.client = s, cl
	s.intake.mu.Lock()
	s.intake.load++
	s.intake.mu.Unlock()
	s.attach(cl)
	cl.accepted()
	return left
}

// A task is cancelled while it waits for the end of a server, and its context ends, too, before
// or after: who asked for the cancellation must see it.
func TestServerReturnsACancellationRatherThanTheEndOfAContext(t *testing.T) {
	for name, c := range map[string]struct {
		wait        func(s *Server, ctx context.Context) error
		cancelFirst bool
	}{
		"ServeForever": {servings["ServeForever"], false},
		"Shutdown":     {servings["Shutdown"], false},
		"With":         {servings["With"], true},
	} {
		t.Run(name, func(t *testing.T) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				s, err := Serve(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
					_ = task.Sleep(ctx, time.Hour)
					return task.Sleep(context.WithoutCancel(ctx), time.Second) // it takes time to end
				}, newServerListener())
				if err != nil {
					t.Fatal(err)
				}
				other := connectTo(ctx, s)
				var end context.CancelCauseFunc
				tk := task.Go(ctx, func(ctx context.Context) error {
					ctx, end = context.WithCancelCause(ctx)
					return c.wait(s, ctx)
				})
				_ = t.WaitAllBlocked(ctx)
				ends := []func(){func() { end(check.ErrInterrupted) }, func() { tk.Cancel() }}
				if c.cancelFirst {
					slices.Reverse(ends)
				}
				for _, fn := range ends {
					fn()
					_ = t.WaitAllBlocked(ctx)
				}
				if _, err := tk.Await(ctx); !tk.Cancelled() {
					t.Errorf("it has ended with %v", err)
				}
				s.AbortClients()
				for n := s.running.First(); n != nil; n = s.running.First() {
					n.Value.task.Cancel()
					_ = task.Join(ctx, n.Value.task)
					_ = task.Yield(ctx)
				}
				other.W.Abort()
			})
		})
	}
}
