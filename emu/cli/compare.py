# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu compare`: the first thing that a device does otherwise than its known-good twin."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stm32emu.cli.serve import make_options, twin_options
from stm32emu.errors import UserError

if TYPE_CHECKING:
    from stm32emu.comparison import Result

DIFFERENT = 1
CONSOLE_LINES = 5


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("elf", metavar="FIRMWARE.ELF", type=Path)
@click.argument("command", nargs=-1, metavar="-- CLIENT...")
@click.option("--port", type=click.IntRange(1, 65535), default=4433, help="Where the firmware serves TLS [4433].")
@click.option("--seed", type=click.IntRange(0), default=0, help="Source of everything random in the run [0].")
@click.option("--patience", type=click.FloatRange(1), default=60, help="Seconds until the client is stopped [60].")
@click.option("-v", "--verbose", is_flag=True, help="Show the logs of the run and of the twin.")
@twin_options
def compare(
    elf: Path, command: tuple[str, ...], port: int, seed: int, patience: float, verbose: bool, **words: Any
) -> None:
    """Run the same CLIENT against FIRMWARE.ELF and its twin; say where they first differ, and what that means.

    In the client's words {address}, {host} and {port} stand for the server. Without --cert and --key those in the
    firmware are taken. Ends with 1 if there is a difference.

    stm32emu compare firmware.elf --config config.h -- openssl s_client -connect {address}
    """
    from stm32emu.comparison import Client
    from stm32emu.comparison import compare as compare_both
    from stm32emu.options import RunOptions
    from stm32emu.twin import make_site

    if not command:
        raise UserError("which client? write it after --, as in: -- openssl s_client -connect {address}")
    if command[0].startswith("-"):
        raise UserError(f"no such option '{command[0]}'; `stm32emu compare --help` says what there is")
    site = make_site(make_options(elf, **words))
    say = partial(click.echo, err=True)
    log = say if verbose else (lambda line: None)
    result = compare_both(site, RunOptions(elf, seed=seed), port, Client(command, patience), log, say)
    click.echo(_text(result))
    if result.difference:
        raise click.exceptions.Exit(DIFFERENT)


def _text(result: Result) -> str:
    from stm32emu.netbridge.tls.ladder import ladder, verdict_lines

    ladders = [f"device:  {ladder(result.device)}", f"twin:    {ladder(result.twin)}"]
    difference = result.difference
    if difference is None:
        return "\n".join([*ladders, "no difference"])
    lines = [*ladders, f"first difference: {difference.title}"]
    lines += [f"  device:  {difference.device}", f"  twin:    {difference.twin}", f"  means:   {difference.meaning}"]
    said = result.console.splitlines()[-CONSOLE_LINES:]
    lines += [f"  console: {line}" for line in said]
    return "\n".join(lines + (verdict_lines(result.verdict) if result.verdict.faulty else []))
