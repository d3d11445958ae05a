"""Prints how many iterations CPython's asyncio takes from the end of main to the end of run().

They are counted by generations: a callback that schedules itself again is called once in each iteration. The numbers of
TestRunShutdownTakesAsManyIterationsAsCPython are what this prints, with 3.13.0 and with 3.14.2:

    python3.13 run_shutdown.py
"""

import asyncio
import concurrent.futures
import sys
import threading


class Selector:
    """Stands where the loop's I/O selector stands: nothing comes from outside but what threads schedule."""

    def __init__(self, loop):
        self.loop = loop
        self.sleeping = threading.Event()
        self.woken = threading.Event()
        self.on_wake = None

    def select(self, timeout):
        if timeout != 0 and not self.loop._ready:
            self.sleeping.set()
            self.woken.wait(timeout)
            if self.on_wake:
                self.on_wake()
                self.on_wake = None
        self.woken.clear()
        return []


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = Selector(self)
        self.set_exception_handler(lambda loop, context: None)

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        self._selector.woken.set()


class Executor(concurrent.futures.ThreadPoolExecutor):
    """Its shutdown ends while the loop sleeps."""

    def __init__(self, loop):
        super().__init__()
        self.selector = loop._selector

    def shutdown(self, wait=True, **options):
        if wait:
            self.selector.sleeping.wait()
        super().shutdown(wait, **options)


class Count:
    """Counts the iterations of the loop, by a callback that schedules itself again."""

    def __init__(self):
        self.n = 0

    def begin(self):
        loop = asyncio.get_running_loop()

        def generation():
            self.n += 1
            loop.call_soon(generation)
        loop.call_soon(generation)


class Steps:
    """Counts the steps of a task that never ends."""

    def __init__(self):
        self.n = 0

    async def run(self):
        while True:
            self.n += 1
            await asyncio.sleep(0)


async def forever():
    await asyncio.get_running_loop().create_future()


async def cleans_up(steps):
    try:
        await forever()
    finally:
        for _ in range(steps):
            await asyncio.sleep(0)


async def swallows(steps):
    try:
        await cleans_up(steps)
    except asyncio.CancelledError:
        pass


async def fails(error):
    try:
        await forever()
    except asyncio.CancelledError:
        raise error


async def bears(child):
    try:
        await forever()
    finally:
        asyncio.create_task(child)


async def idle():
    await asyncio.sleep(0)  # what was created begins


def nothing_left(count, steps):
    async def main():
        count.begin()
    return main()


def one_left(count, steps):
    async def main():
        left = asyncio.create_task(forever())
        await idle()
        count.begin()
        return left
    return main()


def one_left_that_has_not_begun(count, steps):
    async def main():
        count.begin()
        asyncio.create_task(forever())
    return main()


def two_left(count, steps):
    async def main():
        asyncio.create_task(cleans_up(3))
        asyncio.create_task(cleans_up(1))
        await idle()
        count.begin()
    return main()


def swallowing(count, steps):
    async def main():
        asyncio.create_task(swallows(2))
        await idle()
        count.begin()
    return main()


def failing_at_its_end(count, steps):
    async def main():
        asyncio.create_task(fails(ValueError()))
        await idle()
        count.begin()
    return main()


def exit_at_its_end(count, steps):
    async def main():
        asyncio.create_task(fails(SystemExit(3)))
        await idle()
        count.begin()
    return main()


def failing_main_and_exit_at_its_end(count, steps):
    async def main():
        asyncio.create_task(fails(SystemExit(3)))
        await idle()
        count.begin()
        raise ValueError
    return main()


def failing_main(count, steps):
    async def main():
        count.begin()
        raise ValueError
    return main()


def cancelled_main(count, steps):
    async def main():
        count.begin()
        asyncio.current_task().cancel()
        await forever()
    return main()


def interrupt_in_main(count, steps):
    async def main():
        count.begin()
        raise KeyboardInterrupt
    return main()


def interrupt_in_main_with_one_left(count, steps):
    async def main():
        asyncio.create_task(forever())
        await idle()
        count.begin()
        raise KeyboardInterrupt
    return main()


