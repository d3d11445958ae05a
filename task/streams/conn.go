package streams

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// A wire carries the bytes of a connection: a socket, a TLS session, one end of a pair.
// What it has to tell it tells in jobs that it has posted as I/O events, by the methods
// received, receivedEOF, failed and sent of its conn. Its own methods are for the owner of
// the baton; none of them waits or calls the program.
type wire interface {
	// read makes the wire deliver what arrives, or stop doing so.
	read(on bool)
	// write sends what can be sent at once. It keeps a copy of the rest, sends that as
	// soon as it can, and calls sent whenever there is less of it.
	write(p []byte) error
	// kept returns the number of bytes that write has kept and that are not yet sent.
	kept() int
	// discard forgets what write has kept.
	discard()
	// closeWrite ends the stream of bytes to the other side. Nothing is kept then.
	closeWrite() error
	canCloseWrite() bool
	// close gives up what the wire has of the system. It calls nothing afterwards.
	close()
	// shut is close for a loop that is being closed.
	shut()

	localAddr() net.Addr
	remoteAddr() net.Addr
	String() string
}

// A partingWire has something to do between the last byte and the end: TLS says goodbye.
// It cannot stay open in one direction only.
type partingWire interface {
	// leave is called when the connection begins to close, perhaps with bytes that are
	// kept. It reports false if there is no orderly way to.
	leave() bool
	// part is called once, when the connection is closing and nothing is kept. It calls
	// conn.end later.
	part()
	// left is called when nothing more will arrive.
	left()
}

// A conn is a connection: asyncio's transport, and the protocol between that and the
// streams. All of it belongs to the loop.
type conn struct {
	hub    *hub
	kernel *kernel.Kernel
	wire   wire
	reader Reader
	writer Writer
	ending kernel.Handle // the job lost
	made   kernel.Handle // the job made
	member member
	server *Server    // that has accepted it, or nil
	client *client    // what that server knows of it
	idle   *idleWatch // nil without IdleTimeout

	transfer *transfer // what Sendfile makes the system send, or nil

	high, low int // water marks of writing
	draining  waiters
	closed    waiters // in WaitClosed
	emptied   waiters // until nothing is kept: in Sendfile, StartTLS and Detach
	dropped   int     // 0 until nothing is sent any more; then one more than the writes since
	err       error   // why the connection was lost; nil if it was in good order

	readPaused  bool
	writePaused bool // more than high bytes are kept: Drain waits
	closing     bool // by Close, Abort or an error
	parting     bool // the wire says goodbye
	eof         bool // WriteEOF was called
	gone        bool // the connection is lost
	sending     bool // by Sendfile
	changing    bool // StartTLS or Detach is at work
	detached    bool // by Detach
	serverSide  bool // of TLS, without a server that has accepted it
	inbound     bool // it is the reading end of a pipe, without a writer
	oneWay      bool // it is the writing end of a pipe, without a reader
}

// The water marks of connections.
const (
	defaultHigh = 64 << 10
	// manyDrops is how many writes to a lost connection are dropped without a warning.
	manyDrops = 5
)

// newConn returns a connection that has yet to be given its wire, and started.
func newConn(h *hub, limit int) *conn {
	c := &conn{hub: h, kernel: h.kernel, high: defaultHigh, low: defaultHigh / 4}
	c.reader.init(h, c, limit)
	c.writer.conn = c
	c.ending.Init(kernel.Internal, (*lost)(c))
	c.made.Init(kernel.Internal, (*made)(c))
	c.member.Value = c
	h.add(&c.member)
	return c
}

// start makes the connection receive, from the next iteration on.
func (c *conn) start() { c.kernel.Push(&c.made) }

// made is the job of a new connection: asyncio's connection_made.
type made conn

func (m *made) Run() {
	if c := (*conn)(m); c.isReading() {
		c.wire.read(true)
	}
}

func (*made) String() string { return "connection made" }

func (c *conn) isReading() bool { return !c.closing && !c.readPaused }

func (c *conn) pauseReading() {
	if c.isReading() {
		c.readPaused = true
		c.wire.read(false)
	}
}

func (c *conn) resumeReading() {
	if !c.closing && c.readPaused {
		c.readPaused = false
		c.wire.read(true)
	}
}

// received is told what has arrived. It takes the memory of p.
func (c *conn) received(p *buffer) {
	if c.closing || c.reader.eof {
		p.clear()
		return
	}
	c.active()
	c.reader.feed(p)
}

// receivedEOF is told that nothing more will arrive. The connection stays open for
// writing, unless it is a pipe, whose writing end is told so when nobody reads any more, or
// its wire can only part.
func (c *conn) receivedEOF() {
	switch {
	case c.closing:
	case c.inbound:
		c.close()
	case c.oneWay && c.wire.kept() > 0:
		c.forceClose(syscall.EPIPE)
	case c.oneWay:
		c.forceClose(nil)
	default:
		c.reader.end()
	}
	if w, ok := c.wire.(partingWire); ok {
		w.left()
		c.close()
	}
}

// write sends p, or keeps what cannot be sent at once. The operation is for its errors.
func (c *conn) write(operation string, p []byte) error {
	switch {
	case len(p) == 0:
		return nil
	case c.dropped > 0:
		if c.dropped >= manyDrops {
			c.kernel.Warn(fmt.Sprintf("%v: a write was dropped: the connection is lost", c))
		}
		c.dropped++
		return c.lostError(operation, c.err)
	case c.oneWay && c.closing: // sockets still take it
		return c.lostError(operation, nil)
	}
	unsent := 0
	if c.idle != nil {
		unsent = c.wire.kept() + len(p)
	}
	if err := c.wire.write(p); err != nil {
		c.fail(err, "Fatal write error on socket transport")
		return c.lostError(operation, err)
	}
	if c.idle != nil && c.wire.kept() < unsent {
		c.active()
	}
	c.pauseWriting()
	return nil
}

