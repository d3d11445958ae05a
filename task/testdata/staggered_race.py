"""Prints how many iterations staggered_race takes in CPython 3.14, and what it ends with."""
import asyncio
import sys
from asyncio.staggered import staggered_race


class Selector:
    def select(self, timeout):
        return []


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = Selector()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass


async def gives(steps, value):
    for _ in range(steps):
        await asyncio.sleep(0)
    return value


async def fails(steps):
    await gives(steps, None)
    raise ValueError


async def forever():
    await asyncio.get_running_loop().create_future()


async def cleans_up(steps):
    try:
        await forever()
    finally:
        await gives(steps, None)


CASES = {
    "nobody": ([], None),
    "a winner at once": ([lambda: gives(0, 1)], None),
    "a winner after 2 steps": ([lambda: gives(2, 1)], None),
    "a failure, then a winner": ([lambda: fails(0), lambda: gives(0, 1)], None),
    "two failures": ([lambda: fails(1), lambda: fails(2)], None),
    "no delay": ([lambda: gives(9, 1), lambda: gives(1, 2), lambda: gives(9, 3)], 0),
    "no delay, and a loser that cleans up": ([lambda: cleans_up(3), lambda: gives(1, 2)], 0),
    "an hour, and a failure": ([lambda: fails(1), lambda: gives(1, 2)], 3600),
    "a factory that fails": ([lambda: fails(0), lambda: gives(0, 1)], None),
    "cancelled": ([lambda: cleans_up(2)], None),
    "cancelled twice": ([lambda: cleans_up(9)], None),
    "cancelled, and a winner": ([lambda: swallows()], None),
}


async def swallows():
    try:
        await forever()
    except asyncio.CancelledError:
        return 1


async def measure(name, coros, delay):
    loop = asyncio.get_running_loop()
    n = 0

    def generation():
        nonlocal n, handle
        n += 1
        handle = loop.call_soon(generation)
    handle = loop.call_soon(generation)
    if name == "a factory that fails":
        made = 0

        def factory(loop, coro, **kwargs):
            nonlocal made
            made += 1
            if made == 3:
                coro.close()
                raise KeyError
            return task_of(loop, coro, **kwargs)
        old = loop.get_task_factory()
        task_of = old or (lambda loop, coro, **kw: asyncio.Task(coro, loop=loop, **kw))
        loop.set_task_factory(factory)
    me = asyncio.current_task()

    def later(n, fn):
        if n:
            loop.call_soon(later, n - 1, fn)
        else:
            fn()
    if name.startswith("cancelled"):
        later(5, lambda: me.cancel("one"))
    if name == "cancelled twice":
        later(8, lambda: me.cancel("two"))
    try:
        value, index, errors = await staggered_race(coros, delay)
        outcome = f"winner {value}, index {index}, errors {[type(e).__name__ for e in errors]}"
    except BaseException as e:
        outcome = repr(e)
    handle.cancel()
    if name == "a factory that fails":
        loop.set_task_factory(old)
    while me.cancelling():
        me.uncancel()
    print(f"{name}: {n} iterations, {outcome}")


async def main():
    loop = asyncio.get_running_loop()
    for factory in None, asyncio.eager_task_factory:
        loop.set_task_factory(factory)
        print("eager" if factory else "lazy")
        for name, (coros, delay) in CASES.items():
            await asyncio.wait_for(measure(name, coros, delay), 5)


if __name__ == "__main__":
    print(sys.version)
    asyncio.run(main(), loop_factory=Loop)
