# SPDX-License-Identifier: GPL-2.0-or-later
"""CRC against a bit-by-bit reference and a published value (RM0090 chapter 4)."""

from __future__ import annotations

import random

import pytest

from bus import Bus
from stm32emu.peripherals.crc import Crc


def by_bits(words: list[int]) -> int:
    """The shift register as the manual draws it."""
    register = 0xFFFF_FFFF
    for word in words:
        for bit in range(31, -1, -1):
            feedback = (register >> 31) ^ (word >> bit & 1)
            register = (register << 1 & 0xFFFF_FFFF) ^ (0x04C1_1DB7 * feedback)
    return register


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_words_agree_with_the_reference(count: int) -> None:
    words = [random.Random(count).getrandbits(32) for _ in range(count)]
    bus = Bus(Crc("CRC"))
    for n, word in enumerate(words):
        bus["DR"] = word
        assert bus["DR"] == by_bits(words[: n + 1])


def test_the_check_value_of_crc_32_mpeg_2() -> None:
    """The same parameters; the catalogue's check is over the bytes "123456789", the last one is shifted in by hand."""
    bus = Bus(Crc("CRC"))
    bus["DR"] = 0x3132_3334
    bus["DR"] = 0x3536_3738
    register = bus["DR"] ^ 0x39 << 24
    for _ in range(8):
        register = (register << 1 & 0xFFFF_FFFF) ^ (0x04C1_1DB7 if register >> 31 else 0)
    assert register == 0x0376_E6E7


def test_reset_bit_spares_the_independent_byte() -> None:
    crc = Crc("CRC")
    bus = Bus(crc)
    bus["IDR"] = 0x1A5
    bus["DR"] = 5
    bus["CR"] = 1
    assert (bus["DR"], bus["IDR"], bus["CR"]) == (0xFFFF_FFFF, 0xA5, 0)
    bus["DR"] = 5
    assert bus["DR"] == by_bits([5])
    crc.reset()
    assert (bus["DR"], bus["IDR"]) == (0xFFFF_FFFF, 0)