// lostError says that there is no connection any more, and why.
func (c *conn) lostError(operation string, cause error) error {
	if cause == nil {
		return misuse(c, operation, ErrConnectionLost)
	}
	return misuse(c, operation, fmt.Errorf("%w: %w", ErrConnectionLost, cause))
}

// pauseWriting makes Drain wait if too much is kept: as in asyncio, TLS is full at the
// high-water mark and all else above it.
func (c *conn) pauseWriting() {
	kept := c.wire.kept()
	if kept > c.high || kept == c.high && kept > 0 && c.isTLS() {
		c.writePaused = true
	}
}

func (c *conn) isTLS() bool {
	_, ok := c.wire.(*tlsWire)
	return ok
}

// sent is told that the wire keeps less than before.
func (c *conn) sent() {
	if c.dropped > 0 {
		return
	}
	c.active()
	kept := c.wire.kept()
	if c.writePaused && kept <= c.low {
		c.writePaused = false
		c.draining.wakeAll(nil)
	}
	if kept == 0 {
		c.emptied.wakeAll(nil)
	}
	switch {
	case kept > 0:
	case c.closing:
		c.dropped++
		if !c.part() {
			c.lose()
		}
	case c.eof:
		c.shutdown()
	}
}

func (c *conn) writeEOF() {
	if c.closing || c.eof {
		return
	}
	c.eof = true
	if c.oneWay {
		c.close()
		return
	}
	if c.wire.kept() == 0 {
		c.shutdown()
	}
}

func (c *conn) shutdown() {
	if err := c.wire.closeWrite(); err != nil {
		c.fail(err, "Fatal write error on socket transport")
	}
}

// close is the orderly end: what is kept is sent first.
func (c *conn) close() {
	if c.closing {
		return
	}
	if w, ok := c.wire.(partingWire); ok && !w.leave() {
		c.forceClose(nil)
		return
	}
	c.closing = true
	c.wire.read(false)
	if c.wire.kept() == 0 {
		c.dropped++
		if !c.part() {
			c.end(nil)
		}
	}
}

// part lets the wire say goodbye, if it has to.
func (c *conn) part() bool {
	w, ok := c.wire.(partingWire)
	if ok {
		c.parting = true
		w.part()
	}
	return ok
}

// failed is told of an error of the wire, when it read.
func (c *conn) failed(err error) { c.fail(err, "Fatal read error on socket transport") }

// fail ends the connection because of err. Of a connection that fails the program is told
// by the errors of its calls only. But a net.Conn of its own that panics is a mistake.
func (c *conn) fail(err error, message string) {
	var panicked *loop.PanicError
	switch {
	case errors.As(err, &panicked):
		c.kernel.Report(kernel.Report{Message: message, Err: err, Transport: c})
	case c.kernel.Debug():
		c.kernel.Warn(fmt.Sprintf("%v: %s: %v", c, message, err))
	}
	c.forceClose(err)
}

// forceClose ends the connection at once: what is kept is dropped. The err is nil if the
// program wanted it.
func (c *conn) forceClose(err error) {
	if c.dropped > 0 && !c.parting {
		return
	}
	c.wire.discard()
	if !c.closing {
		c.closing = true
		c.wire.read(false)
	}
	c.dropped++
	c.end(err)
}

// end makes the connection lost in the next iteration.
func (c *conn) end(err error) {
	c.parting = false
	c.err = err
	c.kernel.Push(&c.ending)
}

// lost is the job that ends a connection: asyncio's connection_lost.
type lost conn

func (l *lost) Run() { (*conn)(l).lose() }

func (*lost) String() string { return "connection lost" }

// lose ends the connection for all who wait for it.
func (c *conn) lose() {
	if c.gone {
		return
	}
	c.gone = true
	c.unwatchIdle()
	if c.err == nil {
		c.reader.end()
	} else {
		c.reader.fail(c.err)
	}
	c.closed.wakeAll(nil)
	if c.writePaused {
		c.draining.wakeAll(c.err)
	}
	c.emptied.wakeAll(nil)
	c.wire.close()
	c.hub.remove(&c.member)
	if c.server != nil {
		c.server.detach(c)
	}
}

// Shut closes the connection with its loop. In debug mode it warns if the program has not
// closed it, as CPython does when the garbage collector finds such a connection: here the
// loop keeps all that are open.
func (c *conn) Shut() {
	if !c.closing && c.kernel.Debug() {
		message := fmt.Sprintf("unclosed %v", c)
		c.closing = true // so that it is said once, should the logger interrupt this
		c.kernel.Warn(message)
	}
	c.wire.shut()
}

// String describes the connection as in
// "<Connection 127.0.0.1:5000 -> 127.0.0.1:80 closing>".
func (c *conn) String() string {
	text := "<Connection " + c.wire.String()
	switch {
	case c.gone:
		text += " closed"
	case c.closing:
		text += " closing"
	}
	if n := c.wire.kept(); n > 0 {
		text += fmt.Sprintf(" unsent=%d", n)
	}
	return text + ">"
}
