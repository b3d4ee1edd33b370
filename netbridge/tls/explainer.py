# SPDX-License-Identifier: GPL-2.0-or-later
"""Explains the TLS connections of a run or a capture: frames in, a report for each connection out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from stm32emu.netbridge.flows import UdpFlows
from stm32emu.netbridge.streams import TcpStreams
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.dtls import DtlsObserver
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.ladder import connection_data, render, verdict_data
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.observer import SECOND, Observer
from stm32emu.netbridge.tls.records import begins_dtls
from stm32emu.netbridge.tls.transcript import End, Moment, Side
from stm32emu.netbridge.tls.verdict import Case, Verdict
from stm32emu.netbridge.transport import Address, Datagram, Segment

REMEMBERED = 256
"""Connections whose evidence is kept for the verdict."""
TLS_PORTS = frozenset({443, 465, 636, 853, 990, 993, 995, 4433, 4434, 5061, 5671, 8443, 8883})
"""Where what is no TLS is a mistake. On other ports it is explained only once TLS was seen there."""


@dataclass(frozen=True)
class Report:
    """One connection has ended: what can be proved about it, the verdict over all so far, and both as text."""

    evidence: Evidence
    verdict: Verdict
    text: str


UNRECOGNISED = 1 << 17
"""Bytes after which a connection whose beginning is missing is taken for something else."""


class Explainer:
    """All connections of one device.

    Args:
        report: hears of each connection when it has ended, or its handshake has come to a halt.
        device: what is known of the device besides; asked for at each report.
        keys: gives public keys at hand, by what they are; asked for once a signature is wrong.
        chain: gives the device's certificates, for connections that do not show them; asked for at the first of those.
        secrets: master secrets by the client's random, as far as they are known; more may come.
        wall: the host's clock in nanoseconds.
    """

    def __init__(
        self,
        report: Callable[[Report], None],
        *,
        device: Callable[[], Device] = Device,
        keys: Callable[[], Mapping[str, PublicKeyTypes]] = dict,
        chain: Callable[[], tuple[Certificate, ...]] = tuple,
        secrets: Mapping[bytes, bytes] | None = None,
        wall: Callable[[], int] = lambda: 0,
    ) -> None:
        self._report = report
        self._device = device
        self._keys = keys
        self._known_chain = chain
        self._chain: tuple[Certificate, ...] = ()
        self._secrets = secrets if secrets is not None else {}
        self._wall = wall
        self._streams = TcpStreams(self, TLS_PORTS)
        self._flows = UdpFlows(begins_dtls, self._open_flow)
        self._ports = set(TLS_PORTS)
        self._open: dict[_Connection, None] = {}  # in the order in which they were opened
        self._evidence: deque[Evidence] = deque(maxlen=REMEMBERED)
        self._said: Verdict | None = None
        self._look = 0
        self.count = 0

    # What happens

    def receive(self, transport: Segment | Datagram, now: int) -> None:
        """It passed at `now`, in nanoseconds: virtual in a run, the capture's time in a capture."""
        if now >= self._look:
            self.on_timer(now)
        if isinstance(transport, Segment):
            self._streams.receive(transport, now)
        else:
            self._flows.receive(transport, now)

    def on_timer(self, now: int) -> None:
        """Time has come to `now`: who has been silent for too long?"""
        if now < self._look:
            return
        self._look = now + SECOND
        for connection in [*self._open]:
            if connection.observer.on_timer(self.moment(now)):
                self.settle(connection)

    def end(self, now: int) -> None:
        """The run or capture ends."""
        for connection in sorted(self._open, key=lambda each: each.number):
            connection.dropped(now)

    def open(self, client: Address, server: Address, midway: bool, now: int) -> _Connection:
        """A connection is new (`streams.Streams`)."""
        return self._follow(server, Observer(0, self.moment(now), midway))

    def _open_flow(self, server: Address, now: int) -> _Connection:
        return self._follow(server, DtlsObserver(0, self.moment(now)))

    def _follow(self, server: Address, observer: Observer) -> _Connection:
        connection = _Connection(self, server[1], observer)
        self._open[connection] = None
        return connection

    # What comes of it

    @property
    def evidence(self) -> list[Evidence]:
        """Of the last connections."""
        return [*self._evidence]

    def verdict(self) -> Verdict | None:
        """Over all of them; None if there were none."""
        return diagnose(Case(self.evidence, self._device())) if self._evidence else None

    def to_data(self) -> dict[str, Any]:
        """The last connections and the verdict over them, for JSON."""
        verdict = self.verdict()
        connections = [connection_data(each) for each in self._evidence]
        return {"connections": connections, "verdict": verdict_data(verdict) if verdict else None}

    @property
    def followed(self) -> int:
        """Connections that have not ended: at most streams.MAX_STREAMS."""
        return len(self._open)

    def moment(self, now: int) -> Moment:
        """`now`, and what the wall clock shows."""
        return Moment(now, self._wall())

    def carries_tls(self, port: int) -> bool:
        """Whether TLS is expected there."""
        return port in self._ports

    def is_numbered(self, connection: _Connection) -> int:
        """The next connection's number, since this one carries TLS."""
        self._ports.add(connection.port)
        self.count += 1
        return self.count

    def forget(self, connection: _Connection) -> None:
        """It is over, or of no interest."""
        self._open.pop(connection, None)

    def settle(self, connection: _Connection) -> None:
        """Say what there is to say about a connection."""
        transcript = connection.observer.transcript
        if not connection.number:
            return
        self._chain = chain_of(transcript) or self._chain or self._known_chain()
        hello = transcript.message(ClientHello)
        master = self._secrets.get(hello.random) if hello else None
        evidence = Evidence(transcript, self._chain, self._keys, master)
        connection.told = len(transcript.events)
        others = [each for each in self._evidence if each.number != evidence.number]
        self._evidence = deque(sorted([*others, evidence], key=lambda each: each.number), maxlen=REMEMBERED)
        verdict = diagnose(Case(self.evidence, self._device()))
        self._report(Report(evidence, verdict, render(evidence, verdict, self._said)))
        self._said = verdict


