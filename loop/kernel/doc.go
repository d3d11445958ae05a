// Package kernel is for the packages of this module only: there is no promise of
// compatibility. It is the engine behind the packages loop and future.
//
// A [Kernel] is the engine of a loop: the ready queue, the timers, the inbox for other
// goroutines, and the iteration. A [Handle] is an entry of the ready queue; its [Kind]
// says on which goroutine its [Job] runs. A [Future] is a future without its value, and
// a [Promise] is the right to complete one.
//
// # The baton
//
// One goroutine at a time owns the loop's baton: the loop's own goroutine, or the
// goroutine of the task whose step is running. Only the owner may use this package,
// except where a function says that any goroutine may call it. While the loop is not
// running, any single goroutine may act as the owner.
//
// # One object, several jobs
//
// An object that the loop runs for several reasons needs several methods Run. It gets
// them from further types over the same struct:
//
//	type relayCancel relay
//	func (r *relayCancel) Run() { ... }
//
// The pointer conversion (*relayCancel)(r) is the other job. Unlike a closure, it costs
// no allocation.
package kernel
