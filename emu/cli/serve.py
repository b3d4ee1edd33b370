# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu serve`: the device's known-good twin, a TLS test server."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stm32emu.errors import UserError
from stm32emu.netbridge.tls.mbedtls_options import VERSIONS

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.twin.site import Site
    from stm32emu.twin import TwinOptions

F = TypeVar("F", bound=Callable[..., Any])
CLIENT_AUTH = ("none", "optional", "required")

_IDENTITY: Sequence[Callable[[F], F]] = (
    click.option("--config", type=Path, metavar="CONFIG.H", help="Choose as the device's mbedTLS does."),
    click.option("--mbedtls", type=click.Choice(VERSIONS), help="mbedTLS's version, if not the likeliest."),
    click.option("--include", "folders", type=Path, multiple=True, metavar="FOLDER", help="Where its includes are."),
    click.option("--cert", "certs", type=Path, multiple=True, metavar="FILE", help="Certificates, the server's first."),
    click.option("--key", "keys", type=Path, multiple=True, metavar="FILE", help="Its private key."),
    click.option("--ca", type=Path, metavar="FILE", help="Who signs the clients' certificates."),
    click.option("--client-auth", type=click.Choice(CLIENT_AUTH), default="none", help="Ask clients for one [none]."),
    click.option("--alpn", metavar="NAMES", default="", help="Protocols for ALPN, as in h2,http/1.1."),
    click.option("--fault", metavar="NAME[=N]", default="", help="Misbehave: serve --faults lists the ways."),
)  # fmt: skip


def twin_options(function: F) -> F:
    """The options that say whose twin a server is."""
    for option in reversed(_IDENTITY):
        function = option(function)
    return function


def make_options(elf: Path | None, client_auth: str, alpn: str, **words: Any) -> TwinOptions:
    """What `twin_options` were given."""
    from stm32emu.netbridge.tls.twin.policy import ClientAuth
    from stm32emu.twin import TwinOptions

    protocols = tuple(name.strip() for name in alpn.split(",") if name.strip())
    if any(not name.isascii() or len(name) > 255 for name in protocols):
        raise UserError(f"--alpn {alpn}: a protocol's name is up to 255 letters of ASCII")
    return TwinOptions(elf=elf, client_auth=ClientAuth(client_auth), protocols=protocols, **words)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=4434, help="TCP port on 127.0.0.1, 0 for any [4434].")
@click.option("--elf", type=Path, metavar="FILE", help="Find certificate and key in this firmware.")
@click.option("--echo", is_flag=True, help="Send back what is received, instead of serving the page.")
@click.option("--faults", is_flag=True, help="List the ways to misbehave, and end.")
@twin_options
def serve(port: int, elf: Path | None, echo: bool, faults: bool, **words: Any) -> None:
    """Serve TLS 1.2 as the device should. A test server: it listens on 127.0.0.1 only and is no match for attackers."""
    from stm32emu.netbridge.tls.twin.faults import FAULTS
    from stm32emu.twin import make_site

    if faults:
        click.echo("\n".join(f"{fault.usage:30}{fault.help}" for fault in FAULTS))
        return
    if elf and (words["certs"] or words["keys"]):
        raise UserError("--elf takes certificate and key from the firmware: leave out --cert and --key, or --elf")
    site = make_site(make_options(elf, **words))
    import asyncio  # which takes as long to load as the rest of the command line

    asyncio.run(_serve(site, port, echo))


async def _serve(site: Site, port: int, echo: bool) -> None:
    from stm32emu.netbridge.tls.listener import Listener

    listener = Listener(site, lambda line: click.echo(line, err=True), echo=echo)
    try:
        server = await listener.start(port)
    except OSError as error:
        why = os.strerror(error.errno or 0)  # asyncio has a longer text
        raise UserError(f"port {port} cannot be had: {why}; choose another with --port") from error
    address = server.sockets[0].getsockname()
    click.echo(f"test server, not for production; listening: {address[0]}:{address[1]}", err=True)
    await server.serve_forever()
