# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor certs`: whether a server's certificates and key are valid."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stm32emu.errors import UserError, as_user_errors

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.certificate_rules import Finding, Identity

INVALID = 1
HOSTNAME = re.compile(r"[\w-]+(\.[\w-]+)*\.?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
"""A DNS name, which an IPv4 address looks like, too; or an IPv6 address."""


@click.command("certs")
@click.option(
    "--cert", type=Path, metavar="FILE", help="What the server sends: its certificate, then intermediate ones."
)
@click.option("--key", type=Path, metavar="FILE", help="The server's private key.")
@click.option("--ca", type=Path, metavar="FILE", help="What clients trust.")
@click.option("--elf", type=Path, metavar="FILE", help="Find certificates and keys in this firmware instead.")
@click.option("--config", "header", type=Path, metavar="CONFIG.H", help="Whether the device's mbedTLS can use them.")
@click.option("--hostname", metavar="NAME", help="The DNS name or address that clients connect to.")
@click.option("--at", metavar="DATE", help="Judge as of this day, such as 2021-06-01 [today].")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead.")
def doctor_certs(
    cert: Path | None, key: Path | None, ca: Path | None, elf: Path | None, header: Path | None,
    hostname: str | None, at: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Judge the certificates and the key of a TLS server, each line with its proof. Ends with 1 if one is not valid."""
    from stm32emu.netbridge.tls.certificate_rules import judge
    from stm32emu.netbridge.tls.severity import Severity

    if elf and (cert or key):
        raise UserError("--elf judges what is in the firmware: leave out --cert and --key, or --elf")
    if hostname is not None and not HOSTNAME.fullmatch(hostname):
        raise UserError(f"--hostname {hostname} is no DNS name and no address: leave out scheme, port and brackets")
    basis = _basis(header, hostname, at)
    identities = _from_elf(elf, ca, basis) if elf else [("", _from_files(cert, key, ca, basis))]
    judged = [(place, identity, judge(identity)) for place, identity in identities]
    if as_json:
        data = [_data(place, identity, finding) for place, identity, found in judged for finding in found]
        click.echo(json.dumps(data, indent=2))
    else:
        click.echo("\n\n".join(_text(*each) for each in judged))
    if any(finding.severity is Severity.ERROR for *_, findings in judged for finding in findings):
        raise click.exceptions.Exit(INVALID)


def _basis(header: Path | None, hostname: str | None, at: str | None) -> dict[str, Any]:
    """The fields of an Identity that do not come from certificates."""
    from stm32emu.netbridge.tls.config import ConfigError, read_config
    from stm32emu.netbridge.tls.config_rules import Build

    with as_user_errors(ConfigError):
        build = Build.of(read_config(header)) if header else None
    return {"build": build, "hostname": hostname, "at": _date(at)}


def _date(text: str | None) -> datetime:
    try:
        day = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise UserError(f"--at {text} is no date: write it as in 2021-06-01") from error
    return day if day.tzinfo else day.replace(tzinfo=UTC)


def _from_files(cert: Path | None, key: Path | None, ca: Path | None, basis: dict[str, Any]) -> Identity:
    from stm32emu.certificate_files import certificates_in
    from stm32emu.netbridge.tls.certificate_rules import Identity
    from stm32emu.netbridge.tls.private_key import KeyFileError, read_private_key

    if cert is None:
        raise UserError("what is to be judged? give --cert FILE, or --elf FILE to look into a firmware")
    with as_user_errors(KeyFileError):
        private = read_private_key(key) if key else None
    return Identity(certificates_in(cert), certificates_in(ca), key=private, **basis)


def _from_elf(elf: Path, ca: Path | None, basis: dict[str, Any]) -> list[tuple[str, Identity]]:
    """What the firmware may present, each with where its key is; what is found is listed on stderr."""
    from stm32emu.certificate_files import certificates_in
    from stm32emu.credentials import credentials_in_file
    from stm32emu.netbridge.tls.certificate_rules import Identity

    credentials = credentials_in_file(elf)
    for found in credentials.found:
        click.echo(f"found: {found}", err=True)
    if not credentials.certificates:
        what = "no certificate" if credentials.found else "neither certificates nor private keys"
        raise UserError(f"{elf} holds {what} in PEM or DER: give the files with --cert and --key")
    if not any(each.key for each in credentials.presented):
        click.echo(f"{elf} holds no private key in PEM or DER: the certificates are judged without one", err=True)
    roots = certificates_in(ca) or tuple(credentials.roots)
    return [(each.place, Identity(each.chain, roots, key=each.key, **basis)) for each in credentials.presented]


def _text(place: str, identity: Identity, findings: list[Finding]) -> str:
    key = f" with the key {place}" if place else ""
    lines = [f"{str(identity.leaf.subject) or identity.leaf.label}{key}, on {identity.at:%Y-%m-%d}"]
    for finding in findings:
        lines += [f"{finding.severity.value}: {finding.topic}: {finding.what}", f"  proof: {finding.proof}"]
        lines += [f"  fix: {finding.fix}"] if finding.fix else []
    return "\n".join(lines)


def _data(place: str, identity: Identity, finding: Finding) -> dict[str, str]:
    return {
        "certificate": identity.leaf.label,
        "key": place,
        "severity": finding.severity.value,
        "topic": finding.topic,
        "what": finding.what,
        "proof": finding.proof,
        "fix": finding.fix,
    }
