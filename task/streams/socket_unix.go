//go:build unix

package streams

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawOf returns what reads and writes f without waiting, nil if f is of a type of the
// program.
func rawOf(f file) syscall.RawConn {
	switch f := f.(type) {
	case *net.TCPConn, *net.UnixConn, *os.File:
		raw, _ := f.(syscall.Conn).SyscallConn()
		return raw
	}
	return nil
}

// pipesArePolled says that the runtime waits for pipes as it does for sockets.
const pipesArePolled = true

// readRaw reads all there is, tells the loop of it, and returns false: then it waits, and
// holds no memory meanwhile. It returns true when there is nothing more to be read, and the
// error that says why.
func (r *reception) readRaw(fd uintptr) bool {
	s := r.socket
	for got := 0; s.mayRead(); {
		n, err := r.readBlock(fd)
		got += n
		switch {
		case err == syscall.EAGAIN:
			return got > 0 && !s.deliver(nil)
		case err != nil:
			r.err = s.opError("read", err)
			return true
		case n == 0:
			r.err = io.EOF
			return true
		case got >= maxReceive:
			got = 0
			if !s.deliver(nil) {
				return true
			}
		}
	}
	return true
}

// readBlock reads once.
func (r *reception) readBlock(fd uintptr) (int, error) {
	p := buffer{blocks: r.blocks, block: r.blocks.get(largeBlock)}
	n, err := ignoringEINTR(syscall.Read, int(fd), p.block)
	if n > smallBlock {
		p.end = n
		r.socket.adopt(&p)
		return n, err
	}
	if n > 0 {
		r.socket.append(p.block[:n])
	}
	p.clear()
	return n, err
}

// watchRaw is readRaw for the writing end of a pipe: it waits until nobody reads.
func (r *reception) watchRaw(fd uintptr) bool {
	r.err = io.EOF
	waited := r.waited
	r.waited = true
	return hungUp(fd, waited)
}

// A trial is an attempt to write without waiting. It is part of the socket so that it
// allocates nothing.
type trial struct {
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

func (t *trial) init() { t.call = t.once }

func (t *trial) once(fd uintptr) bool {
	t.n, t.err = ignoringEINTR(syscall.Write, int(fd), t.p)
	return true
}

// write writes as much of p as the system takes at once.
func (t *trial) write(s *socket, p []byte) (n int, err error) {
	t.p, t.n, t.err = p, 0, nil
	err = s.raw.Write(t.call)
	t.p = nil
	switch {
	case err != nil:
		return 0, err
	case t.err == syscall.EAGAIN:
		return 0, nil
	case t.err != nil:
		return 0, s.opError("write", t.err)
	}
	return t.n, nil
}

func ignoringEINTR(call func(fd int, p []byte) (int, error), fd int, p []byte) (n int, err error) {
	for {
		n, err = call(fd, p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}

// opError makes the error that package net or os would.
func (s *socket) opError(operation string, err error) error {
	if f, ok := s.file.(*os.File); ok {
		return &os.PathError{Op: operation, Path: f.Name(), Err: err}
	}
	return netError(s.file.(net.Conn), operation, err)
}
