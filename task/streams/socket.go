package streams

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// A socket is the wire of a connection that the system or the program provides. Goroutines
// wait for it: the pump for bytes to read, the flusher, which exists only while something
// is kept, until bytes can be written. They touch nothing of the loop. What they have to
// tell they leave in the fields that mu guards, and post one event, however much there is.
type socket struct {
	conn   *conn
	file   file
	raw    syscall.RawConn // nil if file cannot be read and written without waiting
	ours   bool            // file is of a type of the standard library
	stuck  bool            // a goroutine that waits for file cannot be interrupted
	secure *tlsWire        // that this is part of, or nil
	event  kernel.Handle

	// For the owner of the baton.
	unsent  int // bytes that write has kept, and sent was not called for
	pumping bool
	trial   trial

	mu         sync.Mutex
	change     sync.Cond // the pump may have a reason to go on or to end
	arrived    buffer
	readErr    error // what comes behind it
	posted     bool  // the event is on its way
	paused     bool
	closed     bool
	reads      bool   // the pump exists
	halt       *halt  // wants the pump to end, or nil
	keep       buffer // what the flusher has to send after what it has taken
	discarded  bool
	flushing   bool
	progress   int // bytes sent since the last event
	writeErr   error
	goroutines *sync.WaitGroup // that Close of the loop waits for
}

// A file is what a socket needs of a net.Conn or an *os.File.
type file interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
}

// newSocket makes f the wire of c.
func newSocket(c *conn, f file) *socket {
	s := new(socket)
	s.init(c, f, s)
	c.wire = s
	return s
}

// init prepares the socket. The job is that of its event.
func (s *socket) init(c *conn, f file, job kernel.Job) {
	s.conn, s.file, s.paused = c, f, true
	c.hub.waitFor(f)
	switch f := f.(type) {
	case *net.TCPConn, *net.UnixConn:
		s.ours = true
	case *os.File:
		s.ours = true
		s.stuck = f.SetDeadline(time.Time{}) != nil
	}
	s.goroutines = &c.hub.goroutines
	if s.stuck {
		s.goroutines = new(sync.WaitGroup)
	} else {
		s.raw = rawOf(f)
	}
	s.change.L = &s.mu
	s.arrived.blocks, s.keep.blocks = &c.hub.blocks, &c.hub.blocks
	s.event.Init(kernel.Internal, job)
	s.trial.init()
}

func (s *socket) String() string {
	if f, ok := s.file.(*os.File); ok {
		return f.Name()
	}
	switch {
	case s.ours:
	case s.secure != nil:
		return fmt.Sprintf("%T", s.secure.netConn())
	default: // jobs of the library may ask, and must not call a type of the program
		return fmt.Sprintf("%T", s.file)
	}
	local, remote := s.localAddr(), s.remoteAddr()
	if local == nil || remote == nil {
		return fmt.Sprintf("%T", s.file)
	}
	return local.String() + " -> " + remote.String()
}

func (s *socket) localAddr() net.Addr {
	if c, ok := s.file.(net.Conn); ok {
		return c.LocalAddr()
	}
	return nil
}

func (s *socket) remoteAddr() net.Addr {
	if c, ok := s.file.(net.Conn); ok {
		return c.RemoteAddr()
	}
	return nil
}

func (s *socket) read(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.paused = !on
	if !on {
		return
	}
	if !s.pumping {
		s.pumping = true
		s.goroutines.Add(1)
		s.reads = true
		go s.pump()
		return
	}
	s.change.Signal()
	if (s.arrived.len() > 0 || s.readErr != nil) && !s.posted {
		s.posted = true
		s.conn.kernel.PushIO(&s.event)
	}
}

// post posts the event, unless that was done. It reports false if the loop is closed.
// It is called without the lock.
func (s *socket) post(needed bool) bool { return !needed || s.conn.kernel.PostIO(&s.event) }

