# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python TLS server for tests: an authority with certificates, and the server in a thread of this process."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stm32emu.netbridge.tls.certificate import Certificate, parse_certificate
from stm32emu.netbridge.tls.listener import Listener
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.identity import Identity, make_identity
from stm32emu.netbridge.tls.twin.policy import Policy
from stm32emu.netbridge.tls.twin.resumption import TicketSealer
from stm32emu.netbridge.tls.twin.site import Site

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, and the files that have them."""

    certificate: x509.Certificate
    key: Key
    crt: Path
    pem: Path

    @property
    def parsed(self) -> Certificate:
        return parse_certificate(self.certificate.public_bytes(Encoding.DER))


class Authority:
    """A root, and what it issues, in files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.root = self.issue("Test root", ec.generate_private_key(ec.SECP256R1()), authority=True)

    def issue(self, name: str, key: Key, *, issuer: Issued | None = None, authority: bool = False) -> Issued:
        """Signed by the root, or `issuer`; the first signs itself."""
        issuer = issuer or getattr(self, "root", None)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        parent = issuer.certificate.subject if issuer else subject
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(parent, subject, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(30))
        builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
        crt, pem = (self._folder / f"{name.replace(' ', '-')}.{ending}" for ending in ("crt", "key"))
        crt.write_bytes(certificate.public_bytes(Encoding.PEM))
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Issued(certificate, key, crt, pem)


def identity_of(*chain: Issued) -> Identity:
    """The first is the server's."""
    return make_identity([issued.parsed for issued in chain], chain[0].key)


def make_site(identities: list[Identity], policy: Policy | None = None, conduct: Conduct | None = None) -> Site:
    return Site(identities, policy or Policy(), TicketSealer(os.urandom), conduct or Conduct())


class Twin:
    """A listener in a thread; `site` may be changed between connections."""

    def __init__(self, listener: Listener, lines: list[str]) -> None:
        self.listener = listener
        self.lines = lines
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()))
        self._thread.start()
        assert self._listening.wait(10)

    async def _run(self) -> None:
        server = await self.listener.start(0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    @property
    def site(self) -> Site:
        return self.listener.site

    def wait_for(self, text: str, start: int = 0) -> str:
        """The first line of the log, from `start` on, that has `text`."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for line in self.lines[start:]:
                if text in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} in {self.lines[start:]}")

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()


@contextmanager
def serving(site: Site, *, echo: bool = False, patience: float = 30, silence: float | None = None) -> Iterator[Twin]:
    """A server until the end of the block. `patience` is for handshakes, without `silence` for the rest, too."""
    lines: list[str] = []
    listener = Listener(
        site, lines.append, echo=echo, handshake_time=patience, silence=patience if silence is None else silence
    )
    twin = Twin(listener, lines)
    try:
        yield twin
    finally:
        twin.end()
