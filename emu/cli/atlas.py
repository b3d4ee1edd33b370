# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu atlas`: which faults make clients fail like this."""

from __future__ import annotations

import click

from stm32emu.errors import UserError


@click.command()
@click.option("--openssl", metavar="SYMPTOM", help="What OpenSSL shows: an alert such as 47, EOF, page or hangs.")
@click.option(
    "--mbedtls", metavar="SYMPTOM", help="What mbedTLS's client shows: an alert, or an error such as -0x4e00."
)
@click.option("--gnutls", metavar="SYMPTOM", help="What GnuTLS shows.")
@click.option("--nss", metavar="SYMPTOM", help="What NSS (Firefox) shows.")
@click.option("--server", metavar="ERROR", help="What the device's console shows, such as -0x7780.")
def atlas(openssl: str | None, mbedtls: str | None, gnutls: str | None, nss: str | None, server: str | None) -> None:
    """List the faults that fit symptoms, the likeliest first, and how to tell them apart. Without symptoms, all."""
    from stm32emu.atlas import load_atlas, parse_symptom, tell_apart

    given = {"openssl": openssl, "ssl_client2": mbedtls, "gnutls": gnutls, "nss": nss, "server": server}
    wanted = {who: parse_symptom(word) for who, word in given.items() if word}
    found = load_atlas()
    rated = found.fitting(wanted) if wanted else [(0.0, fault) for fault in found.faults]
    if not rated:
        raise UserError("no fault in the atlas shows that; leave a symptom out, or capture it for `stm32emu explain`")
    for (chance, fault), own in zip(rated, tell_apart([fault for _, fault in rated]), strict=True):
        click.echo(f"{f'{chance:4.0%}  ' if wanted else ''}{fault.what}")
        click.echo(f"      seen: {'; '.join(_seen(who, symptoms) for who, symptoms in fault.seen.items())}")
        click.echo(f"      told apart by: {own}")
        click.echo(f"      again: {fault.command}")
    click.echo("\nmeasured with " + ", ".join(f"{what} {version}" for what, version in found.versions.items()))


def _seen(who: str, symptoms: dict[str, int]) -> str:
    total = sum(symptoms.values())
    return f"{who} " + ", ".join(f"{symptom or 'no error'} {n} of {total}" for symptom, n in symptoms.items())
