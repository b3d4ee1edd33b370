# SPDX-License-Identifier: GPL-2.0-or-later
"""The relay between a client and a server, which listens to both."""

from __future__ import annotations

import asyncio
import gc

from stm32emu.netbridge.tls.listener import LOOPBACK
from stm32emu.netbridge.tls.relay import Relay
from stm32emu.netbridge.tls.transcript import Side

HELLO, LATE = b"hello", b"late"


async def talk() -> tuple[bytes, Relay]:
    """A client that says all it has to say, and a server that answers long after."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == HELLO
        gc.collect()  # what only a cycle of references keeps is gone now
        writer.write(LATE)
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    reader, writer = await asyncio.open_connection(LOOPBACK, await relay.start())
    writer.write(HELLO)
    writer.write_eof()
    heard = await reader.read()
    writer.close()
    await relay.close()
    server.close()
    return heard, relay


def test_an_answer_after_the_client_has_said_all() -> None:
    heard, relay = asyncio.run(talk())
    assert heard == LATE
    assert [side for side, _how in relay.observers[0].transcript.ends()] == [Side.CLIENT, Side.SERVER]


async def give_up() -> tuple[bytes, list[str]]:
    """A client that leaves, and a server that says nothing: what the server hears, and the tasks that are left."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.read()
        await ended.wait()
        heard.set_result(said)
        writer.close()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve, LOOPBACK, 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    _, writer = await asyncio.open_connection(LOOPBACK, await relay.start())
    writer.write(HELLO)
    writer.close()
    while not relay.observers or not relay.observers[0].transcript.ends():
        await asyncio.sleep(0)
    await relay.close()
    left = [name for task in asyncio.all_tasks() if "Relay" in (name := repr(task.get_coro()))]
    ended.set()
    result = await heard
    server.close()
    return result, left


def test_a_connection_whose_server_is_silent_ends_with_the_relay() -> None:
    assert asyncio.run(give_up()) == (HELLO, [])
