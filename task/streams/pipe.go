package streams

import (
	"context"
	"fmt"
	"io/fs"
	"os"
)

// ReadPipe makes a reader of a file that is a pipe, a socket or a character device, such
// as a terminal. The file belongs to the reader from then on: it reads and closes it, and
// the program uses it no more.
//
// At the end of the stream the file is closed, as it is when a read fails. Who does not
// read so far must call [Reader.Close].
//
// A file that the system cannot wait for, such as most standard inputs, is read on a
// goroutine that nothing can interrupt: it ends when the next bytes arrive, which are
// lost, or with the stream. Close of the loop does not wait for it. A file from os.Pipe or
// package net can be waited for, except on Windows.
//
// The error matches [ErrInvalidArgument] if f is nil or another kind of file, which is
// left alone. If ReadPipe fails otherwise or is cancelled, f is closed. It is asyncio's
// connect_read_pipe.
func ReadPipe(ctx context.Context, f *os.File, opts ...Option) (*Reader, error) {
	c, err := openPipe(ctx, "ReadPipe", f, readingPipe, opts)
	if err != nil {
		return nil, err
	}
	return &c.reader, nil
}

// WritePipe makes a writer of a file that is a pipe, a socket or a character device, such
// as a terminal. The file belongs to the writer from then on: it writes and closes it, and
// the program uses it no more. WriteEOF of the writer is Close.
//
// When nobody reads any more, the writer is closed. Its error then matches syscall.EPIPE
// if something was left to write, and else there is none: [Writer.WaitClosed] tells. On
// Windows, and for a character device, only the next write finds that out.
//
// A write to a file that the system cannot wait for, such as most standard outputs, is
// made on a goroutine that nothing can interrupt. Close of the loop does not wait for it.
//
// The error matches [ErrInvalidArgument] if f is nil or another kind of file, which is
// left alone. If WritePipe fails otherwise or is cancelled, f is closed. It is asyncio's
// connect_write_pipe.
func WritePipe(ctx context.Context, f *os.File, opts ...Option) (*Writer, error) {
	c, err := openPipe(ctx, "WritePipe", f, writingPipe, opts)
	if err != nil {
		return nil, err
	}
	return &c.writer, nil
}

// openPipe opens one end of a pipe.
func openPipe(ctx context.Context, operation string, f *os.File, p purpose, opts []Option) (*conn, error) {
	h := hubFor(ctx, operation)
	o, err := settingsOf(operation, p, opts)
	if err != nil {
		return nil, err
	}
	mode, err := pipeMode(o, f)
	if err != nil {
		return nil, err
	}
	c := newConn(h, o.limit)
	c.inbound, c.oneWay = p == readingPipe, p == writingPipe
	s := newSocket(c, f)
	if c.oneWay {
		// Reading the writing end is to watch the other one.
		c.readPaused = s.raw == nil || mode&fs.ModeCharDevice != 0
	}
	if err := c.begin(ctx, operation); err != nil {
		return nil, err
	}
	return c, nil
}

// pipeMode returns the mode of a file that can be one end of a pipe.
func pipeMode(o *settings, f *os.File) (fs.FileMode, error) {
	if f == nil {
		return 0, o.invalid("the file is nil")
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("streams: %s: %w", o.operation, err)
	}
	mode := info.Mode()
	if mode&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeCharDevice) == 0 {
		return 0, o.invalid(f.Name() + " is not a pipe, a socket or a character device")
	}
	return mode, nil
}
