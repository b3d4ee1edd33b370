# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor flash`: what takes flash, and what could go."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stm32emu.errors import UserError, as_user_errors

if TYPE_CHECKING:
    from stm32emu.coverage import Coverage
    from stm32emu.flash_pieces import Piece
    from stm32emu.flash_report import Droppable, FlashReport, Idle, Module
    from stm32emu.netbridge.tls.flash_macros import Macro
    from stm32emu.symbols import Symbols

SHOWN = 20


@click.command("flash")
@click.argument("elf", metavar="FIRMWARE.ELF", type=Path)
@click.option("--config", "header", type=Path, metavar="CONFIG.H", help="What mbedTLS is compiled with: what could go.")
@click.option(
    "--coverage", "runs", type=Path, multiple=True, metavar="FILE", help="What run --coverage wrote: what ran."
)
@click.option("--lcov", type=Path, metavar="FILE", help="Write that for genhtml and others.")
@click.option("--include", "folders", type=Path, multiple=True, metavar="FOLDER", help="Where includes are found.")
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def doctor_flash(
    elf: Path, header: Path | None, runs: tuple[Path, ...], lcov: Path | None, folders: tuple[Path, ...], as_json: bool
) -> None:
    """Say what takes the flash of FIRMWARE.ELF and, with --config, what mbedTLS's options take of it.

    With --coverage, which may be repeated, also which code never ran in those runs.
    """
    from stm32emu.coverage import read_coverages
    from stm32emu.elf import load_firmware
    from stm32emu.flash_report import FlashReport
    from stm32emu.symbols import Symbols

    macros = _macros(header, folders) if header else []
    firmware = load_firmware(elf)
    coverage = read_coverages(runs, firmware.contents) if runs else None
    symbols = Symbols.from_elf(BytesIO(firmware.contents))
    if not len(symbols):
        raise UserError(f"{elf} has no symbols: give the ELF as it was linked, not a stripped copy")
    if lcov is not None:
        _write_lcov(lcov, coverage, symbols, [elf, *runs, *([header] if header else [])])
    report = FlashReport.of(firmware, symbols, macros, coverage)
    if symbols.debug.dwarf is None:
        click.echo(f"{elf} has no debug information (-g): files are unknown, and savings within functions", err=True)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else _text(elf, report, header))


def _write_lcov(path: Path, coverage: Coverage | None, symbols: Symbols, inputs: list[Path]) -> None:
    from stm32emu.files import OutputFile, check_outputs
    from stm32emu.lcov import tracefile

    if coverage is None:
        raise UserError("--lcov needs --coverage FILE, which says what ran")
    if symbols.debug.dwarf is None:
        raise UserError("--lcov: the firmware has no debug information, so no lines for LCOV; compile with -g")
    check_outputs({"--lcov": path}, inputs)
    with OutputFile("--lcov", path) as file:
        file.write(tracefile(coverage, symbols).encode())


def _macros(header: Path, folders: tuple[Path, ...]) -> list[Macro]:
    from stm32emu.netbridge.tls.config import ConfigError, read_config
    from stm32emu.netbridge.tls.flash_macros import droppable

    with as_user_errors(ConfigError):
        return list(droppable(read_config(header, folders)))


def _text(elf: Path, report: FlashReport, header: Path | None) -> str:
    parts = report.modules
    code, data = sum(part.code for part in parts), sum(part.data for part in parts)
    ran = [part.ran for part in parts if part.ran is not None]
    lines = [f"{elf.name}: {code + data} bytes of flash, {code} of code and {data} of constants and initial values"]
    lines += [f"never ran: {code - sum(ran)} bytes of code"] if ran else []
    column = "  never ran" if ran else ""
    lines += ["", f"   bytes     code{column}  file", *map(_module, parts[:SHOWN]), *_rest(parts[SHOWN:])]
    lines += _zeros(report.zeros)
    if header is not None:
        what = "what could go, and what that saves about" if report.droppables else "no option is known that could go"
        lines += ["", f"{header.name}: {what}", *(line for each in report.droppables for line in _macro(each))]
    return "\n".join([*lines, *_never(report.idle, header is not None)])


def _zeros(found: list[Piece]) -> list[str]:
    if not found:
        return []
    why = "zeros that are stored in flash: let the linker script make their section NOLOAD, and clear it at start"
    return ["", why, *(f"{piece.size:>8} {piece.name}" for piece in found)]


def _module(part: Module) -> str:
    return f"{part.size:>8} {part.code:>8}{_idle([part])}  {part.file}"


def _rest(parts: list[Module]) -> list[str]:
    sizes = f"{sum(part.size for part in parts):>8} {sum(part.code for part in parts):>8}"
    return [f"{sizes}{_idle(parts)}  {len(parts)} more"] if parts else []


def _idle(parts: list[Module]) -> str:
    """The column of code that never ran, if that is known."""
    if parts[0].ran is None:
        return ""
    return f" {sum(part.code - part.ran for part in parts if part.ran is not None):>10}"


def _macro(each: Droppable) -> list[str]:
    names = [piece.name for piece in sorted(each.saving.gone, key=lambda p: -p.size) if piece.kind != "unnamed"]
    what = _some(names) if names else "code within functions that stay"
    lines = [f"{each.saving.size:>8} MBEDTLS_{each.macro.option}: {what}", f"{'':>8} lost: {each.macro.loss}"]
    if each.users:
        lines.append(f"{'':>8} also used by: {_some([piece.name for piece in each.users])}")
    if each.ran is not None and each.code:
        lines.append(f"{'':>8} ran: {each.ran} of its {each.code} bytes of code")
    return lines


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _never(never: list[Idle], with_options: bool) -> list[str]:
    if not never:
        return []
    what = "functions that never ran" + (", and the options without which they go" if with_options else "")
    shown = [f"{each.code:>8} {each.piece.name}{_options(each)}" for each in never[:SHOWN]]
    rest = never[SHOWN:]
    more = [f"{sum(each.code for each in rest):>8} {len(rest)} more"] if rest else []
    return ["", f"{len(never)} {what}", *shown, *more]


def _options(each: Idle) -> str:
    return f": {', '.join(each.options)}" if each.options else ""
