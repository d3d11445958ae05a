package streams

import (
	"context"
	"fmt"
	"math"
	"net"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// A Handler serves one connection of a server, as a task of its own. When it returns, or
// is cancelled, or panics, the connection is closed, unless it has called
// [Writer.KeepOpen]. An error that is no cancellation goes to the loop's exception
// handler. It is asyncio's client_connected_cb.
type Handler = func(ctx context.Context, r *Reader, w *Writer) error

// A Server accepts connections and calls its handler for each. [StartServer],
// [StartUnixServer] and [Serve] make one.
//
// Close it after use: it ends neither with the task that has made it nor with its last
// connection. Close of the loop closes it, and all its connections.
//
// Call its methods only from tasks and callbacks of its loop. It is asyncio's Server.
type Server struct {
	_         noCopy
	hub       *hub
	kernel    *kernel.Kernel
	settings  *settings
	handler   Handler         // nil if there is a Callback
	values    context.Context // what the tasks of handlers inherit
	acceptors []*acceptor
	intake    intake

	clients     kernel.List[*client] // from accept until the connection is lost
	connections int                  // the number of clients
	running     kernel.List[*client] // those whose handler runs
	ended       waiters              // in WaitClosed
	forever     *kernel.Promise      // what a task in ServeForever waits for, or nil
	serving     bool
	closed      bool
}

// newServer returns a server that does not accept yet.
func newServer(h *hub, o *settings, handler Handler, listeners []net.Listener) *Server {
	s := &Server{hub: h, kernel: h.kernel, settings: o, handler: handler}
	s.intake.init(o)
	for _, l := range listeners {
		s.acceptors = append(s.acceptors, newAcceptor(s, l))
	}
	return s
}

// begin starts the server, unless it was told to do so later, and lets other tasks run
// once. If that fails, it closes the server.
func (s *Server) begin(ctx context.Context, operation string) (*Server, error) {
	begun := false
	defer func() {
		if !begun {
			s.close()
		}
	}()
	if _, err := waitingTask(ctx, s.kernel, s, operation); err != nil {
		return nil, err
	}
	if !s.settings.startLater {
		s.start(ctx)
		if err := task.Yield(ctx); err != nil {
			return nil, err
		}
	}
	begun = true
	return s, nil
}

func (s *Server) start(ctx context.Context) {
	if s.serving {
		return
	}
	s.serving = true
	s.values = ctx
	for _, a := range s.acceptors {
		a.start()
	}
}

// Addrs returns the addresses on which the server listens; none when it is closed. It is
// asyncio's sockets.
func (s *Server) Addrs() []net.Addr {
	if s.closed {
		return nil
	}
	addrs := make([]net.Addr, len(s.acceptors))
	for i, a := range s.acceptors {
		addrs[i] = a.listener.Addr()
	}
	return addrs
}

// IsServing reports whether the server accepts connections: it was started and is not
// closed. It is asyncio's is_serving.
func (s *Server) IsServing() bool { return s.serving }

// Loop returns the loop of the server. Any goroutine may call it. It is asyncio's
// get_loop.
func (s *Server) Loop() *loop.Loop { return s.kernel.Face().(*loop.Loop) }

// StartServing makes a server accept connections that was told to [StartLater], and lets
// other tasks run once. On a server that does so already it does nothing else. The error
// matches [ErrServerClosed] if the server is closed. It is asyncio's start_serving.
func (s *Server) StartServing(ctx context.Context) error {
	if _, err := s.mayServe(ctx, "StartServing"); err != nil {
		return err
	}
	s.start(ctx)
	return task.Yield(ctx)
}

// mayServe returns the task that ctx carries, if it may start the server.
func (s *Server) mayServe(ctx context.Context, operation string) (kernel.Awaiter, error) {
	if err := s.check(operation); err != nil {
		return nil, err
	}
	if s.closed {
		return nil, misuse(s, operation, ErrServerClosed)
	}
	return waitingTask(ctx, s.kernel, s, operation)
}

// ServeForever accepts connections until the task is cancelled, ctx ends, or the server is
// closed. Then it closes the server, waits until its last connection is lost, and returns
// the cancellation. A second cancellation ends this wait. See [CloseClientsOnCancel] and
// [Server.Shutdown] for servers whose clients stay.
//
// The error matches [ErrServing] if another task is in ServeForever, and
// [ErrServerClosed] if the server was closed before. It is asyncio's serve_forever.
func (s *Server) ServeForever(ctx context.Context) error {
	if err := s.check("ServeForever"); err != nil {
		return err
	}
	if s.forever != nil {
		return misuse(s, "ServeForever", ErrServing)
	}
	waiting, err := s.mayServe(ctx, "ServeForever")
	if err != nil {
		return err
	}
	s.start(ctx)
	forever := new(kernel.Promise)
	forever.Init(s.kernel, nil)
	s.forever = forever
	defer func() {
		if s.forever == forever {
			s.forever = nil
		}
	}()
	err = waiting.Await(ctx, &forever.Future) // which nothing but a cancellation ends
	s.close()
	if s.settings.closeClients {
		s.CloseClients()
	}
	return cancellation(err, s.WaitClosed(ownContext(ctx)))
}

// cancellation is the error of an operation that went on after err, with what came later. A
// cancellation was requested, and the task has to answer for it, so it counts more than
// the end of a context.
func cancellation(err, later error) error {
	if err == nil || future.IsCancelled(later) && !future.IsCancelled(err) {
		return later
	}
	return err
}

// ownContext is the context of the task that ctx carries. A ctx that has ended is like one
// cancellation: it must not interrupt what the task does afterwards.
func ownContext(ctx context.Context) context.Context { return task.Current(ctx).Context() }

// WaitClosed waits until the server is closed and its last connection is lost. It does not
// close it. Handlers may still be running. Any number of tasks may wait; to cancel one
// ends its wait only. It is asyncio's wait_closed.
func (s *Server) WaitClosed(ctx context.Context) error {
	if err := s.check("WaitClosed"); err != nil {
		return err
	}
	if s.isOver() {
		return nil
	}
	waiting, err := waitingTask(ctx, s.kernel, s, "WaitClosed")
	if err != nil {
		return err
	}
	return s.ended.wait(ctx, waiting)
}

func (s *Server) isOver() bool { return s.closed && s.connections == 0 }

// Close makes the server stop listening. Connections that wait to be accepted are closed,
// those with a handler are left alone. A task in ServeForever is cancelled. Close does not
// wait: see [Server.WaitClosed]. It returns nil unless the caller is on another goroutine
// than the loop's. Further calls do nothing. It is asyncio's close.
func (s *Server) Close() error {
	if err := s.check("Close"); err != nil {
		return err
	}
	s.close()
	return nil
}

func (s *Server) close() {
	if s.closed {
		return
	}
	s.closed, s.serving = true, false
	for _, a := range s.acceptors {
		a.close()
	}
	if s.forever != nil && !s.forever.Done() {
		s.forever.Cancel("")
		s.forever = nil
	}
	if s.isOver() {
		s.ended.wakeAll(nil)
	}
}

// CloseClients closes all connections of the server, as [Writer.Close] does, in the order
// in which they were accepted. It is asyncio's close_clients.
func (s *Server) CloseClients() {
	s.kernel.MustOwn("CloseClients", s)
	for n := s.clients.First(); n != nil; n = n.Next() {
		n.Value.conn.close()
	}
}

// AbortClients closes all connections of the server at once, as [Writer.Abort] does. It is
// asyncio's abort_clients.
func (s *Server) AbortClients() {
	s.kernel.MustOwn("AbortClients", s)
	for n := s.clients.First(); n != nil; n = n.Next() {
		n.Value.conn.forceClose(nil)
	}
}

// With runs fn, then closes the server and waits until its last connection is lost: see
// WaitClosed. If that wait is cancelled, With returns the cancellation, which keeps the
// text of fn's error. If fn panics, the server is closed, but With does not wait. It is
// asyncio's "async with server".
func (s *Server) With(ctx context.Context, fn func(ctx context.Context) error) error {
	if fn == nil {
		return misuse(s, "With", loop.ErrNilFunc)
	}
	if err := s.check("With"); err != nil {
		return err
	}
	defer s.close()
	err := fn(ctx)
	s.close()
	switch failure := s.WaitClosed(ctx); {
	case failure == nil, future.IsCancelled(err) && !future.IsCancelled(failure):
		return err
	case err == nil:
		return failure
	default:
		return fmt.Errorf("%w (after: %v)", failure, err)
	}
}

func (s *Server) check(operation string) error { return s.kernel.Check(operation, s) }

// String describes the server as in "<Server 127.0.0.1:80 [::1]:80 serving clients=3>".
func (s *Server) String() string {
	if s == nil {
		return "<nil>"
	}
	parts := []string{"<Server"}
	if s.closed {
		parts = append(parts, "closed")
	} else {
		for _, addr := range s.Addrs() {
			parts = append(parts, addr.String())
		}
	}
	if s.serving {
		parts = append(parts, "serving")
	}
	if s.connections > 0 {
		parts = append(parts, fmt.Sprintf("clients=%d", s.connections))
	}
	return strings.Join(parts, " ") + ">"
}

// attach notes a new connection.
func (s *Server) attach(cl *client) {
	cl.place.Value, cl.runs.Value = cl, cl
	s.clients.PushBack(&cl.place)
	s.connections++
}

// detach is told that a connection is lost.
func (s *Server) detach(c *conn) {
	s.clients.Remove(&c.client.place)
	s.connections--
	s.intake.release()
	for _, a := range s.acceptors {
		a.goOn()
	}
	if s.isOver() {
		s.ended.wakeAll(nil)
	}
}

// room is how many more connections the server may have.
func (s *Server) room() int {
	if s.settings.maxConnections == 0 {
		return math.MaxInt
	}
	return s.settings.maxConnections - s.connections
}
