package streams

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// linked runs a test of a pair, whose streams are there for two iterations already.
func linked(t *testing.T, main func(ctx context.Context, l, r End, link *Link), opts ...PairOption) {
	t.Helper()
	onVirtual(t, func(ctx context.Context) {
		l, r, link := Pair(ctx, opts...)
		turns(t, ctx, 2)
		main(ctx, l, r, link)
		l.W.Abort()
		r.W.Abort()
		turns(t, ctx, 3)
	})
}

func TestPairOptionsRefuseWhatIsNotPositive(t *testing.T) {
	for name, option := range map[string]func(n int) PairOption{"Window": Window, "Chunk": Chunk, "PairLimit": PairLimit} {
		for _, n := range []int{0, -1} {
			err := check.Panics(t, func() { option(n) })
			check.Is(t, err, ErrInvalidArgument)
			check.Says(t, err, fmt.Sprintf("streams: %s: %d must be > 0", name, n))
		}
	}
}

func TestPairNeedsALoop(t *testing.T) {
	var none context.Context
	for _, ctx := range []context.Context{none, context.Background()} {
		check.Is(t, check.Panics(t, func() { Pair(ctx) }), loop.ErrNotRunning)
	}
	l := newLoop()
	check.NoError(t, l.Close())
	check.Is(t, check.Panics(t, func() { Pair(loop.NewContext(context.Background(), l)) }), loop.ErrClosed)
}

func TestPairAddresses(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		for _, a := range []net.Addr{l.W.LocalAddr(), r.W.RemoteAddr()} {
			check.Equal(t, "address", a.Network()+" "+a.String(), "pair left")
		}
		for _, a := range []net.Addr{l.W.RemoteAddr(), r.W.LocalAddr()} {
			check.Equal(t, "address", a.Network()+" "+a.String(), "pair right")
		}
		check.Equal(t, "loop", l.W.Loop(), loop.Running(ctx))
	})
}

func TestPairLimitIsThatOfBothReaders(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		for _, e := range [][2]End{{l, r}, {r, l}} {
			writes(t, e[0].W, "12345678\n")
			_, err := e[1].R.ReadLine(ctx)
			overrun(t, err, 8, true)
		}
	}, PairLimit(7))
}

func TestPairChunk(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		writes(t, l.W, "1234567")
		for _, want := range []string{"123", "456", "7"} {
			gives(t, want)(r.R.Read(ctx, 100))
		}
	}, Chunk(3))
}

func TestPairWindow(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		r.R.Pause()
		writes(t, l.W, "0123456789abcdef")
		check.Equal(t, "kept", l.W.WriteBufferSize(), 8)
		turns(t, ctx, 3)
		check.Equal(t, "kept", l.W.WriteBufferSize(), 8)
		writes(t, l.W, "g")
		check.Equal(t, "kept", l.W.WriteBufferSize(), 9)
		r.R.Resume()
		gives(t, "0123456789abcdefg")(r.R.ReadExactly(ctx, 17))
		check.Equal(t, "kept", l.W.WriteBufferSize(), 0)
	}, Window(8))
}

// As a Unix socket, an end writes again when three quarters of the window are free.
func TestPairWritesAgainWhenThereIsRoom(t *testing.T) {
	for chunk, want := range map[int]int{
		6: 4, // of 8 bytes 2 are on their way: that is room enough, at the next poll
		5: 5, // 3 are: only when these have arrived
	} {
		linked(t, func(ctx context.Context, l, r End, link *Link) {
			writes(t, l.W, "0123456789abcdef")
			check.Equal(t, "ticks", ticksOf(t, ctx, func() { gives(t, "0123456789abcdef")(r.R.ReadExactly(ctx, 16)) }), want)
		}, Window(8), Chunk(chunk))
	}
}

