package streamtest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// secured makes a pair of what connect returns, and TLS over that: at once, or by StartTLS.
func secured(connect func() (a, b net.Conn, err error), later bool) func(ctx context.Context) (a, b streams.End, err error) {
	s := httptest.NewTLSServer(nil) // has a certificate
	defer s.Close()
	server := s.TLS
	client := &tls.Config{InsecureSkipVerify: true}
	return func(ctx context.Context) (a, b streams.End, err error) {
		left, right, err := connect()
		if err != nil {
			return a, b, err
		}
		accepted := task.Go(ctx, func(ctx context.Context) (err error) {
			if !later {
				b.R, b.W, err = streams.FromConn(ctx, right, streams.TLS(server), streams.ServerSide())
				return err
			}
			if b.R, b.W, err = streams.FromConn(ctx, right, streams.ServerSide()); err != nil {
				return err
			}
			return b.W.StartTLS(ctx, server)
		})
		if !later {
			a.R, a.W, err = streams.FromConn(ctx, left, streams.TLS(client))
		} else if a.R, a.W, err = streams.FromConn(ctx, left); err == nil {
			err = a.W.StartTLS(ctx, client)
		}
		if err != nil {
			return a, b, err
		}
		return a, b, accepted.Join(ctx)
	}
}

func TestTLS(t *testing.T) {
	checkBoth(t, secured(dial("tcp", "127.0.0.1:0"), false))
}

func TestTLSOverNetPipe(t *testing.T) {
	checkBoth(t, secured(func() (a, b net.Conn, err error) {
		a, b = net.Pipe()
		return a, b, nil
	}, false))
}

func TestStartTLS(t *testing.T) {
	checkBoth(t, secured(dial("tcp", "127.0.0.1:0"), true))
}
