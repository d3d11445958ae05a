"""loopbench's servers on Python's asyncio streams.

Its arguments are the event loop ("asyncio" or "uvloop"), the service, and the directory of the certificate ("" for
plain TCP). It says in a line of JSON where it listens, then answers each line of JSON with one (what it has used so
far), until its standard input ends.
"""
import asyncio
import gc
import json
import os
import resource
import ssl
import subprocess
import sys
import threading


def usage():
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        with open("/proc/self/statm") as f:
            resident = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        resident = int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) * 1024
    return {"cpu_ns": int((used.ru_utime + used.ru_stime) * 1e9), "resident": resident}


async def echo(reader, writer):
    while True:
        writer.write(await reader.readexactly(1024))
        await writer.drain()


async def lines(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


async def bulk(reader, writer):
    block = bytes(65536)
    while True:
        for _ in range(int.from_bytes(await reader.readexactly(8), "big")):
            writer.write(block)
            await writer.drain()


async def byte(reader, writer):
    writer.write(await reader.readexactly(1))


SERVICES = {"echo": echo, "lines": lines, "bulk": bulk, "bulk_tls": bulk, "byte": byte}


def closing(serve):
    """A client that has gone is the usual end."""

    async def handler(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return handler


def answer():
    for line in sys.stdin:
        if json.loads(line)["collect"]:
            gc.collect()
        print(json.dumps(usage()), flush=True)
    os._exit(0)


async def main(service, certificate):
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(os.path.join(certificate, "cert.pem"), os.path.join(certificate, "key.pem"))
    server = await asyncio.start_server(closing(SERVICES[service]), "127.0.0.1", 0, ssl=context)
    print(json.dumps({"address": "%s:%d" % server.sockets[0].getsockname()}), flush=True)
    # This thread only waits while the clients are served.
    threading.Thread(target=answer, daemon=True).start()
    await server.serve_forever()


loop, service, certificate = sys.argv[1:]
new_loop = asyncio.new_event_loop
if loop == "uvloop":
    import uvloop

    new_loop = uvloop.new_event_loop
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with asyncio.Runner(loop_factory=new_loop) as runner:
    runner.run(main(service, certificate))
