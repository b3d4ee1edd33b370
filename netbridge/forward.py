# SPDX-License-Identifier: GPL-2.0-or-later
"""What `--port` means: a port of this machine that leads to a port of the guest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Protocol = Literal["tcp", "udp"]


class ForwardError(ValueError):
    """The user's `--port` is not understood; the text is the sentence to show."""


@dataclass(frozen=True, slots=True)
class Forward:
    """`host_port` 0 lets the operating system choose one."""

    host_port: int
    guest_port: int
    proto: Protocol = "tcp"

    def __str__(self) -> str:
        return f"{self.host_port}:{self.guest_port}" + ("/udp" if self.proto == "udp" else "")


def parse_forward(text: str) -> Forward:
    """`HOST[:GUEST][/udp]` (or `/tcp`); GUEST is HOST when left out. Raises ForwardError."""
    match = re.fullmatch(r"(-?[0-9]+)(?::(-?[0-9]+))?(?:/(tcp|udp))?", text.strip(), re.ASCII)
    if not match:
        raise ForwardError(f"port {text!r} is not understood: write HOST, HOST:GUEST or either with /udp")
    host, guest, proto = match.groups()
    protocol: Protocol = "udp" if proto == "udp" else "tcp"
    return Forward(_port(host, text), _port(guest or host, text), protocol)


def _port(digits: str, text: str) -> int:
    """A port number from at most a handful of digits (int() itself refuses thousands)."""
    number = int(digits[:8])
    if not 1 <= number <= 65535:
        raise ForwardError(f"port {digits} in {text!r} is out of range: ports go from 1 to 65535")
    return number
