package scenario

import "context"

// An operation is a kind of statement. Exactly one of do and flow is set.
type operation struct {
	name       string
	anywhere   bool // may be used in callbacks too
	parameters []parameter
	optional   int // how many of the last parameters may be left out
	shown      int // how many of the first arguments the label shows

	// do carries the statement out. Its result becomes the trace line, unless
	// it is silence.
	do func(a *activation, ctx context.Context, args []argument) (Value, error)

	// flow carries out a statement with a body, or a return. It writes its own
	// lines. Its result is not nil if the coroutine is to end.
	flow func(a *activation, ctx context.Context, args []argument) (*returned, error)
}

// returned is how a return statement ends, and one that contains it.
type returned struct{ value Value }

// Results of statements besides ordinary values.
type (
	nothing struct{} // the line shows no value
	silence struct{} // no line at all
)

func (nothing) show() string { return "" }
func (silence) show() string { return "" }

type (
	doFunc   = func(*activation, context.Context, []argument) (Value, error)
	flowFunc = func(*activation, context.Context, []argument) (*returned, error)
)

// synchronous, waiting and compound make the entries of the table. Callbacks may
// use synchronous operations; waiting ones may wait; compound ones contain
// statements.
func synchronous(name string, do doFunc, parameters ...parameter) operation {
	return operation{name: name, anywhere: true, do: do, parameters: parameters, shown: 1}
}

func waiting(name string, do doFunc, parameters ...parameter) operation {
	return operation{name: name, do: do, parameters: parameters, shown: 1}
}

func compound(name string, flow flowFunc, parameters ...parameter) operation {
	return operation{name: name, flow: flow, parameters: parameters}
}

// lastOptional says that the last parameter may be left out.
func (o operation) lastOptional() operation { o.optional = 1; return o }

// showing changes how many arguments the label shows.
func (o operation) showing(n int) operation { o.shown = n; return o }

