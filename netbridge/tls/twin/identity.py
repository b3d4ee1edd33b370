# SPDX-License-Identifier: GPL-2.0-or-later
"""What the server shows of itself: a chain of certificates, and the key of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from stm32emu.netbridge.tls.algorithms import ECDSA, GROUP_CODES, RSA
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.host_names import common_name_is_for, is_for
from stm32emu.netbridge.tls.twin.signing import SigningKey


class IdentityError(Exception):
    """A key or certificate that a server cannot use; says in one sentence why."""


@dataclass(frozen=True)
class Identity:
    """`chain` in the order in which it is sent; whether the key belongs to it is not looked at."""

    chain: tuple[Certificate, ...]
    key: SigningKey

    @property
    def signature(self) -> int:
        """ECDSA or RSA, as in signature schemes."""
        return RSA if isinstance(self.key, rsa.RSAPrivateKey) else ECDSA

    @property
    def group(self) -> int | None:
        """The named curve of the key that the certificate has; None for RSA."""
        public = self.chain[0].public_key
        return GROUP_CODES.get(public.curve.name) if isinstance(public, ec.EllipticCurvePublicKey) else None

    def answers_to(self, name: str) -> bool:
        """Whether the certificate is for this host, by its names (RFC 6125), or its common name if it has none."""
        leaf = self.chain[0]
        return is_for(leaf, name) or common_name_is_for(leaf, name)


def make_identity(chain: Sequence[Certificate], key: PrivateKeyTypes) -> Identity:
    """Raises IdentityError for a key that cannot sign in TLS 1.2."""
    if not chain:
        raise IdentityError("a TLS server needs a certificate")
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise IdentityError("the private key is neither RSA nor on a named curve, which TLS 1.2's suites need")
    try:
        chain[0].alternative_names  # noqa: B018 - read once to know that they can be read
    except DerError as error:
        raise IdentityError(f"the names in the certificate {chain[0].label} do not read: {error}") from error
    return Identity(tuple(chain), key)
