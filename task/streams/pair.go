package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// An End is one end of a pair.
type End struct {
	R *Reader
	W *Writer
}

// Direction is one of the two directions of a pair.
type Direction int

// The directions of a pair.
const (
	LeftToRight Direction = iota
	RightToLeft
)

// String returns "left to right" or "right to left".
func (d Direction) String() string {
	if d == LeftToRight {
		return "left to right"
	}
	return "right to left"
}

// A Link is what is between the two ends of a pair. Its methods play the part of a network
// that fails. Call them only from tasks and callbacks of its loop.
type Link struct {
	left, right *kernel.Node[pairEnd]
	window      int
	chunk       int
	latency     time.Duration
	stalled     [2]bool
	reset       bool
	record      bool
	events      []Event
}

// defaultWindow is the number of bytes that Linux lets a Unix socket send ahead.
const defaultWindow = 208 << 10

// PairOption is an option of [Pair].
type PairOption func(*pairOptions)

type pairOptions struct {
	link  *Link
	limit int
}

// Window sets how many bytes may be on their way in each direction. What exceeds them the
// writer keeps. The default is 208 KiB. It panics if n is not positive
// ([ErrInvalidArgument]).
func Window(n int) PairOption {
	mustBePositive("Window", n)
	return func(o *pairOptions) { o.link.window = n }
}

// Chunk makes at most n bytes arrive at a time, so that tests find code that takes one
// read for one message. It panics if n is not positive ([ErrInvalidArgument]).
func Chunk(n int) PairOption {
	mustBePositive("Chunk", n)
	return func(o *pairOptions) { o.link.chunk = min(n, maxReceive) }
}

// Latency makes everything arrive d later, by the loop's clock.
func Latency(d time.Duration) PairOption {
	return func(o *pairOptions) { o.link.latency = max(0, d) }
}

// PairLimit sets the limit of both readers. The default is [DefaultLimit]. It panics if n
// is not positive ([ErrInvalidArgument]).
func PairLimit(n int) PairOption {
	mustBePositive("PairLimit", n)
	return func(o *pairOptions) { o.limit = n }
}

// Record makes [Link.Events] return what happens on the link.
func Record() PairOption {
	return func(o *pairOptions) { o.link.record = true }
}

func mustBePositive(option string, n int) {
	if n <= 0 {
		panic(fmt.Errorf("streams: %s: %d must be > 0: %w", option, n, ErrInvalidArgument))
	}
}

// Pair returns two connected streams without a system between them: what one end writes
// the other reads. It needs no goroutine, works on a virtual clock, and is deterministic:
// everything happens in the iterations in which it happens in CPython with the two ends of
// a socketpair. It is for tests, and for parts of a program that talk to each other.
//
// Both ends must be closed, as any connection. Pair panics if ctx carries no loop
// ([loop.ErrNotRunning]), or if the loop runs something else than the caller
// ([loop.ErrWrongGoroutine]).
func Pair(ctx context.Context, opts ...PairOption) (left, right End, link *Link) {
	h := hubFor(ctx, "Pair")
	link = &Link{window: defaultWindow, chunk: maxReceive}
	o := pairOptions{link, DefaultLimit}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("streams: Pair: an option is nil: %w", ErrInvalidArgument))
		}
		opt(&o)
	}
	link.left, link.right = newPairEnd(h, link, LeftToRight, o.limit), newPairEnd(h, link, RightToLeft, o.limit)
	l, r := &link.left.Value, &link.right.Value
	l.peer, r.peer = r, l
	l.conn.start()
	r.conn.start()
	return End{&l.conn.reader, &l.conn.writer}, End{&r.conn.reader, &r.conn.writer}, link
}

func newPairEnd(h *hub, link *Link, side Direction, limit int) *kernel.Node[pairEnd] {
	n := new(kernel.Node[pairEnd])
	e := &n.Value
	e.conn, e.link, e.node, e.side = newConn(h, limit), link, n, side
	e.conn.wire = e
	e.unsent.blocks = &h.blocks
	e.arrived.init(e)
	e.reading.handle.Init(kernel.Internal, (*pairRead)(e))
	e.writing.handle.Init(kernel.Internal, (*pairWrite)(e))
	return n
}

// hubFor returns the hub of the loop that ctx carries. It panics if the caller may not use
// it.
func hubFor(ctx context.Context, operation string) *hub {
	l, ok := loop.FromContext(ctx)
	if !ok {
		panic(fmt.Errorf("streams: %s: %w: the context carries no loop", operation, loop.ErrNotRunning))
	}
	l.Kernel().MustOwn(operation, l)
	if l.IsClosed() {
		panic(fmt.Errorf("streams: %s: %w", operation, loop.ErrClosed))
	}
	return hubOf(l.Kernel())
}

// sender returns the end that sends in that direction.
func (l *Link) sender(d Direction) *pairEnd {
	if d == LeftToRight {
		return &l.left.Value
	}
	return &l.right.Value
}

// Stall makes what is sent in that direction stay on its way, until Resume.
func (l *Link) Stall(d Direction) {
	l.mustOwn("Stall")
	l.stalled[d] = true
}

// Resume undoes Stall.
func (l *Link) Resume(d Direction) {
	l.mustOwn("Resume")
	l.stalled[d] = false
	l.sender(d).peer.notify()
}

// CloseWrite ends the stream in that direction behind what was sent, as if the sending end
// had called WriteEOF.
func (l *Link) CloseWrite(d Direction) {
	l.mustOwn("CloseWrite")
	_ = l.sender(d).closeWrite()
}

// Reset makes both ends lose the connection. What is on its way is lost. The error of
// reads is err. It panics if that is nil ([ErrInvalidArgument]).
func (l *Link) Reset(err error) {
	l.mustOwn("Reset")
	if err == nil {
		panic(fmt.Errorf("streams: Reset of a link: the error is nil: %w", ErrInvalidArgument))
	}
	l.reset = true
	for _, n := range []*kernel.Node[pairEnd]{l.left, l.right} {
		e := &n.Value
		e.arrived.clear()
		e.broken, e.ended, e.err = true, true, err
		l.note(e.side, WasReset, 0)
		e.notify()
	}
}

func (l *Link) mustOwn(operation string) {
	if l.left == nil {
		panic(fmt.Errorf("streams: %s of <Link>: Pair has not made it: %w", operation, loop.ErrNotRunning))
	}
	l.left.Value.conn.kernel.MustOwn(operation, l)
}

// Happening is what an [Event] tells of.
type Happening int

// What happens on a link.
const (
	Sent Happening = iota
	Received
	SentEOF
	ReceivedEOF
	WasReset
)

// String returns the name, as in "received".
func (h Happening) String() string {
	return [...]string{"sent", "received", "sent EOF", "received EOF", "reset"}[h]
}

// An Event is something that happened on a link: see [Link.Events].
type Event struct {
	When      time.Time // by the loop's clock
	Direction Direction
	Happening Happening
	Bytes     int
}

// String describes the event as in "left to right: sent 5".
func (e Event) String() string {
	text := e.Direction.String() + ": " + e.Happening.String()
	if e.Bytes > 0 {
		text += fmt.Sprintf(" %d", e.Bytes)
	}
	return text
}

// Events returns what has happened on the link, if the pair was made with [Record].
func (l *Link) Events() []Event { return append([]Event(nil), l.events...) }

func (l *Link) note(d Direction, what Happening, n int) {
	if l.record {
		l.events = append(l.events, Event{l.left.Value.conn.kernel.Clock().Now(), d, what, n})
	}
}
