package chaos

import "math/rand/v2"

// operation is something that coroutines do. Callbacks do those that do not wait.
type operation struct {
	name   string
	weight int
	waits  bool
	do     func(a *actor) error
}

// operations are all that a program is made of.
func operations() []operation {
	return []operation{
		// Tasks: task_test.go.
		{"create", 20, false, (*actor).create},
		{"await", 12, true, (*actor).awaitSome},
		{"sleep", 14, true, (*actor).sleep},
		{"yield", 10, true, (*actor).yield},
		{"cancel", 6, false, (*actor).cancel},
		{"run in a circle", 1, false, (*actor).circle},
		{"cancel oneself", 1, false, (*actor).cancelSelf},
		{"uncancel", 1, false, (*actor).uncancel},
		{"rename", 1, false, (*actor).rename},
		{"look", 4, false, (*actor).look},
		{"instrument", 2, false, (*actor).instrument}, // instrument_test.go
		{"set the factory", 1, false, (*actor).setFactory},
		{"add a done callback", 4, false, (*actor).addDoneCallback},

		// Combinators: combine_test.go.
		{"gather", 6, true, (*actor).gather},
		{"gather and leave", 2, false, (*actor).gatherAndLeave},
		{"wait", 5, true, (*actor).wait},
		{"as completed", 4, true, (*actor).asCompleted},
		{"wait for", 6, true, (*actor).waitFor},
		{"shield", 4, true, (*actor).shield},
		{"ensure", 2, false, (*actor).ensure},
		{"timeout", 5, true, (*actor).timeout},
		{"group", 8, true, (*actor).group},
		{"staggered race", 4, true, (*actor).staggeredRace},

		// Locks and queues: objects_test.go.
		{"lock", 6, true, (*actor).lock},
		{"semaphore", 4, true, (*actor).semaphore},
		{"bounded semaphore", 4, true, (*actor).boundedSemaphore},
		{"wait for an event", 3, true, (*actor).waitEvent},
		{"set or clear the event", 3, false, (*actor).setEvent},
		{"wait for a condition", 3, true, (*actor).waitCondition},
		{"notify", 3, true, (*actor).notify},
		{"pass the barrier", 4, true, (*actor).barrier},
		{"reset the barrier", 1, true, (*actor).resetBarrier},
		{"put", 6, true, (*actor).put},
		{"get", 6, true, (*actor).get},
		{"get or put at once", 3, false, (*actor).nowait},
		{"join a queue", 1, true, (*actor).joinQueue},
		{"shut a queue down", 1, false, (*actor).shutQueue},

		// Futures: future_test.go.
		{"complete a future", 5, false, (*actor).complete},
		{"await a future", 4, true, (*actor).awaitFuture},
		{"promise", 2, true, (*actor).promise},
		{"wrap", 3, true, (*actor).wrap},
		{"print the grim", 1, false, (*actor).printGrim},

		// The loop: loop_test.go.
		{"call soon", 5, false, (*actor).callSoon},
		{"call later", 4, false, (*actor).callLater},
		{"cancel a timer", 2, false, (*actor).cancelTimer},
		{"report", 1, false, (*actor).report},
		{"configure the loop", 1, false, (*actor).configure},
		{"stop", 1, false, (*actor).stop},
		{"break a rule", 2, false, (*actor).breakRule},

		// Other goroutines: foreign_test.go.
		{"start a foreign goroutine", 3, false, (*actor).startForeign},
		{"to thread", 3, true, (*actor).toThread},
		{"run in executor", 3, false, (*actor).runInExecutor},
		{"submit a coroutine", 3, true, (*actor).submit},
		{"receive", 4, true, (*actor).receive},
		{"shut the executor down", 1, true, (*actor).shutExecutor},
	}
}

// pickOperation picks an operation by weight.
func pickOperation(r *rand.Rand, mayWait bool) operation {
	all := operations()
	total := 0
	for _, op := range all {
		total += op.weight
	}
	for {
		n := r.IntN(total)
		for _, op := range all {
			if n -= op.weight; n < 0 {
				if op.waits && !mayWait {
					break
				}
				return op
			}
		}
	}
}
