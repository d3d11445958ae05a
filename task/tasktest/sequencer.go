package tasktest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// ErrSequenceBroken means that a step of a [Sequencer] was cancelled while it waited, so that
// the later ones can never come.
var ErrSequenceBroken = errors.New("the sequence is broken")

// A Sequencer puts what several tasks do into one order: step 0 runs first, then step 1, and
// so on, whatever the order in which the tasks get there. It is for the tasks of one loop.
// The zero Sequencer is ready to use. It is trio's Sequencer.
type Sequencer struct {
	next   int                              // the first step that may not begin yet, less one
	used   map[int]bool                     // steps that Do was called for
	turns  map[int]*future.Future[struct{}] // of the steps that wait
	broken error                            // nil if it is not
}

// Do waits until all steps before step n are over, and calls fn as that step. What fn
// returns, and a panic, does not keep the next step from running. Step 0 does not wait.
//
// The error is that of fn, or that of an await that was cancelled. Such a cancellation breaks
// the sequence: steps that wait, and all later calls, fail with an error that matches
// [ErrSequenceBroken]. An error that matches [loop.ErrInvalidArgument] means that n is negative
// or that there was a step n already; one that matches [loop.ErrNilFunc], that fn is nil.
func (s *Sequencer) Do(ctx context.Context, n int, fn func(ctx context.Context) error) error {
	switch {
	case fn == nil:
		return fmt.Errorf("tasktest: Sequencer: step %d: %w", n, loop.ErrNilFunc)
	case n < 0:
		return fmt.Errorf("tasktest: Sequencer: step %d is negative: %w", n, loop.ErrInvalidArgument)
	case s.used[n]:
		return fmt.Errorf("tasktest: Sequencer: there was a step %d already: %w", n, loop.ErrInvalidArgument)
	case s.broken != nil:
		return s.broken
	}
	if s.used == nil {
		s.used, s.turns = map[int]bool{}, map[int]*future.Future[struct{}]{}
	}
	s.used[n] = true
	if err := s.await(ctx, n); err != nil {
		return err
	}
	defer s.end(n) // also after a panic, and after Fatal
	return fn(ctx)
}

// await waits until it is the turn of step n.
func (s *Sequencer) await(ctx context.Context, n int) error {
	if n == s.next {
		return nil
	}
	turn := future.New[struct{}](loop.Running(ctx))
	s.turns[n] = turn
	_, err := turn.Await(ctx)
	delete(s.turns, n)
	switch {
	case s.broken != nil:
		return s.broken
	case err != nil:
		s.broken = fmt.Errorf("tasktest: Sequencer: step %d was cancelled while it waited: %w", n, ErrSequenceBroken)
		for _, other := range slices.Sorted(maps.Keys(s.turns)) {
			s.letGo(other)
		}
	}
	return err
}

// end makes it the turn of the step after n.
func (s *Sequencer) end(n int) {
	s.next = n + 1
	s.letGo(s.next)
}

// letGo wakes step n if it waits.
func (s *Sequencer) letGo(n int) {
	if turn := s.turns[n]; turn != nil {
		_ = turn.SetResult(struct{}{}) // unless it was cancelled
	}
}
