# SPDX-License-Identifier: GPL-2.0-or-later
"""What the certificates may be used for, and what they are made with."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec

from ..certificate import (
    ANY_PURPOSE,
    AUTHORITY_KEY_ID,
    BASIC_CONSTRAINTS,
    CLIENT_AUTH,
    EXTENDED_KEY_USAGE,
    KEY_USAGE,
    SERVER_AUTH,
    SUBJECT_ALT_NAME,
    SUBJECT_KEY_ID,
)
from ..severity import Severity
from .finding import Finding, Identity

PURPOSES = {SERVER_AUTH: "serverAuth", CLIENT_AUTH: "clientAuth", "1.3.6.1.5.5.7.3.3": "codeSigning"}
UNDERSTOOD = {BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, SUBJECT_ALT_NAME, SUBJECT_KEY_ID, AUTHORITY_KEY_ID,
              "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.36", "2.5.29.54"}  # fmt: skip
"""Extensions of RFC 5280 section 4.2 that clients process: the last five are about names, CRLs and policies."""
ECDSA_PREFIX = "1.2.840.10045.4."


def purpose(identity: Identity) -> Iterator[Finding]:
    """The leaf as a TLS server's (RFC 5280 sections 4.2.1.3 and 4.2.1.12)."""
    leaf = identity.leaf
    usage, purposes = leaf.key_usage, leaf.extended_key_usage
    if usage is not None and "digitalSignature" not in usage:
        proof = f"its key usage is {', '.join(sorted(usage)) or 'nothing'}"
        fix = "have it reissued with digitalSignature, which ECDHE needs: the server signs its ServerKeyExchange"
        yield Finding(Severity.ERROR, "usage", f"{leaf.label} may not sign", proof, fix)
    if purposes is not None and not {SERVER_AUTH, ANY_PURPOSE} & set(purposes):
        proof = f"its extended key usage is {', '.join(PURPOSES.get(each, each) for each in purposes)}"
        yield Finding(
            Severity.ERROR, "usage", f"{leaf.label} is not for servers", proof, "have it reissued with serverAuth"
        )
    if leaf.authority[0] and len(identity.path) > 1:
        fix = "use a certificate of its own for the server"
        yield Finding(Severity.WARNING, "usage", f"{leaf.label} is a CA", "its basic constraints say CA:TRUE", fix)


def critical(identity: Identity) -> Iterator[Finding]:
    """Extensions that a client must understand and does not."""
    for certificate in identity.path:
        for dotted, extension in certificate.extensions.items():
            if extension.critical and dotted not in UNDERSTOOD:
                what = f"{certificate.label} has a critical extension that clients do not know"
                yield Finding(Severity.ERROR, "usage", what, dotted, "have it reissued without, or not critical")


def weak_hash(identity: Identity) -> Iterator[Finding]:
    """Hashes whose signatures can be forged; a root's own signature proves nothing and is left out."""
    for certificate in identity.path:
        if certificate not in identity.roots and certificate.is_signed_weakly:
            what = f"{certificate.label} is signed with {certificate.signed_with.rpartition(' ')[2]}"
            yield Finding(Severity.ERROR, "hash", what, "forgeries are practical; clients refuse it", "use SHA-256")


def form(identity: Identity) -> Iterator[Finding]:
    """What RFC 5280 wants of the encoding, and strict clients insist on."""
    for certificate in identity.path:
        if certificate.trailing:
            proof = f"{len(certificate.trailing)} octets after the end of its DER"
            yield _strict(certificate.label, "is followed by rubbish", proof)
        if certificate.serial <= 0:
            yield _strict(
                certificate.label, "has a serial number that is not positive", f"it is {certificate.serial_text}"
            )
        if certificate.serial.bit_length() > 159:
            proof = f"{certificate.serial.bit_length() // 8 + 1} octets, at most 20 are allowed (section 4.1.2.2)"
            yield _strict(certificate.label, "has too long a serial number", proof)
        if certificate.version < 3 and certificate.extensions:
            yield _strict(
                certificate.label, f"has extensions in version {certificate.version}", "only version 3 has them"
            )
        if certificate.algorithms[0] != certificate.algorithms[1]:
            yield _strict(certificate.label, "names two signature algorithms", "inside and outside of what is signed")
        if certificate.signature_algorithm.startswith(ECDSA_PREFIX) and certificate.algorithms[1].endswith(b"\x05\x00"):
            yield _strict(
                certificate.label, "has a NULL in its ECDSA algorithm", "RFC 5758 section 3.2 wants nothing there"
            )


def _strict(label: str, what: str, proof: str) -> Finding:
    fix = "have it reissued: openssl and mbedTLS may accept it, stricter clients do not"
    return Finding(Severity.WARNING, "form", f"{label} {what}", proof, fix)


def curve_of_the_leaf(identity: Identity) -> Iterator[Finding]:
    """Curves that common clients do not offer (RFC 8422 section 5.1.1)."""
    key = identity.leaf.public_key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in ("secp256r1", "secp384r1", "secp521r1"):
        what = f"the key of {identity.leaf.label} is on {key.curve.name}"
        proof = "many clients offer secp256r1, secp384r1 and secp521r1 only, and end with alert 40"
        yield Finding(Severity.WARNING, "key", what, proof, "use secp256r1")


RULES = (purpose, critical, weak_hash, curve_of_the_leaf, form)
