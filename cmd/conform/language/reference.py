#!/usr/bin/env python3
"""Reference interpreter of the scenario language of 'asyncio for Go'.

A scenario is a small concurrent program written in JSON; SPEC.md defines the
language.  This interpreter runs a scenario on CPython's own asyncio and
prints the trace of what happened.  The library 'asyncio for Go' claims to
schedule exactly as asyncio schedules, and the claim is checked by running the
same scenario there and comparing the two traces line by line: this file is
the oracle of that comparison.

Usage:

    reference.py PROGRAM.json               print the trace of one program
    reference.py --batch IN.jsonl OUT.jsonl run one program a line, write one
                                            {"name": ..., "trace": [...]} a line
    reference.py --pipe                     read one program a line from standard
                                            input, write {"program": ..., "trace":
                                            [...]} to standard output for each
    reference.py --selfcheck FILE...        run every program of the files
                                            (.json, .jsonl or .jsonl.gz) in fresh processes
                                            with different hash seeds, and once
                                            more with asyncio's pure-Python tasks
                                            and futures; demand equal traces, and
                                            the golden ones where there are some

    --pure (first argument of the other forms) selects the pure-Python
    classes of asyncio in place of the C accelerated ones.

It needs CPython 3.14 and nothing outside the standard library.  The traces kept
in ../testdata were made with CPython 3.14.2.  On CPython 3.13, shield differs.
Programs with streams need sockets and epoll, that is a native CPython on Linux;
3.13 will do, because its streams are those of 3.14 (see SPEC.md).

What comes from asyncio and what does not: tasks, futures, the event loop's
iteration (BaseEventLoop._run_once), gather, wait, wait_for, shield, timeouts,
task groups, locks, queues and streams are asyncio's own code, and the sockets
below the streams are the kernel's.  Four things are pinned
here, because asyncio leaves them undefined or makes them depend on memory
addresses or on the wall clock:

  * time is virtual: when nothing is ready, the clock jumps to the next timer
    (VirtualLoop, _VirtualSelector);
  * timers with equal deadlines fire in the order in which they were
    scheduled (OrderedTimerHandle);
  * sets of tasks are walked in the order of insertion: in asyncio.wait
    (argument order), as_completed (argument order), in the abort of a
    TaskGroup (the order in which its create_task() added them), and in the
    shutdown of asyncio.run (the order of creation)
    (InsertionOrderedSet and its users);
  * default task names, 'Task-N', count from 1 in every program.

Task groups are made to do what those of later versions do: see OrderedTaskGroup.
Streams are relieved of some bugs: see MendedStreamReader, MendedTransport and
ClosedState.
"""

import sys

if sys.version_info < (3, 13):
    sys.exit("CPython 3.13 or later is needed")

if __name__ == "__main__" and "--pure" in sys.argv[1:]:
    sys.argv.remove("--pure")
    sys.modules["_asyncio"] = None  # must come before asyncio is imported

import asyncio
import asyncio.selector_events
import gc
import gzip
import heapq
import json
import logging
import os
import pathlib
import selectors
import socket
import subprocess
import tempfile
import warnings

MAX_ITERATIONS = 100_000  # of the event loop, before a program counts as endless


# ---------------------------------------------------------------------------
# The event loop: asyncio's, on virtual time, with undefined orders pinned.


class InsertionOrderedSet:
    """The part of the set interface that asyncio uses, in insertion order.

    Sets of tasks and futures are otherwise walked in the order of their memory
    addresses.
    """

    def __init__(self, items=()):
        self._items = dict.fromkeys(items)

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)

    def __contains__(self, item):
        return item in self._items

    def add(self, item):
        self._items[item] = None

    def discard(self, item):
        self._items.pop(item, None)

    def remove(self, item):
        del self._items[item]

    def clear(self):
        self._items.clear()


# asyncio.wait() turns its argument into set(fs) and returns set(), set().
# A module global of that name makes these sets keep the order of insertion.
asyncio.tasks.set = InsertionOrderedSet


def all_tasks_in_order(loop):
    """asyncio.all_tasks() in the order of creation."""
    return InsertionOrderedSet(task for task in loop.tasks if not task.done())


# Here the shutdown of asyncio.run() looks for the tasks that it cancels.
asyncio.tasks.all_tasks = all_tasks_in_order


class OrderedTaskGroup(asyncio.TaskGroup):
    """asyncio.TaskGroup whose abort cancels its tasks in the order in which
    they were added, which learns through the loop that a task is done, and
    which can be cancelled.

    CPython 3.13.0 calls the done callback of an eager task that is done when
    create_task() returns at once, so that its failure cancels the parent too
    early; 3.14 always schedules it, and so does this class.
    """

    def __init__(self):
        super().__init__()
        self._tasks = InsertionOrderedSet()
        self._creating = False

    if not hasattr(asyncio.TaskGroup, "cancel"):
        # New in CPython 3.15.  These three methods do what its class does.

        _cancel_on_enter = False

        async def __aenter__(self):
            await super().__aenter__()
            if self._cancel_on_enter:
                self.cancel()
            return self

        async def __aexit__(self, *exc_info):
            await super().__aexit__(*exc_info)
            return True  # what is to come out of the group would have been raised

        def cancel(self):
            if not self._entered:
                self._cancel_on_enter = True
            elif not self._aborting and not (self._exiting and not self._tasks):
                self._abort()
                if not self._parent_cancel_requested:
                    self._parent_cancel_requested = True
                    self._parent_task.cancel()

    def create_task(self, coro, **options):
        outer, self._creating = self._creating, True
        try:
            return super().create_task(coro, **options)
        finally:
            self._creating = outer

    def _on_task_done(self, task):
        if self._creating:  # called by create_task() itself
            self._tasks.add(task)
            task.add_done_callback(self._on_task_done)
        else:
            super()._on_task_done(task)


class OrderedAsCompleted(asyncio.tasks._AsCompletedIterator):
    """The iterator behind asyncio.as_completed, with its set in argument order.

    The body of __init__ is asyncio's; only the type of the set differs.
    """

    def __init__(self, aws, timeout):
        self._done = asyncio.Queue()
        self._timeout_handle = None
        loop = asyncio.get_running_loop()
        todo = InsertionOrderedSet(
            asyncio.ensure_future(aw, loop=loop) for aw in InsertionOrderedSet(aws)
        )
        for future in todo:
            future.add_done_callback(self._handle_completion)
        if todo and timeout is not None:
            self._timeout_handle = loop.call_later(timeout, self._handle_timeout)
        self._todo = todo
        self._todo_left = len(todo)


