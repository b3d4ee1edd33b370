# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what is modelled, on every chip."""

from __future__ import annotations

import pytest

from stm32emu.block_table import BlockRow, block_table
from stm32emu.chip import Chip
from stm32emu.chips import CHIPS, find_chip


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_what_is_only_kept_is_said_to_be_missing(chip: Chip) -> None:
    rows = block_table(chip)
    assert [row.name for row in rows] == [block.name for block in chip.blocks]
    assert [row.name for row in rows if row.tagged and not row.missing] == []


def test_counts() -> None:
    rows = {row.name: row for row in block_table(find_chip("f407"))}
    assert rows["CRC"] == BlockRow("CRC", "Crc", "modelled", "", registers=3, fields=3, tagged=0)
    assert rows["WWDG"].state == "partly"
    assert rows["DCMI"] == BlockRow("DCMI", "Stub", "stub", "everything: reads give back what was written", 0, 0, 0)
    assert rows["ADC"].registers == 3 * 20 + 3
    assert {row.name: row for row in block_table(find_chip("f411"))}["ADC"].registers == 20 + 3
