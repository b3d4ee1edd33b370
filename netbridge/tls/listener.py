# SPDX-License-Identifier: GPL-2.0-or-later
"""The test server's sockets: connections on the loopback interface, each with a `server.Server`, many at once.

A peer that does not get on with its handshake, or is silent for long, is dropped; one that does not read what it is
sent is not read from either. So memory is bounded by MAX_CONNECTIONS times a record and a flight.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import cast

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import group_name
from stm32emu.netbridge.tls.printable import printable
from stm32emu.netbridge.tls.server import ApplicationData, Closed, Event, HandshakeDone, Server, Warned
from stm32emu.netbridge.tls.suites import suite_name
from stm32emu.netbridge.tls.twin.answers import Answers, Echo, Facts, Page
from stm32emu.netbridge.tls.twin.protection import Random
from stm32emu.netbridge.tls.twin.site import Outcome, Site

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 512
HANDSHAKE_TIME = 30.0
"""Seconds for a handshake, however a peer spends them."""
SILENCE = 60.0
"""Seconds without a byte after which an open connection is dropped."""
Log = Callable[[str], None]


class Listener:
    """The server.

    Args:
        site: what its connections share.
        log: is told a line about each connection.
        echo: send back what is received, instead of serving the page.
        random: gives so many random bytes.
        handshake_time, silence: seconds of patience.
    """

    def __init__(
        self,
        site: Site,
        log: Log,
        *,
        echo: bool = False,
        random: Random = os.urandom,
        handshake_time: float = HANDSHAKE_TIME,
        silence: float = SILENCE,
    ) -> None:
        self.site = site
        self.log = log
        self.random = random
        self.handshake_time, self.silence = handshake_time, silence
        self.open = 0
        self.accepted = 0
        self._echo = echo
        self._handshakes = 0
        self._started = time.monotonic()

    async def start(self, port: int) -> asyncio.Server:
        """Listen on a port of 127.0.0.1, 0 for any; raises OSError if it cannot be had."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(self), LOOPBACK, port, backlog=MAX_CONNECTIONS)

    def answers(self, outcome: Outcome) -> Answers:
        """Whoever talks with a client whose handshake is through."""
        self._handshakes += 1
        if self._echo:
            return Echo()
        uptime = int((time.monotonic() - self._started) * 1000)
        return Page(Facts(uptime, self._handshakes, outcome.suite))


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._server = Server(listener.site, listener.random, int(time.time()))
        self._answers: Answers | None = None
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._said_end = False

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast(asyncio.Transport, transport)
        self._listener.open += 1
        self._listener.accepted += 1
        self._number = self._listener.accepted
        if self._listener.open > MAX_CONNECTIONS:
            self._end(f"refused: {MAX_CONNECTIONS} connections are open")
            self._transport.abort()
        else:
            self._wait(self._listener.handshake_time)

    def data_received(self, data: bytes) -> None:
        """The client says something."""
        if self._answers:
            self._wait(self._listener.silence)
        for event in self._server.receive(data):
            self._on_event(event)
        self._flush()

    def eof_received(self) -> bool:
        """The client says no more; neither do we."""
        self._end("closed by the client")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._end(f"closed by the client: {error.strerror}" if isinstance(error, OSError) else "closed by the client")
        self._listener.open -= 1
        if self._timer:
            self._timer.cancel()

    def pause_writing(self) -> None:
        """The client does not read: do not make more for it."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._transport.resume_reading()

    # The conversation

    def _on_event(self, event: Event) -> None:
        match event:
            case HandshakeDone(outcome):
                self._answers = self._listener.answers(outcome)
                self._say(describe(outcome))
                self._wait(self._listener.silence)
            case ApplicationData(data) if self._answers and not self._server.closed:
                answer, over = self._answers.receive(data)
                self._server.send(answer)
                if over:
                    self._close("served")
            case Warned(description):
                self._say(f"warned: {names.alert_name(description)}")
            case Closed(error):
                self._close(str(error) if error else "closed")

    def _close(self, why: str) -> None:
        self._end(why)
        self._server.close()
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        output = self._server.take_output()
        if output and not self._transport.is_closing():
            self._transport.write(output)

    # Patience, and what is said

    def _wait(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_out)

    def _time_out(self) -> None:
        waiting = "the server had said all it would" if self._server.closed else f"no {self._server.state.value} came"
        self._end(f"dropped: {waiting}")
        self._transport.abort()

    def _say(self, text: str) -> None:
        self._listener.log(f"conn {self._number}  {printable(text)}")

    def _end(self, text: str) -> None:
        if not self._said_end:
            self._said_end = True
            self._say(text)


def describe(outcome: Outcome) -> str:
    """What was negotiated."""
    words = [suite_name(outcome.suite)]
    if outcome.choice:
        words += [group_name(outcome.choice.group), str(outcome.choice.scheme)]
    words += ["resumed"] if outcome.resumed else []
    words += [f"for {outcome.terms.server_name}"] if outcome.terms.server_name else []
    words += [f"client {outcome.client[0].label}"] if outcome.client else []
    words += [f"whom it does not trust ({outcome.distrust})"] if outcome.distrust else []
    return ", ".join(words)
