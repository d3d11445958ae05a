package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/task/streams"
)

// bigPage is a page of 5 MB.
func bigPage() []byte { return bytes.Repeat([]byte("0123456789abcdef"), 5<<16) }

// site calls visit with the URL of a responder.
func site(t *testing.T, a *authority, visit func(ctx context.Context, url string) error) {
	t.Helper()
	scheme := "http://"
	var opts []streams.Option
	if a != nil {
		scheme = "https://"
		opts = append(opts, streams.TLS(a.server))
	}
	s := &responder{big: bigPage()}
	serve(t, s.handle, func(ctx context.Context, address string) error { return visit(ctx, scheme+address) }, opts...)
}

func TestHTTPClientOfGoTalksToOurServer(t *testing.T) {
	inTheClearAndWithTLS(t, func(t *testing.T, a *authority) {
		site(t, a, func(ctx context.Context, url string) error {
			transport := &http.Transport{ExpectContinueTimeout: patience}
			if a != nil {
				transport.TLSClientConfig = a.client
			}
			defer transport.CloseIdleConnections()
			browser := &browser{ctx, &http.Client{Transport: transport}, url}
			return browser.visit(t)
		})
	})
}

// A browser is Go's client.
type browser struct {
	ctx    context.Context
	client *http.Client
	url    string
}

// visit does everything, on one connection.
func (b *browser) visit(t *testing.T) error {
	page := bigPage()
	chunked := func(text []byte) io.Reader { return io.MultiReader(bytes.NewReader(text)) } // of unknown length
	for _, c := range []struct {
		what, method, path string
		body               io.Reader
		want               string
	}{
		{"GET", "GET", "/hello", nil, "200 OK: hello\n"},
		{"HEAD", "HEAD", "/hello", nil, "200 OK: "},
		{"not found", "GET", "/nothing", nil, "404 Not Found: there is no such page\n"},
		{"5 MB down", "GET", "/big", nil, "200 OK: " + string(page)},
		{"5 MB down in chunks", "GET", "/chunked", nil, "200 OK: " + string(page)},
		{"5 MB up and down", "POST", "/echo", bytes.NewReader(page), "200 OK: " + string(page)},
		{"5 MB up in chunks", "PUT", "/echo", chunked(page), "200 OK: " + string(page)},
		{"an empty body", "POST", "/echo", http.NoBody, "200 OK: "},
		{"all on one connection", "GET", "/connections", nil, "200 OK: 1"},
	} {
		got, err := b.do(b.ctx, c.method, c.path, c.body, nil)
		if err := expect(err, []byte(got), c.want); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}

	continued := false
	ctx := httptrace.WithClientTrace(b.ctx, &httptrace.ClientTrace{Got100Continue: func() { continued = true }})
	got, err := b.do(ctx, "POST", "/echo", bytes.NewReader(page), http.Header{"Expect": {"100-continue"}})
	if err := expect(err, []byte(got), "200 OK: "+string(page)); err != nil {
		return fmt.Errorf("100-continue: %w", err)
	}
	if !continued {
		t.Error("the client was not told to continue")
	}
	return nil
}

func (b *browser) do(ctx context.Context, method, path string, body io.Reader, headers http.Header) (string, error) {
	q, err := http.NewRequestWithContext(ctx, method, b.url+path, body)
	if err != nil {
		return "", err
	}
	if headers != nil {
		q.Header = headers
	}
	response, err := b.client.Do(q)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.Status + ": " + string(text), err
}

func TestHTTPServerOfGoTalksToOurClient(t *testing.T) {
	page := bigPage()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	mux.HandleFunc("GET /chunked", func(w http.ResponseWriter, _ *http.Request) {
		for chunk := range slices.Chunk(page, 100_000) {
			_, _ = w.Write(chunk)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	})
	inTheClearAndWithTLS(t, func(t *testing.T, a *authority) {
		server := httptest.NewUnstartedServer(mux)
		if a != nil {
			server.TLS = a.server.Clone()
			server.StartTLS()
		} else {
			server.Start()
		}
		defer server.Close()
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		run(t, func(ctx context.Context) error {
			var opts []streams.Option
			if a != nil {
				opts = append(opts, streams.TLS(a.client))
			}
			r, w, err := streams.OpenConnection(ctx, address.Host, opts...)
			if err != nil {
				return err
			}
			defer w.Close()
			for _, c := range []struct {
				request string
				body    []byte
				want    string
			}{
				{"GET /hello", nil, "HTTP/1.1 200 OK: hello\n"},
				{"GET /chunked", nil, "HTTP/1.1 200 OK: " + string(page)},
				{"POST /echo", page, "HTTP/1.1 200 OK: " + string(page)},
				{"GET /hello", nil, "HTTP/1.1 200 OK: hello\n"}, // still on the same connection
			} {
				got, err := ask(ctx, r, w, c.request, c.body)
				if err := expect(err, []byte(got), c.want); err != nil {
					return fmt.Errorf("%s: %w", c.request, err)
				}
			}
			if err := w.Close(); err != nil {
				return err
			}
			return w.WaitClosed(ctx)
		})
	})
}

// ask sends a request and returns the answer: the status and the body.
func ask(ctx context.Context, r *streams.Reader, w *streams.Writer, what string, body []byte) (string, error) {
	head := fmt.Appendf(nil, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", what, len(body))
	if err := w.WriteLines(head, body); err != nil {
		return "", err
	}
	if err := w.Drain(ctx); err != nil {
		return "", err
	}
	status, err := r.ReadLine(ctx)
	if err != nil {
		return "", err
	}
	headers, err := readHeaders(ctx, r)
	if err != nil {
		return "", err
	}
	answer, err := readBody(ctx, r, headers)
	return strings.TrimSpace(string(status)) + ": " + string(answer), err
}
