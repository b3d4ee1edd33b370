# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv4 reassembly (RFC 791 section 3.2, RFC 815), bounded in packets, bytes and time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from stm32emu.netbridge.wire.ipv4 import Ipv4Packet

TIMEOUT = 30_000_000_000
"""Virtual ns from the first fragment on (RFC 1122 section 3.3.2 asks for 60 s or more, over an internet)."""
MAX_PACKETS = 16
MAX_PAYLOAD = 65535 - 20
"""Without options; with them so much less."""

_Key = tuple[IPv4Address, IPv4Address, int, int]


class _Partial:
    """The fragments of one packet so far; they may not overlap (RFC 5722's rule, as good for IPv4)."""

    def __init__(self, now: int) -> None:
        self.expires = now + TIMEOUT
        self.first: Ipv4Packet | None = None
        self._pieces: dict[int, bytes] = {}
        self._total: int | None = None
        self._limit = MAX_PAYLOAD
        self._furthest = 0

    def add(self, fragment: Ipv4Packet) -> bool:
        """False when this packet can never become whole."""
        start, size = fragment.fragment_offset, len(fragment.payload)
        if start in self._pieces:
            return self._pieces[start] == fragment.payload
        overlaps = any(at < start + size and start < at + len(piece) for at, piece in self._pieces.items())
        misaligned = fragment.more_fragments and (size % 8 or not size)
        if not fragment.more_fragments:
            self._total = start + size
        if start == 0:
            self.first = fragment
            self._limit -= len(fragment.options)
        self._furthest = max(self._furthest, start + size)
        self._pieces[start] = fragment.payload
        end = self._limit if self._total is None else min(self._limit, self._total)
        return not overlaps and not misaligned and self._furthest <= end

    def whole(self) -> Ipv4Packet | None:
        """The packet once no byte is missing."""
        if self.first is None or sum(map(len, self._pieces.values())) != self._total:
            return None
        payload = b"".join(self._pieces[start] for start in sorted(self._pieces))
        return replace(self.first, payload=payload, more_fragments=False)


class Reassembler:
    """Turns fragments in any order into packets."""

    def __init__(self) -> None:
        self._partials: dict[_Key, _Partial] = {}

    def receive(self, packet: Ipv4Packet, now: int) -> Ipv4Packet | None:
        """The packet itself when it is whole, the packet that its last missing fragment completes, or None."""
        if not packet.is_fragment:
            return packet
        key = (packet.src, packet.dst, packet.protocol, packet.identification)
        partial = self._partial(key, now)
        if not partial.add(packet):
            del self._partials[key]
            return None
        whole = partial.whole()
        if whole:
            del self._partials[key]
        return whole

    def _partial(self, key: _Key, now: int) -> _Partial:
        """The packet's fragments so far; drops what is too old, and the oldest when a new one would be too many."""
        self._partials = {each: partial for each, partial in self._partials.items() if partial.expires > now}
        if key not in self._partials and len(self._partials) == MAX_PACKETS:
            del self._partials[next(iter(self._partials))]
        return self._partials.setdefault(key, _Partial(now))
