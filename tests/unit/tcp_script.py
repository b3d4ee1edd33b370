# SPDX-License-Identifier: GPL-2.0-or-later
"""Scripts of segments: what the peer sends, what the connection must answer. Numbers relative to the ISNs."""

from __future__ import annotations

from stm32emu.netbridge.tcp import Tcp
from stm32emu.netbridge.wire.tcp import ACK, FIN, PSH, RST, SYN, TcpSegment

MS = 1_000_000
SECOND = 1000 * MS
ISS = 0xFFFF_FFF0
"""Ours: wraps after a few bytes."""
IRS = 0x7FFF_FFF0
"""The peer's: crosses the sign bit after a few bytes."""
LETTERS = {"S": SYN, "A": ACK, "F": FIN, "R": RST, "P": PSH}


class Script:
    """The connection under test in `tcp`, time in `now`."""

    def __init__(self, *, buffer: int = 4000, mss: int = 1000) -> None:
        self.tcp = Tcp(50000, 80, iss=ISS, mss=mss, buffer=buffer)
        self.now = 0

    def peer(self, flags: str, seq: int = 0, ack: int = 0, window: int = 4000, data: bytes = b"", mss: int = 0) -> None:
        """A segment from the peer; `seq` and `ack` count from the SYNs, which are number 0."""
        bits = sum(LETTERS[letter] for letter in flags)
        wire_ack = (ISS + ack) % 2**32 if "A" in flags else 0
        segment = TcpSegment(80, 50000, (IRS + seq) % 2**32, wire_ack, bits, window, data, mss or None)
        self.tcp.receive(segment, self.now)

    def output(self) -> list[str]:
        """What goes out now, as `FLAGS seq:end ack=n win=n`; `ack` left out when the flag is not set."""
        return [self._describe(segment) for segment in self.tcp.take_output(self.now)]

    def _describe(self, segment: TcpSegment) -> str:
        flags = "".join(letter for letter, bit in LETTERS.items() if segment.flags & bit)
        seq = (segment.seq - ISS) % 2**32
        text = f"{flags} {seq}:{seq + segment.length}"
        if segment.flags & ACK:
            text += f" ack={(segment.ack - IRS) % 2**32} win={segment.window}"
        return text

    def wait(self, seconds: float) -> list[str]:
        """Let time pass, timers run when they want to; everything that goes out meanwhile."""
        end = self.now + int(seconds * SECOND)
        seen: list[str] = []
        while (due := self.tcp.poll_at()) is not None and due <= end:
            self.now = max(self.now, due)
            self.tcp.on_timer(self.now)
            seen += self.output()
        self.now = end
        return seen

    def establish(self, window: int = 4000, mss: int = 1000) -> None:
        """Active open; afterwards both sides stand at 1."""
        self.tcp.connect()
        assert self.output() == ["S 0:1"]
        self.peer("SA", 0, 1, window, mss=mss)
        out = self.output()
        assert [line.rsplit(" ", 1)[0] for line in out] == ["A 1:1 ack=1"]

    def read(self) -> bytes:
        """Everything that is readable."""
        with self.tcp.peek() as ready:
            data = bytes(ready)
        self.tcp.consume(len(data))
        return data
