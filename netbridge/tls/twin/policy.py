# SPDX-License-Identifier: GPL-2.0-or-later
"""What a TLS 1.2 server is willing to do, and what it prefers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from stm32emu.netbridge.tls.algorithms import ECDSA, RSA, SHA_224, SHA_256, SHA_384, SHA_512
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.curves import X25519
from stm32emu.netbridge.tls.records import MAX_PLAINTEXT


class ClientAuth(Enum):
    """Whether clients are asked for certificates."""

    NONE = "none"
    OPTIONAL = "optional"
    """Asked; a client without one is served, and one whose chain is not good as well, as mbedTLS has it."""
    REQUIRED = "required"


def signature_schemes(hashes: tuple[int, ...], signatures: tuple[int, ...] = (RSA, ECDSA)) -> tuple[int, ...]:
    """Signature schemes of TLS 1.2, hash by hash."""
    return tuple(hash_code << 8 | signature for hash_code in hashes for signature in signatures)


_BY_STRENGTH = (0xCCA9, 0xCCA8, 0xC02C, 0xC030, 0xC02B, 0xC02F, 0xC024, 0xC028, 0xC023, 0xC027)


@dataclass(frozen=True)
class Policy:
    """The default does all that the server can. Tuples are in order of preference.

    Attributes:
        suites: cipher suites.
        client_order: the client's order of suites counts.
        groups: named groups; the server's order counts.
        schemes: signature schemes to sign with, in no order, since the client's counts.
        needs_groups: a client that names no groups is refused (RFC 8422 section 4 leaves it to the server).
        in_limit, out_limit: bytes of plaintext in a record, received and sent.
        fragment_length: whether max_fragment_length is agreed to (RFC 6066 section 4), and likewise ...
        extended_master_secret: RFC 7627.
        encrypt_then_mac: RFC 7366.
        protocols: ALPN's (RFC 7301).
        acknowledges_name: server_name is answered (RFC 6066 section 3).
        cache, tickets: sessions are resumed by id, by ticket (RFC 5077).
        client_auth: certificates of clients, by one of `authorities`; `requested` are the schemes of their signatures,
            `requested_types` the kinds of certificates.
        checks_dates, checks_usage, checks_purposes: of the clients' certificates, and their CAs.
    """

    suites: tuple[int, ...] = _BY_STRENGTH
    client_order: bool = False
    groups: tuple[int, ...] = (X25519, 23, 24, 25)
    schemes: tuple[int, ...] = signature_schemes((SHA_256, SHA_384, SHA_512, SHA_224))
    needs_groups: bool = False
    in_limit: int = MAX_PLAINTEXT
    out_limit: int = MAX_PLAINTEXT
    fragment_length: bool = True
    extended_master_secret: bool = True
    encrypt_then_mac: bool = True
    protocols: tuple[str, ...] = ()
    acknowledges_name: bool = True
    cache: bool = True
    tickets: bool = True
    client_auth: ClientAuth = ClientAuth.NONE
    authorities: tuple[Certificate, ...] = ()
    requested: tuple[int, ...] = signature_schemes((SHA_256, SHA_384, SHA_512))
    requested_types: tuple[int, ...] = (1, 64)
    checks_dates: bool = True
    checks_usage: bool = True
    checks_purposes: bool = True
