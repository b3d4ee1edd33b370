# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger keeps the two kinds apart, counts by place and may stop a strict run at the first."""

from __future__ import annotations

import pytest

from stm32emu.peripherals.ledger import NO_LEDGER, Entry, Ledger


def test_counts_by_place_with_the_first_program_counter() -> None:
    pcs = iter([0x100, 0x200, 0x300])
    ledger = Ledger(pc=lambda: next(pcs))
    for offset in (4, 4, 8):
        ledger.unmodelled("SPI1", offset, "read")
    ledger.illegal("FLASH", 4, "wrong key")
    assert ledger.of_kind("unmodelled") == [Entry("SPI1", 4, "read", 0x100, 2), Entry("SPI1", 8, "read", 0x200, 1)]
    assert ledger.of_kind("illegal") == [Entry("FLASH", 4, "wrong key", 0x300, 1)]


def test_strict_runs_hear_of_the_first_of_each_place() -> None:
    def refuse(kind: str, entry: Entry) -> None:
        raise RuntimeError(f"{kind} {entry.block}+{entry.offset:#x}")

    with pytest.raises(RuntimeError, match=r"unmodelled SPI1\+0x4"):
        Ledger(first=refuse).unmodelled("SPI1", 4, "read")

    heard: list[str] = []
    ledger = Ledger(first=lambda kind, entry: heard.append(entry.block))
    ledger.illegal("A", 0, "")
    ledger.illegal("A", 0, "")
    assert heard == ["A"]


def test_no_ledger_counts_nothing() -> None:
    NO_LEDGER.unmodelled("A", 0, "")
    assert NO_LEDGER.entries == {}
