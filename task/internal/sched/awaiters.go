package sched

import (
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Awaiters appends to found the tasks that await f, each once: those that have registered
// their step with it, in the order in which they did, and then those that await what
// stands for it, as the future of a gather does.
func Awaiters(f *kernel.Future, found []*Task) []*Task {
	var futures set[*kernel.Future] // after f, those that stand for what is awaited
	tasks := set[*Task]{items: found[len(found):]}
	look := func(j kernel.Job) {
		t, next := awaiterOf(j)
		if t != nil {
			tasks.add(t)
		}
		if next != nil && next != f {
			futures.add(next)
		}
	}
	f.Awaited(look)
	for i := 0; i < len(futures.items); i++ {
		futures.items[i].Awaited(look)
	}
	return append(found, tasks.items...)
}

// set has each item once, in the order in which they were added. A small one is searched
// item by item: most tasks are awaited by one other or none.
type set[T comparable] struct {
	items []T
	index map[T]struct{} // once there are many items
}

func (s *set[T]) add(item T) {
	const many = 16
	switch {
	case len(s.items) < many:
		if slices.Contains(s.items, item) {
			return
		}
	case s.index == nil:
		s.index = make(map[T]struct{})
		for _, i := range s.items {
			s.index[i] = struct{}{}
		}
		fallthrough
	default:
		if _, again := s.index[item]; again {
			return
		}
		s.index[item] = struct{}{}
	}
	s.items = append(s.items, item)
}

// awaiterOf tells what a callback on a future stands for: a task that awaits that
// future, or another future whose awaiting tasks await that one too.
func awaiterOf(j kernel.Job) (*Task, *kernel.Future) {
	if t := TaskOfStep(j); t != nil {
		return t, nil
	}
	if j, ok := j.(interface{ AwaitingTask() *Task }); ok {
		if t := j.AwaitingTask(); t != nil {
			return t, nil
		}
	}
	if j, ok := j.(interface{ AwaitedBy() *kernel.Future }); ok {
		return nil, j.AwaitedBy()
	}
	return nil, nil
}
