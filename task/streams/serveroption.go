package streams

import (
	"net"
	"slices"
)

// Callback makes the server call fn for each connection, in place of a handler, which must
// be nil. No task is made, so fn cannot wait; it may create tasks. The connection stays
// open when fn returns, and somebody must close it. If fn panics it is closed, and the
// loop's exception handler is told. It is asyncio's client_connected_cb that is a plain
// function.
func Callback(fn func(r *Reader, w *Writer)) Option {
	return option("Callback", serving, func(s *settings) error {
		if fn == nil {
			return s.invalid("the Callback is nil")
		}
		s.callback = fn
		return nil
	})
}

// Hosts makes [StartServer] listen on several hosts. Its address then has a port only, as
// ":8080". Addresses for which several hosts stand are bound once. It is a sequence as
// asyncio's host.
func Hosts(hosts ...string) Option {
	return option("Hosts", binding, func(s *settings) error {
		if len(hosts) == 0 {
			return s.invalid("there are no Hosts")
		}
		s.hosts = slices.Clone(hosts)
		return nil
	})
}

// Listen makes the server get its listeners from cfg. The default is a *net.ListenConfig.
// Its Listen is called once for each address, with "tcp4", "tcp6" or "unix". asyncio has
// nothing of the kind.
func Listen(cfg ListenConfig) Option {
	return option("Listen", binding|bindingFile, func(s *settings) error {
		if cfg == nil {
			return s.invalid("the ListenConfig is nil")
		}
		s.listenConfig = cfg
		return nil
	})
}

// Backlog sets how many connections of a listener the server takes in one iteration of the
// loop, and how many may be accepted before that. The default is 100. The system's own
// queue is as long as the system allows. It is asyncio's backlog, which sets both.
func Backlog(n int) Option {
	return option("Backlog", serving, func(s *settings) error {
		if n <= 0 {
			return s.invalid("the Backlog must be > 0")
		}
		s.backlog = n
		return nil
	})
}

// MaxConnections sets how many connections the server may have at a time. When it has so
// many it does not accept more, and clients wait in the system's queue, until one is lost.
// By default there is no limit. asyncio has nothing of the kind.
func MaxConnections(n int) Option {
	return option("MaxConnections", serving, func(s *settings) error {
		if n <= 0 {
			return s.invalid("MaxConnections must be > 0")
		}
		s.maxConnections = n
		return nil
	})
}

// ReusePort lets other servers, also of other processes, listen on the same port, as long
// as all of them say so. The error matches errors.ErrUnsupported where the system cannot
// do that. It is asyncio's reuse_port.
func ReusePort() Option {
	return option("ReusePort", binding, func(s *settings) error {
		s.reusePort = true
		return nil
	})
}

// StartLater makes the server wait for [Server.StartServing] or [Server.ServeForever]
// before it accepts connections. Its listeners are open from the beginning: clients that
// come earlier wait. It is asyncio's start_serving=False, with which they are refused.
func StartLater() Option {
	return option("StartLater", serving, func(s *settings) error {
		s.startLater = true
		return nil
	})
}

// CleanupSocket says whether the file of a Unix socket is removed when the server is
// closed. By default it is. It is asyncio's cleanup_socket.
func CleanupSocket(remove bool) Option {
	return option("CleanupSocket", serving, func(s *settings) error {
		s.keepSocket = !remove
		return nil
	})
}

// TaskName makes name choose the name of each handler's task; it is given the address of
// the client. By default tasks have the loop's default names. asyncio has nothing of the
// kind.
func TaskName(name func(peer net.Addr) string) Option {
	return option("TaskName", serving, func(s *settings) error {
		if name == nil {
			return s.invalid("the function of TaskName is nil")
		}
		s.taskName = name
		return nil
	})
}

// CloseClientsOnCancel makes [Server.ServeForever] close the connections of the server when
// it is cancelled, as [Server.CloseClients] does, so that it does not wait for clients that
// stay. asyncio has nothing of the kind.
func CloseClientsOnCancel() Option {
	return option("CloseClientsOnCancel", serving, func(s *settings) error {
		s.closeClients = true
		return nil
	})
}
