# SPDX-License-Identifier: GPL-2.0-or-later
"""The certificates and private keys inside a firmware."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from stm32emu.elf import Firmware, load_firmware
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.chains import links_from
from stm32emu.netbridge.tls.credential_search import find_credentials
from stm32emu.netbridge.tls.private_key import fingerprint, key_name
from stm32emu.symbols import Symbols


@dataclass(frozen=True)
class Found:
    """A certificate or key in an image: its address at run time, its symbol, "PEM" or "DER"."""

    address: int
    symbol: str
    encoding: str
    content: Certificate | PrivateKeyTypes

    def __str__(self) -> str:
        if isinstance(self.content, Certificate):
            what = f"certificate {self.content.subject}, {key_name(self.content.public_key)}"
        else:
            what = f"private key, {key_name(self.content.public_key())}"
        return f"0x{self.address:08x} {self.encoding} {what}{f' ({self.symbol})' if self.symbol else ''}"

    @property
    def place(self) -> str:
        """Its symbol, or its address for want of one."""
        return self.symbol or f"0x{self.address:08x}"


@dataclass(frozen=True)
class Presented:
    """What a firmware may present: a certificate and those above it, as they are sent, and its key, if there is one."""

    chain: tuple[Certificate, ...]
    key: PrivateKeyTypes | None
    place: str
    """Where the key is; "" without one."""


@dataclass(frozen=True)
class Credentials:
    """Everything found in an image, sorted by what it is for."""

    found: tuple[Found, ...]

    @property
    def certificates(self) -> list[Certificate]:
        """In the order of their addresses, each once."""
        contents = [each.content for each in self.found if isinstance(each.content, Certificate)]
        return [each for number, each in enumerate(contents) if each not in contents[:number]]

    @property
    def roots(self) -> list[Certificate]:
        """Those that sign themselves, which the device trusts, or would."""
        return [each for each in self.certificates if each.signed_by(each.public_key)]

    @property
    def presented(self) -> list[Presented]:
        """Every private key with each of its certificates, or with the first leaf; without any key the leaves."""
        roots, certificates = self.roots, self.certificates
        leaves = [each for each in certificates if each not in roots and not _signs(each, certificates)] or certificates
        keys = [(each.content, each) for each in self.found if not isinstance(each.content, Certificate)]
        pairs = [
            Presented(self._chain(leaf), key, place.place)
            for key, place in keys
            for leaf in _owners(key, certificates) or leaves[:1]
        ]
        return pairs or [Presented(self._chain(leaf), None, "") for leaf in leaves]

    def _chain(self, leaf: Certificate) -> tuple[Certificate, ...]:
        """A certificate and the intermediate ones of the image that lead up from it."""
        above = [link.certificate for link in links_from(leaf, self.certificates, self.roots)[1:]]
        return (leaf, *(each for each in above if each not in self.roots))


def _owners(key: PrivateKeyTypes, certificates: list[Certificate]) -> list[Certificate]:
    wanted = fingerprint(key.public_key())
    return [c for c in certificates if c.public_key and fingerprint(c.public_key) == wanted]


def _signs(certificate: Certificate, others: list[Certificate]) -> bool:
    return any(each.signed_by(certificate.public_key) for each in others)


def credentials_in_file(path: Path) -> Credentials:
    """Search what an ELF loads. Raises UserError for a file that is no firmware."""
    firmware = load_firmware(path)
    return find_in_firmware(firmware, Symbols.from_elf(BytesIO(firmware.contents)))


def find_in_firmware(firmware: Firmware, symbols: Symbols) -> Credentials:
    """Search what a firmware loads."""
    found = []
    for segment in firmware.segments:
        for credential in find_credentials(segment.data):
            address = segment.virtual + credential.offset
            symbol = symbols.lookup(address)
            name = symbol.name if symbol else ""
            found.append(Found(address, name, credential.encoding, credential.content))
    return Credentials(tuple(found))
