# SPDX-License-Identifier: GPL-2.0-or-later
"""The MAC's address filters (RM0090 section 33.5.5, "MAC filtering", with its tables of both address filters)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

BROADCAST = b"\xff" * 6


class AddressRegister(NamedTuple):
    """One of MACA0..3: `mask` has a bit per octet (bit 0 the first) that is not compared (MBC)."""

    address: bytes
    mask: int = 0
    source: bool = False

    @classmethod
    def read(cls, high: int, low: int) -> AddressRegister:
        """From MACAxHR and MACAxLR; the first octet on the wire is the low register's lowest byte."""
        address = low.to_bytes(4, "little") + (high & 0xFFFF).to_bytes(2, "little")
        return cls(address, high >> 24 & 0x3F, bool(high >> 30 & 1))

    def matches(self, address: bytes) -> bool:
        """Whether the compared octets are equal."""
        if not self.mask:
            return address == self.address
        return all(self.mask >> n & 1 or address[n] == self.address[n] for n in range(6))


class Settings(NamedTuple):
    """The filter's registers: MACFFR, the hash table (HTH:HTL, 64 bits) and the enabled address registers."""

    macffr: int
    hash_table: int
    addresses: Sequence[AddressRegister]

    def bit(self, n: int) -> bool:
        """One bit of MACFFR."""
        return bool(self.macffr >> n & 1)


class Verdict(NamedTuple):
    """`passes`: the frame goes to the FIFO. The others become RDES0.AFM and RDES0.SAF."""

    passes: bool
    destination_fails: bool
    source_fails: bool


def hash_index(address: bytes) -> int:
    """The hash table bit of an address: the upper six bits of its bit-reversed CRC-32."""
    return int(f"{zlib.crc32(address) & 0x3F:06b}"[::-1], 2)


def judge(frame: bytes, settings: Settings) -> Verdict:
    """Whether the MAC lets `frame` (from the destination address on) through."""
    promiscuous = settings.bit(0)
    destination = promiscuous or _destination(frame[:6], settings)
    compared = [each for each in settings.addresses if each.source]
    inverse = settings.bit(8)  # SAIF
    source_fails = bool(compared) and any(each.matches(frame[6:12]) for each in compared) is inverse
    passes = destination and (promiscuous or not (settings.bit(9) and source_fails))
    if frame[12:14] == b"\x88\x08":
        passes = _control(frame, settings.macffr >> 6 & 3, passes)
    return Verdict(passes or settings.bit(31), not destination, source_fails)


def _destination(address: bytes, settings: Settings) -> bool:
    if address == BROADCAST:
        return not settings.bit(5)  # BFD
    group = bool(address[0] & 1)
    if group and settings.bit(4):  # PAM
        return True
    hashed = settings.bit(2 if group else 1)  # HM, HU
    found = hashed and bool(settings.hash_table >> hash_index(address) & 1)
    if not hashed or settings.bit(10):  # HPF
        found = found or any(each.matches(address) for each in settings.addresses if not each.source)
    return found is not settings.bit(3)  # DAIF


def _control(frame: bytes, pass_control: int, passes: bool) -> bool:
    """MACFFR.PCF: 0 no control frame, 1 all but PAUSE, 2 all, even those that fail the filter, 3 those that pass it."""
    if pass_control == 1:
        return frame[14:16] != b"\x00\x01"
    return (False, True, True, passes)[pass_control]
