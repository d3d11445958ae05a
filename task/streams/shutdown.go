package streams

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// Shutdown ends the server in good order, in a time that has a limit if handlers heed
// cancellations:
//
//  1. It closes the server, and waits up to grace, by the loop's clock, until its last
//     connection is lost.
//  2. It closes the connections that are left, which sends what their writers keep, and
//     waits up to grace again.
//  3. It aborts the connections that are left, cancels the handlers that still run, and
//     waits for both.
//
// It returns how many connections it has aborted. If it is cancelled in the first two
// steps, or ctx ends, the third comes at once, and Shutdown returns the cancellation
// afterwards. A handler that calls Shutdown is not cancelled, but loses its connection.
// asyncio has nothing of the kind.
func (s *Server) Shutdown(ctx context.Context, grace time.Duration) (aborted int, err error) {
	if err := s.check("Shutdown"); err != nil {
		return 0, err
	}
	if _, err := waitingTask(ctx, s.kernel, s, "Shutdown"); err != nil {
		return 0, err
	}
	s.close()
	err = s.waitWithin(ctx, grace)
	if err == nil && !s.isOver() {
		s.CloseClients()
		err = s.waitWithin(ctx, grace)
	}
	aborted = s.connections
	s.AbortClients()
	return aborted, cancellation(err, s.endHandlers(ownContext(ctx)))
}

// waitWithin is WaitClosed for a limited time. That it is over is no error.
func (s *Server) waitWithin(ctx context.Context, d time.Duration) error {
	err := task.WithTimeout(ctx, d, s.WaitClosed)
	if _, late := err.(*future.TimeoutError); late {
		return nil
	}
	return err
}

// endHandlers cancels the handlers that run, except one that is the caller, and waits for
// them and for the connections.
func (s *Server) endHandlers(ctx context.Context) error {
	var others []*task.Task[struct{}]
	for n := s.running.First(); n != nil; n = n.Next() {
		if t := n.Value.task; task.Any(t) != task.Current(ctx) {
			t.Cancel()
			others = append(others, t)
		}
	}
	if len(others) > 0 {
		if _, _, err := task.Wait(ctx, others); err != nil {
			return err
		}
	}
	return s.WaitClosed(ctx)
}
