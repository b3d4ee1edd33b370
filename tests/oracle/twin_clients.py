# SPDX-License-Identifier: GPL-2.0-or-later
"""Seven TLS clients of other people's making. Each fetches the page over TLS 1.2 and returns what it says."""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tls_exchange import read_all
from twin_server import Issued

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports asyncore
    from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
    from tlslite.errors import TLSError

SSL_CLIENT2 = Path(__file__).resolve().parents[2] / "images" / "build" / "host" / "ssl_client2"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
NSS_SUITES = "c008 c009 c00a c012 c013 c014 c023 c024 c027 c028 c02b c02c c02f c030 cca8 cca9"


@dataclass(frozen=True)
class Visit:
    """Where to, whom to trust, and as whom."""

    port: int
    ca: Path
    client: Issued | None = None
    nss: Path | None = None
    """A folder with NSS's database that has the client's certificate."""


def run(command: Sequence[str | Path], send: bytes = REQUEST) -> str:
    """Run it to its end; what it printed on both streams."""
    done = subprocess.run(
        [str(word) for word in command], input=send, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20
    )
    return done.stdout.decode(errors="replace")


def openssl_command(visit: Visit) -> Sequence[str | Path]:
    own = ["-cert", visit.client.crt, "-key", visit.client.pem] if visit.client else []
    trust = ["-CAfile", visit.ca, "-verify_return_error", "-verify_hostname", "localhost"]
    where = ["-connect", f"127.0.0.1:{visit.port}", "-servername", "localhost", "-tls1_2", "-cipher", "ALL:@SECLEVEL=0"]
    return ["openssl", "s_client", *where, *trust, *own]


def openssl(visit: Visit, *more: str) -> str:
    return run([*openssl_command(visit), "-ign_eof", *more])


def gnutls_command(visit: Visit) -> Sequence[str | Path]:
    own = ["--x509certfile", visit.client.crt, "--x509keyfile", visit.client.pem] if visit.client else []
    priority = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+SHA256:+SHA384:+AES-128-CBC:+AES-256-CBC:%COMPAT"
    where = ["--port", str(visit.port), "--priority", priority, "--x509cafile", visit.ca]
    return ["gnutls-cli", *where, *own, "localhost"]


def gnutls(visit: Visit, *more: str) -> str:
    return run([*gnutls_command(visit), *more])


def curl_command(visit: Visit) -> Sequence[str | Path]:
    own = ["--cert", visit.client.crt, "--key", visit.client.pem] if visit.client else []
    limits = ["--tls-max", "1.2", "--ciphers", "ALL:@SECLEVEL=0", "--cacert", visit.ca]
    return ["curl", "-4", "-sS", *limits, *own, f"https://localhost:{visit.port}/"]


def curl(visit: Visit, *more: str) -> str:
    return run([*curl_command(visit), *more])


def ssl_client2(visit: Visit, *more: str) -> str:
    own = [f"crt_file={visit.client.crt}", f"key_file={visit.client.pem}"] if visit.client else []
    where = ["server_addr=127.0.0.1", f"server_port={visit.port}", "server_name=localhost", f"ca_file={visit.ca}"]
    return run([SSL_CLIENT2, *where, *(own or ["crt_file=none", "key_file=none"]), *more])


def page_from(tls: ssl.SSLSocket | TLSConnection) -> str:
    """Ask for it, and read to the end."""
    tls.sendall(REQUEST)
    return read_all(tls).decode()


def python_context(visit: Visit) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(visit.ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ALL:@SECLEVEL=0")
    if visit.client:
        context.load_cert_chain(visit.client.crt, visit.client.pem)
    return context


def python(visit: Visit) -> str:
    with (
        socket.create_connection(("127.0.0.1", visit.port), 60) as raw,
        python_context(visit).wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        return page_from(tls)


def tlslite_settings() -> HandshakeSettings:
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 3)
    settings.macNames = ["sha256", "sha384", "aead"]
    return settings


def tlslite(visit: Visit) -> str:
    own = {}
    if visit.client:
        chain = X509CertChain()
        chain.parsePemList(visit.client.crt.read_text())
        own = {"certChain": chain, "privateKey": parsePEMKey(visit.client.pem.read_text(), private=True)}
    with socket.create_connection(("127.0.0.1", visit.port), 60) as raw:
        connection = TLSConnection(raw)
        try:
            connection.handshakeClientCert(settings=tlslite_settings(), serverName="localhost", **own)
            return page_from(connection)
        except TLSError as error:
            return type(error).__name__  # not all of them have a text


def nss_command(visit: Visit, suites: str = NSS_SUITES) -> Sequence[str | Path]:
    """With no `suites` for its own; it reads them wrongly when it connects a second time."""
    chosen = ["-c", "".join(f":{code}" for code in suites.split())] if suites else []
    own = ["-n", "client"] if visit.client else []
    base = ["-d", f"sql:{visit.nss}"] if visit.client and visit.nss else ["-D"]
    where = ["-h", "127.0.0.1", "-a", "localhost", "-p", str(visit.port), "-V", "tls1.2:tls1.2", "-4", "-o", "-G"]
    return ["tstclnt", *where, "-I", "x25519,P256,P384,P521", *chosen, *base, *own]


def nss(visit: Visit, *more: str, suites: str = NSS_SUITES) -> str:
    with tempfile.NamedTemporaryFile() as request:  # at the end of its standard input it spins
        Path(request.name).write_bytes(REQUEST)
        return run([*nss_command(visit, suites), "-A", request.name, *more])


CLIENTS: dict[str, Callable[..., str]] = {
    "openssl": openssl,
    "gnutls": gnutls,
    "curl": curl,
    "ssl_client2": ssl_client2,
    "python": python,
    "tlslite": tlslite,
    "nss": nss,
}
