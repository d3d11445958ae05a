//go:build !linux

package traffic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// crowd is a number of connections, each of which has a goroutine while it talks.
type crowd struct {
	ctx     context.Context
	address string
	members []member
}

// member is one connection of a crowd, which is closed if the context ends.
type member struct {
	net.Conn
	stop func() bool
}

func newCrowd(ctx context.Context, address string) (*crowd, error) {
	return &crowd{ctx: ctx, address: address}, nil
}

func (c *crowd) size() int { return len(c.members) }

// grow opens n more connections.
func (c *crowd) grow(n int) error {
	for range n {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(c.ctx, func() { _ = conn.Close() })
		c.members = append(c.members, member{Conn: conn, stop: stop})
	}
	return nil
}

func (c *crowd) close() {
	for _, m := range c.members {
		m.stop()
		_ = m.Close()
	}
}

// exchange does t on all connections but the first ones.
func (c *crowd) exchange(first int, t talk) error {
	return together(len(c.members)-first, func(i int) error { return c.members[first+i].exchange(t) })
}

func (m *member) exchange(t talk) error {
	answer := make([]byte, len(t.message)+1) // room to notice that it is too long
	for left := t.each; left > 0; {
		message := t.next(left)
		sent := time.Now()
		if err := m.SetDeadline(sent.Add(patience)); err != nil {
			return err
		}
		if _, err := m.Write(message); err != nil {
			return err
		}
		n, err := io.ReadAtLeast(m, answer[:len(message)+1], len(message))
		if err != nil {
			return early(err)
		}
		if t.observe != nil {
			t.observe(time.Since(sent))
		}
		if !bytes.Equal(answer[:n], message) {
			return errWrongAnswer
		}
		left -= len(message) / t.unit
	}
	return nil
}

// visit measures connections that are opened, send a byte, get one, and are closed by the server. There are p.Width at
// a time.
func visit(m *meter, p bench.Params) error {
	if err := m.start(); err != nil {
		return err
	}
	turns := make(chan struct{}, p.Ops)
	for range p.Ops {
		turns <- struct{}{}
	}
	close(turns)
	err := together(min(p.Width, p.Ops), func(int) error {
		for range turns {
			if err := visitOnce(m.ctx, m.server.Address); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.stop(p.Ops)
}

func visitOnce(ctx context.Context, address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte{visiting}); err != nil {
		return err
	}
	answer := make([]byte, 2)
	n, err := io.ReadAtLeast(conn, answer, 1)
	if err != nil {
		return early(err)
	}
	if n > 1 || answer[0] != visiting {
		return errWrongAnswer
	}
	switch n, err := conn.Read(answer); {
	case n > 0:
		return errWrongAnswer
	case err != io.EOF:
		return err
	}
	return nil
}

// early is the error for an answer that did not come.
func early(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errClosedEarly
	}
	return err
}

// together calls do in n goroutines and returns their errors.
func together(n int, do func(i int) error) error {
	failed := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { failed[i] = do(i) })
	}
	all.Wait()
	return errors.Join(failed...)
}
