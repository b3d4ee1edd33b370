# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a client's chain of certificates leads to an authority (RFC 5280 section 6.1, without policies and names)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stm32emu.netbridge.tls.certificate import Certificate, parse_certificate
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.twin.alerts import (
    BadCertificateError,
    CertificateExpiredError,
    DecodeError,
    UnknownCaError,
    UnsupportedCertificateError,
)


def read_chain(chain: Sequence[bytes]) -> tuple[Certificate, ...]:
    """A client's certificates, its own first. Raises DecodeError, BadCertificateError, UnsupportedCertificateError."""
    if not all(chain):
        raise DecodeError("a certificate of the client is empty")
    try:
        certificates = tuple(parse_certificate(der) for der in chain)
    except DerError as error:
        raise BadCertificateError(f"a certificate of the client does not read: {error}") from error
    if not isinstance(certificates[0].public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise UnsupportedCertificateError("the client's key is neither RSA nor on a known curve")
    return certificates


def check_chain(chain: Sequence[Certificate], authorities: Sequence[Certificate], now: int | None) -> None:
    """`now` in seconds, None if dates do not count. Raises the PeerError that fits.

    A client may send what does not belong to its path, in any order; certificates are tried as issuers once each.
    """
    certificate, others = chain[0], list(chain[1:])
    _check_dates(certificate, now)
    while True:
        if any(_issued(authority, certificate) or authority.der == certificate.der for authority in authorities):
            return
        issuer = next((other for other in others if _issued(other, certificate)), None)
        if issuer is None:
            raise UnknownCaError(f"the issuer of {certificate.label} is not trusted: {certificate.issuer}")
        if not _may_sign(issuer):
            raise BadCertificateError(f"{issuer.label} is no CA")
        _check_dates(issuer, now)
        others.remove(issuer)
        certificate = issuer


def _issued(issuer: Certificate, certificate: Certificate) -> bool:
    return issuer.subject.normal == certificate.issuer.normal and certificate.signed_by(issuer.public_key)


def _may_sign(issuer: Certificate) -> bool:
    try:
        return issuer.authority[0]
    except DerError:
        return False


def _check_dates(certificate: Certificate, now: int | None) -> None:
    if now is not None and not certificate.not_before <= datetime.fromtimestamp(now, UTC) <= certificate.not_after:
        raise CertificateExpiredError(
            f"{certificate.label} is valid from {certificate.not_before} to {certificate.not_after}"
        )
