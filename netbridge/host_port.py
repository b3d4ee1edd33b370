# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens the host's side of a forward: a listening or bound socket, or the sentence for whatever is wrong."""

from __future__ import annotations

import errno
import socket

from stm32emu.netbridge.forward import Forward

SOCKET_BUFFER = 32768
"""Asked of the kernel in each direction, so that back-pressure is felt after tens of kilobytes and not megabytes."""
BACKLOG = 128


class BridgeError(Exception):
    """The bridge cannot do what the user asked; the text is the sentence to show."""


def open_port(forward: Forward, bind: str) -> socket.socket:
    """A non-blocking socket on the forward's host port; one for TCP listens. Raises BridgeError."""
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM if forward.proto == "tcp" else socket.SOCK_DGRAM)
    except OSError as error:
        raise _explain(error, forward, bind) from error
    try:
        sock.setblocking(False)
        if forward.proto == "tcp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not stopped by TIME-WAITs of the last run
        sock.bind((bind, forward.host_port))
        if forward.proto == "tcp":
            _listen(sock)
    except OSError as error:
        sock.close()
        raise _explain(error, forward, bind) from error
    return sock


def _listen(sock: socket.socket) -> None:
    """Connections inherit small buffers and no Nagle delay."""
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.listen(BACKLOG)


def _explain(error: OSError, forward: Forward, bind: str) -> BridgeError:
    port = f"{forward.proto.upper()} port {forward.host_port}"
    other = "choose another with --port HOST:GUEST"
    if error.errno == errno.EADDRINUSE:
        return BridgeError(f"{port} on {bind} is in use by another program: stop that, or {other}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return BridgeError(f"{port} needs privileges that this user lacks: {other}, above 1023")
    if error.errno == errno.EADDRNOTAVAIL:
        return BridgeError(f"this machine has no address {bind!r} to listen on: correct --bind")
    return BridgeError(f"{port} on {bind} cannot be opened ({error.strerror or error}): {other}")
