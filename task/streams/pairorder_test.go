package streams

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// pairOrder has random programs over several pairs, and what CPython did: see
// testdata/pair_order.py.
//
//go:embed testdata/pair_order.json
var pairOrder []byte

// a pairStep is ["write", end, number of bytes], for example.
type pairStep struct {
	op     string
	end, n int
}

func (s *pairStep) UnmarshalJSON(p []byte) error {
	return json.Unmarshal(p, &[]any{&s.op, &s.end, &s.n})
}

// What a program does over pairs happens in the iterations, and in the order, in which it
// happens over socketpairs in CPython.
func TestPairOrderIsThatOfASocketpair(t *testing.T) {
	var programs []struct {
		Sizes []int
		Steps [][]pairStep
		Trace []string
	}
	if err := json.Unmarshal(pairOrder, &programs); err != nil {
		t.Fatal(err)
	}
	for i, p := range programs {
		var got []string
		onVirtual(t, func(ctx context.Context) { got = playPairs(t, ctx, p.Sizes, p.Steps) }, quiet)
		if g, w := strings.Join(got, "\n"), strings.Join(p.Trace, "\n"); g != w {
			t.Errorf("program %d: %v\ngot\n%s\n\nwant\n%s", i, p.Steps, g, w)
		}
	}
	check.Equal(t, "programs", len(programs), 300)
}

func playPairs(t *testing.T, ctx context.Context, sizes []int, steps [][]pairStep) (trace []string) {
	tick := 0
	var ends []End
	for range len(sizes) / 2 {
		left, right, _ := Pair(ctx)
		ends = append(ends, left, right)
	}
	turns(t, ctx, 2) // FromConn would have waited
	log := func(end int, what string) { trace = append(trace, fmt.Sprintf("%d %d %s", tick, end, what)) }
	for i, e := range ends {
		task.Go(ctx, func(ctx context.Context) error {
			for {
				switch p, err := e.R.Read(ctx, sizes[i]); {
				case err == io.EOF:
					log(i, "eof")
					return nil
				case err != nil:
					log(i, "error")
					return nil
				default:
					log(i, fmt.Sprintf("read %d", len(p)))
				}
			}
		})
		task.Go(ctx, func(ctx context.Context) error {
			if err := e.W.WaitClosed(ctx); err != nil {
				log(i, "lost")
			} else {
				log(i, "closed")
			}
			return nil
		})
	}
	turns(t, ctx, 1)
	steps = append(steps, make([][]pairStep, 5)...)
	var last []pairStep
	for i := range ends {
		last = append(last, pairStep{"abort", i, 0})
	}
	steps = append(append(steps, last), make([][]pairStep, 8)...)
	for _, step := range steps {
		for _, s := range step {
			r, w := ends[s.end].R, ends[s.end].W
			switch s.op {
			case "write":
				_, _ = w.Write(make([]byte, s.n))
			case "pause":
				r.Pause()
			case "resume":
				r.Resume()
			case "eof":
				check.NoError(t, w.WriteEOF())
			case "close":
				check.NoError(t, w.Close())
			case "abort":
				w.Abort()
			default:
				t.Fatalf("no such step: %s", s.op)
			}
		}
		turns(t, ctx, 1)
		tick++
	}
	return trace
}

// How many iterations things take over a socketpair in CPython 3.13.
func TestPairTakesAsManyIterationsAsASocketpair(t *testing.T) {
	eof := func(ctx context.Context, r *Reader) {
		_, err := r.Read(ctx, 1)
		check.Equal(t, "error", err, io.EOF)
	}
	for _, c := range []struct {
		name string
		want int
		do   func(ctx context.Context, l, r End)
	}{
		{"write, read", 2, func(ctx context.Context, l, r End) {
			writes(t, l.W, "abc")
			gives(t, "abc")(r.R.Read(ctx, 5))
		}},
		{"write EOF, read", 2, func(ctx context.Context, l, r End) {
			check.NoError(t, l.W.WriteEOF())
			eof(ctx, r.R)
		}},
		{"close, wait", 2, func(ctx context.Context, l, r End) {
			check.NoError(t, l.W.Close())
			check.NoError(t, l.W.WaitClosed(ctx))
		}},
		{"close, read", 2, func(ctx context.Context, l, r End) {
			check.NoError(t, l.W.Close())
			eof(ctx, l.R)
		}},
		{"close, read at the other end", 3, func(ctx context.Context, l, r End) {
			check.NoError(t, l.W.Close())
			eof(ctx, r.R)
		}},
		{"abort, read at the other end", 3, func(ctx context.Context, l, r End) {
			l.W.Abort()
			eof(ctx, r.R)
		}},
		{"write and close, read all", 3, func(ctx context.Context, l, r End) {
			writes(t, l.W, "abc")
			check.NoError(t, l.W.Close())
			gives(t, "abc")(r.R.ReadExactly(ctx, 3))
			eof(ctx, r.R)
		}},
		{"drain", 0, func(ctx context.Context, l, r End) { check.NoError(t, l.W.Drain(ctx)) }},
		{"close, drain", 1, func(ctx context.Context, l, r End) {
			check.NoError(t, l.W.Close())
			check.Is(t, l.W.Drain(ctx), ErrConnectionLost)
		}},
	} {
		onVirtual(t, func(ctx context.Context) {
			l, r, _ := Pair(ctx)
			turns(t, ctx, 2)
			check.Equal(t, c.name, ticksOf(t, ctx, func() { c.do(ctx, l, r) }), c.want)
			l.W.Abort()
			r.W.Abort()
			turns(t, ctx, 3)
		})
	}
}

