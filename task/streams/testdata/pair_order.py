"""Writes pair_order.json: what CPython's streams do over socketpairs, iteration by iteration.

    python3.13 pair_order.py > pair_order.json      # on Linux
"""

import asyncio
import json
import random
import socket
import sys


def scenario(rng):
    """Returns the ends' read sizes, and for each iteration what is done in it."""
    ends = rng.choice([2, 4, 6])
    sizes = [rng.choice([1, 3, 100]) for _ in range(ends)]
    steps = []
    for _ in range(rng.randint(5, 14)):
        step = []
        for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
            op = rng.choices(
                ["write", "pause", "resume", "eof", "close", "abort"],
                [20, 3, 4, 1, 1, 1])[0]
            step.append([op, rng.randrange(ends), rng.randint(1, 5) if op == "write" else 0])
        steps.append(step)
    return sizes, steps


async def play(sizes, steps):
    loop = asyncio.get_running_loop()
    trace, tick, streams = [], 0, []

    def log(end, what):
        trace.append(f"{tick} {end} {what}")

    for _ in range(0, len(sizes), 2):
        for sock in socket.socketpair():
            streams.append(await asyncio.open_connection(sock=sock))

    async def read(end):
        reader, _ = streams[end]
        while True:
            try:
                data = await reader.read(sizes[end])
            except OSError:
                return log(end, "error")
            if not data:
                return log(end, "eof")
            log(end, f"read {len(data)}")

    async def wait_closed(end):
        try:
            await streams[end][1].wait_closed()
            log(end, "closed")
        except OSError:
            log(end, "lost")

    for end in range(len(sizes)):
        asyncio.create_task(read(end))
        asyncio.create_task(wait_closed(end))
    await asyncio.sleep(0)
    for step in steps + [[]] * 5 + [[["abort", end, 0] for end in range(len(sizes))]] + [[]] * 8:
        for op, end, n in step:
            reader, writer = streams[end]
            match op:
                case "write":
                    try:
                        writer.write(b"x" * n)
                    except RuntimeError:
                        pass
                case "pause":
                    writer.transport.pause_reading()
                case "resume":
                    writer.transport.resume_reading()
                case "eof":
                    writer.write_eof()
                case "close":
                    writer.close()
                case "abort":
                    writer.transport.abort()
        await asyncio.sleep(0)
        tick += 1
    return trace


def main():
    print("[")
    for seed in range(300):
        sizes, steps = scenario(random.Random(seed))
        record = {"sizes": sizes, "steps": steps, "trace": asyncio.run(play(sizes, steps))}
        print(json.dumps(record, separators=(",", ":")) + ("," if seed < 299 else ""))
    print("]")


if __name__ == "__main__":
    import logging
    logging.disable()
    main()
