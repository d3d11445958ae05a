package chaos

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// checkTask checks a task that is done against what its coroutine did.
func (p *program) checkTask(n *node) {
	n.told++
	t := n.task
	f := t.Kernel()
	if n.told > 1 {
		p.fault("%v: its done callback was called %d times", n, n.told)
	}
	if n.ended != n.begun {
		p.fault("%v: the task is done, and the coroutine has begun %d times and ended %d times", n, n.begun, n.ended)
	}
	cancelled := f.Cancelled()
	var got error
	if f.Failed() {
		got = f.Peek()
	}
	switch {
	case n.begun == 0 && !cancelled && !errors.Is(got, task.ErrGroupClosed):
		p.fault("%v has not begun, and its task ended with %s", n, text(got))
	case n.begun == 0:
	case !n.returned:
		if _, panicked := got.(*loop.PanicError); !panicked && got != task.ErrGoexit && !cancelled {
			p.fault("%v did not return, and its task ended with %s", n, text(got))
		}
	case isCancelled(n.err):
		if !cancelled {
			p.fault("%v returned %s, and its task ended with %s", n, text(n.err), text(got))
		}
	case n.err == nil && n.condemned && !cancelled:
		p.fault("%v was cancelled before it returned, and its task was not", n)
	case n.err != nil:
		if got != n.err {
			p.fault("%v returned %s, and its task ended with %s", n, text(n.err), text(got))
		}
	case cancelled:
		if t.Cancelling() == 0 && !p.received[f] {
			p.fault("%v returned a result, and its task was cancelled", n)
		}
	default:
		if v, err := t.Result(); err != nil || v != n.value {
			p.fault("%v returned %d, and its task %d, %s", n, n.value, v, text(err))
		}
	}
}

// checkRest checks what must be true while nothing in the loop is ready.
func (p *program) checkRest() {
	if err := p.objects.check(); err != nil {
		p.fault("%v", err)
	}
	for _, n := range p.nodes {
		if n.task != nil && n.task.Done() != (n.told == 1) {
			p.fault("%v: its task is done (%v), and its done callback was called %d times", n, n.task.Done(), n.told)
		}
	}
}

// checkEnd checks what must be true when the loop is closed and all foreign
// goroutines have ended.
func (p *program) checkEnd() {
	for _, n := range p.nodes {
		if n.begun != n.ended || n.begun > 1 {
			p.fault("%v has begun %d times, and its deferred functions ran %d times", n, n.begun, n.ended)
		}
	}
	if p.lives != nil {
		p.lives.check()
	}
	p.checkReported()
	p.checkPanics()
	if _, err := p.loop.CallSoonThreadsafe(func() {}); !errors.Is(err, loop.ErrClosed) {
		p.fault("CallSoonThreadsafe on a closed loop: %v", err)
	}
	if err := p.loop.RunForever(); !errors.Is(err, loop.ErrClosed) {
		p.fault("RunForever on a closed loop: %v", err)
	}
	c := task.RunCoroutineThreadsafe(p.loop, noop)
	if err := c.Err(); !errors.Is(err, loop.ErrClosed) {
		p.fault("RunCoroutineThreadsafe on a closed loop: %v", err)
	}
	p.checkGoroutines()
}

// checkReported checks that the exceptions of tasks were retrieved or reported. One error may
// be the exception of several tasks.
func (p *program) checkReported() {
	p.mu.Lock()
	reports := p.reports
	p.mu.Unlock()
	times := map[string]int{}
	tasks := map[fmt.Stringer]bool{}
	for _, e := range reports {
		if !strings.HasSuffix(e.Message, "never retrieved") {
			continue
		}
		times[text(e.Err)]++
		if e.Task != nil && tasks[e.Task] {
			p.fault("the exception of a task was reported twice: %s", text(e.Err))
		}
		tasks[e.Task] = true
	}
	if p.runner != nil { // the Close of a Runner retrieves some
		return
	}
	for _, n := range p.nodes {
		if n.task == nil || n.retrieved || !n.task.Kernel().Failed() {
			continue
		}
		// By the text, since an error that might refer to its task is not kept.
		if err := text(n.task.Kernel().Peek()); times[err] > 0 {
			times[err]--
		} else {
			p.fault("%v: %s was neither retrieved nor reported", n, err)
		}
	}
}

// checkPanics checks that nothing has panicked but the program, which makes no runtime errors
// but panic(nil).
func (p *program) checkPanics() {
	p.mu.Lock()
	reports := p.reports
	p.mu.Unlock()
	var all []error
	for _, e := range reports {
		all = append(all, e.Err)
	}
	for _, n := range p.nodes {
		if n.task != nil && n.task.Kernel().Failed() {
			all = append(all, n.task.Kernel().Peek())
		}
	}
	for _, err := range all {
		panicked, ok := err.(*loop.PanicError)
		if !ok {
			continue
		}
		if _, ok := panicked.Value.(runtime.Error); !ok {
			continue
		}
		if _, ok := panicked.Value.(*runtime.PanicNilError); !ok {
			p.fault("%s\n%s", text(err), panicked.Stack)
		}
	}
}

// checkGoroutines checks that none is left. Those of package context and of
// executors may need a moment to end.
func (p *program) checkGoroutines() {
	for wait := time.Microsecond; wait < 10*time.Second; wait *= 2 {
		if runtime.NumGoroutine() <= p.base {
			return
		}
		time.Sleep(wait)
	}
	p.fault("%d goroutines in place of %d:\n%s", runtime.NumGoroutine(), p.base, stacks())
}
