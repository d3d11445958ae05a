"""loopbench's workloads on Python's asyncio.

Started with "uvloop" among its arguments it uses uvloop's event loop, with "eager" asyncio's eager task factory.
It says hello in one line of JSON, then answers each line of JSON (what to do, how much) with one (what it
measured), until its standard input ends. Every request gets an event loop of its own.
"""
import asyncio
import gc
import json
import resource
import socket
import subprocess
import sys
import threading
import time
import os


class Stopwatch:
    """Runs during the part of a workload that is measured."""

    def __init__(self, metric):
        self.read = {"wall": time.perf_counter_ns, "latency": time.perf_counter_ns, "cpu": cpu_ns, "resident": resident_bytes}[metric]
        self.total = 0
        self.ops = 0
        self.latencies = []

    def start(self):
        gc.collect()
        self.began = self.read()

    def stop(self, ops):
        self.total += self.read() - self.began
        self.ops += ops


def cpu_ns():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int((used.ru_utime + used.ru_stime) * 1e9)


def resident_bytes():
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) * 1024


class Random:
    """The generator that all peers use."""

    def __init__(self):
        self.state = 42

    def between(self, low, high):
        self.state = self.state * 16807 % 2147483647
        return low + self.state / 2147483647 * (high - low)


class Params:
    def __init__(self, ops, width, span_ns, **_):
        self.ops, self.width, self.span = ops, width, span_ns / 1e9

    @property
    def batches(self):
        return max(1, -(-self.ops // self.width))


async def nop():
    return 1


async def call_soon_chain(p, watch):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = p.ops

    def step():
        nonlocal left
        left -= 1
        if left > 0:
            loop.call_soon(step)
        else:
            done.set_result(None)

    watch.start()
    loop.call_soon(step)
    await done
    watch.stop(p.ops - left)


async def call_soon_batch(p, watch):
    loop = asyncio.get_running_loop()
    ran = 0

    def callback():
        nonlocal ran
        ran += 1
        if ran % p.width == 0:
            done.set_result(None)

    watch.start()
    for _ in range(p.batches):
        done = loop.create_future()
        for _ in range(p.width):
            loop.call_soon(callback)
        await done
    watch.stop(ran)


async def timer_add_cancel(p, watch):
    loop = asyncio.get_running_loop()
    random = Random()
    watch.start()
    for _ in range(p.batches):
        live = [loop.call_later(random.between(1, 3601), print) for _ in range(p.width)]
        for timer in live:
            timer.cancel()
        await asyncio.sleep(0)
    watch.stop(p.batches * p.width)


async def timer_fire(p, watch):
    loop = asyncio.get_running_loop()
    random = Random()
    fired = 0

    def fire():
        nonlocal fired
        fired += 1
        if fired % p.width == 0:
            done.set_result(None)

    watch.start()
    for _ in range(p.batches):
        done = loop.create_future()
        start = loop.time()
        for _ in range(p.width):
            loop.call_at(start + random.between(p.span / 2, p.span * 3 / 2), fire)
        await done
    watch.stop(fired)


async def sleep_accuracy(p, watch):
    random = Random()
    watch.start()
    for _ in range(p.ops):
        d = random.between(p.span / 10, p.span)
        start = time.perf_counter_ns()
        await asyncio.sleep(d)
        watch.latencies.append(time.perf_counter_ns() - start - int(d * 1e9))
    watch.stop(p.ops)


async def yield_steps(p, watch):
    loop = asyncio.get_running_loop()
    steps = p.batches
    finished = loop.create_future()
    running = p.width
    done = 0

    async def worker():
        nonlocal running, done
        for _ in range(steps):
            await asyncio.sleep(0)
        done += steps
        running -= 1
        if running == 0:
            finished.set_result(None)

    tasks = [asyncio.create_task(worker()) for _ in range(p.width)]
    await asyncio.sleep(0)
    watch.start()
    await finished
    watch.stop(done)
    await asyncio.gather(*tasks)


async def create_await(p, watch):
    done = 0
    watch.start()
    for _ in range(p.ops):
        done += await asyncio.create_task(nop())
    watch.stop(done)


async def gather_nop(p, watch):
    ran = 0
    watch.start()
    for _ in range(p.batches):
        ran += sum(await asyncio.gather(*[nop() for _ in range(p.width)]))
    watch.stop(ran)


async def taskgroup_nop(p, watch):
    ran = 0

    async def child():
        nonlocal ran
        ran += 1

    watch.start()
    for _ in range(p.batches):
        async with asyncio.TaskGroup() as group:
            for _ in range(p.width):
                group.create_task(child())
    watch.stop(ran)


async def async_tree_none(p, watch):
    levels, tasks = 1, 6
    while tasks + 6 ** (levels + 1) <= p.width:
        levels += 1
        tasks += 6**levels
    ran = 0

    async def node(level):
        nonlocal ran
        ran += 1
        if level > 0:
            await asyncio.gather(*[node(level - 1) for _ in range(6)])

    watch.start()
    for _ in range(p.ops):
        await node(levels)
    watch.stop(ran // (tasks + 1))


async def future_pingpong(p, watch):
    loop = asyncio.get_running_loop()
    ping, pong = loop.create_future(), None

    async def answer():
        nonlocal ping
        for _ in range(p.ops):
            v = await ping
            ping = loop.create_future()
            pong.set_result(v)

    other = asyncio.create_task(answer())
    await asyncio.sleep(0)
    trips = 0
    watch.start()
    for i in range(p.ops):
        pong = loop.create_future()
        ping.set_result(i)
        if await pong == i:
            trips += 1
    watch.stop(trips)
    await other


async def event_fanout(p, watch):
    loop = asyncio.get_running_loop()
    for _ in range(p.batches):
        event = asyncio.Event()
        finished = loop.create_future()
        woken = 0

        async def waiter():
            nonlocal woken
            await event.wait()
            woken += 1
            if woken == p.width:
                finished.set_result(None)

        tasks = [asyncio.create_task(waiter()) for _ in range(p.width)]
        await asyncio.sleep(0)
        watch.start()
        event.set()
        await finished
        watch.stop(woken)
        await asyncio.gather(*tasks)


async def cancel_storm(p, watch):
    cancelled = 0
    watch.start()
    for _ in range(p.batches):
        tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(p.width)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        cancelled += sum(task.cancelled() for task in tasks)
    watch.stop(cancelled)


async def wait_for_nofire(p, watch):
    async def step():
        await asyncio.sleep(0)
        return 1

    done = 0
    watch.start()
    for _ in range(p.ops):
        done += await asyncio.wait_for(step(), 60)
    watch.stop(done)


async def contend(p, watch, lock):
    each = p.batches
    done = 0

    async def worker():
        nonlocal done
        for _ in range(each):
            async with lock:
                await asyncio.sleep(0)
        done += each

    watch.start()
    await asyncio.gather(*[worker() for _ in range(p.width)])
    watch.stop(done)


async def lock_contended(p, watch):
    await contend(p, watch, asyncio.Lock())


async def semaphore_contended(p, watch):
    await contend(p, watch, asyncio.Semaphore(10))


async def condition_pingpong(p, watch):
    cond = asyncio.Condition()
    turn = 0

    async def play(me):
        nonlocal turn
        rounds = 0
        for _ in range(p.ops):
            async with cond:
                while turn != me:
                    await cond.wait()
                turn = 1 - me
                rounds += 1
                cond.notify()
        return rounds

    watch.start()
    other = asyncio.create_task(play(1))
    await play(0)
    watch.stop(await other)


async def queue_pingpong(p, watch):
    ping, pong = asyncio.Queue(1), asyncio.Queue(1)

    async def answer():
        for _ in range(p.ops):
            await pong.put(await ping.get())

    other = asyncio.create_task(answer())
    trips = 0
    watch.start()
    for i in range(p.ops):
        await ping.put(i)
        if await pong.get() == i:
            trips += 1
    watch.stop(trips)
    await other


async def queue_throughput(p, watch):
    queue = asyncio.Queue(p.width)

    async def produce():
        for i in range(p.ops):
            await queue.put(i)

    got = 0
    watch.start()
    producer = asyncio.create_task(produce())
    for _ in range(p.ops):
        await queue.get()
        got += 1
    watch.stop(got)
    await producer


async def barrier_rounds(p, watch):
    barrier = asyncio.Barrier(p.width)
    rounds = 0

    async def party():
        nonlocal rounds
        for _ in range(p.ops):
            if await barrier.wait() == 0:
                rounds += 1

    watch.start()
    await asyncio.gather(*[party() for _ in range(p.width)])
    watch.stop(rounds)


async def threadsafe_roundtrip(p, watch):
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def client():
        total = 0
        watch.start()
        for _ in range(p.ops):
            start = time.perf_counter_ns()
            total += asyncio.run_coroutine_threadsafe(nop(), loop).result()
            watch.latencies.append(time.perf_counter_ns() - start)
        watch.stop(total)
        loop.call_soon_threadsafe(done.set_result, None)

    thread = threading.Thread(target=client)
    thread.start()
    await done
    thread.join()


async def threadsafe_throughput(p, watch):
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    each = p.batches
    ran = 0
    gate = threading.Event()

    def callback():
        nonlocal ran
        ran += 1
        if ran == each * p.width:
            done.set_result(None)

    def produce():
        gate.wait()
        for _ in range(each):
            loop.call_soon_threadsafe(callback)

    threads = [threading.Thread(target=produce) for _ in range(p.width)]
    for thread in threads:
        thread.start()
    watch.start()
    gate.set()
    await done
    watch.stop(ran)
    for thread in threads:
        thread.join()


async def to_thread_roundtrip(p, watch):
    def one():
        return 1

    done = 0
    watch.start()
    for _ in range(p.ops):
        start = time.perf_counter_ns()
        done += await asyncio.to_thread(one)
        watch.latencies.append(time.perf_counter_ns() - start)
    watch.stop(done)


async def memory_parked(p, watch):
    pending = asyncio.get_running_loop().create_future()

    async def parked():
        await pending

    watch.start()
    tasks = [asyncio.create_task(parked()) for _ in range(p.width)]
    await asyncio.sleep(0)
    watch.stop(len(tasks))
    pending.set_result(None)
    await asyncio.gather(*tasks)


async def stream_cancel(p, watch):
    pairs = [socket.socketpair() for _ in range(p.width)]
    streams = [await asyncio.open_connection(sock=near) for near, _ in pairs]
    waiting = p.width
    waited = asyncio.get_running_loop().create_future()
    timed_out = 0

    async def read(reader):
        nonlocal timed_out, waiting
        for _ in range(p.batches):
            try:
                async with asyncio.timeout(p.span):
                    await reader.read(1)
            except TimeoutError:
                timed_out += 1
        waiting -= 1
        if waiting == 0:
            waited.set_result(timed_out)
        while True:
            try:
                async with asyncio.timeout(p.span):
                    return await reader.read(1)
            except TimeoutError:
                pass

    watch.start()
    readers = [asyncio.create_task(read(reader)) for reader, _ in streams]
    done = await waited
    for _, far in pairs:
        far.send(b"\x01")
    await asyncio.gather(*readers)
    watch.stop(done)
    for (_, writer), (_, far) in zip(streams, pairs):
        writer.close()
        far.close()


async def pair_echo(p, watch):
    left, right = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=left)

    async def echo():
        reader, writer = await asyncio.open_connection(sock=right)
        try:
            while True:
                writer.write(await reader.readexactly(1024))
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    other = asyncio.create_task(echo())
    message = bytes(1024)
    trips = 0
    watch.start()
    for _ in range(p.ops):
        writer.write(message)
        await writer.drain()
        trips += await reader.readexactly(1024) == message
    watch.stop(trips)
    writer.close()
    await other


WORKLOADS = {
    "yield": yield_steps,
    **{
        f.__name__: f
        for f in (
            call_soon_chain, call_soon_batch, timer_add_cancel, timer_fire, create_await, gather_nop, taskgroup_nop,
            async_tree_none, future_pingpong, event_fanout, cancel_storm, wait_for_nofire, lock_contended,
            semaphore_contended, condition_pingpong, queue_pingpong, queue_throughput, barrier_rounds,
            threadsafe_roundtrip, threadsafe_throughput, to_thread_roundtrip, sleep_accuracy, memory_parked,
            stream_cancel, pair_echo,
        )
    },
}


def measure(request):
    watch = Stopwatch(request["metric"])
    params = Params(**request["params"])

    async def main():
        if "eager" in sys.argv:
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        await WORKLOADS[request["workload"]](params, watch)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    return {"ops": watch.ops, "total": watch.total, "latencies": watch.latencies}


new_loop = asyncio.new_event_loop
version = "%s %d.%d.%d" % (sys.implementation.name.replace("cpython", "CPython"), *sys.version_info[:3])
if "uvloop" in sys.argv:
    import uvloop

    new_loop = uvloop.new_event_loop
    version = "uvloop %s on %s" % (uvloop.__version__, version)

print(json.dumps({"version": version, "workloads": list(WORKLOADS)}), flush=True)
for line in sys.stdin:
    try:
        answer = measure(json.loads(line))
    except Exception as error:
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=True)
