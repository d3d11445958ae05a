package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// The water marks of TLS connections.
const (
	tlsHigh = 512 << 10
	tlsLow  = tlsHigh / 4
)

// A tlsWire is the wire of a TLS connection: a socket that reads and writes a TLS session.
// A goroutine shakes hands, and is the flusher of what was written meanwhile. When the
// connection closes, both sides say goodbye: another goroutine sends close_notify, and the
// pump reads on, for that of the other side.
type tlsWire struct {
	socket
	session *tls.Conn
	carrier *carrier

	// For the owner of the baton.
	done             func(error) // nil once it was called
	shaking          bool
	complete         bool // the handshake has succeeded
	parting          bool // the goodbye has begun
	peerLeft         bool // the other side has ended its stream
	waved            bool // close_notify was sent
	handshakeTimeout time.Duration
	handshakeTimer   kernel.Timer
	shutdownTimeout  time.Duration
	shutdownTimer    kernel.Timer
	handshake        handshake
	farewell         farewell

	dry bool // for the pump: the session has nothing more to tell until something arrives
}

// tlsFile is a TLS session as the file of a socket.
type tlsFile struct {
	*tls.Conn
	below io.Closer
}

// Close closes the connection without a goodbye: Close of the session would say it, and
// wait for that.
func (f tlsFile) Close() error { return f.below.Close() }

// newTLSWire makes nc, under TLS, the wire of c, and begins the handshake. It calls done
// once, from a job of kind Internal, when the handshake has succeeded or failed, or when
// the connection was closed before; not if the loop is closed. If it has failed the
// connection is closed already. If it has succeeded the wire reads from then on: conn.start
// need not be called. The settings must have passed checkTLS.
func newTLSWire(c *conn, nc net.Conn, config *tls.Config, server bool, s *settings, done func(err error)) *tlsWire {
	w := prepareTLS(c, nc, config, server, s, done)
	w.begin()
	return w
}

// prepareTLS is newTLSWire without the handshake. What is written meanwhile is kept.
func prepareTLS(c *conn, nc net.Conn, config *tls.Config, server bool, s *settings, done func(err error)) *tlsWire {
	c.hub.waitFor(nc)
	w := &tlsWire{carrier: newCarrier(nc, &c.hub.blocks), done: done, shaking: true}
	if server {
		w.session = tls.Server(w.carrier, config)
	} else {
		w.session = tls.Client(w.carrier, config)
	}
	w.init(c, tlsFile{w.session, nc}, w)
	c.wire = w
	w.secure = w
	w.ours = isOurs(nc)
	w.flushing = true // by the handshake, when it is done
	w.handshakeTimeout, w.shutdownTimeout = s.handshakeTimeout, s.shutdownTimeout
	w.handshakeTimer.Init(kernel.Internal, (*handshakeLimit)(w))
	w.shutdownTimer.Init(kernel.Internal, (*shutdownLimit)(w))
	w.handshake.handle.Init(kernel.Internal, (*handshakeEnd)(w))
	w.farewell.handle.Init(kernel.Internal, (*farewellEnd)(w))
	// A new handshake in the middle of the stream could not go on after errNothingYet.
	w.handshake.patient = config.Renegotiation != tls.RenegotiateNever
	c.high, c.low = tlsHigh, tlsLow
	c.writePaused = false
	return w
}

func isOurs(nc net.Conn) bool {
	switch nc := nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	case tlsFile:
		return isOurs(nc.NetConn().(*carrier).Conn)
	}
	return false
}

// begin begins the handshake.
func (w *tlsWire) begin() {
	w.conn.kernel.PushTimer(&w.handshakeTimer, w.handshakeTimeout)
	w.goroutines.Add(1)
	go w.shakeHands()
}

// handshake is what the goroutine that shakes hands tells.
type handshake struct {
	handle  kernel.Handle
	err     error
	patient bool // the carrier is to wait in reads also afterwards
}

func (w *tlsWire) shakeHands() {
	defer w.goroutines.Done()
	defer w.handsShaken()
	w.handshake.err = task.ErrGoexit // unless exchange returns
	w.handshake.err = w.exchange()
}

func (w *tlsWire) handsShaken() {
	w.carrier.patient = w.handshake.patient
	if w.conn.kernel.PostIO(&w.handshake.handle) && w.handshake.err == nil {
		w.goroutines.Add(1)
		w.flush()
	}
}

// exchange does the handshake.
func (w *tlsWire) exchange() (err error) {
	defer recovered(&err)
	err = w.session.Handshake()
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return netError(w.carrier, "handshake", syscall.ECONNRESET)
	}
	return err
}

