package streams

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// streamCalls has every method of the object that has an effect. What returns no error
// panics.
func streamCalls(ctx context.Context, e End, link *Link) map[string]func() error {
	r, w := e.R, e.W
	p := []byte("xx")
	panics := func(fn func()) func() error {
		return func() error { return check.ErrorOf(func() error { fn(); return nil }) }
	}
	return map[string]func() error{
		"Reader.Read":        func() error { _, err := r.Read(ctx, 9); return err },
		"Reader.ReadInto":    func() error { _, err := r.ReadInto(ctx, p); return err },
		"Reader.ReadAll":     func() error { _, err := r.ReadAll(ctx); return err },
		"Reader.ReadExactly": func() error { _, err := r.ReadExactly(ctx, 9); return err },
		"Reader.ReadUntil":   func() error { _, err := r.ReadUntil(ctx, []byte("END")); return err },
		"Reader.ReadLine":    func() error { _, err := r.ReadLine(ctx); return err },
		"Reader.Lines": func() error {
			for _, err := range r.Lines(ctx) {
				return err
			}
			return nil
		},
		"Reader.IO":           func() error { _, err := r.IO(ctx).Read(p); return err },
		"Reader.Discard":      func() error { _, err := r.Discard(1); return err },
		"Reader.Close":        r.Close,
		"Reader.FeedData":     panics(func() { r.FeedData(p) }),
		"Reader.FeedEOF":      panics(r.FeedEOF),
		"Reader.SetException": panics(func() { r.SetException(errCore) }),
		"Reader.Pause":        panics(r.Pause),
		"Reader.Resume":       panics(r.Resume),

		"Writer.Write":                func() error { _, err := w.Write(p); return err },
		"Writer.WriteLines":           func() error { return w.WriteLines(p) },
		"Writer.WriteAll":             func() error { return w.WriteAll(ctx, p) },
		"Writer.WriteEOF":             w.WriteEOF,
		"Writer.Drain":                func() error { return w.Drain(ctx) },
		"Writer.Sendfile":             func() error { _, err := w.Sendfile(ctx, nil, 0, 0); return err },
		"Writer.IO":                   func() error { _, err := w.IO(ctx).Write(p); return err },
		"Writer.SetWriteBufferLimits": func() error { return w.SetWriteBufferLimits(0, 0) },
		"Writer.Close":                w.Close,
		"Writer.CloseWithin":          func() error { return w.CloseWithin(ctx, time.Second) },
		"Writer.WaitClosed":           func() error { return w.WaitClosed(ctx) },
		"Writer.Abort":                panics(w.Abort),
		"Writer.StartTLS":             func() error { return w.StartTLS(ctx, tlsClientConfig()) },
		"Writer.Detach":               func() error { _, _, err := w.Detach(ctx); return err },
		"Writer.ConnectionState":      panics(func() { w.ConnectionState() }),

		"Link.Stall":      panics(func() { link.Stall(LeftToRight) }),
		"Link.Resume":     panics(func() { link.Resume(LeftToRight) }),
		"Link.CloseWrite": panics(func() { link.CloseWrite(LeftToRight) }),
		"Link.Reset":      panics(func() { link.Reset(errCore) }),
	}
}

// streamQueries only look at the object.
const streamQueries = `Reader.AtEOF Reader.Buffered Reader.Err Reader.IsReading Reader.Peek Reader.String
	Writer.CanWriteEOF Writer.IsClosing Writer.LocalAddr Writer.Loop Writer.RemoteAddr Writer.String
	Writer.WriteBufferLimits Writer.WriteBufferSize Link.Events`

// otherTests are those of these methods.
const otherTests = "Writer.NetConn Writer.KeepOpen"

// No method is forgotten here.
func TestStreamCallsAreAll(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, _, link := Pair(ctx)
		calls := streamCalls(ctx, l, link)
		for _, v := range []any{l.R, l.W, link} {
			typ := reflect.TypeOf(v)
			for i := range typ.NumMethod() {
				name := typ.Elem().Name() + "." + typ.Method(i).Name
				if calls[name] == nil && !strings.Contains(streamQueries+" "+otherTests+" ", name) {
					t.Errorf("%s is not among the calls", name)
				}
			}
		}
	})
}

var streamRefusal = regexp.MustCompile(`^streams: [A-Z]\w+ of <(Reader|Writer|Link) 0x[0-9a-f]+>: called from a goroutine outside`)

// A goroutine outside of the loop is refused whatever changes a stream, and changes
// nothing.
func TestForeignGoroutineIsRefused(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, link := Pair(ctx, Record())
		writes(t, r.W, "some bytes\n")
		turns(t, ctx, 3)
		left(t, l.R, "some bytes\n")
		events := fmt.Sprint(link.Events())
		before := fmt.Sprint(l.R, l.W, r.R, r.W)
		tried := make(chan struct{})
		go func() {
			defer close(tried)
			for name, call := range streamCalls(ctx, l, link) {
				err := call()
				check.Is(t, err, loop.ErrWrongGoroutine)
				if err != nil && !streamRefusal.MatchString(err.Error()) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for name, call := range map[string]func(){
				"Pair":            func() { Pair(ctx) },
				"FromConn":        func() { _, _, _ = FromConn(ctx, nil) },
				"NewReader":       func() { _, _ = NewReader(loop.Running(ctx), 1) },
				"StartServer":     func() { _, _ = StartServer(ctx, idle, "127.0.0.1:0") },
				"StartUnixServer": func() { _, _ = StartUnixServer(ctx, idle, "unused") },
				"Serve":           func() { _, _ = Serve(ctx, idle, nil) },
			} {
				err := check.Panics(t, call)
				check.Is(t, err, loop.ErrWrongGoroutine)
				check.Says(t, err, name)
			}
		}()
		<-tried // the loop is running, and waits here
		check.Equal(t, "the streams", fmt.Sprint(l.R, l.W, r.R, r.W), before)
		check.Equal(t, "the events", fmt.Sprint(link.Events()), events)
		gives(t, "some bytes\n")(l.R.ReadLine(ctx))
	})
}

