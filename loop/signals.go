package loop

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
)

// signalState holds the loop's signal handlers. Each has a channel that package
// os/signal sends to, and a goroutine that passes the calls on to the loop.
type signalState struct {
	mu       sync.Mutex // held while a handler ends, so that a signal never has two
	handlers map[os.Signal]*signalHandler
	closed   bool
}

type signalHandler struct {
	ch      chan os.Signal
	stop    chan struct{}
	done    chan struct{}
	removed atomic.Bool // drops calls that were passed on before
}

// AddSignalHandler makes the loop call fn, as a callback, whenever the process receives
// the signal sig. It replaces the loop's earlier handler for sig. Signals that arrive
// while the loop is not running are handled when it runs again.
//
// The error matches [ErrClosed] if the loop is closed, [ErrNilFunc] if fn is nil, and
// [ErrInvalidArgument] if sig is nil or one that cannot be caught. Any goroutine may call it. It is asyncio's
// add_signal_handler.
func (l *Loop) AddSignalHandler(sig os.Signal, fn func()) error {
	switch {
	case fn == nil:
		return misuse("AddSignalHandler", ErrNilFunc)
	case sig == nil:
		return misuse("AddSignalHandler: the signal is nil", ErrInvalidArgument)
	case uncatchable(sig):
		return misuse(fmt.Sprintf("AddSignalHandler: signal %v cannot be caught", sig), ErrInvalidArgument)
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

// forward passes the signals on to the loop until the handler ends.
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

// end returns when the handler's goroutine has ended.
func (h *signalHandler) end() {
	h.removed.Store(true)
	signal.Stop(h.ch)
	close(h.stop)
	<-h.done
}

// RemoveSignalHandler removes the loop's handler for sig, and reports whether there was
// one. Calls for signals received before are dropped unless they have begun.
//
// Any goroutine may call it. It is asyncio's remove_signal_handler.
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
