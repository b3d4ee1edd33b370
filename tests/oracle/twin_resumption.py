# SPDX-License-Identifier: GPL-2.0-or-later
"""Seven TLS clients that visit a server twice, to resume the first session: by id, or by ticket if they are told so."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import twin_clients
from stm32emu.netbridge.tls.twin.answers import TITLE
from twin_clients import TLSConnection, Visit, page_from


def openssl(visit: Visit, _tickets: bool, folder: Path) -> bool:
    session = str(folder / "session")
    twin_clients.openssl(visit, "-sess_out", session)
    return "Reused, TLSv1.2" in twin_clients.openssl(visit, "-sess_in", session)


def gnutls(visit: Visit, _tickets: bool, _folder: Path) -> bool:
    return "This is a resumed session" in twin_clients.gnutls(visit, "--resume")


def curl(visit: Visit, _tickets: bool, _folder: Path) -> bool:
    return twin_clients.curl(visit, f"https://localhost:{visit.port}/").count(TITLE) == 2


def ssl_client2(visit: Visit, tickets: bool, _folder: Path) -> bool:
    said = twin_clients.ssl_client2(visit, "reconnect=1", f"tickets={int(tickets)}")
    return "Reconnecting with saved session... ok" in said


def python(visit: Visit, _tickets: bool, _folder: Path) -> bool:
    context, session = twin_clients.python_context(visit), None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", visit.port), 60) as raw,
            context.wrap_socket(raw, server_hostname="localhost", session=session) as tls,
        ):
            assert TITLE in page_from(tls)
            session, reused = tls.session, tls.session_reused
    return bool(reused)


def tlslite(visit: Visit, _tickets: bool, _folder: Path) -> bool:
    session = None
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", visit.port), 60) as raw:
            connection = TLSConnection(raw)
            settings = twin_clients.tlslite_settings()
            connection.handshakeClientCert(settings=settings, serverName="localhost", session=session)
            assert TITLE in page_from(connection)
            session = connection.session
    return bool(connection.resumed)


def nss(visit: Visit, tickets: bool, _folder: Path) -> bool:
    return TITLE in twin_clients.nss(visit, "-L", "2", *(["-u"] if tickets else []), suites="")


RESUMPTIONS: dict[str, Callable[[Visit, bool, Path], bool]] = {
    "openssl": openssl,
    "gnutls": gnutls,
    "curl": curl,
    "ssl_client2": ssl_client2,
    "python": python,
    "tlslite": tlslite,
    "nss": nss,
}
"""By name: each returns whether the client says, if it says such things, that it resumed."""
