# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the signature of a ServerKeyExchange verify under a public key (RFC 5246 section 7.4.3)."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.netbridge.tls.algorithms import ECDSA, RSA, Scheme

HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA-1": hashes.SHA1(),
    "SHA-224": hashes.SHA224(),
    "SHA-256": hashes.SHA256(),
    "SHA-384": hashes.SHA384(),
    "SHA-512": hashes.SHA512(),
}
_PSS: dict[int, hashes.HashAlgorithm] = {
    0x0804: hashes.SHA256(),
    0x0805: hashes.SHA384(),
    0x0806: hashes.SHA512(),
    0x0809: hashes.SHA256(),
    0x080A: hashes.SHA384(),
    0x080B: hashes.SHA512(),
}


def verify(key: PublicKeyTypes | None, scheme: int | None, signature: bytes, data: bytes) -> bool | None:
    """True or False; None when the scheme is not known, or a rare one of another kind of key. `scheme` is None before
    TLS 1.2."""
    try:
        return _verify(key, scheme, signature, data)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None


def _verify(key: PublicKeyTypes | None, scheme: int | None, signature: bytes, data: bytes) -> bool | None:
    if scheme is None:
        return _verify_old(key, signature, data)
    pair, pss = Scheme(scheme), _PSS.get(scheme)
    algorithm = HASHES.get(pair.hash or "")
    if isinstance(key, ec.EllipticCurvePublicKey) and pair.signature == ECDSA and algorithm:
        key.verify(signature, data, ec.ECDSA(algorithm))
    elif isinstance(key, rsa.RSAPublicKey) and pair.signature == RSA and algorithm:
        key.verify(signature, data, padding.PKCS1v15(), algorithm)
    elif isinstance(key, rsa.RSAPublicKey) and pss:
        key.verify(signature, data, padding.PSS(padding.MGF1(pss), pss.digest_size), pss)
    elif (isinstance(key, ed25519.Ed25519PublicKey) and scheme == 0x0807) or (
        isinstance(key, ed448.Ed448PublicKey) and scheme == 0x0808
    ):
        key.verify(signature, data)
    elif isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and pair.signature in (ECDSA, RSA) and algorithm:
        return False
    else:
        return None
    return True


def _verify_old(key: PublicKeyTypes | None, signature: bytes, data: bytes) -> bool | None:
    """TLS 1.0 and 1.1: SHA-1 with ECDSA; RSA signs MD5 and SHA-1 together, which nobody verifies any more."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return None
    key.verify(signature, data, ec.ECDSA(hashes.SHA1()))
    return True
