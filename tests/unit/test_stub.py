# SPDX-License-Identifier: GPL-2.0-or-later
"""A stub reads back what was written and counts every use."""

from __future__ import annotations

from stm32emu.peripherals.dsi import Dsi
from stm32emu.peripherals.ledger import Ledger
from stm32emu.peripherals.otg import Otg
from stm32emu.peripherals.stub import Stub


def test_words_read_back_by_lane_and_start_at_zero() -> None:
    stub = Stub("LTDC")
    assert stub.read(0x10, 4) == 0
    stub.write(0x10, 4, 0x1122_3344)
    stub.write(0x12, 1, 0x1AA)
    assert (stub.read(0x10, 4), stub.read(0x12, 2), stub.read(0x11, 1)) == (0x11AA_3344, 0x11AA, 0x33)
    stub.write(0x3_0000, 2, 7)
    assert stub.read(0x3_0000, 4) == 7, "however large the block is"
    stub.reset()
    assert stub.read(0x10, 4) == 0


def test_reads_and_writes_of_each_word_are_counted() -> None:
    ledger = Ledger()
    stub = Stub("LTDC", ledger=ledger)
    for offset, size in ((0, 4), (2, 1), (4, 4)):
        stub.read(offset, size)
    stub.write(3, 1, 0)
    found = [(entry.block, entry.offset, entry.what, entry.count) for entry in ledger.of_kind("unmodelled")]
    assert found == [("LTDC", 0, "read", 2), ("LTDC", 4, "read", 1), ("LTDC", 0, "write", 1)]


def test_no_read_of_a_stub_bypasses_the_ledger() -> None:
    assert not any(Stub.plain_reads())


def test_usb_core_reset_flushes_and_forced_mode_as_a_driver_waits_for_them() -> None:
    """HAL's USB_CoreInit, USB_FlushTxFifo and USB_SetCurrentMode, for a host and then for a device."""
    otg = Otg("OTG_FS")
    for bits in (1, 0x30, 0x420):
        otg.write(0x010, 4, bits)
        assert otg.read(0x010, 4) & 0x8000_0037 == 0x8000_0000
    assert otg.read(0x014, 4) == 0x0400_0020
    otg.write(0x00C, 4, 1 << 29)
    assert otg.read(0x014, 1) == 0x21
    otg.write(0x014, 4, 0xFFFF_FFFF)
    otg.write(0x00C, 4, 1 << 30)
    assert otg.read(0x014, 4) == 0x0400_0020
    assert otg.read(0x00C, 4) == 1 << 30


def test_dsi_is_ready_when_it_is_on() -> None:
    """HAL_DSI_Init waits for the regulator and the PLL, HAL_DSI_ShortWrite for the command FIFO."""
    dsi = Dsi("DSI")
    assert dsi.read(0x40C, 4) == 0
    dsi.write(0x430, 4, 1 << 24)
    assert dsi.read(0x40C, 4) == 1 << 12
    dsi.write(0x430, 4, 1 << 24 | 1)
    assert dsi.read(0x40C, 4) == 1 << 12 | 1 << 8
    assert dsi.read(0x074, 4) == 0x15
