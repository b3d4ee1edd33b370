# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor flash`: what takes flash, and what could go."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stm32emu.errors import UserError

if TYPE_CHECKING:
    from stm32emu.flash_report import Droppable, Module
    from stm32emu.netbridge.tls.flash_macros import Macro

SHOWN = 20


@click.command("flash")
@click.argument("elf", metavar="FIRMWARE.ELF", type=Path)
@click.option("--config", "header", type=Path, metavar="CONFIG.H", help="What mbedTLS is compiled with: what could go.")
@click.option("--coverage", "ran", type=Path, metavar="FILE", help="What ran: a file of stm32emu run --coverage.")
@click.option("--include", "folders", type=Path, multiple=True, metavar="FOLDER", help="Where includes are found.")
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def doctor_flash(elf: Path, header: Path | None, ran: Path | None, folders: tuple[Path, ...], as_json: bool) -> None:
    """Say what takes the flash of FIRMWARE.ELF and, with --config, what mbedTLS's options take of it."""
    from stm32emu.coverage import read_coverage
    from stm32emu.elf import load_firmware
    from stm32emu.flash_graph import FlashGraph
    from stm32emu.flash_report import droppables, modules
    from stm32emu.flash_savings import Savings
    from stm32emu.symbols import Symbols

    macros = _macros(header, folders) if header else []
    firmware = load_firmware(elf)
    coverage = read_coverage(ran, firmware.contents) if ran else None
    symbols = Symbols.from_elf(BytesIO(firmware.contents))
    if not len(symbols):
        raise UserError(f"{elf} has no symbols: give the ELF as it was linked, not a stripped copy")
    graph = FlashGraph(firmware, symbols)
    parts = modules(graph, coverage)
    found = droppables(macros, graph, Savings(graph, symbols), coverage) if macros else []
    if symbols.debug.dwarf is None:
        click.echo(f"{elf} has no debug information (-g): files are unknown, and savings within functions", err=True)
    click.echo(_data(parts, found) if as_json else _text(elf, parts, found, header))


def _macros(header: Path, folders: tuple[Path, ...]) -> list[Macro]:
    from stm32emu.netbridge.tls.config import ConfigError, read_config
    from stm32emu.netbridge.tls.flash_macros import droppable

    try:
        return list(droppable(read_config(header, folders)))
    except ConfigError as error:
        raise UserError(str(error)) from error


def _data(parts: list[Module], found: list[Droppable]) -> str:
    data = {
        "bytes": sum(part.size for part in parts),
        "modules": [{**asdict(part), "bytes": part.size} for part in parts],
        "macros": [each.to_dict() for each in found],
    }
    return json.dumps(data, indent=2)


def _text(elf: Path, parts: list[Module], found: list[Droppable], header: Path | None) -> str:
    code, data = sum(part.code for part in parts), sum(part.data for part in parts)
    lines = [f"{elf.name}: {code + data} bytes of flash, {code} of code and {data} of constants and initial values"]
    ran = "  ran" if parts[0].ran is not None else ""
    lines += ["", f"   bytes     code{ran}  file", *map(_module, parts[:SHOWN]), *_rest(parts[SHOWN:])]
    if header is not None:
        what = "what could go, and what that saves about" if found else "no option is known that could go"
        lines += ["", f"{header.name}: {what}", *(line for each in found for line in _macro(each))]
    return "\n".join(lines)


def _module(part: Module) -> str:
    share = f"{100 * part.ran / part.code:3.0f} %" if part.ran is not None and part.code else ""
    column = f" {share:>5}" if part.ran is not None else ""
    return f"{part.size:>8} {part.code:>8}{column}  {part.file}"


def _rest(parts: list[Module]) -> list[str]:
    if not parts:
        return []
    column = "" if parts[0].ran is None else " " * 6
    return [f"{sum(part.size for part in parts):>8} {sum(part.code for part in parts):>8}{column}  {len(parts)} more"]


def _macro(each: Droppable) -> list[str]:
    names = [piece.name for piece in sorted(each.saving.gone, key=lambda p: -p.size) if piece.kind != "unnamed"]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    what = ", ".join(names[:3]) + more if names else "code within functions that stay"
    lines = [f"{each.saving.size:>8} MBEDTLS_{each.macro.option}: {what}", f"{'':>8} lost: {each.macro.loss}"]
    if each.ran is not None and each.code:
        lines.append(f"{'':>8} ran: {each.ran} of its {each.code} bytes of code")
    return lines
