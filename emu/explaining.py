# SPDX-License-Identifier: GPL-2.0-or-later
"""Has a run's TLS connections explained from the first one on.

What explains them needs `cryptography`, which is 10 MB and a tenth of the start. So it is loaded when a connection
first opens; what passed before, the probes of the ports among it, is shown to it then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stm32emu.netbridge.link import Direction, Link
from stm32emu.netbridge.tls.records import begins_dtls
from stm32emu.netbridge.transport import Datagram, Segment, ethernet_transport
from stm32emu.netbridge.wire.tcp import RST, SYN

if TYPE_CHECKING:
    from stm32emu.explanation import Explanation

EARLY = 256
"""Segments kept: those of connections that were asked for or refused, and never opened."""


class Explaining:
    """Listens to the cable once it is started.

    Args:
        link: where frames pass.
        load: makes the explanation.
    """

    def __init__(self, link: Link, load: Callable[[], Explanation]) -> None:
        self._link = link
        self._load = load
        self._early: deque[tuple[Segment | Datagram, int]] = deque(maxlen=EARLY)
        self._explanation: Explanation | None = None

    def start(self) -> None:
        """Look at the cable from now on."""
        self._link.taps.append(self._on_frame)

    def on_timer(self) -> None:
        """Virtual time has moved on."""
        if self._explanation is not None:
            self._explanation.on_timer()

    def end(self) -> None:
        """The run has ended."""
        if self._explanation is not None:
            self._explanation.end()

    def to_data(self) -> dict[str, Any]:
        """The last connections and the verdict over them, for JSON."""
        nothing: dict[str, Any] = {"connections": [], "verdict": None}
        return self._explanation.to_data() if self._explanation is not None else nothing

    def _on_frame(self, frame: bytes, now: int, _way: Direction) -> None:
        transport = ethernet_transport(frame)
        if transport is None:
            return
        if self._explanation is not None:
            self._explanation.receive(transport, now)
            return
        opens = _opens(transport)
        if opens or isinstance(transport, Segment):
            self._early.append((transport, now))
        if opens:
            self._explanation = self._load()
            for each in self._early:
                self._explanation.receive(*each)
            self._early.clear()


def _opens(transport: Segment | Datagram) -> bool:
    """Whether somebody speaks on a connection."""
    if isinstance(transport, Segment):
        return not transport.flags & (SYN | RST)
    return begins_dtls(transport.payload)