class _Connection:
    """Passes one connection on to its observer (`streams.Stream`)."""

    def __init__(self, explainer: Explainer, port: int, observer: Observer) -> None:
        self.port = port
        self.observer = observer
        self._explainer = explainer
        self.mute = False
        self.told = 0
        self._seen = 0

    @property
    def has_news(self) -> bool:
        """Whether anything has happened since it was last reported, for its silence."""
        return len(self.observer.transcript.events) > self.told

    @property
    def number(self) -> int:
        """0 until it carries TLS."""
        return self.observer.transcript.number

    def data(self, from_client: bool, data: bytes, now: int) -> None:
        """Bytes in order."""
        side = Side.CLIENT if from_client else Side.SERVER
        if not self.observer.pass_over(side, len(data), now):  # nearly all of bulk data
            self.observer.receive(side, data, self._explainer.moment(now))
            self._recognise(len(data))
            if self.observer.over:
                self._finish()

    def lost(self, from_client: bool, count: int, now: int) -> None:
        """Bytes that were not captured."""
        self.observer.lose(_side(from_client), count, self._explainer.moment(now))
        self._recognise(count)

    def _recognise(self, count: int) -> None:
        """After so many more bytes: is it TLS? Otherwise it is not looked at any more."""
        transcript = self.observer.transcript
        if self.number:
            return
        self._seen += count
        if transcript.is_tls or (self._explainer.carries_tls(self.port) and not transcript.midway):
            transcript.number = self._explainer.is_numbered(self)
        elif transcript.events or self._seen > UNRECOGNISED:
            self.mute = True
            self._explainer.forget(self)

    def closed(self, from_client: bool, reset: bool, now: int) -> None:
        """One side ends, or resets all."""
        side = _side(from_client)
        before = self.observer.transcript.ends()
        self.observer.end(side, End.RESET if reset else End.CLOSED, self._explainer.moment(now))
        if reset or any(end is End.CLOSED for _, end in before):
            self._finish()

    def _finish(self) -> None:
        self.mute = True
        self._explainer.settle(self)
        self._explainer.forget(self)

    def dropped(self, now: int) -> None:
        """What follows is not seen: the run or capture ends, or others took its place."""
        if self.has_news:
            self.observer.cut(self._explainer.moment(now))
            self._explainer.settle(self)
        self.mute = True
        self._explainer.forget(self)


def _side(from_client: bool) -> Side:
    return Side.CLIENT if from_client else Side.SERVER
