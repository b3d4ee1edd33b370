# SPDX-License-Identifier: GPL-2.0-or-later
"""Ephemeral elliptic-curve Diffie-Hellman (RFC 8422 section 5.10), its private keys from a source of randomness."""

from __future__ import annotations

from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stm32emu.netbridge.tls.algorithms import group_name
from stm32emu.netbridge.tls.curve_table import CURVES
from stm32emu.netbridge.tls.curves import MONTGOMERY_CURVES, UNCOMPRESSED, X448, X25519
from stm32emu.netbridge.tls.twin.alerts import IllegalParameterError
from stm32emu.netbridge.tls.twin.protection import Random

_CLASSES: dict[int, type[ec.EllipticCurve]] = {
    19: ec.SECP192R1,
    21: ec.SECP224R1,
    22: ec.SECP256K1,
    23: ec.SECP256R1,
    24: ec.SECP384R1,
    25: ec.SECP521R1,
    26: ec.BrainpoolP256R1,
    27: ec.BrainpoolP384R1,
    28: ec.BrainpoolP512R1,
}
_MONTGOMERY: dict[int, tuple[Any, Any]] = {
    X25519: (X25519PrivateKey, X25519PublicKey),
    X448: (X448PrivateKey, X448PublicKey),
}
"""Private and public keys, whose classes have nothing in common but their methods."""
GROUPS = (*_CLASSES, *_MONTGOMERY)
"""The named groups that the server can use."""


class KeyShare(Protocol):
    """A key pair for one handshake: `point` is sent, `agree` gives the premaster secret."""

    point: bytes

    def agree(self, peer: bytes) -> bytes:
        """With the peer's point. Raises IllegalParameterError for one that is none."""


class EcShare:
    """On a curve over a prime field. The premaster secret is the x coordinate."""

    def __init__(self, group: int, random: Random) -> None:
        self._curve = _CLASSES[group]()
        self._group = group
        self._private = ec.derive_private_key(scalar(CURVES[group].n, random), self._curve)
        self.point = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def agree(self, peer: bytes) -> bytes:
        """`cryptography` looks whether the point is on the curve."""
        if not peer or peer[0] != UNCOMPRESSED:  # the only format that is offered (RFC 8422 section 5.1.2)
            raise IllegalParameterError("the client's point is not uncompressed")
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(self._curve, peer)
        except ValueError as error:
            raise IllegalParameterError(f"the client's point is not on {group_name(self._group)}") from error
        return self._private.exchange(ec.ECDH(), public)


class MontgomeryShare:
    """X25519 or X448 (RFC 7748 section 5)."""

    def __init__(self, group: int, random: Random) -> None:
        private, self._public = _MONTGOMERY[group]
        self._private = private.from_private_bytes(random(MONTGOMERY_CURVES[group].size))
        self._group = group
        self.point = self._private.public_key().public_bytes_raw()

    def agree(self, peer: bytes) -> bytes:
        """`cryptography` refuses keys of small order, for which the secret is zero."""
        try:
            secret: bytes = self._private.exchange(self._public.from_public_bytes(peer))
        except ValueError as error:
            raise IllegalParameterError(
                f"the client's key is none for {group_name(self._group)}, or one of small order"
            ) from error
        return secret


def scalar(order: int, random: Random) -> int:
    """A private key, or a nonce: from 1 to order - 1.

    It takes 64 bits more than needed, so that no value is likelier (FIPS 186-4, B.4.1).
    """
    size = (order.bit_length() + 64 + 7) // 8
    return int.from_bytes(random(size), "big") % (order - 1) + 1


def key_share(group: int, random: Random) -> KeyShare:
    """A new key pair on one of GROUPS."""
    return MontgomeryShare(group, random) if group in _MONTGOMERY else EcShare(group, random)
