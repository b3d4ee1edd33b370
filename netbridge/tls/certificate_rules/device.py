# SPDX-License-Identifier: GPL-2.0-or-later
"""The certificates against the device's own configuration: whether its mbedTLS can load, send and use them."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ..certificate import Certificate
from ..config_rules.abilities import content_len, missing_for_hash, mpi_max_size
from ..config_rules.build import Build
from ..config_rules.limits import certificate_message, too_long_to_send
from ..mbedtls_options import curve_option
from ..private_key import key_name
from ..severity import Severity
from .finding import Finding, Identity


def parsed_by_the_device(identity: Identity) -> Iterator[Finding]:
    """mbedTLS refuses a certificate as a whole if it does not know its hash, or the curve of its key."""
    if identity.build is None:
        return
    for certificate in identity.chain:
        yield from _hash(certificate, identity.build)
        yield from _key(certificate, identity.build)


def _hash(certificate: Certificate, build: Build) -> Iterator[Finding]:
    hashing = certificate.signed_with.partition(" with ")[2]
    need = missing_for_hash(hashing, build) if hashing else None
    if need:
        what = f"the device cannot parse {certificate.label}"
        proof = f"it is signed with {certificate.signed_with}, which needs {need}: -0x2600"
        yield Finding(Severity.ERROR, "device", what, proof, f"define {need}, or use another hash")


def _key(certificate: Certificate, build: Build) -> Iterator[Finding]:
    key, what = certificate.public_key, f"the device cannot use the key of {certificate.label}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        option = curve_option(key.curve.name)
        if option not in build.config:
            proof = f"it is on {key.curve.name}, and MBEDTLS_{option} is not defined"
            yield Finding(Severity.ERROR, "device", what, proof, "define it, or use a key on a curve that is enabled")
    elif isinstance(key, rsa.RSAPublicKey):
        octets = mpi_max_size(build)
        if "RSA_C" not in build.config:
            yield Finding(Severity.ERROR, "device", what, "MBEDTLS_RSA_C is not defined", "define it, or use an EC key")
        elif key.key_size > 8 * octets:
            proof = f"it has {key.key_size} bits, MBEDTLS_MPI_MAX_SIZE is {octets} octets"
            yield Finding(Severity.ERROR, "device", what, proof, f"set it to {key.key_size // 8}")


def key_exchange(identity: Identity) -> Iterator[Finding]:
    """Whether a key exchange is enabled that uses the leaf's kind of key."""
    key, build = identity.leaf.public_key, identity.build
    kind = "ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"
    if build is not None and f"KEY_EXCHANGE_ECDHE_{kind}_ENABLED" not in build.config:
        what = f"no suite of the device uses a key such as {key_name(key)}"
        proof = f"MBEDTLS_KEY_EXCHANGE_ECDHE_{kind}_ENABLED is not defined: every handshake ends with alert 40"
        yield Finding(Severity.ERROR, "device", what, proof, "define it, or use the other kind of key")


def fits(identity: Identity) -> Iterator[Finding]:
    """The Certificate message against the device's record size."""
    if identity.build is None:
        return
    size = certificate_message(tuple(len(certificate.der) for certificate in identity.chain))
    limit = content_len(identity.build, "OUT")
    proof = f"the Certificate message has {size} octets, a record may have {limit}"
    if size > limit:
        proof += f", and mbedTLS does not split it: {too_long_to_send(identity.build)}"
        fix = "send fewer certificates, or raise MBEDTLS_SSL_OUT_CONTENT_LEN"
        yield Finding(Severity.ERROR, "size", "the chain does not fit into a record", proof, fix)
    else:
        yield Finding(Severity.OK, "size", "the chain fits into a record", proof)


RULES = (parsed_by_the_device, key_exchange, fits)
