package streams

import (
	"context"
	"net"
)

// StartServer starts a server that listens on a TCP address, such as "127.0.0.1:8080",
// "[::1]:http" or "localhost:0". It listens on every address that the host stands for, and
// on all interfaces if there is none, as in ":8080": IPv4 and IPv6 are two listeners. On
// port 0 the system chooses a port for each: see [Server.Addrs].
//
// The handler runs for each connection, as a task that inherits the values of ctx.
// It is nil if there is the option [Callback].
//
// Addresses that the machine does not have are left out. Any other error closes what was
// bound before; it names the address, and matches what the system says, such as
// syscall.EADDRINUSE. It matches [ErrInvalidArgument] if handler, address or options do not
// make sense. If StartServer is cancelled, nothing stays open. It is asyncio's
// start_server.
func StartServer(ctx context.Context, handler Handler, address string, opts ...Option) (*Server, error) {
	h := hubFor(ctx, "StartServer")
	o, err := serverSettings("StartServer", serving|binding, handler, opts)
	if err != nil {
		return nil, err
	}
	if o.network == "" {
		o.network = "tcp"
	}
	waiter, err := waitingTask(ctx, h.kernel, h.kernel.Face(), "StartServer")
	if err != nil {
		return nil, err
	}
	addrs, err := o.addresses(ctx, waiter, address)
	if err != nil {
		return nil, err
	}
	listeners, err := o.listen(ctx, addrs)
	if err != nil {
		return nil, err
	}
	return newServer(h, o, handler, listeners).begin(ctx, "StartServer")
}

// StartUnixServer starts a server that listens on a Unix socket: see [StartServer]. A path
// that begins with "@" or a zero byte is the name of an abstract socket of Linux, which is
// no file.
//
// A socket that is there already is removed first, since a server that has crashed leaves
// it behind. Any other file is left alone; then the error matches syscall.EADDRINUSE. When
// the server is closed the file is removed, unless somebody has replaced it, or
// [CleanupSocket] forbids it. It is asyncio's start_unix_server.
func StartUnixServer(ctx context.Context, handler Handler, path string, opts ...Option) (*Server, error) {
	h := hubFor(ctx, "StartUnixServer")
	o, err := serverSettings("StartUnixServer", serving|bindingFile, handler, opts)
	if err != nil {
		return nil, err
	}
	if err := o.checkUnix(); err != nil {
		return nil, err
	}
	l, err := o.listenUnix(ctx, h.kernel, path)
	if err != nil {
		return nil, err
	}
	return newServer(h, o, handler, []net.Listener{l}).begin(ctx, "StartUnixServer")
}

// Serve starts a server on a listener that is there already: see [StartServer]. The
// listener belongs to the server from then on. Its Accept is called on another goroutine,
// and must return when it is closed. If Serve fails or is cancelled, the listener is
// closed, unless handler or options do not make sense.
//
// The file of a Unix socket is removed as by [StartUnixServer]. It is asyncio's
// start_server(sock=...).
func Serve(ctx context.Context, handler Handler, l net.Listener, opts ...Option) (*Server, error) {
	h := hubFor(ctx, "Serve")
	o, err := serverSettings("Serve", serving, handler, opts)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, o.invalid("the listener is nil")
	case o.network != "":
		return nil, o.invalid("the option Network does not apply")
	}
	return newServer(h, o, handler, []net.Listener{l}).begin(ctx, "Serve")
}

func serverSettings(operation string, p purpose, handler Handler, opts []Option) (*settings, error) {
	o, err := settingsOf(operation, p, opts)
	switch {
	case err != nil:
		return nil, err
	case handler == nil && o.callback == nil:
		return nil, o.invalid("there is neither a handler nor a Callback")
	case handler != nil && o.callback != nil:
		return nil, o.invalid("there are a handler and a Callback")
	case o.taskName != nil && o.callback != nil:
		return nil, o.invalid("the option TaskName does not apply: a Callback is no task")
	case o.listenConfig != nil && o.reusePort:
		return nil, o.invalid("the option ReusePort does not apply: Listen decides")
	}
	return o, o.checkTLS("")
}
