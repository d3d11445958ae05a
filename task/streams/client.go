package streams

import (
	"context"
	"net"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// A client is a connection that a server has accepted.
type client struct {
	server   *Server
	conn     *conn
	place    kernel.Node[*client] // among the clients of the server
	runs     kernel.Node[*client] // among those whose handler runs
	task     *task.Task[struct{}] // of the handler
	done     kernel.Callback      // of that task
	keepOpen bool
}

// KeepOpen makes the connection stay open when the server's handler ends, for a program
// that has passed it on. Somebody else must close it then. For a connection that no server
// has accepted it does nothing. asyncio has nothing of the kind: there, a connection is
// closed when the garbage collector finds it.
func (w *Writer) KeepOpen() {
	w.mustOwn("KeepOpen")
	if cl := w.conn.client; cl != nil {
		cl.keepOpen = true
	}
}

// serve makes a connection of what was accepted. It returns what starts the handler, which
// calls the program. For TLS it returns nil: that comes after the handshake.
func (s *Server) serve(nc net.Conn) (handle func()) {
	c := newConn(s.hub, s.settings.limit)
	cl := &client{server: s, conn: c}
	c.server, c.client = s, cl
	s.attach(cl)
	s.settings.tune(nc)
	if s.settings.tls != nil {
		newTLSWire(c, nc, s.settings.tls, true, s.settings, cl.secured)
		return nil
	}
	newSocket(c, nc)
	c.start()
	return cl.accepted
}

// secured is called when the TLS handshake is over. A client that cannot do it right is no
// news.
func (cl *client) secured(err error) {
	c := cl.conn
	if err == nil {
		c.start()
		c.kernel.CallNext(cl.handle)
	} else if c.kernel.Debug() {
		c.kernel.Report(kernel.Report{
			Message:   "Error on transport creation for incoming connection",
			Err:       err,
			Transport: c,
		})
	}
}

// accepted starts the handler, unless the server was closed by that of a connection which
// was accepted together with this one.
func (cl *client) accepted() {
	if cl.server.closed {
		cl.conn.forceClose(nil)
	}
	cl.handle()
}

// handle starts the handler, or calls the callback. It runs on the loop's goroutine, since
// both may call the program.
func (cl *client) handle() {
	c := cl.conn
	if c.closing || c.kernel.IsClosed() {
		return
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		c.close()
		value := recover()
		if err, ok := value.(error); ok && loop.IsFatal(err) {
			panic(value)
		}
		if value != nil { // it is nil after runtime.Goexit
			cl.report(loop.NewPanicError(value))
		}
	}()
	c.watchIdle(cl.server.settings.idleTimeout)
	if fn := cl.server.settings.callback; fn != nil {
		fn(&c.reader, &c.writer)
	} else {
		cl.createTask()
	}
	returned = true
}

func (cl *client) createTask() {
	s, c := cl.server, cl.conn
	opts := []task.Option{task.InContext(s.values)}
	if name := s.settings.taskName; name != nil {
		opts = append(opts, task.Name(name(c.wire.remoteAddr())))
	}
	cl.task = task.CreateOn(s.Loop(), task.Void(func(ctx context.Context) error {
		return s.handler(ctx, &c.reader, &c.writer)
	}), opts...)
	sched.TaskOf(cl.task.Kernel()).SetFunction(s.handler)
	s.running.PushBack(&cl.runs)
	cl.done.Init(kernel.Internal, (*handled)(cl))
	cl.task.Kernel().Register(&cl.done)
}

func (cl *client) report(err error) {
	cl.conn.kernel.Report(kernel.Report{
		Message:   "Unhandled exception in client_connected_cb",
		Err:       err,
		Transport: cl.conn,
	})
}

// handled is the job that follows the end of a handler.
type handled client

func (h *handled) Run() {
	cl := (*client)(h)
	cl.server.running.Remove(&cl.runs)
	if !cl.task.Cancelled() {
		if err := cl.task.Err(); err != nil {
			cl.report(err)
		}
	}
	if !cl.keepOpen {
		cl.conn.close()
	}
}

// String names the callback in descriptions of the task.
func (*handled) String() string { return "StartServer" }
