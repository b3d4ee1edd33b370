# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversations over UDP between two ports, put together from the datagrams that pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stm32emu.netbridge.transport import Address, Datagram

MAX_FLOWS = 1024
"""Flows that are remembered; beyond, the one that was opened first is forgotten."""


class Flow(Protocol):
    """Takes the datagrams of one flow, unless it is `mute`: then it does not care any more."""

    mute: bool

    def data(self, from_client: bool, data: bytes, now: int) -> None:
        """A datagram's payload."""

    def dropped(self, now: int) -> None:
        """It is not followed any further: too many others were opened since."""


class UdpFlows:
    """All flows of interest.

    Args:
        opens: whether a payload begins a flow; what else belongs to none is left out.
        make: makes the Flow for a new one, by the server's address.
    """

    def __init__(self, opens: Callable[[bytes], bool], make: Callable[[Address, int], Flow]) -> None:
        self._opens = opens
        self._make = make
        self._flows: dict[tuple[Address, Address], Flow] = {}  # by the client's and the server's address

    def receive(self, datagram: Datagram, now: int) -> None:
        """The next datagram."""
        ends = datagram.src, datagram.dst
        for key, from_client in ((ends, True), (ends[::-1], False)):
            flow = self._flows.get(key)
            if flow is not None and not flow.mute:
                flow.data(from_client, datagram.payload, now)
                return
        if self._opens(datagram.payload):
            self._open(ends, now).data(True, datagram.payload, now)

    def _open(self, ends: tuple[Address, Address], now: int) -> Flow:
        self._flows.pop(ends, None)
        if len(self._flows) >= MAX_FLOWS:
            oldest = self._flows.pop(next(iter(self._flows)))
            if not oldest.mute:
                oldest.dropped(now)
        self._flows[ends] = flow = self._make(ends[1], now)
        return flow
