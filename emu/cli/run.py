# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu run`: the command line of a session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from stm32emu.options import OPTIONS, Option, parse_options


def parameter(option: Option) -> click.Option:
    """A row of the options table for click, which only splits words: parsing them is ours, so errors are too."""
    names = [option.flag, option.field]
    if not option.metavar:
        return click.Option(names, is_flag=True, help=option.help)
    return click.Option(names, metavar=option.metavar, multiple=option.repeatable, help=option.help)


def _run(elf: str, **words: Any) -> int:
    """Run FIRMWARE.ELF until it is told to end, faults, or Ctrl-C. Its console is stdout; all else goes to stderr."""
    options = parse_options(Path(elf), words)
    # Imported here so that --help and bad options answer at once.
    from stm32emu.cli.play import play
    from stm32emu.session import Session

    return play(partial(Session, options))


run = click.Command(
    "run",
    callback=_run,
    params=[click.Argument(["elf"], metavar="FIRMWARE.ELF"), *map(parameter, OPTIONS)],
    help=_run.__doc__,
)
