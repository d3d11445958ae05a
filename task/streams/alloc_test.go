package streams

import (
	"context"
	"io"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// allocations returns how many fn makes, on average.
func allocations(fn func()) float64 { return testing.AllocsPerRun(200, fn) }

// Reads that need not wait, and writes that go out at once, allocate no more than what
// they return.
func TestStreamAllocations(t *testing.T) {
	line := []byte("a line of some length\n")
	p := make([]byte, len(line))
	for name, connect := range map[string]func(ctx context.Context) (a, b End){
		"Pair": func(ctx context.Context) (a, b End) {
			a, b, _ = Pair(ctx)
			return a, b
		},
		"TCP": func(ctx context.Context) (a, b End) {
			c, s := tcpPair(t)
			var err error
			a.R, a.W, err = FromConn(ctx, c)
			check.NoError(t, err)
			b.R, b.W, err = FromConn(ctx, s)
			check.NoError(t, err)
			return a, b
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				a, b := connect(ctx)
				reads := map[string]struct {
					want float64
					do   func() error
				}{
					"ReadInto":    {0, func() error { _, err := b.R.ReadInto(ctx, p); return err }},
					"Read":        {1, func() error { _, err := b.R.Read(ctx, len(line)); return err }},
					"ReadExactly": {1, func() error { _, err := b.R.ReadExactly(ctx, len(line)); return err }},
					"ReadLine":    {1, func() error { _, err := b.R.ReadLine(ctx); return err }},
					"Discard":     {0, func() error { _, err := b.R.Discard(len(line)); return err }},
				}
				for name, read := range reads {
					for range 300 {
						b.R.buffer.append(line)
					}
					n := allocations(func() { check.NoError(t, read.do()) })
					if n != read.want {
						t.Errorf("%s: %v allocations, want %v", name, n, read.want)
					}
					_, _ = b.R.Discard(b.R.Buffered())
				}
				for range 10 { // the buffers of the way get their size
					writes(t, a.W, string(line))
				}
				n := allocations(func() {
					_, err := a.W.Write(line)
					check.NoError(t, err)
					check.NoError(t, a.W.Drain(ctx))
					check.NoError(t, a.W.WriteAll(ctx, line))
				})
				if n != 0 && (name == "TCP" || n >= 1) {
					t.Errorf("Write, Drain and WriteAll: %v allocations", n)
				}
				ended(t, ctx, a)
				ended(t, ctx, b)
				return nil
			})
		})
	}
}

// A read that waits allocates its future's callback at most.
func TestAllocationsOfAReadThatWaits(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		a, b, _ := Pair(ctx)
		p, line := make([]byte, 100), []byte("hello")
		round := func() {
			_, err := a.W.Write(line)
			check.NoError(t, err)
			n, err := b.R.ReadInto(ctx, p)
			check.NoError(t, err)
			if n != len(line) { // check.Equal allocates
				t.Errorf("read %d bytes", n)
			}
		}
		round()
		if n := allocations(round); n > 1 {
			t.Errorf("%v allocations", n)
		}
		ended(t, ctx, a)
		ended(t, ctx, b)
	})
}

// While it waits, a connection over a socket has no memory for bytes.
func TestReaderThatIsEmptyHasNoMemory(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		for range 3 {
			_, err := peer.Write(make([]byte, 100<<10))
			check.NoError(t, err)
			_, err = e.R.ReadExactly(ctx, 100<<10)
			check.NoError(t, err)
			check.Equal(t, "memory", cap(e.R.buffer.block), 0)
		}
		ended(t, ctx, e)
		_, err := io.Copy(io.Discard, peer)
		check.NoError(t, err)
		return peer.Close()
	})
}

// Appending little at a time, and taking little at a time, is linear: so much would not end
// otherwise.
func TestReaderOfManySmallPieces(t *testing.T) {
	withReader(t, 1<<20, func(ctx context.Context, r *Reader) {
		const n = 1 << 18
		piece := make([]byte, 1)
		for i := range n {
			piece[0] = byte(i)
			r.FeedData(piece)
			if i%4096 == 0 {
				_, err := r.Discard(1)
				check.NoError(t, err)
			}
		}
		for range n - n/4096 {
			_, err := r.ReadInto(ctx, piece)
			check.NoError(t, err)
		}
		check.Equal(t, "last", piece[0], byte((n-1)&0xff))
		check.Equal(t, "left", r.Buffered(), 0)
	})
}
