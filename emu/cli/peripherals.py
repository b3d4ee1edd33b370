# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu peripherals`: how much of each block is modelled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from textwrap import wrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from stm32emu.block_table import BlockRow

HEADING = f"{'state':<8} {'registers':>9} {'fields':>6} {'tagged':>6}  {'blocks':<27} what is missing"
NAMES, MISSING = 27, 56  # widths of the last two columns


@click.command()
@click.option("--chip", metavar="NAME", default="stm32f407", show_default=True, help="The part.")
def peripherals(chip: str) -> None:
    """List a part's blocks: modelled, partly, or a stub; the registers and fields that are declared, and how many of
    the fields are tagged, that is kept without an effect."""
    from stm32emu.block_table import block_table
    from stm32emu.chips import find_chip

    alike: dict[tuple[str, str], list[BlockRow]] = {}
    for row in block_table(find_chip(chip)):
        alike.setdefault((row.model, row.missing), []).append(row)
    for line in (HEADING, *(line for rows in alike.values() for line in _lines(rows))):
        click.echo(line)


def _lines(rows: list[BlockRow]) -> Iterator[str]:
    """One entry for blocks of the same model."""
    first = rows[0]
    counts = [f"{count or '-':>{width}}" for count, width in ((first.registers, 9), (first.fields, 6))]
    start = f"{first.state:<8} {' '.join(counts)} {first.tagged if first.fields else '-':>6}"
    names, missing = wrap(" ".join(row.name for row in rows), NAMES), wrap(first.missing, MISSING)
    for n, (name, text) in enumerate(zip_longest(names, missing, fillvalue="")):
        yield f"{start if n == 0 else '':<{len(start)}}  {name:<{NAMES}} {text}".rstrip()
