# SPDX-License-Identifier: GPL-2.0-or-later
"""What a server chooses from a ClientHello (RFC 5246 section 7.4.1, RFC 8422 section 5), without doing it yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import ECDSA, RSA, Scheme
from stm32emu.netbridge.tls.extensions import FRAGMENT_LENGTHS, Extension, Extensions, emit_protocols
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.suites import FALLBACK_SCSV, RENEGOTIATION_SCSV, SUITES
from stm32emu.netbridge.tls.twin import ciphers
from stm32emu.netbridge.tls.twin.alerts import (
    DecodeError,
    HandshakeFailureError,
    IllegalParameterError,
    InappropriateFallbackError,
    NoApplicationProtocolError,
    ProtocolVersionError,
)
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.identity import Identity
from stm32emu.netbridge.tls.twin.policy import Policy

UNCOMPRESSED_FORMAT = 0
SESSION_ID_SIZE = 32


@dataclass(frozen=True)
class Choice:
    """A suite with all it needs."""

    suite: int
    group: int
    scheme: Scheme
    identity: Identity


@dataclass(frozen=True)
class Terms:
    """What holds whichever suite it is: the extensions agreed on. `fragment_length` is in bytes, None for no limit."""

    secure_renegotiation: bool
    extended_master_secret: bool
    encrypt_then_mac: bool
    fragment_length: int | None
    server_name: str | None
    protocol: str | None
    point_formats: bool
    tickets: bool


def check_hello(hello: ClientHello) -> None:
    """What must be right about a ClientHello whatever is chosen from it."""
    if hello.version < names.TLS_1_2:
        if FALLBACK_SCSV in hello.suites:
            raise InappropriateFallbackError("the client fell back below TLS 1.2")
        raise ProtocolVersionError(f"the client has {names.version_name(hello.version)} at most")
    if len(hello.session_id) > SESSION_ID_SIZE:
        raise DecodeError(f"a session id of {len(hello.session_id)} bytes")
    if not hello.suites or 0 not in hello.compressions:
        raise IllegalParameterError("the client offers no suite, or not the null compression")
    kinds = [extension.type for extension in hello.extensions]
    if len(set(kinds)) < len(kinds):
        raise DecodeError("an extension comes twice")
    malformed = hello.says.malformed()
    if malformed:
        raise DecodeError(str(malformed))
    _check_values(hello.says)


def _check_values(says: Extensions) -> None:
    if names.MAX_FRAGMENT_LENGTH in says and says.fragment_length is None:
        raise IllegalParameterError("max_fragment_length has no such code")
    if says.point_formats is not None and UNCOMPRESSED_FORMAT not in says.point_formats:
        raise IllegalParameterError("the client cannot read uncompressed points")
    if says.renegotiated_connection:
        raise HandshakeFailureError("the first handshake claims to be a renegotiation")


def choose(hello: ClientHello, policy: Policy, identities: Sequence[Identity]) -> Choice:
    """The first suite for which there is a curve, a certificate and a hash. Raises HandshakeFailureError."""
    common = [suite for suite in policy.suites if suite in hello.suites]
    if policy.client_order:
        common = [suite for suite in hello.suites if suite in policy.suites]
    for suite in common:
        for choice in _candidates(suite, hello.says, policy, identities):
            return choice
    raise HandshakeFailureError(
        "no suite in common can be used: curve, certificate or hash do not fit" if common else "no suite in common"
    )


def _candidates(suite: int, says: Extensions, policy: Policy, identities: Sequence[Identity]) -> Iterator[Choice]:
    kind = RSA if SUITES[suite].authentication == "RSA" else ECDSA
    name = says.server_name
    ranked = sorted(identities, key=lambda identity: not (name and identity.answers_to(name)))
    for identity in ranked:
        group, scheme = _group(says, policy), _scheme(kind, says, policy)
        if identity.signature == kind and group is not None and scheme and _knows_curve(identity, says):
            yield Choice(suite, group, scheme, identity)


def _group(says: Extensions, policy: Policy) -> int | None:
    offered = says.groups
    if offered is None and not policy.needs_groups:
        return policy.groups[0]
    return next((group for group in policy.groups if group in (offered or ())), None)


def _scheme(kind: int, says: Extensions, policy: Policy) -> Scheme | None:
    """The first of the client's (RFC 5246 section 7.4.1.4.1); one that names none means SHA-1."""
    offered = says.schemes or ((2 << 8 | kind,) if names.SIGNATURE_ALGORITHMS not in says else ())
    usable = (Scheme(code) for code in offered if code in policy.schemes)
    return next((scheme for scheme in usable if scheme.signature == kind), None)


def _knows_curve(identity: Identity, says: Extensions) -> bool:
    """A client must know the curve of the certificate, too (RFC 8422 section 5.1)."""
    return identity.group is None or says.groups is None or identity.group in says.groups


def agree(hello: ClientHello, policy: Policy, suite: int) -> Terms:
    """On extensions. Raises NoApplicationProtocolError."""
    says = hello.says
    return Terms(
        secure_renegotiation=RENEGOTIATION_SCSV in hello.suites or names.RENEGOTIATION_INFO in says,
        extended_master_secret=policy.extended_master_secret and names.EXTENDED_MASTER_SECRET in says,
        encrypt_then_mac=policy.encrypt_then_mac
        and names.ENCRYPT_THEN_MAC in says
        and CIPHERS[suite].mode == ciphers.CBC,
        fragment_length=says.fragment_length if policy.fragment_length else None,
        server_name=says.server_name,
        protocol=_protocol(says, policy),
        point_formats=says.point_formats is not None,
        tickets=policy.tickets and names.SESSION_TICKET in says,
    )


def _protocol(says: Extensions, policy: Policy) -> str | None:
    if not policy.protocols or says.protocols is None:
        return None
    for protocol in policy.protocols:
        if protocol in says.protocols:
            return protocol
    raise NoApplicationProtocolError(f"the client speaks {', '.join(says.protocols)}")


def answer(terms: Terms, policy: Policy, resumed: bool) -> tuple[Extension, ...]:
    """The extensions of the ServerHello that says so, in mbedTLS's order.

    With a session taken up again a name is not acknowledged (RFC 6066 section 3), and no new ticket comes.
    """
    codes = {length: code for code, length in FRAGMENT_LENGTHS.items()}
    code = codes.get(terms.fragment_length or 0)
    protocol = emit_protocols((terms.protocol,)) if terms.protocol else b""
    rows = (
        (policy.acknowledges_name and terms.server_name is not None and not resumed, names.SERVER_NAME, b""),
        (terms.secure_renegotiation, names.RENEGOTIATION_INFO, b"\0"),
        (code is not None, names.MAX_FRAGMENT_LENGTH, bytes((code or 0,))),
        (terms.encrypt_then_mac, names.ENCRYPT_THEN_MAC, b""),
        (terms.extended_master_secret, names.EXTENDED_MASTER_SECRET, b""),
        (terms.tickets and not resumed, names.SESSION_TICKET, b""),
        (terms.point_formats, names.EC_POINT_FORMATS, bytes((1, UNCOMPRESSED_FORMAT))),
        (terms.protocol is not None, names.ALPN, protocol),
    )
    return tuple(Extension(kind, data) for wanted, kind, data in rows if wanted)
