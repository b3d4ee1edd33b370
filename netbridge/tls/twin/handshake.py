# SPDX-License-Identifier: GPL-2.0-or-later
"""A server's handshake (RFC 5246 section 7.3) as a state machine: messages in, messages out, keys at its end.

TABLE says which message may come in which state, and what is done with it; everything else is unexpected. Errors are
raised as alerts.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum

from stm32emu.netbridge.tls import messages, names
from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.handshake import Context, RawMessage, parse_message
from stm32emu.netbridge.tls.messages import ClientHello, ServerHello
from stm32emu.netbridge.tls.signatures import verify
from stm32emu.netbridge.tls.twin import client_trust, keys, negotiation
from stm32emu.netbridge.tls.twin.alerts import (
    DecodeError,
    DecryptError,
    HandshakeFailureError,
    IllegalParameterError,
    PeerError,
    UnexpectedMessageError,
)
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.key_agreement import KeyShare, key_share
from stm32emu.netbridge.tls.twin.negotiation import SESSION_ID_SIZE, Choice
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.netbridge.tls.twin.protection import Protection, Random, protection
from stm32emu.netbridge.tls.twin.record_layer import RecordLayer
from stm32emu.netbridge.tls.twin.resumption import LIFETIME, Session
from stm32emu.netbridge.tls.twin.site import Outcome, Site, resumable


class State(Enum):
    """What the server waits for."""

    HELLO = "ClientHello"
    CERTIFICATE = "the client's Certificate"
    KEY_EXCHANGE = "ClientKeyExchange"
    VERIFY = "CertificateVerify"
    CHANGE = "ChangeCipherSpec"
    FINISHED = "Finished"
    OPEN = "application data"


class StoppedError(Exception):
    """By its conduct the server says no more."""


class Handshake:
    """One handshake, over a record layer that it switches to encryption. `now` in seconds."""

    def __init__(self, site: Site, layer: RecordLayer, random: Random, now: int) -> None:
        self.state = State.HELLO
        self.outcome: Outcome | None = None
        self.session_id = b""
        self._site = site
        self._layer = layer
        self._random = random
        self._now = now
        self._transcript = bytearray()
        self._said = 0
        self._server_random = b""
        self._master = b""
        self._share: KeyShare | None = None
        self._pending: tuple[Protection, Protection] | None = None

    @property
    def _policy(self) -> Policy:
        return self._site.policy

    @property
    def _conduct(self) -> Conduct:
        return self._site.conduct

    @property
    def _known(self) -> Outcome:
        assert self.outcome is not None
        return self.outcome

    # Messages in

    def receive(self, raw: RawMessage) -> None:
        """The client's next message. Raises PeerError."""
        handler = TABLE.get((self.state, raw.type))
        if handler is None:
            name = names.name_of(names.HANDSHAKE_TYPES, raw.type)
            raise UnexpectedMessageError(f"{name}, where {self.state.value} is due")
        suite = self.outcome.suite if self.outcome else None
        message = parse_message(raw.type, raw.body, Context(names.TLS_1_2, suite))
        if isinstance(message, Malformed):
            raise DecodeError(str(message))
        before = len(self._transcript)
        self._transcript += raw.emit()
        handler(self, message, before)

    def change_cipher_spec(self, contents: bytes) -> None:
        """The client will encrypt from now on. Raises PeerError."""
        if self.state is not State.CHANGE or self._pending is None:
            raise UnexpectedMessageError(f"ChangeCipherSpec, where {self.state.value} is due")
        if contents != b"\1":
            raise UnexpectedMessageError("a ChangeCipherSpec that is not 1")
        self._layer.reading = self._pending[0]
        self.state = State.FINISHED

    # ClientHello

    def _hello(self, hello: ClientHello, _before: int) -> None:
        negotiation.check_hello(hello)
        self._layer.version_known = True
        self._server_random = self._random(messages.RANDOM_SIZE)
        session = resumable(hello, self._site, self._now)
        if session:
            self._resume(hello, session)
        else:
            self._begin(hello)

    def _begin(self, hello: ClientHello) -> None:
        choice = negotiation.choose(hello, self._policy, self._site.identities)
        terms = negotiation.agree(hello, self._policy, choice.suite)
        self.outcome = Outcome(hello, terms, choice.suite, choice)
        self.session_id = b"" if terms.tickets else self._random(SESSION_ID_SIZE)
        self._say_hello()
        chain = tuple(certificate.der for certificate in choice.identity.chain)
        self._say(names.CERTIFICATE, self._conduct.certificate(messages.Certificate(chain)).emit())
        self._say(names.SERVER_KEY_EXCHANGE, self._key_exchange_message(choice).emit())
        asks = self._policy.client_auth is not ClientAuth.NONE
        if asks:
            self._say(names.CERTIFICATE_REQUEST, self._request().emit())
        self._say(names.SERVER_HELLO_DONE, b"")
        self.state = State.CERTIFICATE if asks else State.KEY_EXCHANGE

    def _say_hello(self) -> None:
        outcome = self._known
        agreed = min(self._policy.out_limit, outcome.terms.fragment_length or self._policy.out_limit)
        self._layer.out_limit = self._conduct.record_limit(agreed)
        extensions = negotiation.answer(outcome.terms, self._policy, outcome.resumed)
        hello = ServerHello(names.TLS_1_2, self._server_random, self.session_id, outcome.suite, 0, extensions)
        self._say(names.SERVER_HELLO, self._conduct.hello(hello).emit())

    def _key_exchange_message(self, choice: Choice) -> messages.EcdheKeyExchange:
        self._share = key_share(choice.group, self._random)
        group, point = self._conduct.point(choice.group, self._share.point)
        unsigned = messages.EcdheKeyExchange(group, point, choice.scheme.code)
        signed = self._known.hello.random + self._server_random + unsigned.parameters
        signature = self._conduct.sign(choice.identity.key, choice.scheme, signed, self._random)
        message = messages.EcdheKeyExchange(group, point, choice.scheme.code, signature)
        return self._conduct.key_exchange(message)

    def _request(self) -> messages.CertificateRequest:
        authorities = tuple(authority.subject.raw for authority in self._policy.authorities)
        return messages.CertificateRequest(self._policy.requested_types, self._policy.requested, authorities)

    # A session taken up again

    def _resume(self, hello: ClientHello, session: Session) -> None:
        terms = negotiation.agree(hello, self._policy, session.suite)
        client = client_trust.read_chain((session.client,)) if session.client else ()
        self.outcome = Outcome(hello, terms, session.suite, resumed=True, client=client)
        self.session_id, self._master = hello.session_id, session.master
        self._say_hello()
        self._derive_protection()
        self._say_finished()
        self.state = State.CHANGE

    # The client's second flight

    def _certificate(self, message: messages.Certificate, _before: int) -> None:
        self.state = State.KEY_EXCHANGE
        required = self._policy.client_auth is ClientAuth.REQUIRED
        if not message.certificates:
            if required:
                raise HandshakeFailureError("the client has no certificate, and needs one")
            return
        self._known.client = client_trust.read_chain(message.certificates)
        try:
            client_trust.check_chain(self._known.client, self._policy, self._now)
        except PeerError as error:
            if required:
                raise
            self._known.distrust = error

    def _key_exchange(self, message: messages.ClientKeyExchange, _before: int) -> None:
        assert self._share is not None
        if not message.value:
            raise DecodeError("the client's point is empty")
        hello, terms = self._known.hello, self._known.terms
        premaster = self._conduct.premaster(self._share.agree(message.value))
        self._share = None
        prf_hash = CIPHERS[self._known.suite].prf_hash
        if terms.extended_master_secret:
            self._master = keys.extended_master_secret(prf_hash, premaster, bytes(self._transcript))
        else:
            self._master = keys.master_secret(prf_hash, premaster, hello.random, self._server_random)
        self._derive_protection()
        self.state = State.VERIFY if self._known.client else State.CHANGE

    def _verify(self, message: messages.CertificateVerify, before: int) -> None:
        scheme = Scheme(message.scheme or 0)
        if scheme.code not in self._policy.requested:
            raise IllegalParameterError(f"CertificateVerify with {scheme}, which was not asked for")
        signed = bytes(self._transcript[:before])
        if not verify(self._known.client[0].public_key, scheme.code, message.signature, signed):
            raise DecryptError("the client's signature does not verify")
        self.state = State.CHANGE

    def _finished(self, message: messages.Opaque, before: int) -> None:
        prf_hash = CIPHERS[self._known.suite].prf_hash
        expected = keys.verify_data(prf_hash, self._master, "client", bytes(self._transcript[:before]))
        if len(message.body) != len(expected):
            raise DecodeError(f"a Finished of {len(message.body)} bytes")
        if not hmac.compare_digest(message.body, expected):
            raise DecryptError("the client's Finished does not verify")
        if not self._known.resumed:
            self._keep_session()
            self._say_finished()
        self._transcript.clear()
        self.state = State.OPEN

    def _keep_session(self) -> None:
        outcome, terms = self._known, self._known.terms
        client = outcome.client[0].der if outcome.client and not outcome.distrust else b""
        session = Session(
            outcome.suite,
            self._master,
            terms.extended_master_secret,
            terms.encrypt_then_mac,
            terms.fragment_length,
            terms.server_name,
            client,
            self._now,
        )
        if terms.tickets:
            ticket = self._site.sealer.seal(session, self._random)
            self._say(names.NEW_SESSION_TICKET, messages.NewSessionTicket(LIFETIME, ticket).emit())
        elif self._policy.cache:
            self._site.cache.put(self.session_id, session)

    # Messages out

    def _say(self, kind: int, body: bytes) -> None:
        if self._said == self._conduct.messages:
            raise StoppedError
        self._said += 1
        message = RawMessage(kind, body).emit()
        self._transcript += message
        self._layer.send(names.HANDSHAKE, message)

    def _say_finished(self) -> None:
        assert self._pending is not None
        prf_hash = CIPHERS[self._known.suite].prf_hash
        verify_data = keys.verify_data(prf_hash, self._master, "server", bytes(self._transcript))
        self._layer.send(names.CHANGE_CIPHER_SPEC, b"\1")
        self._layer.writing = self._conduct.writing(self._pending[1])
        self._say(names.FINISHED, self._conduct.finished(verify_data))

    def _derive_protection(self) -> None:
        cipher = CIPHERS[self._known.suite]
        sides = keys.key_block(cipher, self._master, self._known.hello.random, self._server_random)
        client, server = (protection(cipher, side, self._known.terms.encrypt_then_mac, self._random) for side in sides)
        self._pending = client, server


Handler = Callable[..., None]
TABLE: dict[tuple[State, int], Handler] = {
    (State.HELLO, names.CLIENT_HELLO): Handshake._hello,
    (State.CERTIFICATE, names.CERTIFICATE): Handshake._certificate,
    (State.KEY_EXCHANGE, names.CLIENT_KEY_EXCHANGE): Handshake._key_exchange,
    (State.VERIFY, names.CERTIFICATE_VERIFY): Handshake._verify,
    (State.FINISHED, names.FINISHED): Handshake._finished,
}
"""What is done with a message: `handler(handshake, message, length of the transcript before it)`."""
