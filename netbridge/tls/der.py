# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading DER (ITU-T X.690) as far as certificates use it, and as leniently as a doctor must.

`cryptography` refuses certificates that a device may well have, such as mbedTLS's own test CA (a NULL where RFC 5758
section 3.2 wants nothing); what is wrong with a certificate is for rules to say, not for the reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE = 0x30
LONGEST_ARC = 128
"""Bits of a number in an OID; the longest in use are UUIDs (X.667)."""


class DerError(ValueError):
    """Bytes that are not the DER they should be; says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One value: its tag octet, its contents, the octets of all of it, and where in the file it starts."""

    tag: int
    contents: bytes
    raw: bytes
    at: int

    def expect(self, tag: int, what: str) -> Tlv:
        """Itself, if it has that tag."""
        if self.tag != tag:
            raise DerError(f"{what} at byte {self.at} has tag 0x{self.tag:02x}, not 0x{tag:02x}")
        return self

    def __iter__(self) -> Iterator[Tlv]:
        """The values inside."""
        start = self.at + len(self.raw) - len(self.contents)
        at = 0
        while at < len(self.contents):
            inner = read(self.contents, at, start)
            yield inner
            at += len(inner.raw)


def read(data: bytes, at: int = 0, base: int = 0) -> Tlv:
    """The value at `data[at:]`; `base` is where in the file `data` starts. Raises DerError."""
    if len(data) < at + 2:
        raise DerError(f"a value at byte {base + at} is cut off")
    length, start = data[at + 1], at + 2
    if length & 0x80:  # X.690 section 8.1.3.5: the long form
        octets = length & 0x7F
        length, start = int.from_bytes(data[start : start + octets], "big"), start + octets
        if not 1 <= octets <= 4:
            raise DerError(f"a length of {octets} octets at byte {base + at + 1}")
    if len(data) < start + length:
        raise DerError(f"a value at byte {base + at} wants {length} bytes, {max(0, len(data) - start)} are there")
    return Tlv(data[at], data[start : start + length], data[at : start + length], base + at)


def integer(value: Tlv, what: str) -> int:
    """An INTEGER, which may be negative."""
    return int.from_bytes(value.expect(INTEGER, what).contents, "big", signed=True)


def oid(value: Tlv, what: str) -> str:
    """An OBJECT IDENTIFIER in dotted form (X.690 section 8.19)."""
    numbers, number = [], 0
    for octet in value.expect(OID, what).contents:
        number = number << 7 | octet & 0x7F
        if number >> LONGEST_ARC:
            raise DerError(f"{what} at byte {value.at} has a number that is too long")
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        raise DerError(f"{what} at byte {value.at} is empty")
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def bits(value: Tlv, what: str) -> bytes:
    """A BIT STRING of whole octets."""
    contents = value.expect(BIT_STRING, what).contents
    if not contents:
        raise DerError(f"{what} at byte {value.at} is empty")
    return contents[1:]


def time(value: Tlv, what: str) -> datetime:
    """UTCTime or GeneralizedTime, as RFC 5280 section 4.1.2.5 writes them."""
    text = value.contents.decode("ascii", "replace")
    try:
        if value.tag == UTC_TIME:
            text = ("19" if text[:2] >= "50" else "20") + text
        elif value.tag != GENERALIZED_TIME:
            raise ValueError
        return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise DerError(f"{what} at byte {value.at} is no time: {text!r}") from error
