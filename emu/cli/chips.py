# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu chips`: the chip table, read by a human."""

from __future__ import annotations

from collections.abc import Iterator

import click

from stm32emu.chip import KB, Block, Chip
from stm32emu.chips import CHIPS, find_chip

HEADING = f"{'chip':<11} {'flash':>7} {'SRAM':>7} {'CCM':>6} {'MHz':>4}  {'manual':<7} Ethernet"


@click.command()
@click.argument("name", required=False, metavar="[CHIP]")
def chips(name: str | None) -> None:
    """List the parts that can be run, or the memories and blocks of one."""
    for line in _details(find_chip(name)) if name else [HEADING, *map(_row, CHIPS)]:
        click.echo(line)


def _row(chip: Chip) -> str:
    ccm = f"{chip.ccm.size // KB} KB" if chip.ccm else "-"
    sizes = f"{chip.flash.size // KB:>4} KB {chip.sram.size // KB:>4} KB {ccm:>6}"
    ethernet = "yes" if chip.block("ETH") else "no"
    return f"{chip.name:<11} {sizes} {chip.max_hclk // 1_000_000:>4}  {chip.manual:<7} {ethernet}"


def _details(chip: Chip) -> Iterator[str]:
    yield f"{chip.name} ({chip.manual}), up to {chip.max_hclk // 1_000_000} MHz, {chip.irq_count} interrupts"
    yield ""
    for region in sorted(chip.memories, key=lambda region: region.base):
        yield f"{region.base:#010x}  {_size(region.size):>9}  {region.name}"
    yield ""
    yield from map(_block_row, chip.blocks)


def _block_row(block: Block) -> str:
    vectors = ", ".join(f"{irq} {name}" for irq, name in zip(block.irqs, block.vectors, strict=True))
    stub = "stub" if block.model == "stub" else ""
    return f"{block.base:#010x}  {block.name:<8} {stub:<5} {vectors}".rstrip()


def _size(size: int) -> str:
    return f"{size // KB} KB" if size % KB == 0 else f"{size} bytes"
