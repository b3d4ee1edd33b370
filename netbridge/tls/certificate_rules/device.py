# SPDX-License-Identifier: GPL-2.0-or-later
"""The certificates against the device's own configuration: whether its mbedTLS can load, send and use them."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ..certificate import Certificate
from ..config import Config
from ..config_rules.advice import Device
from ..config_rules.limits import certificate_message, content_len, mpi_max_size
from ..mbedtls_options import curve_option
from ..private_key import key_name
from ..severity import Severity
from .finding import Finding, Identity

MODULES = {"SHA1": ("SHA1_C",), "MD5": ("MD5_C",), "SHA224": ("SHA256_C", "SHA224_C"), "SHA256": ("SHA256_C",),
           "SHA384": ("SHA512_C", "SHA384_C"), "SHA512": ("SHA512_C",)}  # fmt: skip
"""Hash -> the options of which mbedTLS needs one to know it (those with their own names since 3.0)."""


def parsed_by_the_device(identity: Identity) -> Iterator[Finding]:
    """mbedTLS refuses a certificate as a whole if it does not know its hash, or the curve of its key."""
    if identity.config is None:
        return
    for certificate in identity.chain:
        yield from _hash(certificate, identity.config)
        yield from _key(certificate, identity.config)


def _hash(certificate: Certificate, config: Config) -> Iterator[Finding]:
    modules = MODULES.get(certificate.signed_with.rpartition(" ")[2], ())
    if modules and not any(module in config for module in modules):
        what = f"the device cannot parse {certificate.label}"
        proof = f"it is signed with {certificate.signed_with}, and MBEDTLS_{modules[0]} is not defined: -0x2600"
        yield Finding(Severity.ERROR, "device", what, proof, f"define MBEDTLS_{modules[0]}, or use another hash")


def _key(certificate: Certificate, config: Config) -> Iterator[Finding]:
    key, what = certificate.public_key, f"the device cannot use the key of {certificate.label}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        option = curve_option(key.curve.name)
        if option not in config:
            proof = f"it is on {key.curve.name}, and MBEDTLS_{option} is not defined"
            yield Finding(Severity.ERROR, "device", what, proof, "define it, or use a key on a curve that is enabled")
    elif isinstance(key, rsa.RSAPublicKey):
        octets = mpi_max_size(config)
        if "RSA_C" not in config:
            yield Finding(Severity.ERROR, "device", what, "MBEDTLS_RSA_C is not defined", "define it, or use an EC key")
        elif key.key_size > 8 * octets:
            proof = f"it has {key.key_size} bits, MBEDTLS_MPI_MAX_SIZE is {octets} octets"
            yield Finding(Severity.ERROR, "device", what, proof, f"set it to {key.key_size // 8}")


def key_exchange(identity: Identity) -> Iterator[Finding]:
    """Whether a key exchange is enabled that uses the leaf's kind of key."""
    key, config = identity.leaf.public_key, identity.config
    kind = "ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA"
    if config is not None and f"KEY_EXCHANGE_ECDHE_{kind}_ENABLED" not in config:
        what = f"no suite of the device uses a key such as {key_name(key)}"
        proof = f"MBEDTLS_KEY_EXCHANGE_ECDHE_{kind}_ENABLED is not defined: every handshake ends with alert 40"
        yield Finding(Severity.ERROR, "device", what, proof, "define it, or use the other kind of key")


def fits(identity: Identity) -> Iterator[Finding]:
    """The Certificate message against the device's record size."""
    if identity.config is None:
        return
    size = certificate_message(tuple(len(certificate.der) for certificate in identity.chain))
    limit = content_len(Device(identity.config, identity.version), "OUT")
    proof = f"the Certificate message has {size} octets, a record may have {limit}"
    if size > limit:
        fix = "send fewer certificates, or raise MBEDTLS_SSL_OUT_CONTENT_LEN: -0x7500 otherwise"
        yield Finding(Severity.ERROR, "device", "the chain does not fit into a record", proof, fix)
    else:
        yield Finding(Severity.OK, "device", "the chain fits into a record", proof)


RULES = (parsed_by_the_device, key_exchange, fits)
