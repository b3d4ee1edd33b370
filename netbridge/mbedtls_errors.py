# SPDX-License-Identifier: GPL-2.0-or-later
"""mbedTLS's error codes in words, for versions 2.16 to 3.6.

A code is negative. Bits 7 to 14 of its magnitude are a module's code (`HIGH`), the seven below it that of a module
underneath (`LOW`): -0x3d62 is PK's "invalid key format", because of ASN1's "unexpected tag". Numbers are from mbedTLS's
headers; the words are ours.
"""

from __future__ import annotations

from functools import cache

from stm32emu.netbridge.mbedtls_high_codes import HIGH
from stm32emu.netbridge.mbedtls_low_codes import LOW

GENERIC = 0x01
"""What functions that compare also return, so no failure by itself."""
NO_FAILURES = {0x7880, 0x7000, 0x6900, 0x6880, 0x6680, 0x6580, 0x6500, 0x6B00, 0x4B00}
"""Codes that ask for another call, or say that the peer has closed."""


@cache
def _words(table: str) -> dict[int, dict[int, str]]:
    """By magnitude and major version: "MODULE: words"."""
    found: dict[int, dict[int, str]] = {}
    for part in table.strip().split("\n\n"):
        module, *rows = part.splitlines()
        for row in rows:
            number, _, words = row.partition(" ")
            older, bar, newer = (text.strip() for text in words.partition("|"))
            for major, text in ((2, older), (3, newer if bar else older)):
                if text:
                    found.setdefault(int(number, 16), {})[major] = f"{module}: {text}"
    return found


def describe(code: int, major: int | None = None) -> str | None:
    """What `code` means, such as "ECP: invalid private or public key"; None when it is no error code of mbedTLS.

    Args:
        code: as a function returned it, negative.
        major: 2 or 3, the major version of mbedTLS; None names both meanings where they differ.
    """
    if not -0x7FFF <= code < 0:
        return None
    parts = [(table, magnitude) for table, magnitude in ((HIGH, -code & 0x7F80), (LOW, -code & 0x7F)) if magnitude]
    meanings = [_meaning(_words(table).get(magnitude, {}), major) for table, magnitude in parts]
    known = [meaning for meaning in meanings if meaning]
    return ", because of ".join(known) if len(known) == len(parts) else None


def is_failure(code: int) -> bool:
    """Whether `code` says that something failed, rather than that another call is needed."""
    return -code not in NO_FAILURES and -code != GENERIC and describe(code) is not None


def _meaning(by_major: dict[int, str], major: int | None) -> str | None:
    if major is not None:
        return by_major.get(major)
    if len(set(by_major.values())) < 2:
        return next(iter(by_major.values()), None)
    return ", ".join(f"{text} (version {number})" for number, text in by_major.items())
