package streams

import (
	"net"
	"syscall"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// maxReceive is the most that one event delivers.
const maxReceive = 256 << 10

// A pairEnd is one end of a pair, the wire of its connection. It behaves as one of a pair
// of Unix sockets does.
type pairEnd struct {
	conn    *conn
	link    *Link
	node    *kernel.Node[pairEnd] // that this is the value of
	peer    *pairEnd
	side    Direction // in which it sends
	reading interest
	writing interest
	listed  bool // in the poller's list

	arrived transit // what the peer has sent
	unsent  buffer
	err     error // the next read fails with it, once
	ended   bool  // nothing will arrive any more
	broken  bool  // nothing can be sent any more
	closed  bool
}

// interest is what a connection wants to be told of.
type interest struct {
	handle kernel.Handle
	wanted bool
	told   bool // the handle is in the ready queue, and still wanted
}

// set changes the interest. What is told already does not count any more.
func (i *interest) set(wanted bool) {
	i.wanted, i.told = wanted, false
}

type pairRead pairEnd

func (r *pairRead) Run()         { (*pairEnd)(r).readable() }
func (*pairRead) String() string { return "pair readable" }

type pairWrite pairEnd

func (w *pairWrite) Run()         { (*pairEnd)(w).writable() }
func (*pairWrite) String() string { return "pair writable" }

func (e *pairEnd) canRead() bool {
	switch {
	case !e.reading.wanted:
		return false
	case e.link.reset:
		return e.err != nil || e.drained()
	case e.link.stalled[e.peer.side]:
		return false
	}
	return e.arrived.len() > 0 || e.err != nil || e.drained()
}

// drained reports whether the end of the stream is all that is left to read.
func (e *pairEnd) drained() bool { return e.ended && !e.arrived.waiting() }

// canWrite is true when three quarters of the window are free, as for Unix sockets.
func (e *pairEnd) canWrite() bool {
	return e.writing.wanted && (4*e.inFlight() <= e.link.window || e.broken)
}

// inFlight is the number of bytes that e has sent and its peer not received.
func (e *pairEnd) inFlight() int { return e.peer.arrived.total }

// notify is called when e may have become able to do something.
func (e *pairEnd) notify() {
	if e.canRead() || e.canWrite() {
		e.conn.hub.poller.add(e.node)
	}
}

// disturb is notify by what makes Linux look at a socket without a reason: it gets its
// place in the list then, and keeps it if it has a reason when the list is gone through.
func (e *pairEnd) disturb() {
	if e.reading.wanted || e.writing.wanted {
		e.conn.hub.poller.add(e.node)
	}
}

// watch is called when the interests have changed.
func (e *pairEnd) watch() {
	if !e.reading.wanted && !e.writing.wanted {
		e.conn.hub.poller.remove(e.node)
	} else {
		e.notify()
	}
}

func (e *pairEnd) read(on bool) {
	e.reading.set(on && !e.closed)
	e.watch()
}

// readable delivers what has arrived.
func (e *pairEnd) readable() {
	if !e.reading.told {
		return
	}
	e.reading.told = false
	if n := min(e.arrived.len(), e.link.chunk); n > 0 {
		var p buffer
		p.blocks = &e.conn.hub.blocks
		e.arrived.moveTo(&p, n)
		e.link.note(e.peer.side, Received, n)
		e.peer.notify()
		e.conn.received(&p)
		return
	}
	if err := e.err; err != nil {
		e.err = nil
		e.conn.failed(err)
		return
	}
	if e.drained() {
		e.reading.set(false)
		e.watch()
		e.link.note(e.peer.side, ReceivedEOF, 0)
		e.conn.receivedEOF()
	}
}

// writable sends what was kept.
func (e *pairEnd) writable() {
	if !e.writing.told {
		return
	}
	e.writing.told = false
	n, err := e.send(e.unsent.bytes())
	if err != nil {
		e.writing.set(false)
		e.watch()
		e.conn.fail(err, "Fatal write error on socket transport")
		return
	}
	e.unsent.discard(n)
	if e.unsent.len() == 0 {
		e.writing.set(false)
		e.watch()
	}
	e.conn.sent()
}

func (e *pairEnd) write(p []byte) error {
	if e.unsent.len() == 0 {
		n, err := e.send(p)
		if err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
		e.writing.set(true)
	}
	e.unsent.append(p)
	e.watch()
	return nil
}

// send sends as much of p as the window has room for.
func (e *pairEnd) send(p []byte) (n int, err error) {
	if e.broken {
		return 0, e.socketError("write", syscall.EPIPE)
	}
	n = min(len(p), max(0, e.link.window-e.inFlight()))
	if n > 0 {
		e.link.note(e.side, Sent, n)
		e.peer.arrived.add(p[:n], e.link.latency)
		e.peer.notify()
	}
	return n, nil
}

// socketError makes an error as those of sockets are.
func (e *pairEnd) socketError(operation string, err error) error {
	return &net.OpError{Op: operation, Net: "pair", Source: e.localAddr(), Addr: e.remoteAddr(), Err: err}
}

func (e *pairEnd) kept() int { return e.unsent.len() }

func (e *pairEnd) discard() {
	e.unsent.clear()
	e.writing.set(false)
	e.watch()
}

func (e *pairEnd) closeWrite() error {
	if !e.broken {
		e.broken = true
		e.link.note(e.side, SentEOF, 0)
		e.disturb()
		e.peer.arrived.end(e.link.latency)
	}
	return nil
}

func (e *pairEnd) canCloseWrite() bool { return true }

// close closes the end. If it has not received all that its peer has sent, that will be
// told of a reset.
func (e *pairEnd) close() {
	if e.closed {
		return
	}
	e.closed = true
	e.reading.set(false)
	e.writing.set(false)
	e.watch()
	peer := e.peer
	if e.arrived.total > 0 && !peer.closed {
		peer.err = peer.socketError("read", syscall.ECONNRESET)
	}
	e.arrived.clear()
	peer.broken = true
	_ = e.closeWrite()
	peer.notify()
}

func (e *pairEnd) shut() { e.close() }

func (e *pairEnd) localAddr() net.Addr  { return pairAddr(e.side) }
func (e *pairEnd) remoteAddr() net.Addr { return pairAddr(e.peer.side) }
func (e *pairEnd) String() string       { return "pair " + e.localAddr().String() }

// pairAddr is the address of the end that sends in that direction.
type pairAddr Direction

func (pairAddr) Network() string { return "pair" }

func (a pairAddr) String() string {
	if Direction(a) == LeftToRight {
		return "left"
	}
	return "right"
}
