# SPDX-License-Identifier: GPL-2.0-or-later
"""What an ECDSA signature gives away: the keys it can be from, and the private key when a nonce is used twice.

SEC 1 (version 2.0): section 4.1.4 for the numbers, 4.1.6 for recovering keys. Only what went over the wire is computed
with, to prove something about it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from stm32emu.netbridge.tls.curves import Curve, Point

HASHES = {
    "SHA-1": hashlib.sha1,
    "SHA-224": hashlib.sha224,
    "SHA-256": hashlib.sha256,
    "SHA-384": hashlib.sha384,
    "SHA-512": hashlib.sha512,
}


@dataclass(frozen=True, slots=True)
class Signature:
    """The two integers."""

    r: int
    s: int

    @property
    def bits(self) -> int:
        """Of the larger one: the curve's order has at least as many."""
        return max(self.r.bit_length(), self.s.bit_length())


def parse_signature(der: bytes) -> Signature | None:
    """From DER (RFC 3279 section 2.2.3); None if it is something else."""
    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        return None
    return Signature(r, s) if r > 0 and s > 0 else None


def digest_number(curve: Curve, hash_name: str, data: bytes) -> int | None:
    """The number that is signed: the leftmost bits of the hash, as many as the order has; None for unknown hashes."""
    algorithm = HASHES.get(hash_name)
    if algorithm is None:
        return None
    digest = algorithm(data).digest()
    return int.from_bytes(digest, "big") >> max(0, 8 * len(digest) - curve.n.bit_length())


def recover_keys(curve: Curve, e: int, signature: Signature) -> frozenset[Point]:
    """Every public key under which `signature` of the number `e` verifies: two, seldom four, or none."""
    if not (0 < signature.r < curve.n and 0 < signature.s < curve.n):
        return frozenset()
    inverse = pow(signature.r, -1, curve.n)
    xs = range(signature.r, curve.p, curve.n)
    nonces = [nonce for x in xs for nonce in curve.lift(x)]
    factor, offset = signature.s * inverse, -e * inverse
    keys = (curve.sum_of_products((factor, nonce), (offset, curve.base)) for nonce in nonces)
    return frozenset(key for key in keys if key is not None)


def shared_nonce_key(curve: Curve, one: tuple[int, Signature], other: tuple[int, Signature]) -> frozenset[Point]:
    """Public keys whose private key two signatures with the same r give away, none if they do not.

    k = (e - e') / (s - s') and d = (sk - e) / r; since r has no sign, k's may be either.
    """
    (e1, sig1), (e2, sig2) = one, other
    found = set()
    for s2 in (sig2.s, -sig2.s):
        difference = (sig1.s - s2) % curve.n
        if sig1.r != sig2.r or difference == 0 or e1 % curve.n == e2 % curve.n or not 0 < sig1.r < curve.n:
            continue
        nonce = (e1 - e2) * pow(difference, -1, curve.n)
        private = (sig1.s * nonce - e1) * pow(sig1.r, -1, curve.n) % curve.n
        found.add(curve.sum_of_products((private, curve.base)))
    return frozenset(found)
