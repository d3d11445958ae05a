package streams

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var modelRuns = flag.Int("model", 300, "the number of random programs over pairs")

// A modelWay is one direction of a pair as a queue of bytes: byte i of what is sent is
// modelByte(i), so that what is read shows which bytes these were.
type modelWay struct {
	sent     int
	read     int
	ended    bool // the sender has ended the stream in good order
	mayBreak bool // by an abort, a reset, or a receiver that was closed
}

func modelByte(i int) byte {
	if i%11 == 7 {
		return '\n'
	}
	return byte(i*i>>3 + i)
}

// A modelEnd is one end, with what it receives and what it sends.
type modelEnd struct {
	t       *testing.T
	name    string
	end     End
	in, out *modelWay
	readers []*task.Task[struct{}]
	all     bool // one of them is in ReadAll, which has taken bytes that nobody knows of
	closed  bool
}

// took checks bytes that have left the reader.
func (e *modelEnd) took(what string, p []byte) {
	for _, b := range p {
		if e.in.read == e.in.sent {
			e.t.Errorf("%s: %s: more was read than sent", e.name, what)
			return
		}
		if want := modelByte(e.in.read); b != want {
			e.t.Errorf("%s: %s: byte %d is %d, want %d", e.name, what, e.in.read, b, want)
			return
		}
		e.in.read++
	}
}

// failed checks the error of a read, and counts what it has taken.
func (e *modelEnd) failed(what string, err error) {
	var incomplete *IncompleteReadError
	var long *LimitOverrunError
	switch {
	case err == nil, future.IsCancelled(err), errors.Is(err, ErrBusy):
	case errors.As(err, &long):
		if n := long.Consumed; long.dropped {
			if long.Found {
				n++
			}
			e.in.read += n
		}
	case errors.As(err, &incomplete):
		e.took(what, incomplete.Partial)
		e.atEnd(what)
	case err == io.EOF:
		e.atEnd(what)
	case e.in.mayBreak && e.end.R.Err() == err:
	default:
		e.t.Errorf("%s: %s: %v", e.name, what, err)
	}
}

// atEnd checks that the end may have been reached.
func (e *modelEnd) atEnd(what string) {
	if e.closed || e.in.mayBreak {
		return
	}
	if !e.in.ended || e.in.read != e.in.sent {
		e.t.Errorf("%s: %s: the end after %d of %d bytes", e.name, what, e.in.read, e.in.sent)
	}
}

// start makes a random read in a task.
func (e *modelEnd) start(ctx context.Context, rng *rand.Rand) {
	r := e.end.R
	n := rng.IntN(40)
	if rng.IntN(5) == 0 {
		n *= 50
	}
	kind := rng.IntN(8)
	if e.all || kind == 7 && len(e.readers) > 0 {
		return
	}
	e.all = kind == 7
	e.readers = append(e.readers, task.Go(ctx, func(ctx context.Context) error {
		var p []byte
		var err error
		var what string
		switch kind {
		case 0, 1:
			what = "Read"
			p, err = r.Read(ctx, n)
			if len(p) > n {
				e.t.Errorf("%s: Read of %d: %d bytes", e.name, n, len(p))
			}
		case 2:
			what = "ReadInto"
			into := make([]byte, n)
			var m int
			m, err = r.ReadInto(ctx, into)
			p = into[:m]
		case 3, 4:
			what = "ReadExactly"
			p, err = r.ReadExactly(ctx, n)
			if err == nil && len(p) != n {
				e.t.Errorf("%s: ReadExactly of %d: %d bytes", e.name, n, len(p))
			}
		case 5:
			what = "ReadUntil"
			separator := []byte{modelByte(e.in.read + n), modelByte(e.in.read + n + 1)}
			p, err = r.ReadUntil(ctx, separator, []byte("\n"))
			if err == nil && !bytes.HasSuffix(p, separator) && !bytes.HasSuffix(p, []byte("\n")) {
				e.t.Errorf("%s: ReadUntil: %q has no separator", e.name, p)
			}
		case 6:
			what = "ReadLine"
			p, err = r.ReadLine(ctx)
			if i := bytes.IndexByte(p, '\n'); i >= 0 && i != len(p)-1 {
				e.t.Errorf("%s: ReadLine: %q", e.name, p)
			}
		default:
			what = "ReadAll"
			p, err = r.ReadAll(ctx)
			e.all = false
			if err == nil {
				e.took(what, p)
				e.atEnd(what)
				return nil
			}
		}
		if err != nil && len(p) > 0 {
			e.t.Errorf("%s: %s: %d bytes and %v", e.name, what, len(p), err)
		}
		e.took(what, p)
		e.failed(what, err)
		return nil
	}))
}

