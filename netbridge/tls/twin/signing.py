# SPDX-License-Identifier: GPL-2.0-or-later
"""The server's signature (RFC 5246 section 4.7): PKCS#1 v1.5, or ECDSA on any curve with any hash."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.signatures import HASHES
from stm32emu.netbridge.tls.twin.alerts import LocalError

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def sign(key: SigningKey, scheme: Scheme, data: bytes) -> bytes:
    """ECDSA's nonce is that of RFC 6979, so no randomness is drawn. Raises LocalError for a key that is too short."""
    try:
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), HASHES[scheme.hash or ""])
        return key.sign(data, ec.ECDSA(HASHES[scheme.hash or ""], deterministic_signing=True))
    except ValueError as error:
        raise LocalError(f"the private key cannot sign {scheme}: {error}") from error
