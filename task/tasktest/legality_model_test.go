package tasktest

import (
	"fmt"
	"slices"
)

// The model is asyncio's loop once more, written from Lib/asyncio/base_events.py, futures.py,
// tasks.py and timeouts.py and from nothing else: a list of handles, a list of timers, and
// _run_once. It shares no code with the library. Wherever asyncio leaves an order open it asks
// choose, and by way of that all traces of a program are listed.

// traces returns all traces that asyncio permits for a program, or false if there are more
// than that many ways to run it.
func traces(p program, most int) (all map[string]bool, ok bool) {
	all = map[string]bool{}
	var c choices
	for range most {
		m := &model{program: p, choose: c.choose}
		all[m.run()] = true
		if !c.next() {
			return all, true
		}
	}
	return nil, false
}

// choices lists all sequences of choices, depth first.
type choices struct {
	made []struct{ value, n int }
	at   int
}

func (c *choices) choose(n int) int {
	if n == 1 {
		return 0
	}
	if c.at == len(c.made) {
		c.made = append(c.made, struct{ value, n int }{0, n})
	}
	c.at++
	return c.made[c.at-1].value
}

// next goes to the next sequence, or reports false after the last.
func (c *choices) next() bool {
	c.at = 0
	for last := len(c.made) - 1; last >= 0; last-- {
		if c.made[last].value++; c.made[last].value < c.made[last].n {
			return true
		}
		c.made = c.made[:last]
	}
	return false
}

// model is one execution.
type model struct {
	program program
	choose  func(n int) int

	now     int
	ready   []func()
	timers  []*modelTimer
	outside []func() // what other threads are about to pass to call_soon_threadsafe
	stopped bool
	trace   []byte

	tasks   []*modelTask
	futures []*modelFuture
}

type modelTimer struct {
	when      int
	fn        func()
	cancelled bool
}

// run is Handle._run, and what precedes it.
func (t *modelTimer) run() {
	if !t.cancelled {
		t.fn()
	}
}

// run executes the program. Its first handle is the first step of the main task.
func (m *model) run() string {
	for range m.program.futures {
		m.futures = append(m.futures, &modelFuture{m: m})
	}
	main := m.newTask("main", nil, true)
	main.body = m.mainBody(main)
	m.callSoon(func() { main.step(false) })
	for !m.stopped {
		if !m.runOnce() {
			m.trace = append(m.trace, "deadlock\n"...)
			break
		}
	}
	return string(m.trace)
}

// runOnce is _run_once. It reports false if nothing can happen any more.
func (m *model) runOnce() bool {
	m.arrive()
	m.timers = slices.DeleteFunc(m.timers, func(t *modelTimer) bool { return t.cancelled })
	if len(m.ready) == 0 {
		earliest, some := m.earliest()
		switch {
		case some && earliest > m.now:
			m.now = earliest // select, and the time is over
			m.arrive()
		case !some && len(m.outside) == 0:
			return false
		case !some:
			m.arriveOne(m.choose(len(m.outside))) // select, for as long as it takes
			m.arrive()
		}
	}
	// end_time is read now. It is not said how late that is.
	for {
		due := m.due()
		n := len(due)
		if n == 0 {
			break
		}
		if len(m.ready) > 0 {
			n++ // end_time was a bit earlier
		}
		v := m.choose(n)
		if v == len(due) {
			break
		}
		m.timers = slices.DeleteFunc(m.timers, func(t *modelTimer) bool { return t == due[v] })
		m.ready = append(m.ready, due[v].run)
		m.arrive()
	}
	for range len(m.ready) { // ntodo
		h := m.ready[0]
		m.ready = m.ready[1:]
		if h(); m.stopped {
			break
		}
	}
	return true
}

// arrive lets some events arrive, in any order. It is called before each change of the list
// of handles, because only their places in it can be noticed.
func (m *model) arrive() {
	for len(m.outside) > 0 {
		v := m.choose(len(m.outside) + 1)
		if v == len(m.outside) {
			return
		}
		m.arriveOne(v)
	}
}

func (m *model) arriveOne(i int) {
	m.ready = append(m.ready, m.outside[i])
	m.outside = slices.Delete(m.outside, i, i+1)
}

// earliest returns the deadline of the first timer.
func (m *model) earliest() (when int, ok bool) {
	for _, t := range m.timers {
		if !ok || t.when < when {
			when, ok = t.when, true
		}
	}
	return when, ok
}

