// Package kernel is the engine room of the event loop, for the packages of this
// module. Programs have no use for it: there is no promise of compatibility.
//
// Three things live here. A [Kernel] is the loop without its public face: the
// ready queue, the timers, the inbox that other goroutines post to, and the
// iteration that runs what is ready. A [Handle] is something to run, and says by
// its [Kind] on which goroutine. A [Future] is a result that is not there yet,
// without the type of its value; a [Promise] is the side that completes it.
//
// # The baton
//
// At any moment one goroutine owns the baton: the loop's own goroutine, or the
// one that runs a task's step. Everything here belongs to the owner of the baton,
// except what is documented as safe for any goroutine. While the loop does not
// run, the goroutine that is about to run it counts as the owner.
package kernel
