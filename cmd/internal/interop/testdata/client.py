"""A client of asyncio's own streams: client.py CONVERSATION HOST PORT [CAFILE]"""

import asyncio
import hashlib
import ssl
import sys


async def echo(reader, writer, context):
    # The TCP echo client of the documentation.
    message = 'Hello World!'
    print(f'Send: {message!r}')
    writer.write(message.encode())
    await writer.drain()

    data = await reader.read(100)
    print(f'Received: {data.decode()!r}')

    print('Close the connection')
    writer.close()
    await writer.wait_closed()


async def headers(reader, writer, context):
    # "Get HTTP headers" of the documentation.
    query = (
        f"HEAD / HTTP/1.0\r\n"
        f"Host: localhost\r\n"
        f"\r\n"
    )

    writer.write(query.encode('latin-1'))
    while True:
        line = await reader.readline()
        if not line:
            break

        line = line.decode('latin1').rstrip()
        if line:
            print(f'HTTP header> {line}')

    # Ignore the body, close the socket
    writer.close()
    await writer.wait_closed()


async def lines(reader, writer, context):
    sent = [b'one\n', b'\n', b'x' * 60_000 + b'\n', b'r\r\n', b'the end\n']
    writer.writelines(sent)  # before the first answer is read
    await writer.drain()
    for line in sent:
        answer = await reader.readline()
        assert answer == line.upper(), answer
    writer.write(b'quit\n')
    assert await reader.read() == b'', 'the server does not close'
    print(len(sent), 'lines')
    writer.close()
    await writer.wait_closed()


async def transfer(reader, writer, context):
    data = bytes(i * i % 251 for i in range(1 << 16)) * 80
    writer.write(b'%d\n' % len(data))
    writer.write(data)
    if writer.can_write_eof():
        writer.write_eof()
    await writer.drain()
    digest = await reader.readline()
    assert digest.decode().strip() == hashlib.sha256(data).hexdigest(), digest
    assert await reader.readexactly(len(data)) == data, 'other bytes come back'
    assert await reader.read() == b'', 'more bytes come back'
    print(len(data), 'bytes, half-closed:', writer.can_write_eof())
    writer.close()
    await writer.wait_closed()


async def starttls(reader, writer, context):
    writer.write(b'STARTTLS\n')
    await writer.drain()
    assert await reader.readline() == b'go ahead\n'
    await writer.start_tls(context, server_hostname='localhost')
    print(writer.get_extra_info('ssl_object').version())
    writer.write(b'a secret\n')
    await writer.drain()
    print('Received:', await reader.readline())
    writer.close()
    await writer.wait_closed()


async def main(conversation, host, port, cafile=None):
    context = cafile and ssl.create_default_context(cafile=cafile)
    secure = context if conversation != 'starttls' else None
    reader, writer = await asyncio.open_connection(host, port, ssl=secure)
    if secure:
        print(writer.get_extra_info('ssl_object').version())
    await globals()[conversation](reader, writer, context)


asyncio.run(main(*sys.argv[1:]))
