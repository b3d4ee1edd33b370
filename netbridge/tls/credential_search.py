# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates and private keys in the middle of other bytes, such as a firmware's flash."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from .certificate import Certificate, parse_certificate
from .der import DerError
from .private_key import load_private_key

PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]*?)-----\s(.*?)-----END \1-----", re.S)
DER_SEQUENCE = re.compile(rb"\x30(?:\x82..|\x81.|[\x20-\x7f])(?=[\x02\x30])", re.S)
"""The start of a certificate, a PKCS#8, SEC 1 or PKCS#1 key: a SEQUENCE with an INTEGER or a SEQUENCE first."""


@dataclass(frozen=True)
class Credential:
    """A certificate or private key: where it starts, in bytes, and how it is written, "PEM" or "DER"."""

    offset: int
    encoding: str
    content: Certificate | PrivateKeyTypes


def find_credentials(data: bytes) -> Iterator[Credential]:
    """All of them in the order of their offsets, those inside others left out."""
    found = sorted([*_pem(data), *_der(data)], key=lambda each: each[0].offset)
    end = 0
    for credential, length in found:
        if credential.offset >= end:
            end = credential.offset + length
            yield credential


def _pem(data: bytes) -> Iterator[tuple[Credential, int]]:
    for block in PEM_BLOCK.finditer(data):
        content = _content(block)
        if content is not None:
            yield Credential(block.start(), "PEM", content), len(block[0])


def _content(block: re.Match[bytes]) -> Certificate | PrivateKeyTypes | None:
    try:
        if block[1] == b"CERTIFICATE":
            return parse_certificate(base64.b64decode(block[2]))
        return load_private_key(block[0]) if block[1].endswith(b"PRIVATE KEY") else None
    except ValueError:  # not what it says, cut off, or encrypted
        return None


def _der(data: bytes) -> Iterator[tuple[Credential, int]]:
    for start in DER_SEQUENCE.finditer(data):
        head = start[0]
        length = len(head) + (int.from_bytes(head[2:], "big") if head[1] & 0x80 else head[1])
        value = data[start.start() : start.start() + length]
        content = _parsed(value)
        if content is not None:
            yield Credential(start.start(), "DER", content), length


def _parsed(value: bytes) -> Certificate | PrivateKeyTypes | None:
    try:
        return parse_certificate(value)
    except DerError:
        pass
    try:
        return load_private_key(value)
    except ValueError:
        return None
