# SPDX-License-Identifier: GPL-2.0-or-later
"""A relay between a client and a server on this machine, which has an Observer listen to each connection."""

from __future__ import annotations

import asyncio
import time

from stm32emu.netbridge.tls.listener import LOOPBACK
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.transcript import End, Moment, Side

PIECE = 1 << 16


class Relay:
    """Passes connections on to a port of 127.0.0.1.

    Attributes:
        observers: of the connections, in the order in which they were opened.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._serving: set[asyncio.Task[None]] = set()
        self.observers: list[Observer] = []

    async def start(self) -> int:
        """Listen on a free port of 127.0.0.1, which is returned."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more, and end the connections that are still open."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keeps the task: the loop does not, once the client has said all and the server is still silent."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        observer = Observer(len(self.observers) + 1, _now())
        self.observers.append(observer)
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            observer.end(Side.SERVER, End.RESET, _now())
            writer.transport.abort()
            return
        ways = (
            _Way(observer, Side.CLIENT, reader, far_writer),
            _Way(observer, Side.SERVER, far_reader, writer),
        )
        try:
            await asyncio.gather(*(way.run() for way in ways))
        finally:
            for each in (writer, far_writer):
                each.close()

    async def cut(self) -> None:
        """Nobody waits any longer: who had to speak in connections that are open is silent."""
        for observer in self.observers:
            if not observer.transcript.ends():
                observer.cut(_now())


class _Way:
    """One direction of one connection."""

    def __init__(
        self, observer: Observer, sender: Side, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._observer, self._sender, self._reader, self._writer = observer, sender, reader, writer

    async def run(self) -> None:
        """To the end of what its sender says, which is passed on as well."""
        try:
            while data := await self._reader.read(PIECE):
                self._observer.receive(self._sender, data, _now())
                self._writer.write(data)
                await self._writer.drain()
            self._observer.end(self._sender, End.CLOSED, _now())
            self._writer.write_eof()
        except OSError:
            self._observer.end(self._sender, End.RESET, _now())
            self._writer.transport.abort()


def _now() -> Moment:
    return Moment(time.monotonic_ns(), time.time_ns())
