package debughttp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// following is a fake whose streams a test directs: the seconds are what it says.
func following(h *handler, f *fake) (ticks chan time.Time) {
	f.followed = make(chan chan monitor.Incident, maxStreams+1)
	f.stopped = make(chan struct{}, maxStreams+1)
	ticks = make(chan time.Time)
	h.ticks = func() (<-chan time.Time, func()) { return ticks, func() {} }
	return ticks
}

// server serves until the test is over and has closed its streams.
func server(t *testing.T, h *handler) *httptest.Server {
	s := httptest.NewServer(h.serving())
	t.Cleanup(s.Close)
	return s
}

// events opens a stream of events.
func events(t *testing.T, s *httptest.Server, header ...string) (r *http.Response, next func() (name, data string)) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/debug/asyncio/events", nil)
	check.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	r, err = s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	lines := bufio.NewScanner(r.Body)
	return r, func() (name, data string) {
		for lines.Scan() && lines.Text() != "" {
			field, value, _ := strings.Cut(lines.Text(), ": ")
			switch field {
			case "event":
				name = value
			case "data":
				data = value
			}
		}
		return name, data
	}
}

func TestEventsAreStatsAndIncidents(t *testing.T) {
	f := shop()
	h := serve(f)
	ticks := following(h, f)
	s := server(t, h)
	r, next := events(t, s)
	check.Equal(t, "type", r.Header.Get("Content-Type"), "text/event-stream")

	var stats Stats
	name, data := next() // at once
	check.NoError(t, json.Unmarshal([]byte(data), &stats))
	check.Equal(t, "event", name, "stats")
	check.Equal(t, "state", stats.Loops[0].State, "blocked")

	incidents := <-f.followed
	for number, kind := range []monitor.Kind{monitor.Blocked, monitor.Unblocked, monitor.Stuck, monitor.Misuse, monitor.Growing, monitor.Closed} {
		incidents <- monitor.Incident{Number: 10 + number, Kind: kind, Text: "two\nlines"}
		var i Incident
		name, data = next()
		check.NoError(t, json.Unmarshal([]byte(data), &i))
		check.Equal(t, "event", name, string(kind))
		check.Equal(t, "version", i.V, Version)
		check.Equal(t, "number", i.Number, 10+number)
		check.Equal(t, "text", i.Text, "two\nlines")
	}
	ticks <- noon
	name, _ = next()
	check.Equal(t, "event", name, "stats")

	_ = r.Body.Close()
	<-f.stopped // the handler is told that the client has gone
}

func TestEventsGoOnAfterAnInterruption(t *testing.T) {
	f := shop()
	h := serve(f)
	following(h, f)
	s := server(t, h)
	_, next := events(t, s, "Last-Event-ID", "1")
	for _, want := range []string{"unblocked", "blocked", "stats"} {
		name, _ := next()
		check.Equal(t, "event", name, want)
	}
	incidents := <-f.followed
	incidents <- f.incidents[2] // it was in the list
	incidents <- monitor.Incident{Number: 4, Kind: monitor.Closed}
	name, _ := next()
	check.Equal(t, "event", name, "closed")
}

func TestEventsAreForEightClients(t *testing.T) {
	f := shop()
	h := serve(f)
	following(h, f)
	s := server(t, h)
	var first *http.Response
	for i := range maxStreams {
		r, next := events(t, s)
		check.Equal(t, fmt.Sprint("status ", i), r.StatusCode, http.StatusOK)
		next()
		if first == nil {
			first = r
		}
	}
	r, _ := events(t, s)
	check.Equal(t, "status", r.StatusCode, http.StatusServiceUnavailable)
	_ = first.Body.Close()
	<-f.stopped
	for r.StatusCode != http.StatusOK { // the place is free as soon as the handler has returned
		r, _ = events(t, s)
	}
}

// pipes is a listener whose connections have no buffers.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func TestEventsEndForAClientThatDoesNotRead(t *testing.T) {
	f := shop()
	h := serve(f)
	following(h, f)
	h.patience = time.Millisecond
	p := &pipes{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	pipeServer := &http.Server{Handler: h.serving()}
	var serving sync.WaitGroup
	serving.Go(func() { _ = pipeServer.Serve(p) })
	defer serving.Wait()
	defer pipeServer.Close()
	client, conn := net.Pipe()
	defer client.Close()
	p.conns <- conn
	_, err := io.WriteString(client, "GET /debug/asyncio/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	check.NoError(t, err)
	<-f.stopped // nothing was read, and the handler has given up
}

func TestEventsEndWhenTheServerShutsDown(t *testing.T) {
	f := shop()
	h := serve(f)
	following(h, f)
	s := server(t, h)
	for range 2 {
		_, next := events(t, s)
		next()
	}
	check.NoError(t, s.Config.Shutdown(context.Background())) // waits for handlers
}

func TestEventsNeedNoServer(t *testing.T) {
	f := shop()
	h := serve(f)
	following(h, f)
	ctx, cancel := context.WithCancel(t.Context())
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.serving().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://localhost/debug/asyncio/events", nil))
	}()
	<-f.followed
	cancel()
	<-done
	check.Contains(t, w.Body.String(), "event: stats\ndata: {")
}
