# SPDX-License-Identifier: GPL-2.0-or-later
"""Joins host sockets to the guest's ports. The only file with sockets; everything else about the network is `Host`.

The run loop polls: `poll_sockets` is the one place that touches the sockets and the one that may block. Nothing is
buffered without bound: a connection reads its socket only while TCP towards the guest has room, and takes bytes out
of TCP only as the socket takes them, which closes the window towards the guest when the peer does not read.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address

from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.host import Host, UdpFlow
from stm32emu.netbridge.tcp import Ending, Tcp
from stm32emu.netbridge.wire.udp import MAX_PAYLOAD

SOCKET_BUFFER = 32768
"""Asked of the kernel in each direction, so that back-pressure is felt after tens of kilobytes and not megabytes."""
BACKLOG = 128
UDP_IDLE = 60_000_000_000
UDP_PEERS = 256
UDP_BURST = 64

_IN = select.POLLIN
_OUT = select.POLLOUT
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Log = Callable[[str], None]


class BridgeError(Exception):
    """The bridge cannot do what the user asked; the text is the sentence to show."""


class PortInUse(BridgeError):  # noqa: N818
    """Another program has the host port."""


class _Connection:
    """A host peer's socket and the TCP connection that continues it into the guest."""

    def __init__(self, sock: socket.socket, peer: str, tcp: Tcp) -> None:
        self.sock = sock
        self.peer = peer
        self.tcp = tcp
        self.established = False
        self._host_finished = False
        self._guest_finished = False

    @property
    def finished(self) -> bool:
        """Both directions have ended in order."""
        return self._host_finished and self._guest_finished

    def interest(self) -> int:
        """What to wait for: input while the guest takes it, output while there is some; errors always come."""
        wants_input = self.tcp.established and not self._host_finished and self.tcp.send_room > 0
        return (_IN if wants_input else 0) | (_OUT if self.tcp.readable else 0)

    def pump(self, events: int) -> None:
        """Move bytes as far as they go without waiting. Raises OSError when the host peer is gone."""
        if events & select.POLLERR:
            raise OSError(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "the host peer is gone")
        if events & (_IN | select.POLLHUP):
            self._pump_in()
        self._pump_out()

    def _pump_in(self) -> None:
        if self._host_finished or not self.interest() & _IN:
            return
        try:
            data = self.sock.recv(self.tcp.send_room)
        except BlockingIOError:
            return
        if data:
            self.tcp.send(data)
        else:
            self._host_finished = True
            self.tcp.shutdown()

    def _pump_out(self) -> None:
        while self.tcp.readable:
            try:
                with self.tcp.peek() as ready:
                    count = self.sock.send(ready)
            except BlockingIOError:
                return
            self.tcp.consume(count)
        if self.tcp.peer_finished and not self._guest_finished:
            self._guest_finished = True
            self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close such that the host peer sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()


class _TcpForward:
    """A listening host port; its backlog keeps early peers until the guest listens."""

    def __init__(self, forward: Forward, bind: str, host: Host) -> None:
        self.forward = forward
        self.sock = _listen(forward, bind)
        self.announced = False
        self._prober = host.probe(forward.guest_port)

    @property
    def ready(self) -> bool:
        """The guest's stack has accepted a SYN on the port."""
        return self._prober.listening