// due returns the timers that may be the next to be appended: the heap does not say which of
// several with the same deadline is first.
func (m *model) due() []*modelTimer {
	earliest, _ := m.earliest()
	var due []*modelTimer
	for _, t := range m.timers {
		if t.when == earliest && t.when <= m.now && !t.cancelled {
			due = append(due, t)
		}
	}
	return due
}

func (m *model) callSoon(fn func()) {
	m.arrive()
	m.ready = append(m.ready, fn)
}

func (m *model) callLater(d int, fn func()) *modelTimer {
	t := &modelTimer{when: m.now + d, fn: fn}
	m.timers = append(m.timers, t)
	return t
}

func (m *model) log(who, event string) {
	if !m.stopped {
		m.trace = fmt.Appendf(m.trace, "%d %s %s\n", m.now, who, event)
	}
}

// modelFuture is a Future.
type modelFuture struct {
	m         *model
	done      bool
	cancelled bool
	callbacks []*modelCallback
}

// modelCallback is a done callback. Its address is its identity.
type modelCallback struct{ fn func() }

func (f *modelFuture) addDoneCallback(c *modelCallback) {
	if f.done {
		f.m.callSoon(c.fn)
		return
	}
	f.callbacks = append(f.callbacks, c)
}

func (f *modelFuture) removeDoneCallback(c *modelCallback) {
	f.callbacks = slices.DeleteFunc(f.callbacks, func(d *modelCallback) bool { return c == d })
}

func (f *modelFuture) set(cancelled bool) bool {
	if f.done {
		return false
	}
	f.done, f.cancelled = true, cancelled
	callbacks := f.callbacks
	f.callbacks = nil
	for _, c := range callbacks {
		f.m.callSoon(c.fn)
	}
	return true
}

// modelTask is a Task. Its coroutine is a list of operations, each of which may suspend.
type modelTask struct {
	modelFuture
	name       string
	body       []modelOp
	at         int  // the next operation
	begun      bool // the coroutine has
	swallow    bool // a cancellation does not end it
	suspended  func(cancelled bool) outcomeOfOp
	waiter     *modelFuture
	mustCancel bool
	cancels    int // num_cancels_requested
}

// outcomeOfOp is what became of an operation: it suspends, is done, or was cancelled.
type outcomeOfOp int

const (
	suspends outcomeOfOp = iota
	isDone
	isCancelled
)

// modelOp begins an operation.
type modelOp func() outcomeOfOp

func (m *model) newTask(name string, ops []op, swallow bool) *modelTask {
	t := &modelTask{modelFuture: modelFuture{m: m}, name: name, swallow: swallow}
	for i, o := range ops {
		t.body = append(t.body, func() outcomeOfOp { return t.perform(i, o) })
	}
	return t
}

// mainBody is the main task of every program: see program.run.
func (m *model) mainBody(main *modelTask) []modelOp {
	create := func() outcomeOfOp {
		for i, ops := range m.program.tasks {
			t := m.newTask(fmt.Sprint("t", i), ops, m.program.swallow[i])
			m.tasks = append(m.tasks, t)
			m.callSoon(func() { t.step(false) })
		}
		m.callLater(rescue, func() {
			for i, f := range m.futures {
				m.log("rescue", fmt.Sprint(i, f.set(false)))
			}
		})
		return isDone
	}
	body := []modelOp{create}
	for i := range m.program.tasks {
		body = append(body, func() outcomeOfOp {
			return main.await(&m.tasks[i].modelFuture, func(bool) outcomeOfOp { return isDone })
		})
	}
	return append(body, func() outcomeOfOp {
		m.log("main", "ends")
		m.stopped = true
		return isDone
	})
}

// cancel is Task.cancel.
func (t *modelTask) cancel() bool {
	if t.done {
		return false
	}
	t.cancels++
	if t.waiter == nil || !t.waiter.set(true) {
		t.mustCancel = true
	}
	return true
}

// step is Task.__step: it runs operations until one of them suspends.
func (t *modelTask) step(cancelled bool) {
	if t.mustCancel {
		cancelled, t.mustCancel = true, false
	}
	t.waiter = nil
	var o outcomeOfOp
	switch {
	case !t.begun && cancelled:
		t.set(true) // thrown into a coroutine that has not begun
		return
	case !t.begun:
		t.begun = true
		o = isDone
	default:
		resume := t.suspended
		t.suspended = nil
		o = resume(cancelled)
	}
	for o != suspends {
		if o == isCancelled && !t.swallow {
			t.set(true)
			return
		}
		if t.at == len(t.body) {
			t.set(t.mustCancel)
			return
		}
		t.at++
		o = t.body[t.at-1]()
	}
}

