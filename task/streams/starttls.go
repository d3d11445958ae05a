package streams

import (
	"context"
	"crypto/tls"
	"io"
)

// StartTLS makes the connection speak TLS from here on, with the same reader and writer,
// and waits until the handshake is done. It is the server's side of the handshake if a
// server has accepted the connection or [ServerSide] is given, and the client's otherwise,
// whose config must have a ServerName. The other options for it are [HandshakeTimeout] and
// [ShutdownTimeout]. What is written meanwhile is kept, and then sent encrypted.
//
// What was written before is sent as it is. Bytes that have arrived and were not read are
// taken for the beginning of the other side's handshake, as they must be, since a fast peer
// does not wait; so nobody can slip in plain text that would be read as if it had been
// encrypted. The water marks become those of TLS. TLS may run over TLS.
//
// If the handshake fails, or StartTLS is cancelled, the connection is closed. The error is
// that of the handshake: one of crypto/tls or crypto/x509, a [*HandshakeTimeoutError], or
// one that matches syscall.ECONNRESET if the other side ended the connection. It matches
// [ErrInvalidArgument] for a config that will not do, errors.ErrUnsupported if there is no
// net.Conn, as for [Pair] and pipes, [ErrConnectionLost] if the connection is closed or
// closing, [ErrWriteAfterEOF] after WriteEOF, and [ErrBusy] if another task is in StartTLS
// or Detach. It is asyncio's start_tls.
func (w *Writer) StartTLS(ctx context.Context, config *tls.Config, opts ...Option) error {
	if err := w.check("StartTLS"); err != nil {
		return err
	}
	c := w.conn
	o, err := settingsOf("StartTLS", securing, opts)
	if err != nil {
		return err
	}
	if config == nil {
		return o.invalid("the tls.Config is nil")
	}
	o.tls = config
	o.serverSide = o.serverSide || c.serverSide || c.server != nil
	if err := o.checkTLS(""); err != nil {
		return err
	}
	if err := w.Drain(ctx); err != nil {
		return err
	}
	change, err := w.beginChange(ctx, "StartTLS")
	if err != nil {
		return err
	}
	defer change.end()
	return change.startTLS(ctx, o)
}

func (ch *change) startTLS(ctx context.Context, o *settings) error {
	if err := ch.flush(ctx); err != nil {
		return err
	}
	c, before := ch.conn, ch.conn.wire
	before.read(false)
	var result outcome
	result.init(c.kernel)
	// From here on nothing that is written can go out as plain text.
	w := prepareTLS(c, ch.nc, o.tls, o.serverSide, o, result.set)
	if err := ch.stop(ctx); err != nil {
		return err
	}
	if t, ok := before.(*tlsWire); ok {
		t.carrier.patient = true
	}
	w.carrier.input.append(ch.unread())
	w.carrier.err = ch.socket.takeError()
	if c.reader.eof {
		w.carrier.err = io.EOF
	}
	w.begin()
	if err := c.await(ctx, ch.operation, &result); err != nil {
		return err
	}
	ch.done = true
	return nil
}