def interrupt_in_another_task(count, steps):
    async def other():
        count.begin()
        raise KeyboardInterrupt

    async def main():
        asyncio.create_task(other())
        await forever()
    return main()


def interrupt_in_a_callback(count, steps):
    def callback():
        count.begin()
        raise KeyboardInterrupt

    async def main():
        asyncio.get_running_loop().call_soon(callback)
        await forever()
    return main()


def stopped(count, steps):
    async def main():
        asyncio.get_running_loop().stop()
        count.begin()
        await forever()
    return main()


def stopped_in_the_shutdown(count, steps):
    async def stops():
        try:
            await forever()
        finally:
            asyncio.get_running_loop().stop()
            await idle()

    async def main():
        asyncio.create_task(stops())
        await idle()
        count.begin()
    return main()


def born_at_the_end_of_main(count, steps):
    async def main():
        asyncio.create_task(bears(steps.run()))
        await idle()
        count.begin()
    return main()


def born_in_a_long_cleanup(count, steps):
    async def parent():
        try:
            await forever()
        finally:
            asyncio.create_task(steps.run())
            await cleans_up_at_once(3)

    async def cleans_up_at_once(n):
        for _ in range(n):
            await asyncio.sleep(0)

    async def main():
        asyncio.create_task(parent())
        await idle()
        count.begin()
    return main()


def born_in_a_callback_of_the_cleanup(count, steps):
    async def main():
        task = asyncio.create_task(forever())
        task.add_done_callback(lambda _: asyncio.create_task(steps.run()))
        await idle()
        count.begin()
    return main()


def eager_factory(count, steps):
    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        asyncio.create_task(bears(steps.run()))
        count.begin()
    return main()


def executor_used(count, steps):
    """Counts from when the executor has shut down."""
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Executor(loop))
        await loop.run_in_executor(None, lambda: None)
        loop._selector.sleeping.clear()
        loop._selector.on_wake = count.begin
    return main()


def executor_used_and_a_task_born(count, steps):
    """Counts from when the executor has shut down."""
    async def waits(woken):
        await woken
        await steps.run()

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Executor(loop))
        await loop.run_in_executor(None, lambda: None)
        woken = loop.create_future()
        asyncio.create_task(bears(waits(woken)))
        await idle()
        loop._selector.sleeping.clear()

        def on_wake():
            count.begin()
            woken.set_result(None)
        loop._selector.on_wake = on_wake
    return main()


def executor_shut_down_by_main(count, steps):
    """Counts from when the executor has shut down for the second time."""
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_default_executor(Executor(loop))
        await loop.run_in_executor(None, lambda: None)
        loop._selector.sleeping.clear()
        await loop.shutdown_default_executor()
        loop._selector.sleeping.clear()
        loop._selector.on_wake = count.begin
    return main()


def no_executor_to_shut_down(count, steps):
    async def main():
        count.begin()
        await asyncio.get_running_loop().shutdown_default_executor()
    return main()


def measure(situation):
    count, steps = Count(), Steps()
    outcome = "none"
    try:
        asyncio.run(situation(count, steps), loop_factory=Loop)
    except BaseException as error:
        outcome = type(error).__name__
    print(f"{situation.__name__}: {count.n} generations, {steps.n} steps, error: {outcome}", flush=True)


def runs_in_a_row():
    """Counts the iterations of each run of a Runner, then those of closing it."""
    counts, last = [], 0
    count = Count()

    async def first():
        count.begin()

    async def awaits(aw):
        return await aw

    with asyncio.Runner(loop_factory=Loop) as runner:
        done = runner.get_loop().create_future()
        done.set_result(None)
        for run in (lambda: runner.run(first()), lambda: runner.run(idle()),
                    lambda: runner.get_loop().run_until_complete(done), lambda: runner.run(awaits(done))):
            run()
            counts.append(count.n - last)
            last = count.n
    counts.append(count.n - last)
    print("runs_in_a_row:", counts)


if __name__ == "__main__":
    print(sys.version)
    for value in list(globals().values()):
        if getattr(value, "__code__", None) and value.__code__.co_varnames[:2] == ("count", "steps"):
            if sys.platform != "emscripten" or "executor" not in value.__name__:
                measure(value)
    runs_in_a_row()
