package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// crowd is a number of connections that one thread talks on.
type crowd struct {
	address string
	poll    poll
	members []member
	scratch []byte
}

// member is one connection of a crowd.
type member struct {
	socket int
	left   int    // operations
	rest   []byte // of the answer
	sent   time.Time
}

func newCrowd(ctx context.Context, address string) (*crowd, error) {
	c := &crowd{address: address, scratch: make([]byte, bench.BlockSize)}
	return c, c.poll.open(ctx)
}

func (c *crowd) size() int { return len(c.members) }

// grow opens n more connections.
func (c *crowd) grow(n int) error {
	for range n {
		socket, err := c.poll.connect(c.address, len(c.members))
		if err != nil {
			return err
		}
		c.members = append(c.members, member{socket: socket})
	}
	return nil
}

func (c *crowd) close() {
	for _, m := range c.members {
		_ = syscall.Close(m.socket)
	}
	c.poll.close()
}

// exchange does t on all connections but the first ones.
func (c *crowd) exchange(first int, t talk) error {
	for i := first; i < len(c.members); i++ {
		m := &c.members[i]
		m.left = t.each
		if err := m.send(&t); err != nil {
			return err
		}
	}
	for talking := len(c.members) - first; talking > 0; {
		ready, err := c.poll.wait()
		if err != nil {
			return err
		}
		for _, event := range ready {
			done, err := c.members[event.Fd].receive(&t, c.scratch)
			if err != nil {
				return err
			}
			if done {
				talking--
			}
		}
	}
	return nil
}

func (m *member) send(t *talk) error {
	m.rest = t.next(m.left)
	if t.observe != nil {
		m.sent = time.Now()
	}
	n, err := syscall.Write(m.socket, m.rest)
	if err == nil && n < len(m.rest) {
		// Nothing is under way, so there is room for it.
		err = fmt.Errorf("only %d of %d bytes were taken", n, len(m.rest))
	}
	return err
}

// receive takes what there is of the answer, and sends the next message when it is complete.
func (m *member) receive(t *talk, scratch []byte) (done bool, err error) {
	n, err := syscall.Read(m.socket, scratch)
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errClosedEarly
	case n > len(m.rest) || !bytes.Equal(scratch[:n], m.rest[:n]):
		return false, errWrongAnswer
	}
	if m.rest = m.rest[n:]; len(m.rest) > 0 {
		return false, nil
	}
	if t.observe != nil {
		t.observe(time.Since(m.sent))
	}
	if m.left -= len(t.next(m.left)) / t.unit; m.left == 0 {
		return true, nil
	}
	return false, m.send(t)
}

// visit measures connections that are opened, send a byte, get one, and are closed by the server. There are p.Width at
// a time.
func visit(m *meter, p bench.Params) error {
	var poll poll
	if err := poll.open(m.ctx); err != nil {
		return err
	}
	defer poll.close()
	visitors := make([]visitor, p.Width)
	defer func() {
		for i := range visitors {
			visitors[i].leave()
		}
	}()
	if err := m.start(); err != nil {
		return err
	}
	begun, ended := 0, 0
	for i := range min(p.Width, p.Ops) {
		if err := visitors[i].enter(&poll, m.server.Address, i); err != nil {
			return err
		}
		begun++
	}
	for ended < p.Ops {
		ready, err := poll.wait()
		if err != nil {
			return err
		}
		for _, event := range ready {
			v := &visitors[event.Fd]
			closed, err := v.receive()
			if err != nil {
				return err
			}
			if !closed {
				continue
			}
			v.leave()
			ended++
			if begun < p.Ops {
				if err := v.enter(&poll, m.server.Address, int(event.Fd)); err != nil {
					return err
				}
				begun++
			}
		}
	}
	return m.stop(ended)
}

// visitor is one connection of a visit.
type visitor struct {
	socket   int
	open     bool
	answered bool
}

func (v *visitor) enter(poll *poll, address string, i int) error {
	socket, err := poll.connect(address, i)
	if err != nil {
		return err
	}
	*v = visitor{socket: socket, open: true}
	_, err = syscall.Write(v.socket, []byte{visiting})
	return err
}

func (v *visitor) leave() {
	if v.open {
		_ = syscall.Close(v.socket)
		v.open = false
	}
}

func (v *visitor) receive() (closed bool, err error) {
	var answer [2]byte
	n, err := syscall.Read(v.socket, answer[:])
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n == 0 && v.answered:
		return true, nil
	case n == 0:
		return false, errClosedEarly
	case n > 1 || v.answered || answer[0] != visiting:
		return false, errWrongAnswer
	}
	v.answered = true
	return false, nil
}

// poll waits for connections that can be read.
type poll struct {
	ctx    context.Context
	fd     int
	events []syscall.EpollEvent
}

func (p *poll) open(ctx context.Context) (err error) {
	p.ctx, p.events = ctx, make([]syscall.EpollEvent, 128)
	p.fd, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return err
}

func (p *poll) close() { _ = syscall.Close(p.fd) }

// connect opens a connection to which the poll refers as i.
func (p *poll) connect(address string, i int) (socket int, err error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return 0, err
	}
	socket, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		syscall.Connect(socket, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}),
		syscall.SetsockoptInt(socket, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1),
		syscall.SetNonblock(socket, true),
		syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, socket, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}),
	)
	if err != nil {
		return 0, errors.Join(err, syscall.Close(socket))
	}
	return socket, nil
}

// wait returns the connections that can be read, at least one.
func (p *poll) wait() ([]syscall.EpollEvent, error) {
	const step = 100 * time.Millisecond
	for silent := time.Duration(0); silent < patience; {
		n, err := syscall.EpollWait(p.fd, p.events, int(step.Milliseconds()))
		switch {
		case p.ctx.Err() != nil:
			return nil, p.ctx.Err()
		case n > 0:
			return p.events[:n], nil
		case err == nil:
			silent += step
		case !errors.Is(err, syscall.EINTR):
			return nil, err
		}
	}
	return nil, fmt.Errorf("no answer for %v", patience)
}
