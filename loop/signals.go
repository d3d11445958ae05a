package loop

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
)

// signalState is the loop's signal handlers: for each signal a channel that the
// runtime fills, and a goroutine that submits the callback to the loop.
type signalState struct {
	mu       sync.Mutex // also held while a handler ends, so that two never overlap
	handlers map[os.Signal]*signalHandler
	closed   bool
}

type signalHandler struct {
	ch      chan os.Signal
	stop    chan struct{}
	done    chan struct{}
	removed atomic.Bool
}

// AddSignalHandler makes the loop call fn, on its goroutine, whenever the
// process receives sig: asyncio's add_signal_handler. It replaces the handler
// that the loop had for sig. The error matches [ErrClosed] or [ErrNilFunc]. Any
// goroutine may call it.
func (l *Loop) AddSignalHandler(sig os.Signal, fn func()) error {
	switch {
	case fn == nil:
		return misuse("AddSignalHandler", ErrNilFunc)
	case sig == nil:
		return misuse("AddSignalHandler", errors.New("the signal is nil"))
	case sig == os.Kill:
		return misuse("AddSignalHandler", errors.New("signal kill cannot be caught"))
	}
	l.signals.mu.Lock()
	defer l.signals.mu.Unlock()
	if l.signals.closed || l.IsClosed() {
		return misuse("AddSignalHandler", ErrClosed)
	}
	if old := l.signals.handlers[sig]; old != nil {
		old.end()
	}
	h := &signalHandler{
		ch:   make(chan os.Signal, 16),
		stop: make(chan struct{}),
		done: make(chan struct{}),
	}
	if l.signals.handlers == nil {
		l.signals.handlers = make(map[os.Signal]*signalHandler)
	}
	l.signals.handlers[sig] = h
	signal.Notify(h.ch, sig)
	go h.forward(l, fn)
	return nil
}

func (h *signalHandler) forward(l *Loop, fn func()) {
	defer close(h.done)
	call := func() {
		if !h.removed.Load() {
			fn()
		}
	}
	for {
		select {
		case <-h.ch:
			if _, err := l.CallSoonThreadsafe(call); err != nil {
				return // the loop is closed
			}
		case <-h.stop:
			return
		}
	}
}

func (h *signalHandler) end() {
	h.removed.Store(true)
	signal.Stop(h.ch)
	close(h.stop)
	<-h.done
}

// RemoveSignalHandler takes the handler for sig away and reports whether there
// was one: asyncio's remove_signal_handler. A call for a signal that was received
// before, and that has not begun, is dropped. Any goroutine may call it.
func (l *Loop) RemoveSignalHandler(sig os.Signal) bool {
	l.signals.mu.Lock()
	defer l.signals.mu.Unlock()
	h := l.signals.handlers[sig]
	if h == nil {
		return false
	}
	delete(l.signals.handlers, sig)
	h.end()
	return true
}

func (s *signalState) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, h := range s.handlers {
		h.end()
	}
	s.handlers = nil
}
