package monitor

import (
	"context"
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// ErrNoTask means that there is no such task, or no longer.
var ErrNoTask = errors.New("there is no such task")

// Cancel requests that a task be cancelled, as its method Cancel does: the one that has
// that id, on the loop of that number, if it also has that name. A coroutine that is
// cancelled gets the message.
//
// It waits until the loop has done so, or ctx ends: then nothing is cancelled. The error
// matches [ErrNoTask] if there is no such task, [loop.ErrInvalidArgument] if there is no
// such loop, and [ErrClosed].
func (m *Monitor) Cancel(ctx context.Context, number int, id uint64, name, message string) error {
	loops, err := m.selected("Cancel", number)
	if err != nil {
		return err
	}
	if number == 0 {
		return fmt.Errorf("monitor: Cancel: there is no loop 0: %w", loop.ErrInvalidArgument)
	}
	found := false
	err = loops[0].asProgram(ctx, func(s *sched.Sched) {
		for t := range s.Tasks() {
			if t.Serial() == uint32(id) && t.Name() == name {
				found = true
				t.Cancel(message)
				return
			}
		}
	})
	if err == nil && !found {
		err = fmt.Errorf("monitor: Cancel: loop %d has no unfinished task %d with the name %s: %w",
			number, id, kernel.Quote(name), ErrNoTask)
	}
	return err
}