class OrderedTimerHandle(asyncio.TimerHandle):
    """A timer handle whose order is (deadline, order of scheduling)."""

    __slots__ = ["_seq"]

    def __lt__(self, other):
        return (self._when, self._seq) < (other._when, other._seq)


class _VirtualSelector:
    """Stands where the loop's I/O selector stands, and moves the clock."""

    def __init__(self, loop):
        self._loop = loop

    def select(self, timeout):
        self._loop.pass_time(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's event loop on virtual integer seconds, without any I/O.

    run_forever() returns when stop() was called, as always, and also when the
    loop is idle: nothing is ready and no timer is pending.  Then
    run_until_complete() raises the RuntimeError of a loop that was stopped.
    """

    def __init__(self, *, eager=False):
        super().__init__()
        self.now = 0
        self.iterations = 0
        self.eager = eager
        self.tasks = []  # all tasks ever created, in creation order
        self._unnamed_tasks = 0
        self._timers = 0
        self._selector = _VirtualSelector(self)
        self._clock_resolution = 1e-9
        self.set_debug(False)

    def time(self):
        return self.now

    def pass_time(self, timeout):
        """Stand for waiting so long for input and output."""
        self.iterations += 1
        if self.iterations > MAX_ITERATIONS:
            raise ProgramError("the program does not end")
        if timeout is None:  # nothing is ready and there are no timers
            self.stop()
        else:
            self.now += timeout  # 0 when something is ready

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def call_at(self, when, callback, *args, context=None):
        self._check_closed()
        timer = OrderedTimerHandle(when, callback, args, self, context)
        timer._seq = self._timers
        self._timers += 1
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    def create_task(self, coro, *, name=None, context=None, eager=None):
        """Create a task; *eager* overrides the program-wide setting.

        This stands for a task factory, with two differences that make traces
        readable: default names are counted by the loop, and an eager task has
        its name already in its first step.
        """
        self._check_closed()
        if name is None:
            self._unnamed_tasks += 1
            name = f"Task-{self._unnamed_tasks}"
        if eager is None:
            eager = self.eager
        position = len(self.tasks)
        self.tasks.append(None)  # an eager task may create others meanwhile
        self.tasks[position] = asyncio.Task(
            coro, loop=self, name=name, context=context, eager_start=eager
        )
        return self.tasks[position]


# ---------------------------------------------------------------------------
# Streams: asyncio's on a socketpair, which the kernel serves at once.

HAS_SOCKETS = hasattr(selectors, "EpollSelector") and hasattr(socket, "AF_UNIX")

if HAS_SOCKETS:

    class _PollingSelector(selectors.EpollSelector):
        """Asks the kernel what is ready, but does not wait for it: what one
        end of a socketpair has done can be seen at the other end at once.  So
        nothing can happen any more when nothing is ready, and time passes."""

        def __init__(self, loop):
            super().__init__()
            self._loop = loop

        def select(self, timeout):
            events = super().select(0)
            self._loop.pass_time(0 if events else timeout)
            return events


class SocketLoop(VirtualLoop, asyncio.selector_events.BaseSelectorEventLoop):
    """The same loop, with sockets."""

    _process_events = asyncio.selector_events.BaseSelectorEventLoop._process_events

    def __init__(self, **options):
        super().__init__(**options)
        self._selector = _PollingSelector(self)

    def _make_socket_transport(self, sock, protocol):
        return MendedTransport(self, sock, protocol)

    def _make_self_pipe(self):  # there is no other thread that wakes the loop
        pass

    def _close_self_pipe(self):
        pass


class MendedTransport(asyncio.selector_events._SelectorSocketTransport):
    """asyncio's transport without these bugs:

      * a write, or abort(), after the connection is lost by a close() that had
        something to send fails with AttributeError;
      * writelines() never pauses the writer (before CPython 3.13.1, CVE-2024-12254),
        fails on a stream that is closing (before 3.14), and an empty line may keep
        the stream from closing.
    """

    def _call_connection_lost(self, exc):
        self._conn_lost += 1
        super()._call_connection_lost(exc)

    def writelines(self, lines):
        self.write(b"".join(lines))


class MendedStreamReader(asyncio.StreamReader):
    """asyncio's StreamReader without these bugs of CPython 3.13 to 3.15:

      * read() waits once: if somebody else takes the data before it goes on,
        it returns b'', which looks like the end of the file;
      * when data have woken a reader, another one can begin to wait before it
        goes on; then it takes the other's waiter away, who waits for ever;
      * an exception that is set after data woke a reader is not noticed if these
        were not enough, so that it waits for ever;
      * readuntil() overlooks what comes before the place up to which it has
        searched when somebody else has taken data meanwhile;
      * read(-1) that is cancelled or fails loses what it has read.

    A task runs in the same iterations as with asyncio's.
    """

    def _wakeup_waiter(self):
        # The waiter stays where it is until the reader goes on.
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def set_exception(self, exc):
        self._exception = exc
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc)

    async def _wait_for_data(self, func_name):
        if self._exception is not None:
            raise self._exception
        await super()._wait_for_data(func_name)

    async def read(self, n=-1):
        if n < 0:
            return await self._read_all()
        if self._exception is not None:
            raise self._exception
        while n and not self._buffer and not self._eof:
            await self._wait_for_data("read")
        data = bytes(self._buffer[:n])
        del self._buffer[:n]
        if n:
            self._maybe_resume_transport()
        return data

    async def _read_all(self):
        blocks = []
        try:
            while block := await self.read(self._limit):
                blocks.append(block)
        except BaseException:
            self._buffer[:0] = b"".join(blocks)
            if blocks and not self._paused and len(self._buffer) > 2 * self._limit:
                self._transport.pause_reading()
                self._paused = True
            raise
        return b"".join(blocks)

    async def readuntil(self, separator=b"\n"):
        # asyncio's, but for the search, which begins anew after each wait.
        separators = separator if isinstance(separator, tuple) else [separator]
        if not separators or b"" in separators:
            raise ValueError("there must be separators, and none may be empty")
        if self._exception is not None:
            raise self._exception
        longest = max(map(len, separators))
        while True:
            found = [
                (start + len(sep), len(sep))
                for sep in separators
                if (start := self._buffer.find(sep)) >= 0
            ]
            if found:
                break
            searched = max(0, len(self._buffer) + 1 - longest)
            if searched > self._limit:
                raise asyncio.LimitOverrunError("not found", searched)
            if self._eof:
                chunk = bytes(self._buffer)
                self._buffer.clear()
                raise asyncio.IncompleteReadError(chunk, None)
            await self._wait_for_data("readuntil")
        end, length = min(found)
        if end - length > self._limit:
            raise asyncio.LimitOverrunError("found", end - length)
        chunk = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._maybe_resume_transport()
        return chunk


class ClosedState(asyncio.Future):
    """The future that says whether a connection is lost, with a future of its
    own for everybody who waits for that.

    In asyncio all who call wait_closed() await one future, so that cancelling
    one of them cancels it for all, and for those who will ever call.
    """

    def __init__(self, loop):
        super().__init__(loop=loop)
        self._waiters = []

    def waiter(self):
        if self.done():
            return self
        self._waiters.append(self.get_loop().create_future())
        return self._waiters[-1]

    def set_result(self, result):
        super().set_result(result)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(result)

    def set_exception(self, exc):
        super().set_exception(exc)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(exc)


class MendedStreamProtocol(asyncio.StreamReaderProtocol):
    """asyncio's StreamReaderProtocol with a ClosedState."""

    def __init__(self, reader, loop):
        super().__init__(reader, loop=loop)
        self._closed = ClosedState(loop)

    def _get_close_waiter(self, stream):
        return self._closed.waiter()


class Stream:
    """One end of a pair: a reader and a writer."""

    def __init__(self, loop, reader, sock):
        sock.setblocking(False)
        self.socket = sock
        self.reader = reader
        protocol = MendedStreamProtocol(reader, loop)
        self.transport = loop._make_socket_transport(sock, protocol)
        self.writer = asyncio.StreamWriter(self.transport, protocol, reader, loop)


# ---------------------------------------------------------------------------
# Values and exceptions, and how a trace shows them.


class ProgramError(Exception):
    """The program is not a well-formed scenario."""


class UserError(Exception):
    """The exception that the 'raise' and 'set_exception' statements make."""

    shown_as = "Error"


class UnboundVariable(Exception):
    """A statement named a variable that is not bound."""

    shown_as = "NameError"


class WrongKind(Exception):
    """A statement named a variable bound to the wrong kind of object."""

    shown_as = "TypeError"


# What programs can catch.  GeneratorExit is left out on purpose: it is raised
# in the coroutines of tasks that are still pending when a program is over.
CATCHABLE = (Exception, asyncio.CancelledError)

HANDLER_CLASSES = {
    "cancelled": asyncio.CancelledError,
    "timeout": TimeoutError,
    "group": BaseExceptionGroup,
    "error": Exception,
    "any": CATCHABLE,
}


def make_exception(spec):
    """Turn the exception notation of the language into an exception."""
    if isinstance(spec, str):
        return UserError(spec)
    if spec == {"timeout": True}:
        return TimeoutError()
    if isinstance(spec, dict) and list(spec) == ["cancelled"]:
        message = spec["cancelled"]
        return asyncio.CancelledError(*([] if message is None else [message]))
    raise ProgramError(f"not an exception: {spec!r}")


def show_exception(exc):
    """Exception -> NAME, NAME:message or ExceptionGroup[...]."""
    if isinstance(exc, BaseExceptionGroup):
        return f"ExceptionGroup[{', '.join(map(show_exception, exc.exceptions))}]"
    if isinstance(exc, asyncio.IncompleteReadError):
        expected = "null" if exc.expected is None else exc.expected
        return f"IncompleteReadError:{show_data(exc.partial)} of {expected}"
    if isinstance(exc, asyncio.LimitOverrunError):
        return f"LimitOverrunError:{show_size(exc.consumed)}"
    name = getattr(exc, "shown_as", type(exc).__name__)
    has_program_text = hasattr(exc, "shown_as") or isinstance(
        exc, asyncio.CancelledError
    )
    if has_program_text and exc.args and exc.args[0]:
        return f"{name}:{exc.args[0]}"
    return name


def show_names(names):
    return ", ".join(sorted(names))


# Longer data are shown by the beginning and the size.  How the kernel cuts a
# large block depends on its version, so that the size of what may be a part of
# one is not shown.
MOST_BYTES_SHOWN = 40
MOST_BYTES_COUNTED = 70_000


def show_size(size):
    return "many" if size > MOST_BYTES_COUNTED else str(size)


def show_data(data):
    text = data.decode("ascii")
    if len(text) <= MOST_BYTES_SHOWN:
        return json.dumps(text)
    return f"{json.dumps(text[:8] + '...')} {show_size(len(text))} bytes"


def make_data(spec):
    """Turn the notation of the language for data, TEXT or [TEXT, TIMES], into bytes."""
    text, times = spec if isinstance(spec, list) else (spec, 1)
    return text.encode("ascii") * times


class Return:
    """What executing a list of statements gives when it met a 'return'."""

    def __init__(self, value):
        self.value = value


class Frame:
    """One activation of a coroutine or of a callback."""

    def __init__(self, future=None):
        self.future = future  # what $fut stands for
        self.caught = []  # exceptions whose handlers are being executed


# Results of statements, besides ordinary values.
NOTHING = object()  # the line shows no value
QUIET = object()  # no line at all


# ---------------------------------------------------------------------------
# The interpreter.


class Interpreter:
    """Runs one program; run() returns its trace as a list of lines."""

    def __init__(self, program):
        loop_class = VirtualLoop
        if needs_sockets(program):
            if not HAS_SOCKETS:
                raise ProgramError("streams need a CPython with sockets and epoll")
            loop_class = SocketLoop
        self.program = program
        self.loop = loop_class(eager=program.get("eager", False))
        self.loop.set_exception_handler(self._on_loop_exception)
        self.lines = []
        self.finished = False
        self.begun = set()  # tasks
        self.variables = {}
        self.future_names = {}  # of futures that are not tasks, in creation order
        self.settable_futures = set()  # those made by the 'future' statement
        self.streams = []  # all of them: asyncio closes those that nobody refers to
        self.callbacks = {
            name: self._make_callback(name, body)
            for name, body in program.get("callbacks", {}).items()
        }

    # -- trace ------------------------------------------------------------

    def log(self, text):
        if self.finished:
            return
        task = asyncio.current_task(self.loop)
        who = "-" if task is None else task.get_name()
        self.lines.append(f"{self.loop.now} {who} {text}")

    def log_outcome(self, label, value):
        if value is NOTHING:
            self.log(label)
        elif value is not QUIET:
            self.log(f"{label} = {self.show(value)}")

    def log_failure(self, label, exc):
        self.log(f"{label} ! {show_exception(exc)}")

    def show(self, value):
        """Any value that a trace can hold -> text."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return f"[{', '.join(map(self.show, value))}]"
        if isinstance(value, BaseException):
            return show_exception(value)
        if isinstance(value, bytes):
            return show_data(value)
        if asyncio.isfuture(value):
            return self.name_of(value)
        return str(value)

    def show_state(self, obj):
        """The observable state of an object, as 'probe' and FINAL show it."""
        if asyncio.isfuture(obj):
            if not obj.done():
                state = "pending"
            elif obj.cancelled():
                state = "cancelled"
            elif obj.exception() is not None:
                state = f"exception {show_exception(obj.exception())}"
            else:
                state = f"result {self.show(obj.result())}"
            if isinstance(obj, asyncio.Task):
                return f"task {state} cancelling={obj.cancelling()}"
            return f"future {state}"
        if isinstance(obj, asyncio.TimerHandle):
            return f"timer when={obj.when()} cancelled={self.show(obj.cancelled())}"
        if isinstance(obj, asyncio.Handle):
            return f"handle cancelled={self.show(obj.cancelled())}"
        if isinstance(obj, asyncio.Timeout):
            when, expired = self.show(obj.when()), self.show(obj.expired())
            return f"timeout when={when} expired={expired}"
        if isinstance(obj, asyncio.TaskGroup):
            return "group"
        if isinstance(obj, asyncio.Event):
            return f"event set={self.show(obj.is_set())}"
        if isinstance(obj, asyncio.Barrier):
            broken = self.show(obj.broken)
            return (
                f"barrier parties={obj.parties}"
                f" waiting={obj.n_waiting} broken={broken}"
            )
        if isinstance(obj, asyncio.Queue):
            empty, full = self.show(obj.empty()), self.show(obj.full())
            return (
                f"queue maxsize={obj.maxsize} size={obj.qsize()}"
                f" empty={empty} full={full}"
            )
        if isinstance(obj, Stream):
            reader, transport = obj.reader, obj.transport
            return (
                f"stream buffered={show_size(len(reader._buffer))}"
                f" at_eof={self.show(reader.at_eof())}"
                f" exception={self.show(reader.exception())}"
                f" reading={self.show(transport.is_reading())}"
                f" closing={self.show(transport.is_closing())}"
                f" unsent={self.show(transport.get_write_buffer_size() > 0)}"
            )
        kind = {
            asyncio.Lock: "lock",
            asyncio.Condition: "condition",
            asyncio.Semaphore: "semaphore",
            asyncio.BoundedSemaphore: "semaphore",
        }[type(obj)]
        return f"{kind} locked={self.show(obj.locked())}"

    # -- names and variables ------------------------------------------------

    def name_of(self, future):
        """A task's name, or the variable that a future was created under."""
        if isinstance(future, asyncio.Task):
            return future.get_name()
        return self.future_names[future]

    def new_future(self, var, future):
        """Bind *var*; a future seen for the first time is named after it."""
        if not isinstance(future, asyncio.Task):
            self.future_names.setdefault(future, var)
        self.variables[var] = future

    def get(self, frame, var, *kinds):
        """The object that *var* is bound to, which must be of one of *kinds*."""
        if var == "$me":
            obj = asyncio.current_task(self.loop)
        elif var == "$fut":
            obj = frame.future
        else:
            obj = self.variables.get(var)
        if obj is None:
            raise UnboundVariable(var)
        if kinds and not isinstance(obj, kinds):
            raise WrongKind(var)
        return obj

    def get_future(self, frame, var):
        return self.get(frame, var, asyncio.Future)

    def get_settable(self, frame, var):
        """The same, for statements that set the future's outcome: those are
        for the futures that the program itself made."""
        future = self.get_future(frame, var)
        if future not in self.settable_futures:
            raise WrongKind(var)
        return future

    def get_items(self, frame, items):
        """Variables and {"coro": NAME} items -> futures and coroutines.

        Variables are looked up first, so that a failing look-up leaves no
        coroutine behind.
        """
        found = [
            None if isinstance(item, dict) else self.get_future(frame, item)
            for item in items
        ]
        return [
            self.coroutine(item["coro"]) if obj is None else obj
            for item, obj in zip(items, found)
        ]

    # -- coroutines and callbacks -------------------------------------------

    async def coroutine(self, name):
        """One activation of a coroutine of the program."""
        frame = Frame()
        self.begun.add(asyncio.current_task(self.loop))
        self.log(f"start {name}")
        try:
            signal = await self.run_body(self.program["coros"][name], frame)
        except CATCHABLE as exc:
            self.log_failure(f"end {name}", exc)
            raise
        value = signal.value if signal is not None else None
        self.log_outcome(f"end {name}", value)
        return value

    def _make_callback(self, name, body):
        def callback(future=None):
            suffix = "" if future is None else f" {self.name_of(future)}"
            self.log(f"run {name}{suffix}")
            frame = Frame(future)
            for statement in body:
                self.run_sync(statement, frame)

        return callback

    def _on_loop_exception(self, loop, context):
        # What the garbage collector finds is reported at any time.
        if "exception" not in context or context["message"].endswith("never retrieved"):
            return
        subject = context.get("future") or context.get("task")
        name = "" if subject is None else f" {self.name_of(subject)}"
        self.log(f"handler{name} {show_exception(context['exception'])}")

    # -- execution of statements ----------------------------------------------

    async def run_body(self, body, frame):
        """Execute statements; returns a Return, or None at the end."""
        for statement in body:
            op, *args = statement
            if op == "return":
                return Return(args[0])
            if op in COMPOUND:
                signal = await COMPOUND[op](self, frame, *args)
                if signal is not None:
                    return signal
            elif op in ASYNC:
                await self.run_async(statement, frame)
            else:
                self.run_sync(statement, frame)
        return None

    async def run_async(self, statement, frame):
        op, *args = statement
        try:
            value = await ASYNC[op](self, frame, *args)
        except CATCHABLE as exc:
            if op != "call":
                self.log_failure(label_of(statement), exc)
            raise
        self.log_outcome(label_of(statement), value)

    def run_sync(self, statement, frame):
        op, *args = statement
        try:
            value = SYNC[op](self, frame, *args)
        except CATCHABLE as exc:
            self.log_failure(label_of(statement), exc)
            raise
        self.log_outcome(label_of(statement), value)

    # -- the program as a whole -----------------------------------------------

    def run(self):
        """Run the program to its end, as asyncio.run() does."""
        runner = asyncio.Runner(loop_factory=lambda: self.loop)
        loop = runner.get_loop()
        main = loop.create_task(self.coroutine("main"), name="main", eager=False)
        self.variables["main"] = main
        try:
            loop.run_until_complete(main)
        except CATCHABLE:
            if not main.done():
                self.log_tasks("DEADLOCK", all_tasks_in_order(loop))
        self.log_tasks("SHUTDOWN", all_tasks_in_order(loop))
        label = "LEFT"
        try:
            runner.close()
        except RuntimeError:
            label = "STUCK"
        left = [task for task in self.begun if not task.done()]
        self.log_tasks(label, left)
        self.log_unretrieved()
        for var in sorted(self.variables):
            obj = self.variables[var]
            if isinstance(obj, Stream):
                continue
            if not left or (asyncio.isfuture(obj) and obj not in left):
                self.log(f"FINAL {var} = {self.show_state(obj)}")
        self.finished = True
        for stream in self.streams:
            stream.socket.close()
        return self.lines

    def log_tasks(self, label, tasks):
        """Name tasks, if there are any."""
        if tasks:
            self.log(f"{label} {show_names(map(self.name_of, tasks))}")

    def log_unretrieved(self):
        """Name the futures whose exception nobody has asked for."""
        futures = [*self.loop.tasks, *self.future_names]
        for future in sorted(futures, key=self.name_of):
            if future._log_traceback:
                exc = show_exception(future.exception())
                self.log(f"UNRETRIEVED {self.name_of(future)} {exc}")


# ---------------------------------------------------------------------------
# The statements.  Each is a function of the interpreter, the frame and the
# statement's arguments; its value is what the trace line shows.

SYNC = {}  # also allowed in callbacks
ASYNC = {}
COMPOUND = {}
ARITY = {"return": (1, 1)}  # op -> least and greatest number of arguments


def statement(table, least, greatest=None):
    """Enter the decorated function, do_OP, as statement OP of *table*."""

    def enter(function):
        op = function.__name__.removeprefix("do_")
        table[op] = function
        ARITY[op] = (least, least if greatest is None else greatest)
        return function

    return enter


# Statements whose line shows nothing of their arguments, and those that show
# the first two; all others show the first argument, if they have one.
LABEL_WITHOUT_ARGUMENT = {"raise", "wait"}
LABEL_WITH_TWO_ARGUMENTS = {"add_done_callback", "remove_done_callback"}


def label_of(statement):
    """The part of a trace line that names the statement."""
    op, *args = statement
    if op in LABEL_WITHOUT_ARGUMENT or not args:
        return op
    if op in LABEL_WITH_TWO_ARGUMENTS:
        return f"{op} {args[0]} {args[1]}"
    first = args[0]
    return f"{op} {first['coro'] if isinstance(first, dict) else first}"


# -- general ------------------------------------------------------------------


@statement(SYNC, 1)
def do_log(interp, frame, text):
    return NOTHING


@statement(SYNC, 0)
def do_time(interp, frame):
    return interp.loop.time()


@statement(SYNC, 0)
def do_current_task(interp, frame):
    return asyncio.current_task(interp.loop)


@statement(SYNC, 0)
def do_all_tasks(interp, frame):
    return sorted(task.get_name() for task in asyncio.all_tasks(interp.loop))


@statement(SYNC, 1)
def do_probe(interp, frame, var):
    return interp.show_state(interp.get(frame, var))


@statement(SYNC, 1)
def do_raise(interp, frame, spec):
    raise make_exception(spec)


@statement(SYNC, 0)
def do_reraise(interp, frame):
    if not frame.caught:
        raise RuntimeError
    raise frame.caught[-1]


@statement(ASYNC, 1)
async def do_sleep(interp, frame, delay):
    await asyncio.sleep(delay)
    return NOTHING


@statement(ASYNC, 1)
async def do_call(interp, frame, coro):
    await interp.coroutine(coro)
    return QUIET


@statement(COMPOUND, 2)
async def do_loop(interp, frame, times, body):
    for _ in range(times):
        signal = await interp.run_body(body, frame)
        if signal is not None:
            return signal
    return None


@statement(COMPOUND, 2, 3)
async def do_try(interp, frame, body, handlers, final=None):
    signal = failure = None
    try:
        try:
            signal = await interp.run_body(body, frame)
        except CATCHABLE as exc:
            for kind, handler in handlers:
                if isinstance(exc, HANDLER_CLASSES[kind]):
                    break
            else:
                raise
            interp.log(f"catch {kind} {show_exception(exc)}")
            frame.caught.append(exc)
            try:
                signal = await interp.run_body(handler, frame)
            finally:
                frame.caught.pop()
    except CATCHABLE as exc:
        failure = exc
    if final is not None:
        interp.log("finally")
        override = await interp.run_body(final, frame)
        if override is not None:
            return override
    if failure is not None:
        raise failure
    return signal


@statement(COMPOUND, 2)
async def do_with(interp, frame, var, body):
    phase, signal = "enter", None
    try:
        manager = interp.get(frame, var, *CONTEXT_MANAGERS)
        async with manager:
            interp.log(f"enter {var}")
            phase = "exit"
            signal = await interp.run_body(body, frame)
    except CATCHABLE as exc:
        interp.log_failure(f"{phase} {var}", exc)
        raise
    interp.log(f"exit {var}")
    return signal


# -- tasks and futures ----------------------------------------------------------


@statement(SYNC, 2, 3)
def do_spawn(interp, frame, var, coro, option=None):
    task = interp.loop.create_task(
        interp.coroutine(coro), name=var, eager=True if option == "eager" else None
    )
    interp.new_future(var, task)
    return NOTHING


@statement(ASYNC, 1)
async def do_await(interp, frame, var):
    return await interp.get_future(frame, var)


@statement(SYNC, 1)
def do_result(interp, frame, var):
    return interp.get_future(frame, var).result()


@statement(SYNC, 1)
def do_exception(interp, frame, var):
    return interp.get_future(frame, var).exception()


@statement(SYNC, 1, 2)
def do_cancel(interp, frame, var, message=None):
    return interp.get_future(frame, var).cancel(message)


@statement(SYNC, 1)
def do_uncancel(interp, frame, var):
    return interp.get(frame, var, asyncio.Task).uncancel()


@statement(SYNC, 1)
def do_cancelling(interp, frame, var):
    return interp.get(frame, var, asyncio.Task).cancelling()


@statement(SYNC, 1)
def do_future(interp, frame, var):
    future = interp.loop.create_future()
    interp.settable_futures.add(future)
    interp.new_future(var, future)
    return QUIET


@statement(SYNC, 2)
def do_set_result(interp, frame, var, value):
    interp.get_settable(frame, var).set_result(value)
    return NOTHING


@statement(SYNC, 2)
def do_set_exception(interp, frame, var, spec):
    interp.get_settable(frame, var).set_exception(make_exception(spec))
    return NOTHING


@statement(SYNC, 2)
def do_add_done_callback(interp, frame, var, callback):
    interp.get_future(frame, var).add_done_callback(interp.callbacks[callback])
    return NOTHING


@statement(SYNC, 2)
def do_remove_done_callback(interp, frame, var, callback):
    future = interp.get_future(frame, var)
    return future.remove_done_callback(interp.callbacks[callback])


# -- callbacks of the event loop --------------------------------------------------


@statement(SYNC, 2)
def do_call_soon(interp, frame, var, callback):
    interp.variables[var] = interp.loop.call_soon(interp.callbacks[callback])
    return NOTHING


@statement(SYNC, 2)
def do_call_soon_threadsafe(interp, frame, var, callback):
    handle = interp.loop.call_soon_threadsafe(interp.callbacks[callback])
    interp.variables[var] = handle
    return NOTHING


@statement(SYNC, 3)
def do_call_later(interp, frame, var, delay, callback):
    interp.variables[var] = interp.loop.call_later(delay, interp.callbacks[callback])
    return NOTHING


@statement(SYNC, 3)
def do_call_at(interp, frame, var, when, callback):
    interp.variables[var] = interp.loop.call_at(when, interp.callbacks[callback])
    return NOTHING


@statement(SYNC, 1)
def do_cancel_handle(interp, frame, var):
    interp.get(frame, var, asyncio.Handle).cancel()
    return NOTHING


# -- combinators ------------------------------------------------------------------


@statement(SYNC, 3)
def do_gather(interp, frame, var, items, return_exceptions):
    awaitables = interp.get_items(frame, items)
    future = asyncio.gather(*awaitables, return_exceptions=return_exceptions)
    interp.new_future(var, future)
    return NOTHING


@statement(SYNC, 2)
def do_shield(interp, frame, var, item):
    [awaitable] = interp.get_items(frame, [item])
    interp.new_future(var, asyncio.shield(awaitable))
    return NOTHING


@statement(ASYNC, 3)
async def do_wait(interp, frame, names, timeout, return_when):
    futures = [interp.get_future(frame, var) for var in names]
    done, pending = await asyncio.wait(
        futures, timeout=timeout, return_when=return_when
    )
    return WaitResult(
        f"done[{show_names(map(interp.name_of, done))}]"
        f" pending[{show_names(map(interp.name_of, pending))}]"
    )


class WaitResult(str):
    """The text that stands for the two sets that asyncio.wait returns."""


@statement(ASYNC, 2)
async def do_wait_for(interp, frame, item, timeout):
    [awaitable] = interp.get_items(frame, [item])
    return await asyncio.wait_for(awaitable, timeout)


@statement(COMPOUND, 4)
async def do_as_completed(interp, frame, var, items, timeout, body):
    label = f"next {var}"
    try:
        iterator = OrderedAsCompleted(interp.get_items(frame, items), timeout)
    except CATCHABLE as exc:
        interp.log_failure(label, exc)
        raise
    while True:
        try:
            future = await anext(iterator)
        except StopAsyncIteration:
            interp.log(f"{label} end")
            return None
        except CATCHABLE as exc:
            interp.log_failure(label, exc)
            raise
        interp.variables[var] = future
        interp.log_outcome(label, future)
        signal = await interp.run_body(body, frame)
        if signal is not None:
            return signal


# -- scopes -------------------------------------------------------------------------


@statement(SYNC, 2)
def do_timeout(interp, frame, var, delay):
    interp.variables[var] = asyncio.timeout(delay)
    return QUIET


@statement(SYNC, 2)
def do_timeout_at(interp, frame, var, when):
    interp.variables[var] = asyncio.timeout_at(when)
    return QUIET


@statement(SYNC, 2)
def do_reschedule(interp, frame, var, delay):
    when = None if delay is None else interp.loop.time() + delay
    interp.get(frame, var, asyncio.Timeout).reschedule(when)
    return NOTHING


@statement(SYNC, 2)
def do_reschedule_at(interp, frame, var, when):
    interp.get(frame, var, asyncio.Timeout).reschedule(when)
    return NOTHING


@statement(SYNC, 1)
def do_group(interp, frame, var):
    interp.variables[var] = OrderedTaskGroup()
    return QUIET


@statement(SYNC, 3)
def do_group_spawn(interp, frame, var, group, coro):
    manager = interp.get(frame, group, asyncio.TaskGroup)
    task = manager.create_task(interp.coroutine(coro), name=var)
    interp.new_future(var, task)
    return NOTHING


@statement(SYNC, 1)
def do_group_cancel(interp, frame, var):
    interp.get(frame, var, asyncio.TaskGroup).cancel()
    return NOTHING


# -- locks, events, conditions, semaphores, barriers ----------------------------------

LOCKS = (asyncio.Lock, asyncio.Condition, asyncio.Semaphore)
CONTEXT_MANAGERS = (*LOCKS, asyncio.Barrier, asyncio.Timeout, asyncio.TaskGroup)


@statement(SYNC, 1)
def do_lock(interp, frame, var):
    interp.variables[var] = asyncio.Lock()
    return QUIET


@statement(SYNC, 2)
def do_semaphore(interp, frame, var, value):
    interp.variables[var] = asyncio.Semaphore(value)
    return QUIET


@statement(SYNC, 2)
def do_bounded_semaphore(interp, frame, var, value):
    interp.variables[var] = asyncio.BoundedSemaphore(value)
    return QUIET


@statement(SYNC, 1, 2)
def do_condition(interp, frame, var, lock=None):
    if lock is not None:
        lock = interp.get(frame, lock, asyncio.Lock)
    interp.variables[var] = asyncio.Condition(lock)
    return QUIET


@statement(ASYNC, 1)
async def do_acquire(interp, frame, var):
    return await interp.get(frame, var, *LOCKS).acquire()


@statement(SYNC, 1)
def do_release(interp, frame, var):
    interp.get(frame, var, *LOCKS).release()
    return NOTHING


@statement(ASYNC, 1)
async def do_cond_wait(interp, frame, var):
    return await interp.get(frame, var, asyncio.Condition).wait()


@statement(ASYNC, 2)
async def do_cond_wait_for(interp, frame, var, event):
    condition = interp.get(frame, var, asyncio.Condition)
    event = interp.get(frame, event, asyncio.Event)

    def predicate():
        value = event.is_set()
        interp.log_outcome(f"check {var}", value)
        return value

    return await condition.wait_for(predicate)


@statement(SYNC, 2)
def do_notify(interp, frame, var, count):
    interp.get(frame, var, asyncio.Condition).notify(count)
    return NOTHING


@statement(SYNC, 1)
def do_notify_all(interp, frame, var):
    interp.get(frame, var, asyncio.Condition).notify_all()
    return NOTHING


@statement(SYNC, 1)
def do_event(interp, frame, var):
    interp.variables[var] = asyncio.Event()
    return QUIET


@statement(ASYNC, 1)
async def do_event_wait(interp, frame, var):
    return await interp.get(frame, var, asyncio.Event).wait()


@statement(SYNC, 1)
def do_event_set(interp, frame, var):
    interp.get(frame, var, asyncio.Event).set()
    return NOTHING


@statement(SYNC, 1)
def do_event_clear(interp, frame, var):
    interp.get(frame, var, asyncio.Event).clear()
    return NOTHING


@statement(SYNC, 2)
def do_barrier(interp, frame, var, parties):
    interp.variables[var] = asyncio.Barrier(parties)
    return QUIET


@statement(ASYNC, 1)
async def do_barrier_wait(interp, frame, var):
    return await interp.get(frame, var, asyncio.Barrier).wait()


@statement(ASYNC, 1)
async def do_barrier_reset(interp, frame, var):
    await interp.get(frame, var, asyncio.Barrier).reset()
    return NOTHING


@statement(ASYNC, 1)
async def do_barrier_abort(interp, frame, var):
    await interp.get(frame, var, asyncio.Barrier).abort()
    return NOTHING


# -- queues -----------------------------------------------------------------------------

QUEUE_CLASSES = {
    "fifo": asyncio.Queue,
    "priority": asyncio.PriorityQueue,
    "lifo": asyncio.LifoQueue,
}


@statement(SYNC, 3)
def do_queue(interp, frame, var, kind, maxsize):
    interp.variables[var] = QUEUE_CLASSES[kind](maxsize)
    return QUIET


@statement(ASYNC, 2)
async def do_put(interp, frame, var, item):
    await interp.get(frame, var, asyncio.Queue).put(item)
    return NOTHING


@statement(SYNC, 2)
def do_put_nowait(interp, frame, var, item):
    interp.get(frame, var, asyncio.Queue).put_nowait(item)
    return NOTHING


@statement(ASYNC, 1)
async def do_get(interp, frame, var):
    return await interp.get(frame, var, asyncio.Queue).get()


@statement(SYNC, 1)
def do_get_nowait(interp, frame, var):
    return interp.get(frame, var, asyncio.Queue).get_nowait()


@statement(SYNC, 1)
def do_task_done(interp, frame, var):
    interp.get(frame, var, asyncio.Queue).task_done()
    return NOTHING


@statement(ASYNC, 1)
async def do_join(interp, frame, var):
    await interp.get(frame, var, asyncio.Queue).join()
    return NOTHING


@statement(SYNC, 1, 2)
def do_shutdown(interp, frame, var, immediate=False):
    interp.get(frame, var, asyncio.Queue).shutdown(immediate)
    return NOTHING


# -- streams ------------------------------------------------------------------------------

END_OF_FILE = "EOF"  # what b'' stands for, where it means that nothing comes any more


@statement(SYNC, 2, 3)
def do_pair(interp, frame, left, right, limit=asyncio.streams._DEFAULT_LIMIT):
    loop = interp.loop
    readers = [MendedStreamReader(limit, loop) for _ in "lr"]
    sockets = socket.socketpair()
    streams = [Stream(loop, *parts) for parts in zip(readers, sockets)]
    interp.streams += streams
    interp.variables[left], interp.variables[right] = streams
    return QUIET


@statement(ASYNC, 2)
async def do_read(interp, frame, var, size):
    data = await interp.get(frame, var, Stream).reader.read(size)
    return data or (END_OF_FILE if size > 0 else data)


@statement(ASYNC, 1)
async def do_read_all(interp, frame, var):
    return await interp.get(frame, var, Stream).reader.read()


@statement(ASYNC, 2)
async def do_read_exactly(interp, frame, var, size):
    return await interp.get(frame, var, Stream).reader.readexactly(size)


@statement(ASYNC, 2)
async def do_read_until(interp, frame, var, separators):
    reader = interp.get(frame, var, Stream).reader
    return await reader.readuntil(tuple(map(make_data, separators)))


@statement(ASYNC, 1)
async def do_read_line(interp, frame, var):
    return await read_line(interp.get(frame, var, Stream).reader) or END_OF_FILE


async def read_line(reader):
    """A line of the reader.

    readline() turns LimitOverrunError into a ValueError without the number of
    bytes; here it is turned back, since callers had better know what happened.
    """
    try:
        return await reader.readline()
    except ValueError as exc:
        raise exc.__context__ from None


@statement(COMPOUND, 2)
async def do_lines(interp, frame, var, body):
    """async for, as StreamReader.__anext__() does it."""
    label, reader = f"line {var}", None
    while True:
        try:
            reader = reader or interp.get(frame, var, Stream).reader
            line = await read_line(reader)
        except CATCHABLE as exc:
            interp.log_failure(label, exc)
            raise
        if not line:
            interp.log(f"{label} end")
            return None
        interp.log_outcome(label, line)
        signal = await interp.run_body(body, frame)
        if signal is not None:
            return signal


@statement(SYNC, 2)
def do_write(interp, frame, var, data):
    interp.get(frame, var, Stream).writer.write(make_data(data))
    return NOTHING


@statement(SYNC, 2)
def do_write_lines(interp, frame, var, lines):
    writer = interp.get(frame, var, Stream).writer
    writer.writelines([*map(make_data, lines)])
    return NOTHING


@statement(ASYNC, 1)
async def do_drain(interp, frame, var):
    await interp.get(frame, var, Stream).writer.drain()
    return NOTHING


@statement(SYNC, 1)
def do_write_eof(interp, frame, var):
    interp.get(frame, var, Stream).writer.write_eof()
    return NOTHING


@statement(SYNC, 1)
def do_close(interp, frame, var):
    interp.get(frame, var, Stream).writer.close()
    return NOTHING


@statement(SYNC, 1)
def do_abort(interp, frame, var):
    interp.get(frame, var, Stream).transport.abort()
    return NOTHING


@statement(ASYNC, 1)
async def do_wait_closed(interp, frame, var):
    await interp.get(frame, var, Stream).writer.wait_closed()
    return NOTHING


@statement(SYNC, 3)
def do_write_limits(interp, frame, var, high, low):
    stream = interp.get(frame, var, Stream)
    stream.transport.set_write_buffer_limits(high, low)
    low, high = stream.transport.get_write_buffer_limits()
    return [low, high]


@statement(SYNC, 1)
def do_pause_reading(interp, frame, var):
    interp.get(frame, var, Stream).transport.pause_reading()
    return NOTHING


@statement(SYNC, 1)
def do_resume_reading(interp, frame, var):
    interp.get(frame, var, Stream).transport.resume_reading()
    return NOTHING


@statement(SYNC, 2)
def do_fail_reading(interp, frame, var, spec):
    interp.get(frame, var, Stream).reader.set_exception(make_exception(spec))
    return NOTHING


# ---------------------------------------------------------------------------
# Well-formedness.


def validate(program):
    """Raise ProgramError for a program that no interpreter need accept.

    Returns the set of the operations that it uses.
    """
    coros, callbacks = program.get("coros", {}), program.get("callbacks", {})
    ops = set()
    if "main" not in coros:
        raise ProgramError("no coroutine main")

    def check(condition, statement):
        if not condition:
            raise ProgramError(f"{program.get('name')}: bad statement {statement}")

    def walk(body, in_coroutine):
        for statement in body:
            op, *args = statement
            check(op in ARITY, statement)
            ops.add(op)
            least, greatest = ARITY[op]
            check(least <= len(args) <= greatest, statement)
            check(in_coroutine or op in SYNC, statement)
            if op == "pair":
                check(args[2:] != [0], statement)
            if op in ("spawn", "call", "group_spawn"):
                check(args[{"spawn": 1, "call": 0, "group_spawn": 2}[op]] in coros,
                      statement)
            elif op in ("gather", "as_completed", "shield", "wait_for"):
                items = args[1] if op != "wait_for" else args[0]
                for item in items if isinstance(items, list) else [items]:
                    check(not isinstance(item, dict) or item["coro"] in coros,
                          statement)
            elif op.startswith("call_") or op.endswith("_done_callback"):
                check(args[-1] in callbacks, statement)
            if op in ("loop", "with", "lines"):
                walk(args[1], in_coroutine)
            elif op == "as_completed":
                walk(args[3], in_coroutine)
            elif op == "try":
                walk(args[0], in_coroutine)
                for kind, handler in args[1]:
                    check(kind in HANDLER_CLASSES, statement)
                    walk(handler, in_coroutine)
                walk(args[2] if len(args) > 2 else [], in_coroutine)

    for body in coros.values():
        walk(body, True)
    for body in callbacks.values():
        walk(body, False)
    return ops


def needs_sockets(program):
    return "pair" in validate(program)


# ---------------------------------------------------------------------------
# Command line.


def run_program(program):
    """The trace of *program*, as a list of lines."""
    return Interpreter(program).run()


def quiet_process():
    """Keep the garbage of finished programs from making noise or from
    being collected in the middle of another program."""
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _: None
    logging.getLogger("asyncio").disabled = True
    gc.disable()


def load_cases(path):
    """The (program, golden trace or None) pairs of a file.

    A .json file holds one program, whose golden trace is in the .trace file of
    the same name.  A .jsonl file holds a program a line, or, as the corpus
    does, {"program": ..., "trace": ...} a line; it may be compressed (.gz).
    """
    path = pathlib.Path(path)
    data = path.read_bytes()
    if path.suffix == ".gz":
        path, data = path.with_suffix(""), gzip.decompress(data)
    text = data.decode("utf-8")
    if path.suffix == ".jsonl":
        for line in text.splitlines():
            entry = json.loads(line)
            yield entry.get("program", entry), entry.get("trace")
    else:
        golden = path.with_suffix(".trace")
        trace = golden.read_text("utf-8").splitlines() if golden.exists() else None
        yield json.loads(text), trace


def load_programs(path):
    """The programs of a file, one after the other."""
    for program, _ in load_cases(path):
        yield program


def run_batch(source, target):
    with open(target, "w", encoding="utf-8") as out:
        for number, program in enumerate(load_programs(source), 1):
            trace = run_program(program)
            line = {"name": program["name"], "trace": trace}
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
            if number % 100 == 0:
                gc.collect()


def run_pipe():
    for number, line in enumerate(sys.stdin, 1):
        program = json.loads(line)
        answer = {"program": program, "trace": run_program(program)}
        sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
        if number % 100 == 0:
            gc.collect()


def selfcheck(paths):
    """Compare the traces of several fresh processes; returns the exit status."""
    cases = [case for path in paths for case in load_cases(path)]
    if not HAS_SOCKETS:
        count = len(cases)
        cases = [case for case in cases if not needs_sockets(case[0])]
        print(f"without sockets: {count - len(cases)} programs are left out")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "programs.jsonl")
        target = os.path.join(folder, "traces.jsonl")
        with open(source, "w", encoding="utf-8") as out:
            for program, _ in cases:
                out.write(json.dumps(program) + "\n")
        for label, options, seed in (
            ("hash seed 0", [], "0"),
            ("hash seed 1", [], "1"),
            ("hash seed 4242", [], "4242"),
            ("pure Python, hash seed 7", ["--pure"], "7"),
        ):
            subprocess.run(
                [sys.executable, __file__, *options, "--batch", source, target],
                env={**os.environ, "PYTHONHASHSEED": seed},
                check=True,
            )
            lines = pathlib.Path(target).read_text(encoding="utf-8").splitlines()
            results[label] = [json.loads(line)["trace"] for line in lines]
    (first_label, first), *others = results.items()
    differences = 0
    golden = 0
    for number, (program, trace) in enumerate(cases):
        for label, traces in others:
            if traces[number] != first[number]:
                print(f"{program['name']}: {label} differs from {first_label}")
                differences += 1
        if trace is not None:
            golden += 1
            if trace != first[number]:
                print(f"{program['name']}: {first_label} differs from the golden trace")
                differences += 1
    print(
        f"{len(cases)} programs, {golden} with golden traces,"
        f" {len(results)} runs of each: {differences} differences"
    )
    return 1 if differences else 0


def main(argv):
    if len(argv) == 3 and argv[0] == "--batch":
        quiet_process()
        run_batch(argv[1], argv[2])
        return 0
    if argv == ["--pipe"]:
        quiet_process()
        run_pipe()
        return 0
    if len(argv) >= 2 and argv[0] == "--selfcheck":
        return selfcheck(argv[1:])
    if len(argv) == 1 and not argv[0].startswith("-"):
        quiet_process()
        for program in load_programs(argv[0]):
            print("\n".join(run_program(program)))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