func TestPairEchoTakesFourIterations(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, _ := Pair(ctx)
		server := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, r.R, r.W) })
		turns(t, ctx, 2)
		for range 3 {
			check.Equal(t, "ticks", ticksOf(t, ctx, func() {
				writes(t, l.W, "x")
				gives(t, "x")(l.R.Read(ctx, 1))
			}), 4)
		}
		check.Equal(t, "ticks", ticksOf(t, ctx, func() {
			check.NoError(t, l.W.WriteEOF())
			check.NoError(t, server.Join(ctx))
		}), 3)
		check.NoError(t, l.W.Close())
		check.NoError(t, l.W.WaitClosed(ctx))
	})
}

// A large write takes five portions of the window, each of which the other end receives in
// one event.
func TestPairDrainTakesAsManyIterationsAsASocketpair(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, _ := Pair(ctx)
		var sizes []int
		read := task.Go(ctx, func(ctx context.Context) error {
			for {
				p, err := r.R.Read(ctx, 1<<20)
				if err != nil {
					check.Equal(t, "error", err, io.EOF)
					return nil
				}
				sizes = append(sizes, len(p))
			}
		})
		turns(t, ctx, 2)
		writes(t, l.W, strings.Repeat("x", 1<<20))
		check.Equal(t, "kept", l.W.WriteBufferSize(), 1<<20-defaultWindow)
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.NoError(t, l.W.Drain(ctx)) }), 8)
		check.Equal(t, "kept", l.W.WriteBufferSize(), 0)
		check.NoError(t, l.W.Close())
		check.NoError(t, read.Join(ctx))
		const w = defaultWindow
		check.Equal(t, "sizes", fmt.Sprint(sizes), fmt.Sprint([]int{w, w, w, w, 1<<20 - 4*w}))
		check.NoError(t, r.W.Close())
	})
}

// Who closes without having read everything resets the connection.
func TestPairEndThatIsClosedWithUnreadData(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, _ := Pair(ctx)
		turns(t, ctx, 1)
		writes(t, l.W, "abc")
		writes(t, r.W, "rest")
		check.NoError(t, r.W.Close())
		gives(t, "rest")(l.R.Read(ctx, 9))
		_, err := l.R.Read(ctx, 9)
		check.Is(t, err, syscall.ECONNRESET)
		check.Equal(t, "disconnect", IsDisconnect(err), true)
		check.Equal(t, "closing", l.W.IsClosing(), true)
		check.Is(t, l.W.WaitClosed(ctx), syscall.ECONNRESET)
		check.Is(t, l.W.Drain(ctx), syscall.ECONNRESET)
	})
}

// The first write to an end that is closed fails, as over Unix sockets.
func TestPairWriteToAnEndThatIsClosed(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		l, r, _ := Pair(ctx)
		check.NoError(t, r.W.Close())
		check.NoError(t, r.W.WaitClosed(ctx))
		turns(t, ctx, 1)
		_, err := l.W.Write([]byte("a"))
		check.Is(t, err, syscall.EPIPE)
		check.Is(t, err, ErrConnectionLost)
		check.Equal(t, "closing", l.W.IsClosing(), true)
		check.Is(t, l.W.WaitClosed(ctx), syscall.EPIPE)
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.Is(t, l.W.Drain(ctx), syscall.EPIPE) }), 0)
		check.Equal(t, "EOF is remembered", errors.Is(l.R.Err(), syscall.EPIPE), true)
	})
}
