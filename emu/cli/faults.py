# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu faults`: what `run --fault` can do, read by a human."""

from __future__ import annotations

import textwrap

import click

from stm32emu.faults import FAULTS, GRAMMAR, TIMES

INDENT = "    "


@click.command()
def faults() -> None:
    """List the faults that `run --fault` injects into a firmware, each with an example."""
    click.echo(f"stm32emu run FIRMWARE.ELF --fault {GRAMMAR}\nMay be repeated; {TIMES}.")
    for row in FAULTS:
        text = textwrap.fill(row.help, 100, initial_indent=INDENT, subsequent_indent=INDENT)
        click.echo(f"\n{row.usage}\n{text}\n{INDENT}example: --fault {row.example}")
