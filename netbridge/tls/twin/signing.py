# SPDX-License-Identifier: GPL-2.0-or-later
"""Signatures over parts of a handshake (RFC 5246 section 4.7): PKCS#1 v1.5, and ECDSA on any curve with any hash."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.netbridge.tls.algorithms import ECDSA, RSA, Scheme
from stm32emu.netbridge.tls.twin.alerts import LocalError

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "SHA-1": hashes.SHA1,
    "SHA-224": hashes.SHA224,
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def _hash(scheme: Scheme) -> hashes.HashAlgorithm:
    return HASHES[scheme.hash or ""]()


def sign(key: SigningKey, scheme: Scheme, data: bytes) -> bytes:
    """ECDSA's nonce is that of RFC 6979, so no randomness is drawn. Raises LocalError for a key that is too short."""
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), _hash(scheme))
        return key.sign(data, ec.ECDSA(_hash(scheme), deterministic_signing=True))
    except ValueError as error:
        raise LocalError(f"the private key cannot sign {scheme}: {error}") from error


def verifies(key: PublicKeyTypes | None, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """Whether this is the key's signature; False for keys and schemes that do not fit."""
    if scheme.hash not in HASHES:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme.signature == RSA:
            key.verify(signature, data, padding.PKCS1v15(), _hash(scheme))
        elif isinstance(key, ec.EllipticCurvePublicKey) and scheme.signature == ECDSA:
            key.verify(signature, data, ec.ECDSA(_hash(scheme)))
        else:
            return False
    except InvalidSignature:
        return False
    return True
