# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the private key belongs to the certificate."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from ..private_key import fingerprint, key_name
from ..severity import Severity
from .finding import Finding, Identity


def pair(identity: Identity) -> Iterator[Finding]:
    """The key against the leaf, and if it is not the leaf's, whose it is."""
    if identity.key is None:
        return
    ours, theirs = identity.key.public_key(), identity.leaf.public_key
    if theirs is None:
        return
    shown = f"the key's public half is {fingerprint(ours)}, the certificate has {fingerprint(theirs)} (SHA-256)"
    if fingerprint(ours) == fingerprint(theirs):
        yield Finding(Severity.OK, "pair", f"the private key belongs to {identity.leaf.label}", shown)
        return
    owner = next((c.label for c in (*identity.chain, *identity.roots) if _is(c.public_key, ours)), None)
    whose = f"; it is the key of {owner}" if owner else ""
    kinds = f" ({key_name(ours)} and {key_name(theirs)})" if key_name(ours) != key_name(theirs) else ""
    what = f"the private key does not belong to {identity.leaf.label}{kinds}{whose}"
    yield Finding(
        Severity.ERROR, "pair", what, shown, "use the key that the certificate was made for: alert 51 otherwise"
    )


def cannot_sign(identity: Identity) -> Iterator[Finding]:
    """Keys that no suite of TLS 1.2 signs a ServerKeyExchange with."""
    if isinstance(identity.leaf.public_key, x25519.X25519PublicKey | x448.X448PublicKey):
        what = f"{identity.leaf.label} holds a key that cannot sign"
        yield Finding(Severity.ERROR, "pair", what, key_name(identity.leaf.public_key), "use an EC or RSA key")


def weak_key(identity: Identity) -> Iterator[Finding]:
    """Keys below 112 bits of security (NIST SP 800-57 part 1 table 2), which OpenSSL's security level 2 refuses."""
    for certificate in identity.chain:
        key = certificate.public_key
        if (isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048) or (
            isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 224
        ):
            what = f"the key of {certificate.label} is too short: {key_name(key)}"
            proof = "below 112 bits of security; OpenSSL refuses it at its default level on Debian"
            yield Finding(Severity.ERROR, "key", what, proof, "use secp256r1 or RSA 2048 at least")


def _is(one: PublicKeyTypes | None, other: PublicKeyTypes) -> bool:
    return one is not None and fingerprint(one) == fingerprint(other)


RULES = (pair, cannot_sign, weak_key)
