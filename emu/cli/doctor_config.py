# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor config`: what is wrong or risky in mbedTLS's config.h."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stm32emu.errors import UserError, as_user_errors
from stm32emu.netbridge.tls.mbedtls_options import VERSIONS

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.config_rules import Advice, Build

REFUSED = 1


@click.command("config")
@click.argument("header", metavar="CONFIG.H", type=Path)
@click.option("--elf", type=Path, metavar="FILE", help="The firmware: which run-time setters it has is looked up.")
@click.option("--cert", type=Path, metavar="FILE", help="The certificates that the device sends, leaf first.")
@click.option("--include", "folders", type=Path, multiple=True, metavar="FOLDER", help="Where includes are found.")
@click.option("--mbedtls", "version", type=click.Choice(VERSIONS), help="mbedTLS's version, if not the likeliest.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def doctor_config(
    header: Path, elf: Path | None, cert: Path | None, folders: tuple[Path, ...], version: str | None, as_json: bool
) -> None:
    """Examine CONFIG.H, the options that mbedTLS is compiled with. Ends with 1 if something cannot work."""
    from stm32emu.netbridge.tls.config_rules import advise
    from stm32emu.netbridge.tls.severity import Severity

    build = _build(header, elf, cert, folders, version)
    findings = advise(build)
    click.echo(json.dumps([_data(advice) for advice in findings], indent=2) if as_json else _text(build, findings))
    if any(advice.severity is Severity.ERROR for advice in findings):
        raise click.exceptions.Exit(REFUSED)


def _build(header: Path, elf: Path | None, cert: Path | None, folders: tuple[Path, ...], version: str | None) -> Build:
    from stm32emu.certificate_files import certificates_in
    from stm32emu.netbridge.tls.config import ConfigError, read_config
    from stm32emu.netbridge.tls.config_rules import Build

    with as_user_errors(ConfigError):
        config = read_config(header, folders)
    chain = tuple(len(certificate.der) for certificate in certificates_in(cert)) if cert else None
    functions = _functions(elf) if elf else None
    return replace(Build.of(config, version), functions=functions, chain=chain)


def _functions(elf: Path) -> frozenset[str]:
    from stm32emu.elf import load_firmware
    from stm32emu.symbols import Symbols

    symbols = Symbols.from_elf(BytesIO(load_firmware(elf).contents))
    names = frozenset(symbol.name for symbol in symbols)
    if not names:
        raise UserError(f"{elf} has no symbols: give the ELF as it was linked, not a stripped copy")
    return names


def _text(build: Build, findings: list[Advice]) -> str:
    head = f"{build.config.path}: {_options(len(build.config.options))}, read as mbedTLS {build.version}'s"
    blocks = [
        f"{advice.severity.value}: {advice.what}{_where(advice)}\n  why: {advice.why}\n  fix: {advice.fix}"
        for advice in findings
    ]
    return "\n".join([head, *(blocks or ["nothing to say against it"])])


def _options(number: int) -> str:
    return f"{number} option{'' if number == 1 else 's'}"


def _where(advice: Advice) -> str:
    return f" ({advice.option.place})" if advice.option else ""


def _data(advice: Advice) -> dict[str, str | None]:
    return {
        "severity": advice.severity.value,
        "option": f"MBEDTLS_{advice.option.name}" if advice.option else None,
        "place": str(advice.option.place) if advice.option else None,
        "what": advice.what,
        "why": advice.why,
        "fix": advice.fix,
    }
