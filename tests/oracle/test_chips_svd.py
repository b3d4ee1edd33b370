# SPDX-License-Identifier: GPL-2.0-or-later
"""The chip table against ST's SVD files: base addresses and interrupt numbers, with what those files get wrong."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache

import pytest

import svd
from stm32emu.chip import FPU_IRQ
from stm32emu.chips import CHIPS, Chip, find_chip

FILES = {
    "STM32F405": "STM32F40x", "STM32F407": "STM32F40x", "STM32F415": "STM32F41x", "STM32F417": "STM32F41x",
    "STM32F427": "STM32F427x", "STM32F429": "STM32F429x", "STM32F437": "STM32F437x", "STM32F439": "STM32F439x",
    "STM32F446": "STM32F446x", "STM32F469": "STM32F46_79x", "STM32F479": "STM32F46_79x",
}  # fmt: skip

# Names of blocks and interrupts that are other than the manuals'.
BLOCK_NAMES = {
    "ADC": "ADC1", "DBGMCU": "DBG", "ETH": "Ethernet_MAC", "OTG_FS": "OTG_FS_GLOBAL", "OTG_HS": "OTG_HS_GLOBAL",
    "DSI": "DSIHOST", "SAI1": "SAI", "SPDIFRX": "SPDIF_RX",
}  # fmt: skip
VECTOR_NAMES = {"LCD_TFT": "LTDC", "LCD_TFT_1": "LTDC_ER", "HASH_RNG": "RNG"}
PARTS_OF_BLOCKS = ("ADC2", "ADC3", "C_ADC", "Ethernet_", "OTG_FS_", "OTG_HS_", "NVIC")

# What the smaller part of a file for two lacks (RM0090 section 2.3, RM0386 section 2.2.2).
LACKS = {
    "STM32F405": ({"DCMI"}, {61, 62, 78}),
    "STM32F415": ({"DCMI"}, {61, 62, 78}),
    "STM32F469": ({"CRYP", "HASH"}, {79}),
}
# Interrupts that a file forgets or invents; the manuals have them in table 62 (RM0090), 38 (RM0390), 48 (RM0386).
SILENT = {
    "STM32F40x": {4, 80}, "STM32F427x": {80, 87, 90}, "STM32F437x": {87, 90}, "STM32F46_79x": {92},
    "STM32F446x": {1, 74, 75, 76, 77, 87, 91, 92, 93, 94, 95, 96},
}  # fmt: skip
INVENTED = {"STM32F446x": {61, 62, 82, 83, 88, 89}}
SILENT_BLOCKS = {
    "STM32F427x": {"SAI1", "GPIOJ", "GPIOK", "DMA2D"}, "STM32F437x": {"SAI1", "GPIOJ", "GPIOK", "DMA2D"},
    "STM32F446x": {"FMPI2C1"},
}  # fmt: skip

JUDGED = [chip for chip in CHIPS if chip.name in FILES]


@cache
def root(file: str) -> ET.Element:
    path = svd.FOLDER / f"{file}.svd"
    assert path.exists(), f"{path.name} is missing: run `python scripts/fetch_svd.py` (or `make test`) first"
    return ET.parse(path).getroot()


def svd_bases(file: str) -> dict[str, int]:
    return {
        element.findtext("name", ""): int(element.findtext("baseAddress", ""), 0)
        for element in root(file).iter("peripheral")
    }


def svd_vectors(file: str) -> dict[int, str]:
    found = {}
    for element in root(file).iter("interrupt"):
        name = element.findtext("name", "").removesuffix("_IRQ")
        found[int(element.findtext("value", ""))] = VECTOR_NAMES.get(name, name)
    return found


def test_every_part_of_the_issue_is_judged() -> None:
    asked = (405, 407, 415, 417, 427, 429, 437, 439, 446, 469, 479)
    assert [chip.name for chip in JUDGED] == [f"STM32F{part}" for part in asked]


@pytest.mark.parametrize("chip", JUDGED, ids=lambda chip: chip.name)
def test_bases(chip: Chip) -> None:
    file = FILES[chip.name]
    theirs = svd_bases(file)
    missing = LACKS.get(chip.name, (set(), set()))[0]
    for block in chip.blocks:
        name = block.name if block.name in theirs else BLOCK_NAMES.get(block.name, block.name)
        assert (name in theirs) is (block.name not in SILENT_BLOCKS.get(file, ())), block.name
        assert block.base == theirs.get(name, block.base), block.name
    ours = {block.base for block in chip.blocks}
    left = {name for name, base in theirs.items() if base not in ours and not name.startswith(PARTS_OF_BLOCKS)}
    assert left == missing


@pytest.mark.parametrize("chip", JUDGED, ids=lambda chip: chip.name)
def test_interrupts(chip: Chip) -> None:
    file = FILES[chip.name]
    missing = LACKS.get(chip.name, (set(), set()))[1]
    theirs = {irq: name for irq, name in svd_vectors(file).items() if irq not in missing | INVENTED.get(file, set())}
    ours = {irq: VECTOR_NAMES.get(name, name) for irq, name in chip.vector_names() if irq != FPU_IRQ}
    assert ours.keys() - theirs.keys() == SILENT.get(file, set())
    assert {irq: name for irq, name in ours.items() if irq in theirs} == theirs


def test_ethernet_parts_lie_within_the_block() -> None:
    block = find_chip("f407").block("ETH")
    assert block is not None
    for name, base in svd_bases("STM32F40x").items():
        if name.startswith("Ethernet_"):
            assert block.base <= base < block.base + block.size
