"""A server of asyncio's own streams, for one client: server.py CONVERSATION [CERTFILE KEYFILE]

It prints its port first."""

import asyncio
import hashlib
import ssl
import sys


async def echo(reader, writer, context):
    # The TCP echo server of the documentation.
    data = await reader.read(100)
    message = data.decode()
    addr = writer.get_extra_info('peername')

    print(f"Received {message!r} from {addr!r}")

    print(f"Send: {message!r}")
    writer.write(data)
    await writer.drain()

    print("Close the connection")
    writer.close()
    await writer.wait_closed()


async def headers(reader, writer, context):
    request = await reader.readuntil(b'\r\n\r\n')
    print(request)
    writer.write(b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n')
    writer.close()
    await writer.wait_closed()


async def lines(reader, writer, context):
    count = 0
    async for line in reader:
        if line == b'quit\n':
            break
        writer.write(line.upper())
        await writer.drain()
        count += 1
    print(count, 'lines')
    writer.close()
    await writer.wait_closed()


async def transfer(reader, writer, context):
    size = int(await reader.readline())
    data = await reader.readexactly(size)
    half_closed = writer.can_write_eof()
    if half_closed:
        assert await reader.read() == b'', 'more bytes than promised'
    print(len(data), 'bytes, half-closed:', half_closed)
    writer.write(hashlib.sha256(data).hexdigest().encode() + b'\n')
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def starttls(reader, writer, context):
    assert await reader.readline() == b'STARTTLS\n'
    writer.write(b'go ahead\n')
    await writer.drain()
    await writer.start_tls(context)
    print(writer.get_extra_info('ssl_object').version())
    line = await reader.readline()
    print('Received:', line)
    writer.write(line)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main(conversation, certfile=None, keyfile=None):
    context = None
    if certfile:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certfile, keyfile)
    secure = context if conversation != 'starttls' else None
    done = asyncio.get_running_loop().create_future()

    async def handle(reader, writer):
        try:
            if secure:
                print(writer.get_extra_info('ssl_object').version())
            await globals()[conversation](reader, writer, context)
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    server = await asyncio.start_server(handle, '127.0.0.1', 0, ssl=secure)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done
    server.close()


asyncio.run(main(*sys.argv[1:]))
