# SPDX-License-Identifier: GPL-2.0-or-later
"""What a test server says in application data: the page that the bundled firmware serves, or everything back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stm32emu.netbridge.tls.suites import SUITES

TITLE = "stm32emu's test server, the twin of a device"


class Answers(Protocol):
    """One connection's. `receive` returns what to send, and whether the conversation is over then."""

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """More of what the client says."""


class Echo:
    """Sends back what it gets, until the client closes."""

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """The same."""
        return data, False


@dataclass(frozen=True)
class Facts:
    """What the page tells: milliseconds since the start, handshakes so far, the suite's code."""

    uptime: int
    handshakes: int
    suite: int


class Page:
    """HTTP/1.0 as far as one page needs it (RFC 1945): any request, up to its empty line, gets it."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._on_empty_line = False

    def receive(self, data: bytes) -> tuple[bytes, bool]:
        """The page, once the request is complete."""
        return (self._page(), True) if self._ends(data) else (b"", False)

    def _ends(self, data: bytes) -> bool:
        for octet in data:
            if octet == 0x0A:
                if self._on_empty_line:
                    return True
                self._on_empty_line = True
            elif octet != 0x0D:
                self._on_empty_line = False
        return False

    def _page(self) -> bytes:
        facts = self._facts
        body = (
            f"{TITLE}\n"
            f"uptime: {facts.uptime // 1000}.{facts.uptime % 1000:03} s\n"
            f"handshakes: {facts.handshakes}\n"
            f"ciphersuite: {SUITES[facts.suite].iana.replace('_', '-')}\n"
        )
        head = ("HTTP/1.0 200 OK", "Content-Type: text/plain", f"Content-Length: {len(body)}", "Connection: close")
        return "\r\n".join((*head, "", body)).encode("ascii")
