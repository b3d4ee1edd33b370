# SPDX-License-Identifier: GPL-2.0-or-later
"""DBGMCU: the chip's identity, and bits that only power-on clears (RM0090 section 38.16)."""

from __future__ import annotations

import pytest

from bus import Bus
from stm32emu.peripherals.dbgmcu import Dbgmcu


@pytest.mark.parametrize(("series", "device"), [("F407", 0x413), ("F429", 0x419), ("F446", 0x421), ("F469", 0x434)])
def test_idcode_names_the_series_and_is_read_only(series: str, device: int) -> None:
    bus = Bus(Dbgmcu("DBGMCU", series=series))
    bus["IDCODE"] = 0
    assert bus["IDCODE"] & 0xFFF == device
    assert bus["IDCODE"] >> 16 != 0


def test_freezes_are_kept_through_a_reset() -> None:
    block = Dbgmcu("DBGMCU")
    bus = Bus(block)
    bus["CR"], bus["APB1_FZ"], bus["APB2_FZ"] = 0xFFFF_FFFF, 1 << 12, 1
    block.reset()
    assert (bus["CR"], bus["APB1_FZ"], bus["APB2_FZ"]) == (0xE7, 1 << 12, 1)
