package task

import (
	"context"
	"sync/atomic"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Receive receives from a Go channel without blocking the loop. ok is false if the
// channel is closed. If there is something to receive already, it does not
// suspend; otherwise a goroutine waits in the task's place.
//
// No value is lost: if one was received while the task was being cancelled, Receive
// returns it, and the task's next await delivers the cancellation. asyncio has nothing
// of the kind.
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
	r := &reception[T]{stop: make(chan struct{}), ended: make(chan struct{})}
	r.done.Init(t.Kernel(), nil)
	r.arrived.Init(kernel.Internal, r)
	go r.wait(t.Kernel(), ch)
	defer r.end() // also if the coroutine is unwound
	err = t.Await(ctx, &r.done.Future)
	r.end()
	if err != nil {
		if !r.received.Load() {
			return v, false, err
		}
		if future.IsCancelled(err) {
			t.CancelLater(cancelMessage(err))
		}
	}
	return r.value, r.ok, nil
}

// reception is a goroutine that receives one value for a task.
type reception[T any] struct {
	done     kernel.Promise
	arrived  kernel.Handle
	stop     chan struct{}
	ended    chan struct{}
	over     bool
	received atomic.Bool
	value    T
	ok       bool
}

func (r *reception[T]) wait(k *kernel.Kernel, ch <-chan T) {
	defer close(r.ended)
	select {
	case r.value, r.ok = <-ch:
		r.received.Store(true)
		k.Post(&r.arrived) // a closed loop has unwound the task
	case <-r.stop:
	}
}

// end makes sure that the goroutine receives nothing any more.
func (r *reception[T]) end() {
	if !r.over {
		r.over = true
		close(r.stop)
		<-r.ended
	}
}

// Run tells the task, on the loop.
func (r *reception[T]) Run() { r.done.Wake() }