// operations is the language, in the order of its definition.
var operations = index(
	// General
	synchronous("log", (*activation).doLog, word),
	synchronous("time", (*activation).doTime),
	synchronous("current_task", (*activation).doCurrentTask),
	synchronous("all_tasks", (*activation).doAllTasks),
	synchronous("probe", (*activation).doProbe, variable),
	waiting("sleep", (*activation).doSleep, count),
	waiting("call", (*activation).doCall, coroName),
	compound("return", (*activation).flowReturn, anyValue),
	synchronous("raise", (*activation).doRaise, exception).showing(0),
	synchronous("reraise", (*activation).doReraise),
	compound("loop", (*activation).flowLoop, count, block),
	compound("try", (*activation).flowTry, block, handlerList, block).lastOptional(),
	compound("with", (*activation).flowWith, variable, block),

	// Tasks and futures
	synchronous("spawn", (*activation).doSpawn, variable, coroName, eagerWord).lastOptional(),
	waiting("await", (*activation).doAwait, variable),
	synchronous("cancel", (*activation).doCancel, variable, word).lastOptional(),
	synchronous("uncancel", (*activation).doUncancel, variable),
	synchronous("cancelling", (*activation).doCancelling, variable),
	synchronous("result", (*activation).doResult, variable),
	synchronous("exception", (*activation).doException, variable),
	synchronous("future", (*activation).doFuture, variable),
	synchronous("set_result", (*activation).doSetResult, variable, anyValue),
	synchronous("set_exception", (*activation).doSetException, variable, exception),
	synchronous("add_done_callback", (*activation).doAddDoneCallback, variable, callback).showing(2),
	synchronous("remove_done_callback", (*activation).doRemoveDoneCallback, variable, callback).showing(2),

	// Callbacks of the loop
	synchronous("call_soon", (*activation).doCallSoon, variable, callback),
	synchronous("call_soon_threadsafe", (*activation).doCallSoonThreadsafe, variable, callback),
	synchronous("call_later", (*activation).doCallLater, variable, count, callback),
	synchronous("call_at", (*activation).doCallAt, variable, count, callback),
	synchronous("cancel_handle", (*activation).doCancelHandle, variable),

	// Combinators
	synchronous("gather", (*activation).doGather, variable, items, flag),
	synchronous("shield", (*activation).doShield, variable, item),
	waiting("wait", (*activation).doWait, variables, limit, waitCondition).showing(0),
	waiting("wait_for", (*activation).doWaitFor, item, limit),
	compound("as_completed", (*activation).flowAsCompleted, variable, items, limit, block),

	// Scopes
	synchronous("timeout", (*activation).doTimeout, variable, limit),
	synchronous("timeout_at", (*activation).doTimeoutAt, variable, limit),
	synchronous("reschedule", (*activation).doReschedule, variable, limit),
	synchronous("reschedule_at", (*activation).doRescheduleAt, variable, limit),
	synchronous("group", (*activation).doGroup, variable),
	synchronous("group_spawn", (*activation).doGroupSpawn, variable, variable, coroName),
	synchronous("group_cancel", (*activation).doGroupCancel, variable),

	// Locks and the like
	synchronous("lock", (*activation).doLock, variable),
	synchronous("semaphore", (*activation).doSemaphore, variable, count),
	synchronous("bounded_semaphore", (*activation).doBoundedSemaphore, variable, count),
	synchronous("condition", (*activation).doCondition, variable, variable).lastOptional(),
	waiting("acquire", (*activation).doAcquire, variable),
	synchronous("release", (*activation).doRelease, variable),
	waiting("cond_wait", (*activation).doCondWait, variable),
	waiting("cond_wait_for", (*activation).doCondWaitFor, variable, variable),
	synchronous("notify", (*activation).doNotify, variable, count),
	synchronous("notify_all", (*activation).doNotifyAll, variable),
	synchronous("event", (*activation).doEvent, variable),
	waiting("event_wait", (*activation).doEventWait, variable),
	synchronous("event_set", (*activation).doEventSet, variable),
	synchronous("event_clear", (*activation).doEventClear, variable),
	synchronous("barrier", (*activation).doBarrier, variable, count),
	waiting("barrier_wait", (*activation).doBarrierWait, variable),
	waiting("barrier_reset", (*activation).doBarrierReset, variable),
	waiting("barrier_abort", (*activation).doBarrierAbort, variable),

	// Queues
	synchronous("queue", (*activation).doQueue, variable, queueKind, count),
	waiting("put", (*activation).doPut, variable, anyValue),
	synchronous("put_nowait", (*activation).doPutNowait, variable, anyValue),
	waiting("get", (*activation).doGet, variable),
	synchronous("get_nowait", (*activation).doGetNowait, variable),
	synchronous("task_done", (*activation).doTaskDone, variable),
	waiting("join", (*activation).doJoin, variable),
	synchronous("shutdown", (*activation).doShutdown, variable, flag).lastOptional(),

	// Streams
	synchronous("pair", (*activation).doPair, variable, variable, count).lastOptional(),
	waiting("read", (*activation).doRead, variable, count),
	waiting("read_all", (*activation).doReadAll, variable),
	waiting("read_exactly", (*activation).doReadExactly, variable, count),
	waiting("read_until", (*activation).doReadUntil, variable, chunks),
	waiting("read_line", (*activation).doReadLine, variable),
	compound("lines", (*activation).flowLines, variable, block),
	synchronous("write", (*activation).doWrite, variable, chunk),
	synchronous("write_lines", (*activation).doWriteLines, variable, chunks),
	waiting("drain", (*activation).doDrain, variable),
	synchronous("write_eof", (*activation).doWriteEOF, variable),
	synchronous("write_limits", (*activation).doWriteLimits, variable, limit, limit),
	synchronous("close", (*activation).doClose, variable),
	synchronous("abort", (*activation).doAbort, variable),
	waiting("wait_closed", (*activation).doWaitClosed, variable),
	synchronous("pause_reading", (*activation).doPauseReading, variable),
	synchronous("resume_reading", (*activation).doResumeReading, variable),
	synchronous("fail_reading", (*activation).doFailReading, variable, exception),
)

func index(list ...operation) map[string]*operation {
	table := make(map[string]*operation, len(list))
	for i := range list {
		table[list[i].name] = &list[i]
	}
	return table
}

// lookUpOperation returns the operation of that name, or nil. Only the parser
// asks; a statement holds its operation from then on.
func lookUpOperation(name string) *operation { return operations[name] }
