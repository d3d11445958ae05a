// Package tasktest tests coroutines on virtual time, and the orders in which things may
// happen.
//
//	func TestTimeout(t *testing.T) {
//		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
//			t.Background(ctx, "server", serve) // ends with the test
//			err := task.WithTimeout(ctx, time.Hour, call) // takes no time
//			if !errors.Is(err, future.ErrTimeout) {
//				t.Fatalf("the call ended with %v at %v", err, t.Elapsed())
//			}
//		})
//	}
//
// # A test and its loop
//
// [Run] calls the test function as the main task of a loop, whose clock jumps to the next
// deadline when nothing else can happen. Its [T] is a testing.TB that any task or callback
// may use; Fatal and Skip end the run wherever they are called. [Bubble] is Run inside of
// testing/synctest, for programs that mix tasks with goroutines, and [NewLoop] is for tests
// that have no tasks.
//
// # What fails a test
//
// A run fails if it cannot go on: if nothing is ready, no timer is set, and no goroutine of
// the test does anything; if the loop runs on and on while its clock stands. The report has
// all tasks, each below the one that awaits it, with the place where it waits:
//
//	bank_test.go:12: deadlock at 1.5s: nothing is ready, no timer is set, nobody holds the clock
//	      main          in bank_test.go:40, awaits
//	      └── move-1    in sync.(*Lock).Acquire, called at bank.go:22
//	      move-2        in sync.(*Lock).Acquire, called at bank.go:31
//
// It fails if something was lost or is left: a report to the loop's exception handler, an
// exception that nobody has retrieved, a task, a goroutine that the test has started. A step
// that does not give the loop back ends the process, with the place where it is.
//
// Options allow what a test cannot avoid. A goroutine of some other place that is going to
// reach the loop must hold the clock meanwhile: see [loop.Loop.Hold].
//
// # Tear-down
//
// The main task ends with the functions of [T.AsyncCleanup] and the tasks of [T.Background],
// last first, even after a deadlock or Fatal; these may await. Then what is left is checked
// and cancelled, the loop is closed, and the functions of [T.Cleanup] are called.
//
// # Orders
//
// [Explore] runs a test under many schedules: timers that are due at the same time in
// another order, timers and results of executors that are noticed later, and what else any
// asyncio loop may do. [CancelEverywhere] cancels each task in each of its waits. Under both
// a test function is called many times, so it makes anew what it uses. A failure comes with
// a token that repeats it:
//
//	go test -run '^TestPool$' -asyncio.seed=@1.1
//
// The flags -asyncio.seed, -asyncio.schedules, -asyncio.for, -asyncio.level, -asyncio.trace,
// -asyncio.save, -asyncio.update and -asyncio.handoff are also environment variables, such
// as ASYNCIO_SEED, for go test with several packages.
package tasktest
