# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a client's chain of certificates leads to an authority (RFC 5280 section 6.1, without policies and names)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stm32emu.netbridge.tls.certificate import ANY_PURPOSE, CLIENT_AUTH, Certificate, parse_certificate
from stm32emu.netbridge.tls.chains import links_from
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.twin.alerts import (
    BadCertificateError,
    CertificateExpiredError,
    CertificateUnknownError,
    DecodeError,
    UnknownCaError,
    UnsupportedCertificateError,
)
from stm32emu.netbridge.tls.twin.policy import Policy


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


def check_chain(chain: Sequence[Certificate], policy: Policy, now: int) -> None:
    """`now` in seconds. Raises the PeerError that fits, as mbedTLS chooses it.

    A client may send what does not belong to its path, in any order.
    """
    path = [link.certificate for link in links_from(chain[0], chain[1:], policy.authorities)]
    if path[-1] not in policy.authorities:
        raise UnknownCaError(f"the issuer of {path[-1].label} is not trusted: {path[-1].issuer}")
    try:
        _check_client(path[0], policy)
        for below, issuer in enumerate(path[1:]):
            _check_issuer(issuer, below, policy)
    except DerError as error:
        raise BadCertificateError(f"an extension of the client's chain does not read: {error}") from error
    for certificate in path:
        if policy.checks_dates:
            _check_dates(certificate, datetime.fromtimestamp(now, UTC))
        if certificate.is_signed_weakly and certificate not in policy.authorities:
            raise CertificateUnknownError(f"{certificate.label} is signed with {certificate.signed_with}")


def _check_client(leaf: Certificate, policy: Policy) -> None:
    usage, purposes = leaf.key_usage, leaf.extended_key_usage
    if policy.checks_usage and usage is not None and "digitalSignature" not in usage:
        raise UnsupportedCertificateError(f"{leaf.label} may not sign")
    if policy.checks_purposes and purposes is not None and not {CLIENT_AUTH, ANY_PURPOSE} & set(purposes):
        raise UnsupportedCertificateError(f"{leaf.label} is not for clients")


def _check_issuer(issuer: Certificate, below: int, policy: Policy) -> None:
    """`below` CAs are between it and the client. A root of version 1 has nothing that could say what it is."""
    if issuer.version < 3 and issuer in policy.authorities:
        return
    authority, length = issuer.authority
    if not authority:
        raise UnknownCaError(f"{issuer.label} is no CA")
    if length is not None and below > length:
        raise UnknownCaError(f"{issuer.label} allows {length} CAs below it, there are {below}")
    if policy.checks_usage and issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        raise UnknownCaError(f"{issuer.label} may not sign certificates")


def _check_dates(certificate: Certificate, now: datetime) -> None:
    reason = f"{certificate.label} is valid from {certificate.not_before} to {certificate.not_after}"
    if now > certificate.not_after:
        raise CertificateExpiredError(reason)
    if now < certificate.not_before:
        raise CertificateUnknownError(reason)