// act does something at random.
func (e *modelEnd) act(ctx context.Context, rng *rand.Rand, link *Link) {
	r, w := e.end.R, e.end.W
	way := Direction(rng.IntN(2))
	switch k := rng.IntN(200); {
	case k < 60:
		e.start(ctx, rng)
	case k < 110:
		n := rng.IntN(30)
		if rng.IntN(4) == 0 {
			n *= 100
		}
		p := make([]byte, n)
		for i := range p {
			p[i] = modelByte(e.out.sent + i)
		}
		var err error
		if rng.IntN(3) > 0 {
			_, err = w.Write(p)
		} else {
			i := rng.IntN(n + 1)
			err = w.WriteLines(p[:i], nil, p[i:])
		}
		if err == nil {
			e.out.sent += n
		} else if !errors.Is(err, ErrWriteAfterEOF) && !errors.Is(err, ErrConnectionLost) {
			e.t.Errorf("%s: Write: %v", e.name, err)
		}
		clear(p)
	case k < 130 && len(e.readers) > 0:
		e.readers[rng.IntN(len(e.readers))].Cancel()
	case k < 140:
		r.Pause()
	case k < 155:
		r.Resume()
	case k < 160 && !e.all:
		n, err := r.Discard(rng.IntN(20))
		if err != nil {
			e.t.Errorf("%s: Discard: %v", e.name, err)
		}
		e.in.read += n
	case k < 165 && !e.all:
		for i, b := range r.Peek() {
			if b != modelByte(e.in.read+i) {
				e.t.Errorf("%s: Peek: byte %d is wrong", e.name, i)
				break
			}
		}
	case k < 170:
		link.Stall(way)
	case k < 185:
		link.Resume(way)
	case k == 185:
		if err := w.WriteEOF(); err != nil {
			e.t.Errorf("%s: WriteEOF: %v", e.name, err)
		}
		e.out.ended = true
	case k == 186:
		e.close()
	case k == 187 && rng.IntN(3) == 0:
		w.Abort()
		e.closed, e.out.mayBreak, e.in.mayBreak = true, true, true
	case k == 188 && rng.IntN(3) == 0:
		link.Reset(errCore)
		e.out.mayBreak, e.in.mayBreak = true, true
	case k < 195:
		task.Go(ctx, func(ctx context.Context) error {
			err := w.Drain(ctx)
			if err != nil && !errors.Is(err, ErrConnectionLost) && err != r.Err() && !(e.in.mayBreak || e.out.mayBreak) {
				e.t.Errorf("%s: Drain: %v", e.name, err)
			}
			return nil
		})
	default:
		if low := rng.IntN(200); rng.IntN(2) == 0 {
			check.NoError(e.t, w.SetWriteBufferLimits(low+rng.IntN(200), low))
		}
	}
}

// close closes the end. What it has not received is lost, and that breaks the other's
// connection too.
func (e *modelEnd) close() {
	check.NoError(e.t, e.end.W.Close())
	e.out.ended, e.closed = true, true
	e.in.mayBreak, e.out.mayBreak = true, true
}

