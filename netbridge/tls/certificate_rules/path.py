# SPDX-License-Identifier: GPL-2.0-or-later
"""The path from the leaf to what the client trusts (RFC 5280 section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..certificate import Certificate
from ..chains import Link
from ..private_key import fingerprint
from ..severity import Severity
from .finding import Finding, Identity


def signatures(identity: Identity) -> Iterator[Finding]:
    """Each link's signature, and where the path ends."""
    found = identity.links
    for link in found:
        if link.certificate not in identity.roots:
            yield _link(link, bool(identity.roots))
    last = found[-1]
    if last.issuer is not None and last.certificate not in identity.roots:
        what = f"{last.certificate.label} signs itself and is none of those trusted"
        proof = f"trusted are {_labels(identity.roots)}" if identity.roots else "no CA was given"
        yield Finding(
            Severity.ERROR, "trust", what, proof, "give the client this certificate as its CA, or --cert one by its CA"
        )


def _link(link: Link, trusting: bool) -> Finding:
    name, issuer = link.certificate.label, link.issuer
    if issuer is not None and issuer.public_key is not None:
        what = f"{name} is signed by {issuer.label}"
        proof = f"{link.certificate.signed_with} verifies under its key {fingerprint(issuer.public_key)}"
        return Finding(Severity.OK, "chain", what, proof)
    if link.named:
        what = f"{name} is not signed by {link.named[0].label}, which only has the right name"
        proof = f"{link.certificate.signed_with} does not verify under its key"
        return Finding(
            Severity.ERROR, "chain", what, proof, "find the CA certificate that signed it: same name, other key"
        )
    what = f"nobody at hand signed {name}"
    proof = f"its issuer is {link.certificate.issuer}, and no certificate given has that subject"
    if not trusting:
        fix = "give what clients trust as --ca, to judge the chain up to there"
        return Finding(Severity.WARNING, "trust", what, proof, fix)
    return Finding(
        Severity.ERROR, "trust", what, proof, "append the missing intermediate certificate, or trust its issuer"
    )


def issuers(identity: Identity) -> Iterator[Finding]:
    """What a CA must be allowed (RFC 5280 sections 4.2.1.3 and 4.2.1.9)."""
    for depth, certificate in enumerate(identity.path[1:]):
        authority, length = certificate.authority
        if not authority:
            what = f"{certificate.label} signed a certificate and is no CA"
            missing = (
                "its basic constraints say CA:FALSE" if certificate.version == 3 else "it has no basic constraints"
            )
            yield Finding(Severity.ERROR, "chain", what, missing, "have the certificate signed by a CA")
        if length is not None and depth > length:
            what = f"{certificate.label} allows {length} CAs below it, there are {depth}"
            yield Finding(Severity.ERROR, "chain", what, f"path length {length}", "use a CA that allows more")
        if certificate.key_usage is not None and "keyCertSign" not in certificate.key_usage:
            what = f"{certificate.label} signed a certificate and may not"
            proof = f"its key usage is {_listed(certificate.key_usage)}, without keyCertSign"
            yield Finding(Severity.ERROR, "chain", what, proof, "have it reissued with keyCertSign")


def order(identity: Identity) -> Iterator[Finding]:
    """What is sent must be the path in its order (RFC 5246 section 7.4.2); the root may be left out."""
    wanted = [certificate for certificate in identity.path if certificate in identity.chain]
    once = [certificate for n, certificate in enumerate(identity.chain) if certificate not in identity.chain[:n]]
    sent = [certificate for certificate in once if certificate in wanted]
    if sent != wanted:
        what, proof = "the certificates are not in order", f"sent {_labels(sent)}; each must be signed by the next"
        fix = f"send {_labels(wanted)}: some clients put them in order, others give up"
        yield Finding(Severity.WARNING, "order", what, proof, fix)
    for certificate in once:
        size = f"{len(certificate.der)} octets in every handshake"
        if identity.chain.count(certificate) > 1:
            what = f"{certificate.label} is sent {identity.chain.count(certificate)} times"
            yield Finding(Severity.WARNING, "sent", what, size, "leave out all but the first")
        if certificate not in wanted:
            what = f"{certificate.label} is sent and is no part of the chain"
            yield Finding(Severity.WARNING, "sent", what, size, "leave it out")
        elif certificate in identity.roots and certificate != identity.leaf:
            what = f"{certificate.label} is sent although clients must have it"
            yield Finding(Severity.NOTE, "sent", what, size, "leave it out to save time and buffers")


def _labels(certificates: Sequence[Certificate]) -> str:
    return ", ".join(certificate.label for certificate in certificates)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


RULES = (signatures, issuers, order)
