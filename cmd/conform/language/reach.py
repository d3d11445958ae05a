#!/usr/bin/env python3
"""Which lines of asyncio do the scenario programs reach?

    reach.py FILE...            (.json, .jsonl or .jsonl.gz files)

runs the programs on the pure-Python classes of asyncio and lists, for the
modules whose behaviour the port reproduces, the lines inside functions that
no program reached.  Lines of functions that are outside the port's scope (see
OUT_OF_SCOPE) are counted apart.
"""

import sys

sys.modules["_asyncio"] = None  # before asyncio is imported: no C classes

import asyncio
import collections
import inspect
import types

import reference

MODULES = ("tasks", "futures", "timeouts", "taskgroups", "locks", "queues",
           "base_events", "events", "streams", "selector_events", "transports")

# Representations, debugging, garbage collection, threads, network input and
# output, subprocesses, event loop policies, and what a program on a single
# loop cannot touch.
OUT_OF_SCOPE = {
    "*": {"__repr__", "__str__", "__del__", "_format", "_repr_info", "<genexpr>"},
    "tasks": {
        "Task.get_coro", "Task.get_context", "Task.set_name", "Task.get_stack",
        "Task.print_stack", "Task.set_result", "Task.set_exception", "Task.__del__",
        "run_coroutine_threadsafe", "run_coroutine_threadsafe.<locals>.callback",
        "create_eager_task_factory", "create_eager_task_factory.<locals>.factory",
        "ensure_future.<locals>._wrap_awaitable",
        "_AsCompletedIterator.__iter__", "_AsCompletedIterator.__next__",
        "_AsCompletedIterator.__aiter__", "_AsCompletedIterator.__init__",
        "as_completed", "_unregister_task", "create_task",
    },
    "futures": {
        "Future._log_traceback", "_set_concurrent_future_state",
        "_copy_future_state", "_chain_future", "wrap_future",
        "_convert_future_exc", "_chain_future.<locals>._set_state",
        "_chain_future.<locals>._call_check_cancel",
        "_chain_future.<locals>._call_set_state",
    },
    "events": {
        "TimerHandle.__hash__", "TimerHandle.__le__", "TimerHandle.__gt__",
        "TimerHandle.__ge__", "TimerHandle.__eq__", "TimerHandle.__lt__",
    },
    # Also what reference.py has in the place of asyncio's: see "Mended streams".
    "streams": {
        "StreamReader.read", "StreamReader.readuntil", "StreamReader._wakeup_waiter",
        "StreamReader.set_exception", "StreamReader.__aiter__",
        "StreamReader.__anext__", "StreamReaderProtocol._get_close_waiter",
        "StreamReaderProtocol._replace_transport",
        "StreamReaderProtocol.connection_made.<locals>.callback",
        "FlowControlMixin._get_close_waiter", "StreamWriter.start_tls",
        "StreamWriter.transport", "StreamWriter.can_write_eof",
        "StreamWriter.get_extra_info", "StreamWriter.is_closing",
    },
    "selector_events": {
        "_SelectorTransport.get_protocol",
        "_SelectorSocketTransport._read_ready__get_buffer",
        "_SelectorSocketTransport._write_send", "_SelectorSocketTransport.writelines",
        "_SelectorSocketTransport.can_write_eof",
        "_SelectorSocketTransport._make_empty_waiter",
        "_SelectorSocketTransport._reset_empty_waiter",
    },
}
CLASSES_IN_SCOPE = {
    "events": ("Handle.", "TimerHandle."),
    "streams": ("FlowControlMixin.", "Stream"),
    "selector_events": ("_SelectorTransport.", "_SelectorSocketTransport."),
    "transports": ("_FlowControlMixin.",),
}
BASE_EVENTS_IN_SCOPE = {
    "BaseEventLoop.create_future", "BaseEventLoop.run_forever",
    "BaseEventLoop.stop", "BaseEventLoop.call_later", "BaseEventLoop.call_soon",
    "BaseEventLoop._call_soon", "BaseEventLoop.call_soon_threadsafe",
    "BaseEventLoop.call_exception_handler", "BaseEventLoop._timer_handle_cancelled",
    "BaseEventLoop._run_once",
}


def in_scope(module, name):
    if name in OUT_OF_SCOPE.get(module, ()):
        return False
    if name.rpartition(".")[2] in OUT_OF_SCOPE["*"]:
        return False
    if module == "base_events":
        return name in BASE_EVENTS_IN_SCOPE
    return name.startswith(CLASSES_IN_SCOPE.get(module, ""))


def functions(code):
    """The code objects of the functions defined in *code*, at any depth."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_flags & 0x2:  # CO_NEWLOCALS: a function, not a class
                yield constant
            yield from functions(constant)


def module_lines(module):
    """{function name: lines of its body} of one module of asyncio."""
    module = sys.modules[f"asyncio.{module}"]
    path = module.__file__
    source = inspect.getsource(module)  # it may be in an archive
    found = collections.defaultdict(set)
    for code in functions(compile(source, path, "exec")):
        lines = {line for _, _, line in code.co_lines() if line}
        found[code.co_qualname] |= lines - {code.co_firstlineno}
    return path, source.splitlines(), found


def main(paths):
    modules = {name: module_lines(name) for name in MODULES}
    reached = {path: set() for path, _, _ in modules.values()}

    monitoring = sys.monitoring
    tool = monitoring.COVERAGE_ID
    monitoring.use_tool_id(tool, "reach")

    def on_line(code, line):
        if code.co_filename in reached:
            reached[code.co_filename].add(line)
        return monitoring.DISABLE

    monitoring.register_callback(tool, monitoring.events.LINE, on_line)
    reference.quiet_process()
    programs = [p for path in paths for p in reference.load_programs(path)]
    monitoring.set_events(tool, monitoring.events.LINE)
    for program in programs:
        reference.run_program(program)
    monitoring.set_events(tool, 0)

    for module, (path, source, by_function) in modules.items():
        total = hit = outside = 0
        missing = []
        for name, lines in by_function.items():
            if not in_scope(module, name):
                outside += len(lines - reached[path])
                continue
            total += len(lines)
            hit += len(lines & reached[path])
            missing += [(line, name) for line in lines - reached[path]]
        print(f"{module}.py: {hit} of {total} lines in scope reached"
              f" ({outside} unreached lines out of scope)")
        for line, name in sorted(missing):
            print(f"    {line:5} {name}: {source[line - 1].strip()}")


if __name__ == "__main__":
    main(sys.argv[1:])