// Run tells the connection of what has happened.
func (s *socket) Run() {
	var arrived buffer
	arrived.blocks = s.arrived.blocks
	s.mu.Lock()
	s.posted = false
	progress, writeErr := s.progress, s.writeErr
	s.progress, s.writeErr = 0, nil
	var readErr error
	if !s.paused {
		arrived.take(&s.arrived)
		readErr, s.readErr = s.readErr, nil
		s.change.Signal()
	}
	s.mu.Unlock()

	c := s.conn
	s.unsent -= progress // before a failure to read discards the rest
	if arrived.len() > 0 {
		c.received(&arrived)
	}
	switch {
	case readErr == io.EOF:
		c.receivedEOF()
	case readErr != nil:
		c.failed(readErr)
	}
	switch {
	case writeErr != nil:
		c.fail(writeErr, "Fatal write error on socket transport")
	case progress > 0:
		c.sent()
	}
}

// Drop is for a loop that is closed: see [kernel.Dropper].
func (s *socket) Drop() {}

// pump reads, until the stream ends or the socket is closed.
func (s *socket) pump() {
	defer s.goroutines.Done()
	goexit := true // by a type of the program
	defer func() {
		if goexit {
			s.deliver(task.ErrGoexit)
		}
		s.pumped()
	}()
	var r reception
	r.init(s)
	for s.mayRead() && s.deliver(r.receive()) {
	}
	goexit = false
}

// mayRead waits until the pump may read. It returns false if the socket is closed.
func (s *socket) mayRead() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && s.halt == nil && (s.paused || s.arrived.len() >= maxReceive) {
		s.change.Wait()
	}
	return !s.closed && s.halt == nil
}

// deliver tells the loop of what receive has read, and of the error that ended it. It
// reports whether the pump shall go on.
func (s *socket) deliver(err error) bool {
	s.mu.Lock()
	if s.closed || s.halt != nil && isTimeout(err) {
		s.mu.Unlock()
		return false
	}
	s.readErr = err
	needed := !s.posted && !s.paused
	s.posted = s.posted || needed
	s.mu.Unlock()
	return s.post(needed) && err == nil
}

// append adds what was read.
func (s *socket) append(p []byte) {
	s.mu.Lock()
	if !s.closed {
		s.arrived.append(p)
	}
	s.mu.Unlock()
}

// adopt adds what was read, and takes the memory of p.
func (s *socket) adopt(p *buffer) {
	s.mu.Lock()
	if s.closed {
		p.clear()
	} else {
		s.arrived.move(p)
	}
	s.mu.Unlock()
}

// reception is the pump's way to read: without a buffer while it waits, if the system can
// do that, and else into a small one.
type reception struct {
	socket *socket
	blocks *blocks
	try    func(fd uintptr) bool // nil if the socket is not raw
	err    error                 // of try
	waited bool                  // try has returned false
	small  []byte
}

func (r *reception) init(s *socket) {
	r.socket, r.blocks = s, s.arrived.blocks
	switch {
	case s.raw == nil:
	case s.conn.oneWay:
		r.try = r.watchRaw
	default:
		r.try = r.readRaw
	}
}

// receive waits for something and adds it to the socket.
func (r *reception) receive() error {
	if t := r.socket.secure; t != nil && !t.carrier.patient {
		return t.receive()
	}
	if r.try == nil {
		return r.readSmall()
	}
	r.err = nil
	err := r.socket.raw.Read(r.try)
	switch {
	case err == nil:
		return r.err
	case r.socket.conn.oneWay: // "not pollable" if a full pipe has lost its reader
		return io.EOF
	}
	return err
}

// readSmall reads through Read. A connection that sends much gets more memory.
func (r *reception) readSmall() (err error) {
	defer func() {
		if value := recover(); value != nil { // in a type of the program
			err = loop.NewPanicError(value)
		}
	}()
	if r.small == nil {
		r.small = make([]byte, smallBlock)
	}
	n, err := r.socket.file.Read(r.small)
	r.socket.append(r.small[:n])
	switch {
	case n == len(r.small) && n < largeBlock:
		r.small = make([]byte, largeBlock)
	case n <= smallBlock && len(r.small) > smallBlock:
		r.small = nil
	}
	return err
}

