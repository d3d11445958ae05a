package task

import (
	"context"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Receive receives from a Go channel without blocking the loop. ok is false if the
// channel is closed. If there is something to receive already, it does not
// suspend; otherwise a goroutine waits in the task's place.
//
// No value is lost: if one was received while the task was being cancelled, Receive
// returns it, and the task's next await delivers the cancellation; a task that ends
// without another await has its own result. asyncio has nothing of the kind.
func Receive[T any](ctx context.Context, ch <-chan T) (v T, ok bool, err error) {
	t, err := mayAwait(ctx, "Receive")
	if err != nil {
		return v, false, err
	}
	select {
	case v, ok = <-ch:
		return v, ok, nil
	default:
	}
	r := &reception[T]{ch: ch, kernel: t.Kernel(), over: make(chan struct{})}
	r.done.Init(r.kernel, nil)
	r.arrived.Init(kernel.Internal, r)
	go r.wait()
	defer r.end() // also if the coroutine is unwound
	err = t.Await(ctx, &r.done.Future)
	r.end()
	if err != nil {
		if !r.received {
			return v, false, err
		}
		t.CancelLater(err)
	}
	return r.value, r.ok, nil
}

// reception is a goroutine that receives one value for a task.
type reception[T any] struct {
	ch       <-chan T
	kernel   *kernel.Kernel
	done     kernel.Promise
	arrived  kernel.Handle
	value    T
	ok       bool
	over     chan struct{} // closed when the goroutine has received; else it sends here if it is to end
	ended    bool
	received bool // once it has ended
}

// wait offers its end all the time, until there is something to receive.
func (r *reception[T]) wait() {
	select {
	case r.value, r.ok = <-r.ch:
		close(r.over)
		r.kernel.Post(&r.arrived) // a closed loop has unwound the task
	case r.over <- struct{}{}:
	}
}

// end makes sure that the goroutine receives nothing any more.
func (r *reception[T]) end() {
	if !r.ended {
		r.ended = true
		_, nothing := <-r.over
		r.received = !nothing
	}
}

// Run tells the task, on the loop.
func (r *reception[T]) Run() { r.done.Wake() }
