package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/goasyncio/asyncio/task/streams"
)

// A responder is a small web server on streams: HTTP/1.1 with connections that are kept, bodies of known length or in
// chunks, and answers to "Expect: 100-continue". It is no more than the clients of these tests need.
type responder struct {
	big         []byte // the page /big
	connections int    // how many there have been
}

// A request is what a client has sent.
type request struct {
	method, path, protocol string
	headers                map[string]string // by their names in small letters
	body                   []byte
}

// keeps reports whether the client wants to go on with the connection.
func (q *request) keeps() bool {
	return q.protocol == "HTTP/1.1" && !strings.EqualFold(q.headers["connection"], "close")
}

// handle serves one connection.
func (s *responder) handle(ctx context.Context, r *streams.Reader, w *streams.Writer) error {
	s.connections++
	for {
		q, err := readRequest(ctx, r, w)
		if err == io.EOF || streams.IsDisconnect(err) {
			return nil // the client needs nothing more
		}
		if err != nil {
			return err
		}
		if err := s.answer(ctx, w, q); err != nil {
			return err
		}
		if !q.keeps() {
			return nil
		}
	}
}

// readRequest returns io.EOF if there is no other request.
func readRequest(ctx context.Context, r *streams.Reader, w *streams.Writer) (*request, error) {
	line, err := r.ReadLine(ctx)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(string(line))
	if len(parts) != 3 {
		return nil, fmt.Errorf("this is no request: %q", line)
	}
	q := &request{method: parts[0], path: parts[1], protocol: parts[2]}
	if q.headers, err = readHeaders(ctx, r); err != nil {
		return nil, err
	}
	if strings.EqualFold(q.headers["expect"], "100-continue") {
		if err := w.WriteAll(ctx, []byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return nil, err
		}
	}
	q.body, err = readBody(ctx, r, q.headers)
	return q, err
}

// readHeaders reads up to the empty line.
func readHeaders(ctx context.Context, r *streams.Reader) (map[string]string, error) {
	headers := make(map[string]string)
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(line))
		if text == "" {
			return headers, nil
		}
		name, value, _ := strings.Cut(text, ":")
		headers[strings.ToLower(name)] = strings.TrimSpace(value)
	}
	return nil, io.ErrUnexpectedEOF
}

// readBody reads what comes after the headers, of a request or an answer.
func readBody(ctx context.Context, r *streams.Reader, headers map[string]string) ([]byte, error) {
	if headers["transfer-encoding"] == "chunked" {
		return readChunks(ctx, r)
	}
	length, ok := headers["content-length"]
	if !ok {
		return nil, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil {
		return nil, err
	}
	return r.ReadExactly(ctx, n)
}

func readChunks(ctx context.Context, r *streams.Reader) (body []byte, err error) {
	for {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if err != nil {
			return nil, err
		}
		chunk, err := r.ReadExactly(ctx, int(n)+len("\r\n"))
		if err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(chunk, []byte("\r\n")) {
			return nil, errors.New("a chunk is longer than announced")
		}
		if n == 0 {
			return body, nil
		}
		body = append(body, chunk[:n]...)
	}
}

// answer answers a request.
func (s *responder) answer(ctx context.Context, w *streams.Writer, q *request) error {
	switch q.path {
	case "/hello":
		return send(ctx, w, q, "200 OK", []byte("hello\n"))
	case "/big":
		return send(ctx, w, q, "200 OK", s.big)
	case "/connections":
		return send(ctx, w, q, "200 OK", []byte(strconv.Itoa(s.connections)))
	case "/echo":
		return send(ctx, w, q, "200 OK", q.body)
	case "/chunked":
		return sendChunks(ctx, w, s.big)
	}
	return send(ctx, w, q, "404 Not Found", []byte("there is no such page\n"))
}

func send(ctx context.Context, w *streams.Writer, q *request, status string, body []byte) error {
	head := fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", status, len(body))
	if q.method == "HEAD" {
		body = nil
	}
	if err := w.WriteAll(ctx, head); err != nil {
		return err
	}
	return w.WriteAll(ctx, body)
}

func sendChunks(ctx context.Context, w *streams.Writer, body []byte) error {
	if err := w.WriteAll(ctx, []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")); err != nil {
		return err
	}
	for len(body) > 0 {
		chunk := body[:min(len(body), 100_000)]
		body = body[len(chunk):]
		if err := w.WriteAll(ctx, fmt.Appendf(nil, "%x\r\n%s\r\n", len(chunk), chunk)); err != nil {
			return err
		}
	}
	return w.WriteAll(ctx, []byte("0\r\n\r\n"))
}
