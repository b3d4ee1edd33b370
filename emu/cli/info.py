# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu info`: what an ELF says about itself."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("elf", metavar="FIRMWARE.ELF")
@click.option("--chip", metavar="NAME", help="The part, if not what the firmware names.")
def info(elf: str, chip: str | None) -> None:
    """Say what FIRMWARE.ELF is: chip, memory use, vector table, software and peripherals in it."""
    from stm32emu.info import describe

    click.echo(str(describe(Path(elf), chip)))
