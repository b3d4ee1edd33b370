# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be proved about one connection from its transcript; all of it is computed from what was on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.netbridge.tls import messages, names
from stm32emu.netbridge.tls.algorithms import ECDSA, Scheme, group_name
from stm32emu.netbridge.tls.certificate import Certificate, parse_certificate
from stm32emu.netbridge.tls.clients import client_of
from stm32emu.netbridge.tls.curve_table import CURVES, CURVES_BY_NAME
from stm32emu.netbridge.tls.curves import MONTGOMERY_CURVES, Curve, Point
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.device import Mark
from stm32emu.netbridge.tls.ecdsa import Signature, digest_number, parse_signature, recover_keys
from stm32emu.netbridge.tls.finished import check_finished
from stm32emu.netbridge.tls.messages import (
    ClientHello,
    ClientKeyExchange,
    DheKeyExchange,
    EcdheKeyExchange,
    ServerHello,
)
from stm32emu.netbridge.tls.signatures import verify
from stm32emu.netbridge.tls.suites import SUITES, Suite
from stm32emu.netbridge.tls.transcript import LONG, Alert, End, Handshake, Sealed, Side, Transcript


class Stage(IntEnum):
    """How far a handshake came."""

    NOTHING = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    CERTIFICATE = 3
    KEY_EXCHANGE = 4
    HELLO_DONE = 5
    CLIENT_KEY = 6
    CLIENT_FINISHED = 7
    COMPLETE = 8