class _UdpForward:
    """A bound host port, and a flow into the guest for each host peer."""

    def __init__(self, forward: Forward, bind: str, host: Host) -> None:
        self.forward = forward
        self.sock = _bind(forward, bind, socket.SOCK_DGRAM)
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
        return min((used + UDP_IDLE for _, used in self._flows.values()), default=None)

    def expire(self, now: int) -> None:
        """Forget peers that are silent."""
        for peer in [peer for peer, (_, used) in self._flows.items() if used + UDP_IDLE <= now]:
            self._forget(peer)

    def _forget(self, peer: tuple[str, int]) -> None:
        self._host.close_udp(self._flows.pop(peer)[0])

    def receive(self, now: int) -> None:
        """Datagrams from host peers, a burst at a time."""
        for _ in range(UDP_BURST):
            try:
                payload, peer = self.sock.recvfrom(MAX_PAYLOAD)
            except OSError:  # nothing there, or an ICMP error about an earlier reply
                return
            self._host.send_udp(self._flow(peer, now), payload)

    def _flow(self, peer: tuple[str, int], now: int) -> UdpFlow:
        """The peer's flow, moved to the end as the one used last."""
        known = self._flows.pop(peer, None)
        if known is None and len(self._flows) >= UDP_PEERS:
            self._forget(next(iter(self._flows)))
        flow = known[0] if known else self._host.open_udp(self.forward.guest_port)
        self._flows[peer] = (flow, now)
        return flow

    def deliver(self, now: int, log: Log) -> bool:
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
        log: Log = lambda line: None,
    ) -> None:
        self.host = Host(seed=seed, guest_ip=IPv4Address(guest_ip) if guest_ip else None, log=log)
        self.served = 0
        self.refused = 0
        self._forwards = forwards
        self._bind = bind
        self._log = log
        self._tcp: list[_TcpForward] = []
        self._udp: list[_UdpForward] = []
        self._connections: dict[int, _Connection] = {}
        self._poller = select.poll()
        self._masks: dict[int, int] = {}

    # Life

    def open(self) -> None:
        """Bind every host port. Raises PortInUse or another BridgeError, and then leaves none bound."""
        try:
            for forward in self._forwards:
                if forward.proto == "tcp":
                    self._tcp.append(_TcpForward(forward, self._bind, self.host))
                else:
                    self._udp.append(_UdpForward(forward, self._bind, self.host))
        except BridgeError:
            self.close()
            raise

    def close(self) -> None:
        """Close every socket; peers of open connections see a reset."""
        for connection in self._connections.values():
            connection.reset()
        for forward in self._open:
            forward.sock.close()
        self._connections.clear()
        self._masks.clear()
        self._poller = select.poll()
        self._tcp, self._udp = [], []

    @property
    def _open(self) -> list[_TcpForward | _UdpForward]:
        return [*self._tcp, *self._udp]

    @property
    def all_listening(self) -> bool:
        """Every forward has been announced."""
        return all(forward.announced for forward in self._open)

    @property
    def connections(self) -> int:
        """TCP connections open now."""
        return len(self._connections)

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
        self._update_masks()
        events = dict(self._poller.poll(0 if moved else timeout * 1000))
        for forward in self._tcp:
            if events.pop(forward.sock.fileno(), 0):
                self._accept(forward)
        for udp in self._udp:
            if events.pop(udp.sock.fileno(), 0):
                udp.receive(now)
        for descriptor, event in events.items():
            if event & select.POLLHUP and not self._masks[descriptor]:
                self._park(descriptor)
            self._pump(self._connections[descriptor], event)
        return moved or bool(events)

    def _serve_guest(self, now: int) -> bool:
        """What the guest did since last time: replies, connections made, refused, reset or finished."""
        moved = [udp.deliver(now, self._log) for udp in self._udp]
        for connection in list(self._connections.values()):
            moved.append(self._pump(connection, 0))
        return any(moved)

    def _accept(self, forward: _TcpForward) -> None:
        try:
            sock, (address, port) = forward.sock.accept()
        except OSError:  # the peer has gone again, or there are no descriptors left for now
            return
        sock.setblocking(False)
        tcp = self.host.connect(forward.forward.guest_port)
        self._connections[sock.fileno()] = _Connection(sock, f"{address}:{port}", tcp)

    def _pump(self, connection: _Connection, events: int) -> bool:
        """Let one connection get on; True if anything changed."""
        tcp = connection.tcp
        before = (tcp.readable, tcp.send_room, connection.finished, connection.established)
        try:
            connection.pump(events)
        except OSError:
            tcp.abort()
        if tcp.established and not connection.established:
            connection.established = True
            self.served += 1
        if tcp.ending or connection.finished:
            self._drop(connection)
            return True
        return before != (tcp.readable, tcp.send_room, connection.finished, connection.established)

    def _drop(self, connection: _Connection) -> None:
        self._forget(connection.sock.fileno())
        port = connection.tcp.remote
        ending = connection.tcp.ending
        if ending is None:
            connection.sock.close()
            return
        connection.reset()
        if not connection.established and ending is not Ending.ABORTED:
            self.refused += 1
            self._log(f"refused: the guest did not accept {connection.peer} on port {port} ({ending.value})")
        elif ending is Ending.ABORTED:
            self._log(f"reset: {connection.peer} went away, its connection to guest port {port} is reset")
        else:
            self._log(f"reset: {connection.peer} loses its connection to guest port {port} ({ending.value})")

    # What to wait for

    def _update_masks(self) -> None:
        """Tell the poller what has changed. A port is not looked at before the guest can serve it."""
        for forward in self._open:
            if forward.ready:
                self._wait_for(forward.sock.fileno(), _IN)
        for descriptor, connection in self._connections.items():
            self._wait_for(descriptor, connection.interest())

    def _wait_for(self, descriptor: int, mask: int) -> None:
        if self._masks.get(descriptor) != mask:
            self._masks[descriptor] = mask
            self._poller.register(descriptor, mask)

    def _park(self, descriptor: int) -> None:
        """A socket whose both ends have finished reports that for ever; ignore it until its interest changes."""
        with suppress(KeyError):
            self._poller.unregister(descriptor)

    def _forget(self, descriptor: int) -> None:
        del self._connections[descriptor]
        self._masks.pop(descriptor, None)
        self._park(descriptor)


def _bind(forward: Forward, bind: str, kind: socket.SocketKind) -> socket.socket:
    """A bound socket; raises BridgeError with the sentence for whatever is wrong."""
    sock = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not stopped by TIME-WAITs of the last run
        sock.setblocking(False)
        sock.bind((bind, forward.host_port))
        return sock
    except OSError as error:
        sock.close()
        raise _explain(error, forward, bind) from error


def _listen(forward: Forward, bind: str) -> socket.socket:
    """A listening socket; its connections inherit small buffers and no Nagle delay."""
    sock = _bind(forward, bind, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.listen(BACKLOG)
        return sock
    except OSError as error:
        sock.close()
        raise _explain(error, forward, bind) from error


def _explain(error: OSError, forward: Forward, bind: str) -> BridgeError:
    port = f"{forward.proto.upper()} port {forward.host_port}"
    other = "choose another with --port HOST:GUEST"
    if error.errno == errno.EADDRINUSE:
        return PortInUse(f"{port} on {bind} is in use by another program: stop that, or {other}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BridgeError(f"{port} needs privileges that this user lacks: {other}, above 1023")
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return BridgeError(f"this machine has no address {bind!r} to listen on: correct --bind")
    return BridgeError(f"{port} on {bind} cannot be opened ({error.strerror or error}): {other}")
