# SPDX-License-Identifier: GPL-2.0-or-later
"""Private keys in files, and what a key is called."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from stm32emu.netbridge.bounded import read_bounded


class KeyFileError(Exception):
    """A file without a private key that can be used; says in one sentence why."""


def read_private_key(path: Path) -> PrivateKeyTypes:
    """The key of a file: PKCS#8, SEC 1 or PKCS#1, in PEM or DER, without a password. Raises KeyFileError."""
    try:
        data = read_bounded(path)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return load_private_key(data)
    except ValueError as error:
        raise KeyFileError(f"{path} {error}") from error


def load_private_key(data: bytes) -> PrivateKeyTypes:
    """A key from PEM or DER. Raises ValueError with a clause of which the file is the subject."""
    load = load_pem_private_key if b"-----BEGIN" in data else load_der_private_key
    try:
        return load(data, None)
    except TypeError as error:  # so `cryptography` says that it wants a password
        raise ValueError("is encrypted: decrypt it first, for instance with openssl pkey") from error
    except UnsupportedAlgorithm as error:
        raise ValueError("holds a key of a kind or curve that is not supported") from error
    except ValueError as error:
        raise ValueError(_why_not(data)) from error


def _why_not(data: bytes) -> str:
    if b"-----BEGIN CERTIFICATE-----" in data:
        return "holds a certificate, and no private key"
    if b"PUBLIC KEY-----" in data:
        return "holds a public key; the private one is needed"
    return "holds a damaged private key" if b"PRIVATE KEY-----" in data else "is no private key, neither PEM nor DER"


def key_name(key: PublicKeyTypes | None) -> str:
    """What a key is, such as "secp256r1" or "RSA 2048"."""
    match key:
        case ec.EllipticCurvePublicKey():
            return key.curve.name
        case rsa.RSAPublicKey() | dsa.DSAPublicKey():
            return f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'DSA'} {key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case ed448.Ed448PublicKey():
            return "ed448"
    return "a key of an unknown kind"


def fingerprint(key: PublicKeyTypes) -> str:
    """The beginning of SHA-256 over the key's SubjectPublicKeyInfo: enough to tell keys apart."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()[:16]
