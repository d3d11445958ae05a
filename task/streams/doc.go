// Package streams connects tasks to networks and pipes: asyncio's streams.
//
// A connection has a [Reader] and a [Writer]. [OpenConnection] makes one as a client;
// [StartServer] calls a handler, in a task of its own, for each client:
//
//	err := task.Main(ctx, func(ctx context.Context) error {
//		s, err := streams.StartServer(ctx, echo, "127.0.0.1:8888")
//		if err != nil {
//			return err
//		}
//		return s.ServeForever(ctx)
//	})
//
//	func echo(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
//		for line, err := range r.Lines(ctx) {
//			if err != nil {
//				return err
//			}
//			if err := w.WriteAll(ctx, line); err != nil {
//				return err
//			}
//		}
//		return nil
//	}
//
// Handlers run one at a time, as all tasks of a loop do, so what they share needs no lock.
//
// # Reading
//
// Reads wait until there is enough: some bytes, a line, so many bytes, all. The end of the
// stream is io.EOF. A read that is cancelled, or whose context ends, has taken nothing, so
// a timeout around any read is safe:
//
//	line, err := task.WaitFor(ctx, task.Coro(r.ReadLine), time.Minute)
//
// # Writing
//
// Write never waits; what the system does not take is kept and sent later. Drain waits
// while much is kept, and WriteAll is both. Use WriteAll unless you know that little is
// written: a program that only calls Write keeps everything in memory that a slow receiver
// does not take.
//
// # Closing
//
// The return of a handler closes its connection, and sends what is still kept. Clients
// call Close. To know that the end was reached, WaitClosed; if it may take for ever,
// CloseWithin. A server that is to end in good order, and in time, calls Shutdown.
//
// # Errors
//
// Those of the network are the errors of package net as they came; [IsDisconnect] tells
// whether the other side is gone. What breaks a rule matches one of the errors below.
//
// # Tests
//
// [Pair] connects two streams in memory, without goroutines, on a virtual clock if the
// loop has one, and can cut, delay, stall and reset what is between them. Package streamtest
// checks connections that you provide yourself.
//
// # Goroutines
//
// Everything here belongs to the tasks and callbacks of one loop, unless it says that any
// goroutine may call it. For plain goroutines, [Writer.Detach] gives the connection back.
package streams
