package sched

// handoff moves the baton. There are two kinds of transfer. In a call it comes back
// to the caller: when a task is started eagerly, when a suspended worker is visited.
// In a step of the loop's goroutine, the worker passes it on to the task that is
// next, or back.
type handoff interface {
	// spawn prepares the goroutine of a worker, which begins with Sched.main when it
	// gets the baton.
	spawn() worker
	// begin is called by a new worker.
	begin() worker
	// runStep hands the baton of the loop's goroutine to w, and returns when
	// somebody passes it back.
	runStep(w worker)
	// call hands the baton of the caller, which is the worker from or, if there is
	// none, the loop's goroutine, to w, and returns when it is given back.
	call(from, w worker)
	// giveBack returns from call, without waiting for anything.
	giveBack()
	// pass hands the baton, which the caller got by runStep or pass, on to next,
	// without waiting for anything.
	pass(next worker)
	// passToLoop is pass to the loop's goroutine.
	passToLoop()
	// wait suspends w, which has given the baton away, until it gets it again.
	wait(w worker)
	// dismiss ends an idle worker. The caller owns the baton.
	dismiss(w worker)
	// lends reports whether goroutines that are neither the loop's nor a worker may pass
	// the baton.
	lends() bool
}
