# SPDX-License-Identifier: GPL-2.0-or-later
"""A forwarded UDP port: the socket that host peers send to, and a flow into the guest for each of them."""

from __future__ import annotations

from collections.abc import Callable

from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.host import Host, UdpFlow
from stm32emu.netbridge.host_port import open_port
from stm32emu.netbridge.wire.udp import MAX_PAYLOAD

IDLE = 60_000_000_000
"""Virtual ns without a datagram after which a peer is forgotten."""
PEERS = 256
BURST = 64


class UdpForward:
    """A bound host port, and the peers that have sent to it, the one used last at the end."""

    def __init__(self, forward: Forward, bind: str, host: Host) -> None:
        self.forward = forward
        self.sock = open_port(forward, bind)
        self.announced = False
        self._host = host
        self._flows: dict[tuple[str, int], tuple[UdpFlow, int]] = {}
        self._complained = False

    @property
    def ready(self) -> bool:
        """The guest's address is known."""
        return self._host.guest.known

    def poll_at(self) -> int | None:
        """When the flow that is idle for longest expires."""
        return min((used + IDLE for _, used in self._flows.values()), default=None)

    def expire(self, now: int) -> None:
        """Forget peers that are silent."""
        for peer in [peer for peer, (_, used) in self._flows.items() if used + IDLE <= now]:
            self._forget(peer)

    def _forget(self, peer: tuple[str, int]) -> None:
        self._host.close_udp(self._flows.pop(peer)[0])

    def receive(self, now: int) -> None:
        """Datagrams from host peers, a burst at a time."""
        for _ in range(BURST):
            try:
                payload, peer = self.sock.recvfrom(MAX_PAYLOAD)
            except OSError:  # nothing there, or an ICMP error about an earlier reply
                return
            self._host.send_udp(self._flow(peer, now), payload)

    def _flow(self, peer: tuple[str, int], now: int) -> UdpFlow:
        """The peer's flow, moved to the end as the one used last."""
        known = self._flows.pop(peer, None)
        if known is None and len(self._flows) >= PEERS:
            self._forget(next(iter(self._flows)))
        flow = known[0] if known else self._host.open_udp(self.forward.guest_port)
        self._flows[peer] = (flow, now)
        return flow

    def deliver(self, now: int, log: Callable[[str], None]) -> bool:
        """The guest's replies to their peers; True if there were any."""
        delivered = False
        for peer, (flow, _) in list(self._flows.items()):
            while flow.inbox:
                delivered = True
                self._flows[peer] = (flow, now)
                self._send(flow.inbox.popleft(), peer)
            if flow.refused and not self._complained:
                self._complained = True
                log(f"refused: nothing in the guest listens on UDP port {self.forward.guest_port}")
        return delivered

    def _send(self, payload: bytes, peer: tuple[str, int]) -> None:
        try:
            self.sock.sendto(payload, peer)
        except OSError:  # UDP promises nothing: a peer that is gone or slow loses the datagram
            return