func (s *socket) write(p []byte) error {
	if s.unsent == 0 && s.raw != nil {
		n, err := s.trial.write(s, p)
		if err != nil {
			return err
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
	s.unsent += len(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep.append(p)
	if !s.flushing && !s.closed {
		s.flushing = true
		s.goroutines.Add(1)
		go s.flush()
	}
	return nil
}

// flushStep is the most that the flusher writes before it tells of progress.
const flushStep = 64 << 10

// flush sends what was kept. It ends when nothing is left. It takes all at once, so that
// nobody has to move what it sends; what is written meanwhile comes next.
func (s *socket) flush() {
	defer s.goroutines.Done()
	taken := buffer{blocks: s.keep.blocks}
	goexit := true // by a type of the program
	defer func() {
		if goexit {
			s.flushed(0, task.ErrGoexit)
		}
		taken.clear()
	}()
	for s.flushSome(&taken) {
	}
	goexit = false
}

// flushSome sends a part of what the flusher has taken, or takes more. It reports whether
// there may be more to do.
func (s *socket) flushSome(taken *buffer) bool {
	if !s.take(taken) {
		return false
	}
	n, err := s.writeWaiting(taken.bytes()[:min(taken.len(), flushStep)])
	taken.discard(n)
	return s.flushed(n, err)
}

// take takes what the flusher sends next. It reports false, and the flusher must end, if
// there is nothing.
func (s *socket) take(p *buffer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.len() == 0 {
		p.take(&s.keep)
	}
	s.flushing = p.len() > 0 && !s.closed && !s.discarded
	return s.flushing
}

// writeWaiting writes all of p.
func (s *socket) writeWaiting(p []byte) (n int, err error) {
	defer func() {
		if value := recover(); value != nil { // in a type of the program
			err = loop.NewPanicError(value)
		}
	}()
	return s.file.Write(p)
}

// flushed tells the loop of progress. It reports whether there may be more to do.
func (s *socket) flushed(n int, err error) bool {
	s.mu.Lock()
	if !s.discarded {
		s.progress += n
	}
	if err != nil {
		s.writeErr = err
		s.keep.clear()
		s.flushing = false
	}
	needed := !s.posted && !s.closed
	s.posted = s.posted || needed
	s.mu.Unlock()
	return s.post(needed) && err == nil
}

func (s *socket) kept() int { return s.unsent }

func (s *socket) discard() {
	s.mu.Lock()
	s.keep.clear()
	s.discarded, s.progress = true, 0
	s.mu.Unlock()
	s.unsent = 0
}

func (s *socket) canCloseWrite() bool {
	_, ok := s.file.(interface{ CloseWrite() error })
	return ok
}

func (s *socket) closeWrite() error {
	err := s.file.(interface{ CloseWrite() error }).CloseWrite()
	if errors.Is(err, syscall.ENOTCONN) {
		return nil // the other side has gone first, of which reading tells
	}
	return err
}

func (s *socket) close() {
	switch {
	case !s.stop():
	case s.ours:
		_ = s.file.Close()
	default: // a type of the program may take its time
		s.closeElsewhere()
	}
}

// shut closes the socket on another goroutine. To close thousands one after the other, and
// wait for the pump of each, takes longer.
func (s *socket) shut() {
	if s.stop() {
		s.closeElsewhere()
	}
}

// stop makes the goroutines of the socket end. It reports false if that was done before.
func (s *socket) stop() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	s.arrived.clear()
	s.keep.clear()
	s.change.Signal()
	return true
}

func (s *socket) closeElsewhere() {
	s.goroutines.Go(func() {
		defer func() { _ = recover() }()
		_ = s.file.Close()
	})
}

// netError makes the error that package net would.
func netError(c net.Conn, operation string, err error) error {
	e := &net.OpError{Op: operation, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError(operation, err)}
	if e.Source != nil {
		e.Net = e.Source.Network()
	}
	return e
}
