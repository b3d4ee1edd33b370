# SPDX-License-Identifier: GPL-2.0-or-later
"""Which host a certificate is for (RFC 6125): a DNS name or an IP address against its names."""

from __future__ import annotations

from ipaddress import ip_address

from .certificate import Certificate
from .der import DerError


def is_for(certificate: Certificate, host: str) -> bool:
    """By its subjectAltName. Raises DerError if that does not read."""
    return any(_matches(kind, name, host) for kind, name in certificate.alternative_names)


def common_name_is_for(certificate: Certificate, host: str) -> bool:
    """By its common name, at which clients look, if at all, where subjectAltName has no DNS name (section 6.4.4)."""
    common = certificate.subject.get("CN")
    has_dns = any(kind == "DNS" for kind, _ in certificate.alternative_names)
    return bool(common) and not has_dns and not is_address(host) and _matches("DNS", common or "", host)


def names_of(certificate: Certificate) -> list[str]:
    """All that it is for: its subjectAltName, or its common name if there is none that reads."""
    try:
        listed = [name for _, name in certificate.alternative_names]
    except DerError:
        listed = []
    common = certificate.subject.get("CN")
    return listed or ([common] if common else [])


def is_address(host: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _matches(kind: str, name: str, host: str) -> bool:
    """An address is only matched by the same address. A wildcard stands for the whole of the first label, before two
    more at least (section 6.4.3)."""
    if kind == "IP" or is_address(host):
        return kind == "IP" and is_address(host) and ip_address(name) == ip_address(host)
    name, host = name.lower().rstrip("."), host.lower().rstrip(".")
    first, _, domain = host.partition(".")
    return name == host or (name.startswith("*.") and bool(first) and name[2:] == domain and "." in domain)
