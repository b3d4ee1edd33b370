# SPDX-License-Identifier: GPL-2.0-or-later
"""A forwarded TCP port: the socket that host peers connect to, and the relay of each connection into the guest."""

from __future__ import annotations

import socket
import struct

from stm32emu.netbridge.forward import Forward
from stm32emu.netbridge.host import Host
from stm32emu.netbridge.host_port import open_port
from stm32emu.netbridge.poller import ERROR, HANG_UP, IN, OUT
from stm32emu.netbridge.tcp import Tcp

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TcpForward:
    """A listening host port; its backlog keeps early peers until the guest listens."""

    def __init__(self, forward: Forward, bind: str, host: Host) -> None:
        self.forward = forward
        self.sock = open_port(forward, bind)
        self.announced = False
        self._host = host
        self._prober = host.probe(forward.guest_port)

    @property
    def ready(self) -> bool:
        """The guest's stack has accepted a SYN on the port."""
        return self._prober.listening

    def accept(self) -> Relay | None:
        """The next host peer, on its way to the guest; None when it has gone again."""
        try:
            sock, (address, port) = self.sock.accept()
        except OSError:  # the peer has gone again, or there are no descriptors left for now
            return None
        sock.setblocking(False)
        return Relay(sock, f"{address}:{port}", self._host.connect(self.forward.guest_port))


class Relay:
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

    @property
    def progress(self) -> tuple[object, ...]:
        """What is different after anything has moved."""
        return (self.tcp.readable, self.tcp.send_room, self.finished, self.established)

    def interest(self) -> int:
        """What to wait for: input while the guest takes it, output while there is some; errors always come."""
        wants_input = self.tcp.established and not self._host_finished and self.tcp.send_room > 0
        return (IN if wants_input else 0) | (OUT if self.tcp.readable else 0)

    def pump(self, events: int) -> None:
        """Move bytes as far as they go without waiting. Raises OSError when the host peer is gone.

        What a peer sent before it reset still reaches the guest, as on a cable; the reset is for the next call to find.
        """
        if events & ERROR and not self.interest() & IN:
            raise OSError(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "the host peer is gone")
        if events & (IN | HANG_UP | ERROR):
            self._pump_in()
        if not events & ERROR:
            self._pump_out()

    def _pump_in(self) -> None:
        if not self.interest() & IN:
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

    def close(self, reset: bool) -> None:
        """Close the socket; with `reset` the host peer sees a reset in place of an orderly end."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()
