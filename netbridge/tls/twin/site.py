# SPDX-License-Identifier: GPL-2.0-or-later
"""What the connections of a server share, what one of them comes to, and which session it may take up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.twin.alerts import HandshakeFailureError, PeerError
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.identity import Identity
from stm32emu.netbridge.tls.twin.negotiation import Choice, Terms, agree
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.netbridge.tls.twin.resumption import Session, SessionCache, TicketSealer


@dataclass
class Site:
    """What all connections of a server share."""

    identities: Sequence[Identity]
    policy: Policy
    sealer: TicketSealer
    conduct: Conduct = field(default_factory=Conduct)
    cache: SessionCache = field(default_factory=SessionCache)


@dataclass
class Outcome:
    """What a handshake has come to. `client` is the client's chain, `distrust` why that is not trusted."""

    hello: ClientHello
    terms: Terms
    suite: int
    choice: Choice | None = None
    resumed: bool = False
    client: tuple[Certificate, ...] = ()
    distrust: PeerError | None = None


def resumable(hello: ClientHello, site: Site, now: int) -> Session | None:
    """The session that a client names, if it is to be resumed (RFC 5246 section 7.4.1.2, RFC 7627 section 5.3)."""
    session, policy = _named(hello, site), site.policy
    if session is None or not session.is_fresh(now):
        return None
    if session.suite not in policy.suites or session.suite not in hello.suites:
        return None
    if policy.client_auth is ClientAuth.REQUIRED and not session.client:
        return None
    terms = agree(hello, policy, session.suite)
    if not session.fits(terms):
        return None
    if session.extended_master_secret and not terms.extended_master_secret:
        raise HandshakeFailureError("the session has an extended master secret, and the client now wants none")
    return session if session.extended_master_secret == terms.extended_master_secret else None


def _named(hello: ClientHello, site: Site) -> Session | None:
    if site.policy.tickets and hello.says.ticket:
        return site.sealer.open(hello.says.ticket)
    return site.cache.get(hello.session_id) if site.policy.cache and hello.session_id else None
