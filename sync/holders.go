package sync

import (
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// TrackHolders makes the locks of a loop, and those of its conditions, keep in mind which
// task has acquired them last, from now on, or ends that. Then a monitor of package
// task/monitor reports tasks that wait for each other's locks. It reports them as a
// suspicion, since a lock has no owner: any task may release it.
//
// It costs a few nanoseconds for each lock that is acquired, and an allocation if that takes
// waiting. TrackHolders is for the loop's tasks and callbacks, or before the loop runs, as
// in loop.WithSetup. It panics if the caller is neither ([loop.ErrWrongGoroutine]), and if l
// is nil ([loop.ErrInvalidArgument]). asyncio has nothing of the kind.
func TrackHolders(l *loop.Loop, on bool) {
	if l == nil {
		panic(fmt.Errorf("sync: TrackHolders: the loop is nil: %w", loop.ErrInvalidArgument))
	}
	k := l.Kernel()
	k.MustOwn("TrackHolders", l)
	if on {
		k.Attend(kernel.AttendHolders)
	} else {
		k.Ignore(kernel.AttendHolders)
	}
}

// tracked reports whether locks keep their holders in mind.
func tracked(k *kernel.Kernel) bool { return k.Attention()&kernel.AttendHolders != 0 }

// heldLock is the owner of the future of a task that waits for a lock, so that whoever sees
// the future learns what the task waits for. Otherwise the future is as if it had no owner.
type heldLock struct {
	lock    *Lock
	object  fmt.Stringer // what the user knows
	promise *kernel.Promise
}

func (h *heldLock) own(p *kernel.Promise) {
	h.promise = p
	p.Init(p.Kernel(), h)
}

// Holder is the task that has acquired the lock, nil if that is not known.
func (h *heldLock) Holder() kernel.Awaiter { return h.lock.holder }

// String names the lock. Any goroutine may call it.
func (h *heldLock) String() string { return kernel.Outline(h.object) }

// CancelFuture does what the cancellation of a future without an owner does.
func (h *heldLock) CancelFuture(message string) bool {
	if h.promise.Done() {
		return false
	}
	h.promise.FinishCancelled(message, nil)
	return true
}

func (h *heldLock) DescribeFuture() string { return h.promise.Describe("Future", "", "") }
func (h *heldLock) FutureKind() string     { return "Future" }