// What is read is what was sent, each byte once and in order, whatever tasks read, cancel,
// pause, close or break meanwhile; and all of it, if the stream ended in good order.
func TestModel(t *testing.T) {
	orderly := 0
	for seed := range *modelRuns {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 5))
			opts := []PairOption{PairLimit(1 + rng.IntN(100))}
			if rng.IntN(2) == 0 {
				opts = append(opts, Chunk(1+rng.IntN(30)))
			}
			if rng.IntN(2) == 0 {
				opts = append(opts, Window(1+rng.IntN(500)))
			}
			if rng.IntN(3) == 0 {
				opts = append(opts, Latency(time.Millisecond))
			}
			onVirtual(t, func(ctx context.Context) {
				if playModel(t, ctx, rng, opts) {
					orderly++
				}
			}, quiet)
		})
	}
	if *modelRuns >= 100 && orderly < *modelRuns/10 {
		t.Errorf("only %d of %d streams ended in good order", orderly, *modelRuns)
	}
}

func playModel(t *testing.T, ctx context.Context, rng *rand.Rand, opts []PairOption) (orderly bool) {
	left, right, link := Pair(ctx, opts...)
	var ways [2]modelWay
	l := &modelEnd{t: t, name: "left", end: left, in: &ways[1], out: &ways[0]}
	r := &modelEnd{t: t, name: "right", end: right, in: &ways[0], out: &ways[1]}
	for range 50 + rng.IntN(300) {
		for range rng.IntN(4) {
			if rng.IntN(2) == 0 {
				l.act(ctx, rng, link)
			} else {
				r.act(ctx, rng, link)
			}
		}
		if rng.IntN(10) == 0 {
			check.NoError(t, task.Sleep(ctx, time.Duration(rng.IntN(2000))*time.Microsecond))
		} else {
			turns(t, ctx, 1)
		}
		for _, e := range []*modelEnd{l, r} {
			open := e.readers[:0]
			for _, tk := range e.readers {
				if !tk.Done() {
					open = append(open, tk)
				}
			}
			e.readers = open
			if n, most := e.end.R.Buffered(), 2*e.end.R.limit+maxReceive; n > most && !e.all {
				t.Errorf("%s: %d bytes are buffered", e.name, n)
			}
		}
		if t.Failed() {
			return false
		}
	}
	// The end: everything goes on, nobody is cancelled any more.
	for _, e := range []*modelEnd{l, r} {
		for _, tk := range e.readers {
			tk.Cancel()
			_ = tk.Join(ctx)
		}
	}
	for _, d := range []Direction{LeftToRight, RightToLeft} {
		link.Resume(d)
	}
	for _, e := range []*modelEnd{l, r} {
		e.end.R.Resume()
		if err := e.end.W.WriteEOF(); err != nil {
			t.Errorf("%s: WriteEOF: %v", e.name, err)
		}
		e.out.ended = true
	}
	if l.closed && r.closed { // and nobody reads: what they keep they keep for ever
		l.end.W.Abort()
		r.end.W.Abort()
	}
	rest := map[*modelEnd]*reading{l: startRead(ctx, left.R.ReadAll), r: startRead(ctx, right.R.ReadAll)}
	for _, e := range []*modelEnd{l, r} {
		p, err := rest[e].Await(ctx)
		e.took("the last ReadAll", p)
		e.failed("the last ReadAll", err)
		if err == nil {
			e.atEnd("the last ReadAll")
		}
		if !e.in.mayBreak && !e.closed {
			orderly = true
		}
	}
	for _, e := range []*modelEnd{l, r} {
		check.NoError(t, e.end.W.Close())
	}
	for _, e := range []*modelEnd{l, r} {
		if err := e.end.W.WaitClosed(ctx); err != nil && !e.in.mayBreak && !e.out.mayBreak {
			t.Errorf("%s: WaitClosed: %v", e.name, err)
		}
	}
	return orderly
}
