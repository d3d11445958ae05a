package check

import (
	"sync"

	"github.com/goasyncio/asyncio/loop"
)

// Reports collects what a loop's exception handler is told.
type Reports struct {
	mu  sync.Mutex
	all []loop.ExceptionContext
}

// Collect makes a loop's exception handler collect what it is told.
func Collect(l *loop.Loop) *Reports {
	r := &Reports{}
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, e)
	})
	return r
}

// Taken returns the reports so far, and forgets them.
func (r *Reports) Taken() []loop.ExceptionContext {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// Messages returns the messages of the reports so far, and forgets them.
func (r *Reports) Messages() []string {
	all := []string{}
	for _, e := range r.Taken() {
		all = append(all, e.Message)
	}
	return all
}