func TestPairLatency(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		clock := loop.Running(ctx).Kernel().Clock()
		begin := clock.Now()
		after := func(want time.Duration) {
			t.Helper()
			check.Equal(t, "took", clock.Now().Sub(begin), want)
		}
		writes(t, l.W, "one ")
		loop.Running(ctx).CallLater(3*time.Second, func() { writes(t, l.W, "two "); _ = l.W.WriteEOF() })
		gives(t, "one ")(r.R.Read(ctx, 100))
		after(5 * time.Second)
		gives(t, "two ")(r.R.Read(ctx, 100))
		after(8 * time.Second)
		_, err := r.R.Read(ctx, 100)
		check.Equal(t, "error", err, io.EOF)
		after(8 * time.Second)
		writes(t, r.W, "back")
		gives(t, "back")(l.R.Read(ctx, 100))
		after(13 * time.Second)
		check.NoError(t, r.W.WriteEOF())
		gives(t, "")(l.R.ReadAll(ctx))
		after(18 * time.Second)
	}, Latency(5*time.Second))
}

// What waits for nothing but the network lets a virtual clock go on.
func TestPairStall(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		link.Stall(LeftToRight)
		writes(t, l.W, "text")
		check.NoError(t, l.W.WriteEOF())
		err := task.WithTimeout(ctx, time.Hour, func(ctx context.Context) error {
			_, err := r.R.Read(ctx, 1)
			return err
		})
		check.Is(t, err, context.DeadlineExceeded)
		writes(t, r.W, "the other direction")
		gives(t, "the other direction")(l.R.Read(ctx, 100))
		loop.Running(ctx).CallLater(time.Hour, func() { link.Resume(LeftToRight) })
		gives(t, "text")(r.R.ReadAll(ctx))
	})
}

func TestPairReset(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		link.Stall(LeftToRight)
		writes(t, l.W, "on its way")
		read := startRead(ctx, r.R.ReadAll)
		turns(t, ctx, 2)
		link.Reset(errCore)
		link.Resume(LeftToRight)
		_, err := read.Await(ctx)
		check.Equal(t, "error", err, errCore)
		for _, e := range []End{l, r} {
			_, err := e.R.Read(ctx, 1)
			check.Equal(t, "error", err, errCore)
			check.Equal(t, "WaitClosed", e.W.WaitClosed(ctx), errCore)
			_, err = e.W.Write([]byte("x"))
			check.Is(t, err, ErrConnectionLost)
			check.Is(t, err, errCore)
		}
	})
}

func TestPairCloseWrite(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		writes(t, l.W, "text")
		link.CloseWrite(LeftToRight)
		link.CloseWrite(LeftToRight)
		gives(t, "text")(r.R.ReadAll(ctx))
		check.Equal(t, "closing", l.W.IsClosing(), false)
		writes(t, r.W, "answer")
		gives(t, "answer")(l.R.Read(ctx, 100))
		_, err := l.W.Write([]byte("x"))
		check.Is(t, err, ErrConnectionLost)
	})
}

func TestPairEvents(t *testing.T) {
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		writes(t, l.W, "12345")
		gives(t, "12345")(r.R.ReadExactly(ctx, 5))
		check.NoError(t, r.W.Close())
		_, err := l.R.Read(ctx, 1)
		check.Equal(t, "error", err, io.EOF)
		link.Reset(errCore)
		want := "[left to right: sent 5 left to right: received 3 left to right: received 2 right to left: sent EOF " +
			"right to left: received EOF left to right: reset right to left: reset]"
		check.Equal(t, "events", fmt.Sprint(link.Events()), want)
		check.Equal(t, "time", link.Events()[0].When, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	}, Record(), Chunk(3))
	linked(t, func(ctx context.Context, l, r End, link *Link) {
		writes(t, l.W, "12345")
		check.Equal(t, "events", len(link.Events()), 0)
	})
}

func TestIsDisconnect(t *testing.T) {
	for _, err := range []error{ErrConnectionLost, fmt.Errorf("wrapped: %w", ErrConnectionLost), wsaConnReset, wsaConnAborted} {
		check.Equal(t, err.Error(), IsDisconnect(err), true)
	}
	for _, err := range []error{nil, io.EOF, errCore, io.ErrUnexpectedEOF} {
		check.Equal(t, fmt.Sprint(err), IsDisconnect(err), false)
	}
}

func TestConnectErrorListsEachAttempt(t *testing.T) {
	err := &ConnectError{Address: "host:80", Errors: []error{errCore, io.EOF}}
	check.Equal(t, "text", err.Error(), "streams: cannot connect to host:80: test error, EOF")
	check.Is(t, err, errCore)
	check.Is(t, err, io.EOF)
}