// Zero values are refused.
func TestZeroStreamsAreRefused(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		refusal := regexp.MustCompile(`^streams: [A-Z]\w+ of <(Reader|Writer|Link)`)
		for name, call := range streamCalls(ctx, End{new(Reader), new(Writer)}, new(Link)) {
			err := call()
			check.Is(t, err, loop.ErrNotRunning)
			if err != nil && !refusal.MatchString(err.Error()) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r, w := new(Reader), new(Writer)
		check.Equal(t, "queries", fmt.Sprint(r.AtEOF(), r.Buffered(), r.Err(), r.IsReading(), r.Peek(), r, w), "false 0 <nil> false [] <Reader> <Writer>")
		for name, query := range map[string]func(){
			"CanWriteEOF":       func() { w.CanWriteEOF() },
			"IsClosing":         func() { w.IsClosing() },
			"LocalAddr":         func() { w.LocalAddr() },
			"RemoteAddr":        func() { w.RemoteAddr() },
			"Loop":              func() { w.Loop() },
			"WriteBufferLimits": func() { w.WriteBufferLimits() },
			"WriteBufferSize":   func() { w.WriteBufferSize() },
		} {
			err := check.Panics(t, query)
			check.Is(t, err, loop.ErrNotRunning)
			check.Says(t, err, "streams: "+name+" of <Writer>")
		}
	})
}

// streamWaits has the calls that wait, on the left end of a pair that makes them wait.
func streamWaits(ctx context.Context, e End) map[string]func() error {
	waits := make(map[string]func() error)
	for name, call := range streamCalls(ctx, e, nil) {
		switch name {
		case "Reader.Read", "Reader.ReadInto", "Reader.ReadAll", "Reader.ReadExactly", "Reader.ReadUntil", "Reader.ReadLine",
			"Reader.Lines", "Reader.IO", "Writer.Drain", "Writer.WaitClosed":
			waits[name] = call
		}
	}
	return waits
}

// A context that is not that of the task is refused where the call would have to wait, and
// only there.
func TestContextsThatAreNotTheTasksAreRefused(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		var alien context.Context
		other := task.Go(ctx, func(ctx context.Context) error {
			alien = ctx
			return task.Yield(ctx)
		})
		turns(t, ctx, 1)
		l, r, _ := Pair(ctx, Window(1))
		check.NoError(t, l.W.SetWriteBufferLimits(0, 0))
		writes(t, l.W, "more than the window")
		before := fmt.Sprint(l.R, l.W)
		var none context.Context
		for _, c := range []struct {
			ctx  context.Context
			want error
		}{
			{none, loop.ErrNotRunning},
			{context.Background(), loop.ErrNotRunning},
			{loop.NewContext(context.Background(), loop.Running(ctx)), future.ErrNoTask},
			{alien, task.ErrNotCurrent},
		} {
			for name, call := range streamWaits(c.ctx, l) {
				if err := call(); err == nil {
					t.Errorf("%s is not refused", name)
				} else {
					check.Is(t, err, c.want)
				}
			}
		}
		check.Equal(t, "the streams", fmt.Sprint(l.R, l.W), before)
		writes(t, r.W, "a")
		turns(t, ctx, 3)
		gives(t, "a")(l.R.Read(none, 1)) // need not wait
		check.NoError(t, r.W.Drain(none))
		check.NoError(t, other.Join(ctx))
		l.W.Abort()
		turns(t, ctx, 3)
		check.NoError(t, l.W.WaitClosed(none))
		check.NoError(t, r.W.Close())
		check.Is(t, r.W.Drain(none), future.ErrNoTask) // it would let others run
	})
}

// A stream of a loop that is not running can be looked at by another loop's tasks, and they
// cannot wait for it.
func TestStreamOfAnotherLoopIsRefused(t *testing.T) {
	first := newLoop()
	var l End
	_, err := task.RunUntilComplete(first, task.Void(func(ctx context.Context) error {
		l, _, _ = Pair(ctx, Window(1))
		check.NoError(t, l.W.SetWriteBufferLimits(0, 0))
		writes(t, l.W, "more than the window")
		return nil
	}))
	check.NoError(t, err)
	onVirtual(t, func(ctx context.Context) {
		for name, call := range streamWaits(ctx, l) {
			err := call()
			check.Is(t, err, future.ErrOtherLoop)
			if !strings.HasPrefix(fmt.Sprint(err), "streams: ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	check.NoError(t, first.Close())
}

// A library that reads on a goroutine of its own gets an error, and no data race.
func TestIOOnAnotherGoroutineIsRefused(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, _ := Pair(ctx)
		writes(t, r.W, "text")
		turns(t, ctx, 3)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := l.R.IO(ctx).Read(make([]byte, 9))
			check.Is(t, err, loop.ErrWrongGoroutine)
		}()
		<-done
		left(t, l.R, "text")
	})
}

func TestStreamsRefuseNil(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		check.Is(t, check.Panics(t, func() { l.R.SetException(nil) }), ErrInvalidArgument)
		check.Is(t, check.Panics(t, func() { link.Reset(nil) }), ErrInvalidArgument)
		check.Is(t, check.Panics(t, func() { Pair(ctx, nil) }), ErrInvalidArgument)
		check.Equal(t, "error", l.R.Err(), nil)
		writes(t, l.W, "x")
		gives(t, "x")(r.R.Read(ctx, 1))
	})
}
