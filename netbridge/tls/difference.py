# SPDX-License-Identifier: GPL-2.0-or-later
"""The first difference between two connections of one client: to a device, and to the server that it should be like.

What is random in a handshake is not compared, but whether it is right is: the point, the signature. Records are
compared where their number and length do not depend on that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import Scheme, group_name
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.evidence import Check, Evidence
from stm32emu.netbridge.tls.extensions import Extension
from stm32emu.netbridge.tls.meanings import FIELDS, MISSING, STEPS
from stm32emu.netbridge.tls.messages import (
    Certificate,
    CertificateRequest,
    ClientHello,
    EcdheKeyExchange,
    Message,
    NewSessionTicket,
    ServerHello,
)
from stm32emu.netbridge.tls.suites import suite_name
from stm32emu.netbridge.tls.transcript import Alert, ChangeCipherSpec, End, Event, Handshake, Sealed, Side

_WHO = {Side.CLIENT: "the client", Side.SERVER: "the server"}


@dataclass(frozen=True)
class Step:
    """What one side does: a message by its name, and what can be compared of it, by field."""

    sender: Side
    name: str
    fields: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (from {_WHO[self.sender]})"


@dataclass(frozen=True)
class Difference:
    """The first one: `step` is the message in question, `field` "" if there is another, or none, in its place."""

    step: str
    field: str
    device: str
    twin: str
    meaning: str

    @property
    def title(self) -> str:
        """As in "ServerKeyExchange, point"."""
        return ", ".join(filter(None, (self.step, self.field)))


def first_difference(device: Evidence, twin: Evidence) -> Difference | None:
    """None if there is none. Both connections must have ended."""
    for one, other in zip_longest(*_aligned(steps(device), steps(twin))):
        if one is None or other is None or (one.sender, one.name) != (other.sender, other.name):
            return _other_step(one, other)
        for (field, at_device), (_, at_twin) in zip(one.fields, other.fields, strict=False):
            if at_device != at_twin:
                meaning = FIELDS.get((one.name, field), FIELDS.get(("", field), ""))
                return Difference(one.name, field, at_device, at_twin, meaning)
    return None


def _aligned(device: list[Step], twin: list[Step]) -> tuple[list[Step], list[Step]]:
    """Without what only one server got to say before the client ended both connections in the same way."""
    if device and twin and device[-1] == twin[-1] and device[-1].sender is Side.CLIENT:
        shorter, longer = sorted((device, twin), key=len)
        if all(step.sender is Side.SERVER for step in longer[len(shorter) - 1 : -1]):
            del longer[len(shorter) - 1 : -1]
    return device, twin


def _other_step(one: Step | None, other: Step | None) -> Difference:
    name = other.name if other else one.name if one else ""
    meaning = STEPS.get(one.name if one else "", MISSING)
    return Difference(name, "", str(one or "nothing more"), str(other or "nothing more"), meaning)


def steps(evidence: Evidence) -> list[Step]:
    """Up to the end; after a handshake that came through only data counts, since who closes first varies."""
    found: list[Step] = []
    for event in evidence.transcript.events:
        step = _step(evidence, event)
        if evidence.transcript.complete and step.name not in _COMPARED and not isinstance(event.item, Handshake):
            continue
        if not (isinstance(event.item, Sealed) and step in found):
            found.append(step)
        if isinstance(event.item, Alert | End) and not evidence.transcript.complete:
            break
    return found


_COMPARED = ("Finished", "application data", "ChangeCipherSpec")
_SEALED = {names.APPLICATION_DATA: "application data", names.ALERT: "alert (encrypted)"}


def _step(evidence: Evidence, event: Event) -> Step:
    item, sender = event.item, event.sender
    match item:
        case Handshake():
            name = names.name_of(names.HANDSHAKE_TYPES, item.type)
            return Step(sender, name, tuple(_handshake_fields(evidence, event.sender, item)))
        case Alert():
            return Step(sender, f"alert {names.alert_name(item.description)}")
        case ChangeCipherSpec():
            return Step(sender, "ChangeCipherSpec")
        case Sealed(kind) if kind == names.HANDSHAKE:
            return Step(sender, "Finished", (("bytes of its record", str(item.size)),))
        case Sealed():
            return Step(sender, _SEALED.get(item.type, "an encrypted record"))
        case End():
            return Step(sender, {End.CLOSED: "close", End.RESET: "reset"}.get(item, "silence"))
    return Step(sender, "no TLS", (("what", str(item)),))


def _handshake_fields(evidence: Evidence, sender: Side, item: Handshake) -> Iterator[tuple[str, str]]:
    if isinstance(item.message, Malformed):
        yield "form", str(item.message)
        return
    yield "form", "sound"
    yield from _fields(evidence, sender, item.message)
    if sender is Side.SERVER and not isinstance(item.message, EcdheKeyExchange | NewSessionTicket):
        yield "bytes of its longest record", str(item.longest)
    if sender is Side.SERVER:
        yield "records", str(item.records)


def _fields(evidence: Evidence, sender: Side, message: Message) -> Iterator[tuple[str, str]]:
    match message:
        case ClientHello():
            yield "suites", ", ".join(map(suite_name, message.suites))
            yield "extensions", ", ".join(sorted(extension.name for extension in message.extensions))
        case ServerHello():
            yield from _hello(message)
        case Certificate() if sender is Side.SERVER:
            yield from _certificates(message)
        case Certificate():
            yield "certificates", str(len(message.certificates))
        case EcdheKeyExchange():
            yield from _key_exchange(evidence, message)
        case CertificateRequest():
            yield "certificate types", ", ".join(map(str, message.types))
            yield "signature algorithms", ", ".join(str(Scheme(code)) for code in message.schemes or ())
            yield "authorities", ", ".join(name.hex() for name in message.authorities) or "none"


def _hello(hello: ServerHello) -> Iterator[tuple[str, str]]:
    yield "version", names.version_name(hello.version)
    yield "suite", suite_name(hello.suite)
    yield "compression", names.name_of(names.COMPRESSIONS, hello.compression)
    yield "bytes of its session id", str(len(hello.session_id))
    yield "extensions", ", ".join(map(_extension, hello.extensions)) or "none"


def _extension(extension: Extension) -> str:
    return f"{extension.name} {extension.data.hex()}".strip()


def _certificates(message: Certificate) -> Iterator[tuple[str, str]]:
    yield "certificates", str(len(message.certificates))
    for number, der in enumerate(message.certificates, 1):
        yield f"certificate {number}", _describe(der)


def _describe(der: bytes) -> str:
    try:
        certificate = parse_certificate(der)
    except DerError as error:
        return f"{len(der)} bytes that are no certificate ({error})"
    dates = f"{certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
    return f"{certificate.label}, serial {certificate.serial_text}, {dates}, {len(der)} bytes"


def _key_exchange(evidence: Evidence, message: EcdheKeyExchange) -> Iterator[tuple[str, str]]:
    curve = group_name(message.group)
    yield "curve", curve
    yield "signature algorithm", str(Scheme(message.scheme or 0))
    on = {Check.GOOD: f"on {curve}", Check.BAD: f"not on {curve}", Check.UNKNOWN: "not to be checked"}
    yield "point", on[evidence.point]
    verifies = {Check.GOOD: "verifies", Check.BAD: "does not verify", Check.UNKNOWN: "not to be checked"}
    yield "signature", f"{verifies[evidence.signature]} under the certificate's key"
