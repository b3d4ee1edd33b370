# SPDX-License-Identifier: GPL-2.0-or-later
"""Dates and names: whether a client accepts the certificate now, and for the host that it asks for."""

from __future__ import annotations

from collections.abc import Iterator

from ..certificate import SUBJECT_ALT_NAME, Certificate
from ..host_names import common_name_is_for, is_address, is_for
from ..severity import Severity
from .finding import Finding, Identity


def dates(identity: Identity) -> Iterator[Finding]:
    """Every certificate of the path (RFC 5280 section 4.1.2.5)."""
    bad = [finding for certificate in identity.path for finding in _date(certificate, identity)]
    yield from bad
    if not bad:
        first = min(identity.path, key=lambda certificate: certificate.not_after)
        what = f"all dates hold on {identity.at:%Y-%m-%d}"
        yield Finding(Severity.OK, "dates", what, f"the first to end is {first.label}, on {first.not_after:%Y-%m-%d}")


def _date(certificate: Certificate, identity: Identity) -> Iterator[Finding]:
    proof = f"valid from {certificate.not_before:%Y-%m-%d %H:%M} to {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    if certificate.not_after < certificate.not_before:
        what = f"{certificate.label} ends before it begins"
        yield Finding(Severity.ERROR, "dates", what, proof, "have it reissued")
    elif identity.at > certificate.not_after:
        what = f"{certificate.label} has expired on {identity.at:%Y-%m-%d}"
        yield Finding(Severity.ERROR, "dates", what, proof, "renew it; for a trial, set the client's clock back")
    elif identity.at < certificate.not_before:
        what = f"{certificate.label} is not valid yet on {identity.at:%Y-%m-%d}"
        yield Finding(Severity.ERROR, "dates", what, proof, "check the clocks of whoever issued it and of the client")


def names(identity: Identity) -> Iterator[Finding]:
    """The host name against subjectAltName, and the common name where there is none (RFC 6125 section 6.4)."""
    has = [f"{kind}:{name}" for kind, name in identity.leaf.alternative_names]
    common = identity.leaf.subject.get("CN")
    proof = f"subjectAltName {', '.join(has) or 'is absent'}, {f'CN={common}' if common else 'no CN'}"
    wanted = identity.hostname
    if wanted is None:
        whom = ", ".join(has) or common or "nobody"
        yield Finding(Severity.NOTE, "names", f"{identity.leaf.label} names {whom}", proof, "")
    elif is_for(identity.leaf, wanted):
        yield Finding(Severity.OK, "names", f"the certificate is for {wanted}", proof)
    elif is_address(wanted):
        fix = "put the address into subjectAltName as IP: in the common name it does not count"
        yield Finding(Severity.ERROR, "names", f"the certificate is not for the address {wanted}", proof, fix)
    elif common_name_is_for(identity.leaf, wanted):
        what = f"only the common name is {wanted}"
        others = SUBJECT_ALT_NAME in identity.leaf.extensions  # which are enough for mbedTLS to look no further
        who = "OpenSSL looks at the common name, mbedTLS," if others else "OpenSSL and mbedTLS look at the common name,"
        fix = f"add it as a DNS subjectAltName: {who} browsers and Python do not"
        yield Finding(Severity.WARNING, "names", what, proof, fix)
    else:
        fix = "ask for a name that the certificate has, or have one issued for this name"
        yield Finding(Severity.ERROR, "names", f"the certificate is not for {wanted}", proof, fix)


RULES = (dates, names)
