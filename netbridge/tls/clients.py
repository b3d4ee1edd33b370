# SPDX-License-Identifier: GPL-2.0-or-later
"""Which TLS library a client is, from its ClientHello: libraries differ in what they offer and in which order."""

from __future__ import annotations

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.suites import RENEGOTIATION_SCSV

OPENSSL, MBEDTLS, GNUTLS, UNKNOWN = "openssl", "mbedtls", "gnutls", "client"
ALL_POINT_FORMATS = b"\3\0\1\2"
"""OpenSSL offers compressed points, too (RFC 8422 section 5.1.2); the others do not."""
UNIX_TIME = range(0x10000000, 0xF0000000)


def client_of(hello: ClientHello | None) -> str:
    """One of the names above. Programs share their library's: curl and Python are "openssl"."""
    if hello is None:
        return UNKNOWN
    offered = {extension.type: extension.data for extension in hello.extensions}
    formats = offered.get(names.EC_POINT_FORMATS)
    if formats == ALL_POINT_FORMATS:
        return OPENSSL
    if names.RECORD_SIZE_LIMIT in offered and names.ENCRYPT_THEN_MAC in offered:
        return GNUTLS
    if RENEGOTIATION_SCSV in hello.suites and names.SIGNATURE_ALGORITHMS in offered and formats in (None, b"\1\0"):
        return MBEDTLS
    return UNKNOWN


def clock_of(hello: ClientHello | None) -> int | None:
    """The client's clock in Unix seconds, which mbedTLS puts into its random (RFC 5246 section 7.4.1.2)."""
    if hello is None or client_of(hello) != MBEDTLS:
        return None
    seconds = int.from_bytes(hello.random[:4], "big")
    return seconds if seconds in UNIX_TIME else None
