# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions that a client may take up again: kept by id (RFC 5246 section 7.4.1.2), or sealed in tickets (RFC 5077)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stm32emu.netbridge.tls.cursor import Cursor, Malformed, attempt, vector
from stm32emu.netbridge.tls.twin.keys import MASTER_SECRET_SIZE
from stm32emu.netbridge.tls.twin.negotiation import Terms
from stm32emu.netbridge.tls.twin.protection import Random

LIFETIME = 86_400
"""Seconds for which a session may be resumed."""
MAX_SESSIONS = 1000
MAX_TICKET = 0xFFFF
_KEY_NAME_SIZE, _NONCE_SIZE = 16, 12


@dataclass(frozen=True, slots=True)
class Session:
    """What is taken up. `client` is the client's certificate in DER, empty for none; `created` in seconds.

    The others are what was agreed on, as in `negotiation.Terms`, and holds as long as the session does.
    """

    suite: int
    master: bytes
    extended_master_secret: bool
    encrypt_then_mac: bool
    fragment_length: int | None
    server_name: str | None
    client: bytes
    created: int

    @classmethod
    def parse(cls, cursor: Cursor) -> Session:
        """From a ticket's plaintext."""
        suite, created = cursor.uint(2, "the suite"), cursor.uint(8, "the time")
        extended, outside = bool(cursor.uint(1, "extended_master_secret")), bool(cursor.uint(1, "encrypt_then_mac"))
        length, master = cursor.uint(2, "the length") or None, cursor.take(MASTER_SECRET_SIZE, "the master secret")
        name = cursor.vector(3, "the name").decode() or None
        return cls(suite, master, extended, outside, length, name, cursor.vector(3, "the certificate"), created)

    def emit(self) -> bytes:
        """The plaintext of a ticket."""
        head = self.suite.to_bytes(2, "big") + self.created.to_bytes(8, "big")
        agreed = bytes((self.extended_master_secret, self.encrypt_then_mac))
        agreed += (self.fragment_length or 0).to_bytes(2, "big")
        return head + agreed + self.master + vector(3, (self.server_name or "").encode()) + vector(3, self.client)

    def is_fresh(self, now: int) -> bool:
        """Whether it may still be resumed."""
        return self.created <= now <= self.created + LIFETIME

    def fits(self, terms: Terms) -> bool:
        """Whether what a client wants now is what it was agreed on (RFC 6066 sections 3 and 4, RFC 7366 section 3.1).

        The extended master secret is another matter: RFC 7627 section 5.3.
        """
        agreed = self.server_name, self.fragment_length, self.encrypt_then_mac
        return agreed == (terms.server_name, terms.fragment_length, terms.encrypt_then_mac)


class SessionCache:
    """Up to MAX_SESSIONS; the oldest make room."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def put(self, session_id: bytes, session: Session) -> None:
        """Keep one."""
        self._sessions[session_id] = session
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    def get(self, session_id: bytes) -> Session | None:
        """The one kept under this id."""
        return self._sessions.get(session_id)

    def forget(self, session_id: bytes) -> None:
        """A connection that failed takes its session with it (RFC 5246 section 7.2.2)."""
        self._sessions.pop(session_id, None)


class TicketSealer:
    """Tickets in AES-256-GCM under a key of its own, which nobody else can read."""

    def __init__(self, random: Random) -> None:
        self._name = random(_KEY_NAME_SIZE)
        self._aead = AESGCM(random(32))

    def seal(self, session: Session, random: Random) -> bytes:
        """Key name, nonce, ciphertext; nothing for a session that no ticket has room for (RFC 5077 section 3.3)."""
        nonce = random(_NONCE_SIZE)
        ticket = self._name + nonce + self._aead.encrypt(nonce, session.emit(), self._name)
        return ticket if len(ticket) <= MAX_TICKET else b""

    def open(self, ticket: bytes) -> Session | None:
        """The session; None for a ticket that is not ours, or was altered."""
        name, nonce = ticket[:_KEY_NAME_SIZE], ticket[_KEY_NAME_SIZE : _KEY_NAME_SIZE + _NONCE_SIZE]
        if name != self._name or len(nonce) < _NONCE_SIZE:
            return None
        try:
            plaintext = self._aead.decrypt(nonce, ticket[_KEY_NAME_SIZE + _NONCE_SIZE :], name)
        except InvalidTag:
            return None
        session = attempt(Session.parse, plaintext, "the ticket")
        return None if isinstance(session, Malformed) else session
