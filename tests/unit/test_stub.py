# SPDX-License-Identifier: GPL-2.0-or-later
"""A stub reads back what was written and counts every use."""

from __future__ import annotations

from stm32emu.peripherals.ledger import Ledger
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