// recovered makes an error of a panic in a function of the program, such as a callback of
// its tls.Config.
func recovered(err *error) {
	if value := recover(); value != nil {
		*err = loop.NewPanicError(value)
	}
}

// handshakeEnd is the job that the handshake is done.
type handshakeEnd tlsWire

func (h *handshakeEnd) Run() {
	w := (*tlsWire)(h)
	if !w.shaking || w.conn.closing {
		return
	}
	err := w.handshake.err
	if err != nil {
		w.conn.fail(err, handshakeMessage(err))
		w.shaken(err)
		return
	}
	w.shaken(nil)
	if w.conn.isReading() {
		w.read(true)
	}
}

func (*handshakeEnd) String() string { return "TLS handshake" }

func handshakeMessage(err error) string {
	if _, ok := err.(*tls.CertificateVerificationError); ok {
		return "SSL handshake failed on verifying the certificate"
	}
	return "SSL handshake failed"
}

// shaken tells of the end of the handshake.
func (w *tlsWire) shaken(err error) {
	if !w.shaking {
		return
	}
	w.shaking, w.complete = false, err == nil
	w.handshakeTimer.Cancel()
	done := w.done
	w.done = nil
	done(err)
}

// handshakeLimit is the job that the handshake has taken too long.
type handshakeLimit tlsWire

func (h *handshakeLimit) Run() {
	err := &HandshakeTimeoutError{After: h.handshakeTimeout}
	h.conn.fail(err, "Fatal error on transport")
}

func (*handshakeLimit) String() string { return "TLS handshake timeout" }

// HandshakeTimeoutError is the error of a TLS handshake that took too long: see
// [HandshakeTimeout]. The connection is closed then. It matches future.ErrTimeout and
// syscall.ECONNABORTED. In asyncio it is a ConnectionAbortedError.
type HandshakeTimeoutError struct {
	After time.Duration // the time limit
}

// Error says how long the handshake may take, as in "SSL handshake is taking longer than
// 60.0 seconds: aborting the connection".
func (e *HandshakeTimeoutError) Error() string {
	seconds := strconv.FormatFloat(e.After.Seconds(), 'f', -1, 64)
	if e.After%time.Second == 0 {
		seconds += ".0"
	}
	return "SSL handshake is taking longer than " + seconds + " seconds: aborting the connection"
}

// Timeout returns true: the error is a timeout, as errors of package net may be.
func (*HandshakeTimeoutError) Timeout() bool { return true }

// Is makes the error match future.ErrTimeout and syscall.ECONNABORTED.
func (*HandshakeTimeoutError) Is(target error) bool {
	return target == future.ErrTimeout || target == syscall.ECONNABORTED
}

// read waits with its work until the handshake is done, which begins it.
func (w *tlsWire) read(on bool) {
	if !w.shaking {
		w.socket.read(on)
	}
}

// receive is what the pump does for TLS: see reception.
func (w *tlsWire) receive() (err error) {
	defer recovered(&err)
	for {
		if w.dry {
			if err := w.carrier.wait(); err != nil {
				return err
			}
		}
		if n, err := w.decrypt(); n > 0 || err != nil {
			return err
		}
	}
}

// decrypt adds to the socket what the session has got, which is n bytes.
func (w *tlsWire) decrypt() (n int, err error) {
	p := buffer{blocks: w.arrived.blocks}
	for err == nil {
		if p.end == len(p.block) {
			w.add(&p)
			p.block = p.blocks.get(largeBlock)
		}
		var more int
		more, err = w.session.Read(p.block[p.end:])
		p.end += more
		n += more
	}
	w.add(&p)
	if w.dry = errors.Is(err, errNothingYet); w.dry {
		err = nil
	}
	return n, err
}

// add adds what was read to the socket, without the memory of p if that is much more.
func (w *tlsWire) add(p *buffer) {
	if n := p.len(); n > smallBlock {
		w.adopt(p)
	} else {
		w.append(p.bytes())
		p.clear()
	}
}

// Run tells the connection of what has happened.
func (w *tlsWire) Run() {
	if w.parting {
		w.mu.Lock()
		if w.readErr == io.ErrUnexpectedEOF {
			w.readErr = io.EOF // what was cut off nobody would have read
		}
		w.mu.Unlock()
	}
	w.socket.Run()
}

func (w *tlsWire) canCloseWrite() bool { return false }

// netConn returns the connection below all layers of TLS.
func (w *tlsWire) netConn() net.Conn {
	nc := w.carrier.Conn
	for {
		t, ok := nc.(tlsFile)
		if !ok {
			return nc
		}
		nc = t.NetConn().(*carrier).Conn
	}
}