class Check(Enum):
    """The result of a computation, or that the bytes for it are not there."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


STAGES = {
    (names.CLIENT_HELLO, Side.CLIENT): Stage.CLIENT_HELLO,
    (names.SERVER_HELLO, Side.SERVER): Stage.SERVER_HELLO,
    (names.CERTIFICATE, Side.SERVER): Stage.CERTIFICATE,
    (names.SERVER_KEY_EXCHANGE, Side.SERVER): Stage.KEY_EXCHANGE,
    (names.SERVER_HELLO_DONE, Side.SERVER): Stage.HELLO_DONE,
    (names.CLIENT_KEY_EXCHANGE, Side.CLIENT): Stage.CLIENT_KEY,
}


@dataclass(frozen=True)
class Evidence:
    """One connection.

    Attributes:
        transcript: what was seen.
        chain: the device's certificates, its own first, from this connection or, if that does not show them, from an
            earlier one.
        keys: gives other public keys at hand, by what they are.
        master: the master secret, if a key log has it.
    """

    transcript: Transcript
    chain: tuple[Certificate, ...] = ()
    keys: Callable[[], Mapping[str, PublicKeyTypes]] = dict
    master: bytes | None = None

    # What was said

    @property
    def certificate(self) -> Certificate | None:
        """The device's own."""
        return self.chain[0] if self.chain else None

    @cached_property
    def hello(self) -> ClientHello | None:
        """The ClientHello."""
        return self.transcript.message(ClientHello, Side.CLIENT)

    @cached_property
    def server_hello(self) -> ServerHello | None:
        """The ServerHello."""
        return self.transcript.message(ServerHello, Side.SERVER)

    @cached_property
    def exchange(self) -> EcdheKeyExchange | None:
        """The ServerKeyExchange of an ECDHE suite."""
        return self.transcript.message(EcdheKeyExchange, Side.SERVER)

    @property
    def client(self) -> str:
        """The client's library."""
        return client_of(self.hello)

    @property
    def number(self) -> int:
        """The connection's."""
        return self.transcript.number

    @property
    def suite(self) -> Suite | None:
        """What the device chose."""
        return SUITES.get(self.server_hello.suite) if self.server_hello else None

    @property
    def curve(self) -> str:
        """The named group of the key exchange."""
        return group_name(self.exchange.group) if self.exchange else ""

    @property
    def fragment_length(self) -> int | None:
        """What max_fragment_length the device agreed to, in bytes of plaintext."""
        return self.server_hello.says.fragment_length if self.server_hello else None

    # How it went

    @cached_property
    def stage(self) -> Stage:
        """How far it came."""
        if self.transcript.complete:
            return Stage.COMPLETE
        stage = Stage.NOTHING
        for event in self.transcript.events:
            if isinstance(event.item, Handshake):
                stage = max(stage, STAGES.get((event.item.type, event.sender), Stage.NOTHING))
            elif isinstance(event.item, Sealed) and event.sender is Side.CLIENT:
                stage = max(stage, Stage.CLIENT_FINISHED)
        return stage

    @cached_property
    def alert(self) -> tuple[Side, int] | None:
        """The first fatal alert. One that follows the other side's end is a reaction to that and does not count."""
        ended: set[Side] = set()
        for event in self.transcript.events:
            if isinstance(event.item, End):
                ended.add(event.sender)
            elif isinstance(event.item, Alert) and event.item.level != names.WARNING:
                return None if event.sender.other in ended else (event.sender, event.item.description)
        return None

    @cached_property
    def ending(self) -> tuple[Side, End] | None:
        """Who left first, and how."""
        ends = self.transcript.ends()
        return ends[0] if ends else None

    def left(self, side: Side) -> bool:
        """Whether this side closed or reset the connection first, without an alert in the clear."""
        return self.alert is None and self.ending in ((side, End.CLOSED), (side, End.RESET))

    def stopped(self, side: Side) -> bool:
        """Whether this side fell silent, for long enough to say so."""
        cut = self.ending == (side, End.CUT) and self._silence >= LONG
        return self.alert is None and (cut or self.ending in ((side, End.SILENT), (side, End.SLOW)))

    @property
    def _silence(self) -> int:
        """Nanoseconds between the last that was said and the first end."""
        events = self.transcript.events
        said = [event.moment.now for event in events if not isinstance(event.item, End)]
        ended = [event.moment.now for event in events if isinstance(event.item, End)]
        return ended[0] - max(said, default=self.transcript.opened.now)

    @property
    def objected(self) -> bool:
        """Whether the client, once the handshake was through, sent nothing but an encrypted alert: that it closes, or
        that it does not like the device's Finished."""
        sealed = [
            event.item.type
            for event in self.transcript.events
            if isinstance(event.item, Sealed) and event.sender is Side.CLIENT
        ]
        return self.stage is Stage.COMPLETE and names.ALERT in sealed and names.APPLICATION_DATA not in sealed

    @cached_property
    def refused_data(self) -> int:
        """The length of the client's longest record of data, if the device answers it with nothing but its end."""
        sealed = [(event.sender, event.item) for event in self.transcript.events if isinstance(event.item, Sealed)]
        data = [(sender, item) for sender, item in sealed if item.type == names.APPLICATION_DATA]
        unanswered = data and data[-1][0] is Side.CLIENT and self.left(Side.SERVER)
        return data[-1][1].longest if unanswered else 0

    # What can be computed

    @cached_property
    def point(self) -> Check:
        """Whether the device's ephemeral public key is on its curve."""
        raw = self.transcript.handshake(names.SERVER_KEY_EXCHANGE, Side.SERVER)
        if self.exchange is None or raw is None:
            return Check.UNKNOWN
        start = EcdheKeyExchange.POINT_AT
        if raw.holes.touch(start, start + len(self.exchange.point)):
            return Check.UNKNOWN
        return check_point(self.exchange.group, self.exchange.point)

    @cached_property
    def client_point(self) -> Check:
        """The same for the client's."""
        raw = self.transcript.handshake(names.CLIENT_KEY_EXCHANGE, Side.CLIENT)
        message = self.transcript.message(ClientKeyExchange, Side.CLIENT)
        if raw is None or message is None or self.exchange is None or raw.holes:
            return Check.UNKNOWN
        return check_point(self.exchange.group, message.value)

    @cached_property
    def signed(self) -> bytes | None:
        """What the signature is over; None if some of it was not captured."""
        exchange = self.exchange or self.transcript.message(DheKeyExchange, Side.SERVER)
        kinds = (names.CLIENT_HELLO, names.SERVER_HELLO, names.SERVER_KEY_EXCHANGE)
        found = [self.transcript.handshake(kind) for kind in kinds]
        if exchange is None or self.hello is None or self.server_hello is None:
            return None
        if any(each is None or each.holes for each in found):
            return None
        return self.hello.random + self.server_hello.random + exchange.parameters

    @cached_property
    def signature(self) -> Check:
        """Whether the signature over the key exchange verifies under the certificate's key."""
        return self._verify(self.certificate.public_key if self.certificate else None)

    @cached_property
    def signer(self) -> str | None:
        """The name of another key at hand under which it verifies."""
        return next((name for name, key in self.keys().items() if self._verify(key) is Check.GOOD), None)

    def _verify(self, key: PublicKeyTypes | None) -> Check:
        exchange = self.exchange or self.transcript.message(DheKeyExchange, Side.SERVER)
        if exchange is None or exchange.signature is None or self.signed is None or key is None:
            return Check.UNKNOWN
        verified = verify(key, exchange.scheme, exchange.signature, self.signed)
        return Check.UNKNOWN if verified is None else Check.GOOD if verified else Check.BAD

    @cached_property
    def scheme(self) -> Scheme | None:
        """The signature's scheme."""
        return Scheme(self.exchange.scheme) if self.exchange and self.exchange.scheme is not None else None

    @cached_property
    def numbers(self) -> Signature | None:
        """The two integers of an ECDSA signature."""
        if self.exchange is None or self.exchange.signature is None or self.scheme is None:
            return None
        if self.scheme.signature != ECDSA:
            return None
        return parse_signature(self.exchange.signature)

    @cached_property
    def key_curve(self) -> Curve | None:
        """The curve of the certificate's key."""
        key = self.certificate.public_key if self.certificate else None
        return CURVES_BY_NAME.get(key.curve.name) if isinstance(key, ec.EllipticCurvePublicKey) else None

    @cached_property
    def digest(self) -> int | None:
        """The number that was signed."""
        if self.key_curve is None or self.scheme is None or self.signed is None:
            return None
        return digest_number(self.key_curve, self.scheme.hash or "", self.signed)

    @property
    def recoverable(self) -> bool:
        """Whether the signature tells which keys it can be from: it is ECDSA, and what it signs is known."""
        return self.key_curve is not None and self.numbers is not None and self.digest is not None

    @cached_property
    def recovered(self) -> frozenset[Point]:
        """The public keys that the signature can be from, on the certificate's curve."""
        if self.key_curve is None or self.numbers is None or self.digest is None:
            return frozenset()
        return recover_keys(self.key_curve, self.digest, self.numbers)

    @cached_property
    def finished(self) -> dict[Side, bool]:
        """Whether the Finished of each side is right; of none without the master secret."""
        return check_finished(self.transcript, self.master) if self.master else {}

    @property
    def marks(self) -> list[Mark]:
        """What should never come again, on no connection and in no run."""
        random = [Mark("random", self.server_hello.random.hex())] if self.server_hello else []
        return random + ([Mark("nonce", f"{self.numbers.r:x}")] if self.numbers else [])

    @property
    def sound(self) -> bool:
        """Whether everything of the device's that could be checked is right, and something could."""
        return self.signature is Check.GOOD and self.point is not Check.BAD


def check_point(group: int, octets: bytes) -> Check:
    """Whether a public key is what it should be for a named group; UNKNOWN for groups that are not known."""
    if group in MONTGOMERY_CURVES:
        return Check.GOOD if MONTGOMERY_CURVES[group].is_sound(octets) else Check.BAD
    curve = CURVES.get(group)
    if curve is None:
        return Check.UNKNOWN
    return Check.GOOD if curve.holds(curve.decode(octets)) else Check.BAD


def chain_of(transcript: Transcript) -> tuple[Certificate, ...]:
    """The device's certificates, if they were seen whole, up to the first that does not read."""
    raw = transcript.handshake(names.CERTIFICATE, Side.SERVER)
    message = transcript.message(messages.Certificate, Side.SERVER)
    chain: list[Certificate] = []
    if raw is None or raw.holes or message is None:
        return ()
    with suppress(DerError):
        for der in message.certificates:
            chain.append(parse_certificate(der))
    return tuple(chain)
