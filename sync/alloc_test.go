package sync

import (
	"context"
	"fmt"
	"testing"
)

// Operations that do not wait do not allocate.
func TestUncontendedOperationsDoNotAllocate(t *testing.T) {
	ctx := context.Background()
	var lock Lock
	var event Event
	var condition Condition
	var semaphore Semaphore
	var bounded BoundedSemaphore
	wait := waitOn(NewBarrier(1))
	nothing := func() error { return nil }
	ok := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	cycles := map[string]func(){
		"Lock":             func() { ok(lock.Acquire(ctx)); ok(lock.Release()) },
		"Lock.With":        func() { ok(lock.With(ctx, nothing)) },
		"Event":            func() { event.Set(); ok(event.Wait(ctx)); event.Clear() },
		"Condition":        func() { ok(condition.Acquire(ctx)); ok(condition.NotifyAll()); ok(condition.Release()) },
		"Condition.With":   func() { ok(condition.With(ctx, nothing)) },
		"Semaphore":        func() { ok(semaphore.Acquire(ctx)); semaphore.Release() },
		"Semaphore.With":   func() { ok(semaphore.With(ctx, nothing)) },
		"BoundedSemaphore": func() { ok(bounded.Acquire(ctx)); ok(bounded.Release()) },
		"Barrier":          func() { ok(wait(ctx)) },
	}
	for _, k := range kinds {
		for _, room := range []int{0, 100} {
			q := k.queue(room)
			for i := range 50 {
				ok(q.PutNowait(i))
			}
			cycles[fmt.Sprintf("%s(%d)", k.name, room)] = func() {
				ok(q.Put(ctx, 7))
				_, err := q.Get(ctx)
				ok(err)
				ok(q.TaskDone())
			}
			cycles[fmt.Sprintf("%s(%d), Nowait", k.name, room)] = func() {
				ok(q.PutNowait(7))
				_, err := q.GetNowait()
				ok(err)
				ok(q.TaskDone())
			}
		}
	}
	for name, cycle := range cycles {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, cycle); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
