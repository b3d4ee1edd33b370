# SPDX-License-Identifier: GPL-2.0-or-later
"""Joins host sockets to the guest's ports: `tcp_forward` and `udp_forward` have the sockets, `host` all the rest.

The run loop polls: `poll_sockets` is the one place that touches open sockets and the one that may block. Nothing is
buffered without bound: a connection reads its socket only while TCP towards the guest has room, and takes bytes out
of TCP only as the socket takes them, which closes the window towards the guest when the peer does not read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.host import Host
from stm32emu.netbridge.host_port import BridgeError
from stm32emu.netbridge.poller import IN, Poller
from stm32emu.netbridge.tcp import Ending
from stm32emu.netbridge.tcp_forward import Relay, TcpForward
from stm32emu.netbridge.udp_forward import UdpForward

__all__ = ["Bridge", "BridgeError"]

MAX_CONNECTIONS = 200
"""TCP peers at once; more wait in the backlog. Some systems allow a process no more than 256 descriptors."""


class Bridge:
    """The forwards of one guest.

    Call `take_output` after `receive`, `on_timer` and `poll_sockets`; times are virtual ns.

    Args:
        forwards: host ports and where they lead.
        bind: the host address to listen on.
        guest_ip: the guest's address; learned from its traffic when None. Raises ValueError if malformed.
        seed: of everything random in the host.
        log: gets a line for the user when something happens.
    """

    def __init__(
        self,
        forwards: Sequence[Forward],
        *,
        bind: str = "127.0.0.1",
        guest_ip: str | None = None,
        seed: int = 0,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.host = Host(seed=seed, guest_ip=IPv4Address(guest_ip) if guest_ip else None, log=log)
        self.served = 0
        self.refused = 0
        self._forwards = forwards
        self._bind = bind
        self._log = log
        self._tcp: list[TcpForward] = []
        self._udp: list[UdpForward] = []
        self._relays: dict[int, Relay] = {}  # by their sockets' descriptors
        self._poller = Poller()

    # Life

    def open(self) -> None:
        """Bind every host port. Raises BridgeError, and then leaves none bound."""
        try:
            for forward in self._forwards:
                if forward.proto == "tcp":
                    self._tcp.append(TcpForward(forward, self._bind, self.host))
                else:
                    self._udp.append(UdpForward(forward, self._bind, self.host))
        except BridgeError:
            self.close()
            raise

    def close(self) -> None:
        """Close every socket; peers of open connections see a reset."""
        for relay in self._relays.values():
            relay.close(reset=True)
        for forward in self._open:
            forward.sock.close()
        self._relays.clear()
        self._poller = Poller()
        self._tcp, self._udp = [], []

    @property
    def _open(self) -> list[TcpForward | UdpForward]:
        return [*self._tcp, *self._udp]

    @property
    def all_listening(self) -> bool:
        """Every forward has been announced."""
        return all(forward.announced for forward in self._open)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where the TCP forwards that have been announced are reached."""
        return [forward.sock.getsockname()[:2] for forward in self._tcp if forward.announced]

    @property
    def silent(self) -> list[Forward]:
        """The forwards that have not been announced."""
        return [each.forward for each in self._open if not each.announced]

    @property
    def connections(self) -> int:
        """TCP connections open now."""
        return len(self._relays)

    # The guest's side

    def receive(self, frame: bytes, now: int) -> None:
        """A frame that the guest sent, without FCS."""
        self.host.receive(frame, now)
        if not self.all_listening:
            self._announce()

    def take_output(self, now: int) -> list[bytes]:
        """Frames for the guest."""
        return self.host.take_output(now)

    def poll_at(self) -> int | None:
        """When `on_timer` wants to run; maybe in the past."""
        times = [self.host.poll_at(), *(forward.poll_at() for forward in self._udp)]
        return min((time for time in times if time is not None), default=None)

    def on_timer(self, now: int) -> None:
        """Time has come to `now`."""
        self.host.on_timer(now)
        for forward in self._udp:
            forward.expire(now)

    def _announce(self) -> None:
        """Tell the user about forwards that have come to work."""
        for forward in self._open:
            if forward.ready and not forward.announced:
                forward.announced = True
                address, port = forward.sock.getsockname()
                kind = "/udp" if forward.forward.proto == "udp" else ""
                guest = f"{self.host.guest.ip}:{forward.forward.guest_port}{kind}"
                self._log(f"listening: {address}:{port} -> {guest}")

    # The host's side

    def poll_sockets(self, now: int, timeout: float) -> bool:
        """Move bytes between sockets and guest, waiting up to `timeout` seconds for the first; True if any moved."""
        moved = self._serve_guest(now)
        self._watch()
        events = self._poller.wait(0 if moved else timeout)
        moved = moved or bool(events)
        for tcp in self._tcp:
            if events.pop(tcp.sock.fileno(), 0):
                self._accept(tcp)
        for udp in self._udp:
            if events.pop(udp.sock.fileno(), 0):
                udp.receive(now)
        for descriptor, event in events.items():
            self._pump(self._relays[descriptor], event)
        return moved

    def _serve_guest(self, now: int) -> bool:
        """What the guest did since last time: replies, connections made, refused, reset or finished."""
        moved = [udp.deliver(now, self._log) for udp in self._udp]
        moved += [self._pump(relay, 0) for relay in list(self._relays.values())]
        return any(moved)

    def _watch(self) -> None:
        """A port is not looked at before the guest can serve it, and while there is no room for another peer."""
        room = len(self._relays) < MAX_CONNECTIONS and not self.host.crowded
        for tcp in self._tcp:
            self._poller.watch(tcp.sock.fileno(), IN if tcp.ready and room else 0)
        for udp in self._udp:
            self._poller.watch(udp.sock.fileno(), IN if udp.ready else 0)
        for descriptor, relay in self._relays.items():
            self._poller.watch(descriptor, relay.interest())

    def _accept(self, forward: TcpForward) -> None:
        relay = forward.accept()
        if relay:
            self._relays[relay.sock.fileno()] = relay

    def _pump(self, relay: Relay, events: int) -> bool:
        """Let one connection get on; True if anything changed."""
        before = relay.progress
        try:
            relay.pump(events)
        except OSError:
            relay.tcp.abort()
        if relay.tcp.established and not relay.established:
            relay.established = True
            self.served += 1
        if relay.tcp.ending or relay.finished:
            self._drop(relay)
            return True
        return before != relay.progress

    def _drop(self, relay: Relay) -> None:
        descriptor = relay.sock.fileno()
        del self._relays[descriptor]
        self._poller.forget(descriptor)
        ending, peer, port = relay.tcp.ending, relay.peer, relay.tcp.remote
        relay.close(reset=ending is not None)
        if ending is None:
            return
        if ending is Ending.ABORTED:
            self._log(f"reset: {peer} went away, its connection to guest port {port} is reset")
        elif relay.established:
            self._log(f"reset: {peer} loses its connection to guest port {port} ({ending.value})")
        else:
            self.refused += 1
            self._log(f"refused: the guest did not accept {peer} on port {port} ({ending.value})")
