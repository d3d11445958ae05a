package streams

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

const (
	// defaultBacklog is how many connections of a listener the loop takes in an iteration.
	defaultBacklog = 100
	// acceptRetryDelay is how long a listener rests when the system has no more resources.
	acceptRetryDelay = time.Second
)

// An intake is what the goroutines that accept for one server share with it.
type intake struct {
	mu      sync.Mutex
	change  sync.Cond // one of them may have a reason to go on or to end
	load    int       // connections of the server, and those that it has not taken yet
	limit   int       // of load
	backlog int       // of what one of them has accepted and the server has not taken
}

func (in *intake) init(o *settings) {
	in.change.L = &in.mu
	in.limit, in.backlog = math.MaxInt, defaultBacklog
	if o.maxConnections > 0 {
		in.limit = o.maxConnections
	}
	if o.backlog > 0 {
		in.backlog = o.backlog
	}
}

// release is told that a connection is lost.
func (in *intake) release() {
	in.mu.Lock()
	in.load--
	in.change.Broadcast()
	in.mu.Unlock()
}

// An acceptor accepts the connections of one listener, on a goroutine of its own, which
// does nothing else. The loop takes them in an I/O event, however many there are.
type acceptor struct {
	server   *Server
	listener net.Listener
	file     *socketFile // to be removed at the end, or nil
	event    kernel.Handle
	retry    kernel.Timer
	member   member
	listed   bool // in the hub

	// Guarded by the mutex of the intake.
	accepted []net.Conn // what the loop has not taken yet
	err      error      // of Accept, that the loop has not seen yet
	failures int        // of Accept, one after the other
	posted   bool       // the event is on its way
	paused   bool       // no resources
	closed   bool
}

func newAcceptor(s *Server, l net.Listener) *acceptor {
	a := &acceptor{server: s, listener: l, file: socketFileOf(s.kernel, s.settings, l), listed: true}
	a.event.Init(kernel.Internal, (*accepting)(a))
	a.member.Value = a
	s.hub.add(&a.member)
	s.hub.waitFor(l)
	return a
}

// String describes the listener: reports show it.
func (a *acceptor) String() string {
	return fmt.Sprintf("<Listener %v>", a.listener.Addr())
}

func (a *acceptor) start() {
	a.server.hub.goroutines.Go(a.run)
}

func (a *acceptor) run() {
	for a.mayAccept() && a.deliver(a.accept()) {
	}
}

// mayAccept waits until the goroutine may accept a connection. It returns false if the
// listener is closed.
func (a *acceptor) mayAccept() bool {
	in := &a.server.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	for !a.closed && (a.paused || a.err != nil || len(a.accepted) >= in.backlog || in.load >= in.limit) {
		in.change.Wait()
	}
	return !a.closed
}

func (a *acceptor) accept() (nc net.Conn, err error) {
	defer func() {
		if value := recover(); value != nil { // in a type of the program
			err = loop.NewPanicError(value)
		}
	}()
	return a.listener.Accept()
}

// deliver tells the loop what Accept has returned. It reports whether the goroutine shall
// go on.
func (a *acceptor) deliver(nc net.Conn, err error) bool {
	in := &a.server.intake
	in.mu.Lock()
	switch {
	case a.closed:
		in.mu.Unlock()
		if err == nil {
			closeQuietly(nc)
		}
		return false
	case err == nil:
		a.accepted = append(a.accepted, nc)
		a.failures = 0
		in.load++
	case errors.Is(err, net.ErrClosed): // not by us
		in.mu.Unlock()
		return false
	case isPassing(err):
		in.mu.Unlock()
		return true
	default:
		a.err = err
		a.failures++
	}
	needed := !a.posted
	a.posted = true
	in.mu.Unlock()
	return !needed || a.server.kernel.PostIO(&a.event)
}

// accepting is the job of taking what was accepted.
type accepting acceptor

func (*accepting) String() string { return "accept" }

func (j *accepting) Run() {
	a := (*acceptor)(j)
	s, in := a.server, &a.server.intake
	in.mu.Lock()
	a.posted = false
	n := min(len(a.accepted), s.room())
	taken := a.accepted[:n:n]
	if a.accepted = a.accepted[n:]; len(a.accepted) == 0 {
		a.accepted = nil
	}
	err := a.err
	a.err = nil
	pause := err != nil && (isExhaustion(err) || a.failures > 1) // a broken listener shall not flood the log
	a.paused = a.paused || pause
	in.change.Broadcast()
	in.mu.Unlock()

	var handlers []func() // in one call, since each comes before all that is ready
	for _, nc := range taken {
		if handle := s.serve(nc); handle != nil {
			handlers = append(handlers, handle)
		}
	}
	s.kernel.CallNext(handlers...)
	if pause {
		a.retry.Init(kernel.Internal, (*retrying)(a))
		s.kernel.PushTimer(&a.retry, acceptRetryDelay)
	}
	if err != nil {
		a.report(err)
	}
}

// report tells the exception handler of an error of Accept.
func (a *acceptor) report(err error) {
	r := kernel.Report{Message: "socket.accept() out of system resource", Err: err, Socket: a}
	if !isExhaustion(err) {
		r.Message, r.Handle = "Exception in callback accept", &a.event
	}
	a.server.kernel.Report(r)
}

// retrying is the job that ends a pause.
type retrying acceptor

func (*retrying) String() string { return "accept again" }

func (j *retrying) Run() {
	in := &j.server.intake
	in.mu.Lock()
	j.paused = false
	in.change.Broadcast()
	in.mu.Unlock()
}

// goOn makes the loop take what it had to leave.
func (a *acceptor) goOn() {
	in := &a.server.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(a.accepted) > 0 && !a.posted {
		a.posted = true
		a.server.kernel.PushIO(&a.event)
	}
}

// halt makes the goroutine end, as soon as the listener is closed. It returns what is to
// be closed, nothing if that was done.
func (a *acceptor) halt() (open []io.Closer) {
	in := &a.server.intake
	in.mu.Lock()
	defer in.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	open = append(open, a.listener)
	if a.file != nil {
		open = append(open, a.file)
	}
	for _, nc := range a.accepted {
		open = append(open, nc)
	}
	a.accepted, a.err = nil, nil
	in.change.Broadcast()
	return open
}

// close closes the listener, and the connections that nobody has taken.
func (a *acceptor) close() {
	open := a.halt()
	a.retry.Cancel()
	for _, c := range open {
		closeQuietly(c)
	}
	if a.listed {
		a.listed = false
		a.server.hub.remove(&a.member)
	}
}

// Shut closes the listener with its loop. A type of the program may take its time, so that
// is left to a goroutine.
func (a *acceptor) Shut() {
	a.server.closed, a.server.serving = true, false
	a.listed = false // the hub itself takes it off
	open := a.halt()
	a.server.hub.goroutines.Go(func() {
		for _, c := range open {
			closeQuietly(c)
		}
	})
}

// closeQuietly closes what may be of a type of the program.
func closeQuietly(c io.Closer) {
	defer func() { _ = recover() }()
	_ = c.Close()
}