// yields is "yield", as sleep(0) does it.
func (t *modelTask) yields(resume func(cancelled bool) outcomeOfOp) outcomeOfOp {
	t.suspended = resume
	t.m.callSoon(func() { t.step(false) })
	return suspends
}

// await is "await f".
func (t *modelTask) await(f *modelFuture, resume func(cancelled bool) outcomeOfOp) outcomeOfOp {
	if f.done {
		return resume(f.cancelled)
	}
	t.suspended = resume
	f.addDoneCallback(&modelCallback{func() { t.step(f.cancelled) }})
	t.waiter = f
	if t.mustCancel && f.set(true) {
		t.mustCancel = false
	}
	return suspends
}

// end logs the end of an operation.
func (t *modelTask) end(i int, o op) func(cancelled bool) outcomeOfOp {
	return func(cancelled bool) outcomeOfOp {
		if cancelled {
			t.m.log(t.name, fmt.Sprint(i, " cancelled"))
			return isCancelled
		}
		t.m.log(t.name, fmt.Sprint(i, " ", o.kind))
		return isDone
	}
}

// perform begins operation i of the task.
func (t *modelTask) perform(i int, o op) outcomeOfOp {
	m, end := t.m, t.end(i, o)
	switch o.kind {
	case yield:
		return t.yields(end)
	case sleep:
		f := &modelFuture{m: m}
		h := m.callLater(o.d, func() { f.set(false) })
		return t.await(f, func(cancelled bool) outcomeOfOp {
			h.cancelled = true
			return end(cancelled)
		})
	case await:
		return t.await(m.futures[o.arg], end)
	case thread:
		// run_in_executor: the thread passes _set_state to call_soon_threadsafe, and
		// _call_check_cancel is a done callback of the future.
		f := &modelFuture{m: m}
		f.addDoneCallback(&modelCallback{func() {}})
		m.outside = append(m.outside, func() { f.set(false) })
		return t.await(f, end)
	case wait:
		return t.wait(m.futures[o.arg], o.d, end)
	case waitFor:
		return t.waitFor(i, m.futures[o.arg], o.d, end)
	default:
		m.synchronous(t.name, i, o)
		return isDone
	}
}

// wait is asyncio.wait for one future, with a timeout.
func (t *modelTask) wait(f *modelFuture, d int, end func(bool) outcomeOfOp) outcomeOfOp {
	m := t.m
	waiter := &modelFuture{m: m}
	h := m.callLater(d, func() { waiter.set(false) })
	c := &modelCallback{func() {
		h.cancelled = true
		waiter.set(false)
	}}
	f.addDoneCallback(c)
	return t.await(waiter, func(cancelled bool) outcomeOfOp {
		h.cancelled = true
		f.removeDoneCallback(c)
		if o := end(cancelled); o != isDone {
			return o
		}
		m.log(t.name, fmt.Sprint("done ", f.done))
		return isDone
	})
}

// waitFor is wait_for: "async with timeout(d): await f".
func (t *modelTask) waitFor(i int, f *modelFuture, d int, end func(bool) outcomeOfOp) outcomeOfOp {
	m := t.m
	before, expiring := t.cancels, false
	h := m.callLater(d, func() {
		expiring = true
		t.cancel()
	})
	return t.await(f, func(cancelled bool) outcomeOfOp {
		h.cancelled = true
		if expiring {
			t.cancels--
			if t.cancels <= before && cancelled {
				m.log(t.name, fmt.Sprint(i, " timeout"))
				return isDone
			}
		}
		return end(cancelled)
	})
}

// synchronous performs an operation that cannot suspend, for a task or a callback.
func (m *model) synchronous(who string, i int, o op) {
	switch o.kind {
	case soon:
		m.callSoon(m.callback(who, i, o))
	case later:
		m.callLater(o.d, m.callback(who, i, o))
	case set:
		m.log(who, fmt.Sprint(i, " set ", m.futures[o.arg].set(false)))
	case cancel:
		m.log(who, fmt.Sprint(i, " cancel ", m.tasks[o.arg].cancel()))
	}
}

func (m *model) callback(who string, i int, o op) func() {
	name := fmt.Sprint(who, "/", i)
	return func() {
		m.log(name, "runs")
		for j, inner := range o.body {
			m.synchronous(name, j, inner)
		}
	}
}
