package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// A conversation is what two programs say to each other. Each is here as in testdata/client.py and testdata/server.py.
type conversation struct {
	name   string
	client func(ctx context.Context, r *streams.Reader, w *streams.Writer) error
	server streams.Handler
	// What CPython prints as client and as server. "$client" stands for the client's port.
	clientPrints, serverPrints string
}

// transferred is the number of bytes that CPython's client sends.
const transferred = 80 << 16

// conversations are those that work in the clear and with TLS. "$half" stands for the answer to the question whether
// the connection can be closed in one direction.
var conversations = []conversation{
	{
		"echo", echoClient, echoServer,
		"Send: 'Hello World!'\nReceived: 'Hello World!'\nClose the connection\n",
		"Received 'Hello World!' from ('127.0.0.1', $client)\nSend: 'Hello World!'\nClose the connection\n",
	},
	{
		"headers", headersClient, headersServer,
		"HTTP header> HTTP/1.0 200 OK\nHTTP header> Server: asyncio for Go\n",
		`b'HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n'` + "\n",
	},
	{"lines", linesClient, linesServer, "5 lines\n", "4 lines\n"},
	{
		"transfer", transferClient, transferServer,
		fmt.Sprintf("%d bytes, half-closed: $half\n", transferred), fmt.Sprintf("%d bytes, half-closed: $half\n", 3<<20),
	},
}

// echoServer is the documentation's.
func echoServer(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	data, err := r.Read(ctx, 100)
	if err != nil {
		return err
	}
	return w.WriteAll(ctx, data)
}

// echoClient is the documentation's.
func echoClient(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	if err := w.WriteAll(ctx, []byte("Hello World!")); err != nil {
		return err
	}
	data, err := r.Read(ctx, 100)
	return expect(err, data, "Hello World!")
}

func headersServer(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	request, err := r.ReadUntil(ctx, []byte("\r\n\r\n"))
	if err := expect(err, request, "HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	return w.WriteAll(ctx, []byte("HTTP/1.0 200 OK\r\nServer: asyncio for Go\r\n\r\n"))
}

// headersClient is the documentation's "get HTTP headers".
func headersClient(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	if err := w.WriteAll(ctx, []byte("HEAD / HTTP/1.0\r\nHost: localhost\r\n\r\n")); err != nil {
		return err
	}
	var headers []string
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		headers = append(headers, string(bytes.TrimRight(line, "\r\n")))
	}
	return expect(nil, []byte(strings.Join(headers, "|")), "HTTP/1.0 200 OK|Content-Length: 5|")
}

func linesServer(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	for line, err := range r.Lines(ctx) {
		if err != nil || string(line) == "quit\n" {
			return err
		}
		if err := w.WriteAll(ctx, bytes.ToUpper(line)); err != nil {
			return err
		}
	}
	return io.ErrUnexpectedEOF
}

func linesClient(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	sent := []string{"one\n", "\n", strings.Repeat("y", 65_000) + "\n", "the end\n"}
	for _, line := range sent { // before the first answer is read
		if _, err := w.Write([]byte(line)); err != nil {
			return err
		}
	}
	for _, line := range sent {
		answer, err := r.ReadLine(ctx)
		if err := expect(err, answer, strings.ToUpper(line)); err != nil {
			return err
		}
	}
	if _, err := w.Write([]byte("quit\n")); err != nil {
		return err
	}
	rest, err := r.ReadAll(ctx)
	return expect(err, rest, "")
}

func transferServer(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	line, err := r.ReadLine(ctx)
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(strings.TrimSpace(string(line)))
	if err != nil {
		return err
	}
	data, err := r.ReadExactly(ctx, size)
	if err != nil {
		return err
	}
	if w.CanWriteEOF() {
		rest, err := r.ReadAll(ctx)
		if err := expect(err, rest, ""); err != nil {
			return err
		}
	}
	if err := w.WriteAll(ctx, fmt.Appendf(nil, "%x\n", sha256.Sum256(data))); err != nil {
		return err
	}
	return w.WriteAll(ctx, data)
}

// transferClient writes in one task and reads in the other.
func transferClient(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	data := bytes.Repeat([]byte("0123456789abcdef"), 3<<16)
	return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
		g.Go(func(ctx context.Context) error {
			if err := w.WriteAll(ctx, fmt.Appendf(nil, "%d\n%s", len(data), data)); err != nil || !w.CanWriteEOF() {
				return err
			}
			return w.WriteEOF()
		})
		digest, err := r.ReadLine(ctx)
		if err := expect(err, digest, fmt.Sprintf("%x\n", sha256.Sum256(data))); err != nil {
			return err
		}
		all, err := r.ReadAll(ctx)
		return expect(err, all, string(data))
	})
}

// expect compares what was read.
func expect(err error, got []byte, want string) error {
	if err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("received %d bytes, not %d: %.200q, not %.200q", len(got), len(want), got, want)
	}
	return nil
}