// leave begins the orderly end of the connection. It reports false if there is none, in a
// handshake.
func (w *tlsWire) leave() bool {
	if w.shaking {
		return false
	}
	w.conn.kernel.PushTimer(&w.shutdownTimer, w.shutdownTimeout)
	return true
}

// part sends close_notify and reads on, until the other side has sent its own.
func (w *tlsWire) part() {
	w.parting = true
	w.goroutines.Add(1)
	go w.wave()
	w.socket.read(true)
}

// farewell is what the goroutine that sends close_notify tells.
type farewell struct {
	handle kernel.Handle
	err    error
}

// wave sends close_notify. If crypto/tls gives up because the other side takes nothing,
// that is not told: it may still say goodbye, and else the time limit ends it.
func (w *tlsWire) wave() {
	defer w.goroutines.Done()
	w.farewell.err = w.closeNotify()
	if !isTimeout(w.farewell.err) {
		w.conn.kernel.PostIO(&w.farewell.handle)
	}
}

func (w *tlsWire) closeNotify() (err error) {
	defer recovered(&err)
	return w.session.CloseWrite()
}

// farewellEnd is the job that close_notify was sent.
type farewellEnd tlsWire

func (f *farewellEnd) Run() {
	w := (*tlsWire)(f)
	w.waved = true
	w.finish()
}

func (*farewellEnd) String() string { return "TLS goodbye" }

// left is told that the other side has ended its stream.
func (w *tlsWire) left() {
	w.peerLeft = true
	w.finish()
}

// finish ends the connection when both sides have said goodbye. Who has said it may have
// closed the connection without waiting for ours, so it does not matter then whether that
// could be sent.
func (w *tlsWire) finish() {
	if !w.waved || !w.peerLeft || !w.conn.parting {
		return
	}
	var err error
	if w.carrier.err != nil { // the connection has ended instead
		err = w.farewell.err
	}
	w.conn.end(err)
}

// shutdownLimit is the job that closing has taken too long.
type shutdownLimit tlsWire

func (s *shutdownLimit) Run() {
	timeout := &future.TimeoutError{After: s.shutdownTimeout}
	s.conn.forceClose(fmt.Errorf("streams: SSL shutdown timed out: %w", timeout))
}

func (*shutdownLimit) String() string { return "TLS shutdown timeout" }

// close gives up the session without a goodbye.
func (w *tlsWire) close() {
	w.handshakeTimer.Cancel()
	w.shutdownTimer.Cancel()
	w.socket.close()
	err := w.conn.err
	if err == nil {
		err = w.conn.lostError("TLS handshake", nil)
	}
	w.shaken(err)
}

// secure makes nc, under TLS, the wire of the connection, and waits until the handshake is
// done. If that fails, the connection is closed.
func (c *conn) secure(ctx context.Context, operation string, nc net.Conn, server bool, s *settings) (err error) {
	var result outcome
	result.init(c.kernel)
	newTLSWire(c, nc, s.tls, server, s, result.set)
	return c.await(ctx, operation, &result)
}

// await waits for the result of a handshake. If it fails, the connection is closed.
func (c *conn) await(ctx context.Context, operation string, result *outcome) (err error) {
	secured := false
	defer func() {
		if !secured {
			c.forceClose(nil)
		}
	}()
	task, err := waitingTask(ctx, c.kernel, &c.writer, operation)
	if err != nil {
		return err
	}
	if err := task.Await(ctx, &result.future.Future); err != nil {
		return err
	}
	secured = result.err == nil
	return result.err
}

// An outcome is what a task waits for: an end, and an error or none.
type outcome struct {
	future kernel.Promise
	err    error
}

func (o *outcome) init(k *kernel.Kernel) { o.future.Init(k, nil) }

func (o *outcome) set(err error) {
	o.err = err
	o.future.Wake()
}

// isTimeout reports whether err is the end of a deadline.
func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// ConnectionState returns what is known of the TLS session: version, cipher, the
// certificates of the other side. It reports false if the connection does not speak TLS, or
// not yet. It is asyncio's get_extra_info('ssl_object'), 'cipher', 'peercert' and
// 'sslcontext'.
func (w *Writer) ConnectionState() (tls.ConnectionState, bool) {
	w.mustOwn("ConnectionState")
	t, ok := w.conn.wire.(*tlsWire)
	if !ok || !t.complete {
		return tls.ConnectionState{}, false
	}
	return t.session.ConnectionState(), true
}
