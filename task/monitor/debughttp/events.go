package debughttp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
)

// maxStreams bounds the clients that are sent events.
const maxStreams = 8

// events sends events until the client goes, does not read for too long, or the server
// shuts down. Nothing is kept for a client but what Follow keeps: one that is slow misses
// stats, and finds the incidents that it has missed in the list.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	if !h.streams.enter() {
		w.Header().Set("Retry-After", "10")
		writeError(w, http.StatusServiceUnavailable, fmt.Sprintf("there are %d streams of events already", maxStreams))
		return
	}
	defer h.streams.leave()
	incidents, stop := h.source.Follow()
	defer stop()
	ticks, stopTicks := h.ticks()
	defer stopTicks()

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy shall pass events on as they come
	s := stream{w: w, control: http.NewResponseController(w), patience: h.patience}
	if last := r.Header.Get("Last-Event-ID"); last != "" { // it has lost the connection
		s.number, _ = strconv.Atoi(last)
		for i := range h.source.Incidents() {
			s.incident(i)
		}
	}
	s.stats(h.sampler.stats(h.now()))
	shutdown := h.streams.shutdown(r)
	for s.err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-shutdown:
			return
		case i := <-incidents:
			s.incident(i)
		case <-ticks:
			s.stats(h.sampler.stats(h.now()))
		}
	}
}

// stream is the events of one client.
type stream struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	number   int // of the latest incident
	err      error
}

func (s *stream) stats(answer Stats) { send(s, "event: stats\n", answer) }

func (s *stream) incident(i monitor.Incident) {
	if i.Number > s.number { // it may have been in the list already
		s.number = i.Number
		send(s, fmt.Sprintf("event: %s\nid: %d\n", i.Kind, i.Number), Incident{Version, i})
	}
}

func send[T any](s *stream, head string, document T) {
	text, err := json.Marshal(document)
	if err == nil {
		_ = s.control.SetWriteDeadline(time.Now().Add(s.patience)) // some writers have none
		_, err = fmt.Fprintf(s.w, "%sdata: %s\n\n", head, text)
	}
	if err == nil {
		err = s.control.Flush()
	}
	if s.err == nil {
		s.err = err
	}
}

// streams counts the streams that are open, and ends them when their server shuts down,
// which waits for its handlers.
type streams struct {
	mu      sync.Mutex
	open    int
	servers map[*http.Server]chan struct{} // closed at the shutdown
}

func (s *streams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == maxStreams {
		return false
	}
	s.open++
	return true
}

func (s *streams) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

// shutdown returns a channel that is closed when the server of the request shuts down.
func (s *streams) shutdown(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.servers[server] == nil {
		begun := make(chan struct{})
		server.RegisterOnShutdown(sync.OnceFunc(func() { close(begun) }))
		if s.servers == nil {
			s.servers = make(map[*http.Server]chan struct{})
		}
		s.servers[server] = begun
	}
	return s.servers[server]
}
