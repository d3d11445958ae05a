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
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	cycles := map[string]func(){
		"Lock":             func() { check(lock.Acquire(ctx)); check(lock.Release()) },
		"Lock.With":        func() { check(lock.With(ctx, nothing)) },
		"Event":            func() { event.Set(); check(event.Wait(ctx)); event.Clear() },
		"Condition":        func() { check(condition.Acquire(ctx)); check(condition.NotifyAll()); check(condition.Release()) },
		"Condition.With":   func() { check(condition.With(ctx, nothing)) },
		"Semaphore":        func() { check(semaphore.Acquire(ctx)); semaphore.Release() },
		"Semaphore.With":   func() { check(semaphore.With(ctx, nothing)) },
		"BoundedSemaphore": func() { check(bounded.Acquire(ctx)); check(bounded.Release()) },
		"Barrier":          func() { check(wait(ctx)) },
	}
	for _, k := range kinds {
		for _, room := range []int{0, 100} {
			q := k.queue(room)
			for i := range 50 {
				check(q.PutNowait(i))
			}
			cycles[fmt.Sprintf("%s(%d)", k.name, room)] = func() {
				check(q.Put(ctx, 7))
				_, err := q.Get(ctx)
				check(err)
				check(q.TaskDone())
			}
			cycles[fmt.Sprintf("%s(%d), Nowait", k.name, room)] = func() {
				check(q.PutNowait(7))
				_, err := q.GetNowait()
				check(err)
				check(q.TaskDone())
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
