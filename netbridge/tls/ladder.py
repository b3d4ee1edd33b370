# SPDX-License-Identifier: GPL-2.0-or-later
"""A connection and a verdict as text, and as data for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.suites import suite_name
from stm32emu.netbridge.tls.transcript import (
    Alert,
    ChangeCipherSpec,
    End,
    Event,
    Handshake,
    Item,
    Sealed,
    Side,
)
from stm32emu.netbridge.tls.verdict import Verdict

SEALED = {
    names.HANDSHAKE: "Finished",
    names.APPLICATION_DATA: "application data",
    names.ALERT: "alert (encrypted)",
    names.CHANGE_CIPHER_SPEC: "ChangeCipherSpec",
}
NANO = 1_000_000_000


def render(evidence: Evidence, verdict: Verdict, known: Verdict | None = None) -> str:
    """The lines about one connection; a verdict that is `known` from the connection before is only named."""
    lines = [_heading(evidence), f"  {ladder(evidence)}"]
    if known and (known == verdict or known.id == verdict.id == "nothing-wrong"):
        return "\n".join([*lines, f"  verdict: {verdict.title}{' (as before)' if verdict.faulty else ''}"])
    return "\n".join([*lines, *verdict_lines(verdict)])


def verdict_lines(verdict: Verdict) -> list[str]:
    """The verdict alone."""
    parts = {
        "proof": "; ".join(verdict.proof),
        "so": verdict.so,
        "not": verdict.rules_out,
        "next": verdict.next,
        "note": "; ".join(verdict.notes),
    }
    return [f"  verdict: {verdict.title}", *(f"    {f'{key}:':<6} {text}" for key, text in parts.items() if text)]


def _heading(evidence: Evidence) -> str:
    server = evidence.server_hello
    chosen = [suite_name(server.suite)] if server else []
    version = [names.version_name(server.chosen_version)] if server and server.chosen_version != names.TLS_1_2 else []
    curve = [evidence.curve] if evidence.curve else []
    return "  ".join([f"conn {evidence.number}", evidence.client, *version, *chosen, *curve])


def ladder(evidence: Evidence) -> str:
    """The messages, by who sent them, up to the end."""
    rungs: list[tuple[Side | None, list[str]]] = []
    for event in _shown(evidence):
        if rungs and rungs[-1][0] is event.sender and not isinstance(event.item, Alert | End):
            rungs[-1][1].append(_word(event))
        else:
            rungs.append((event.sender, [_word(event)]))
    start = ["(not captured)"] if evidence.transcript.midway else []
    return " -> ".join([*start, *(", ".join(words) for _, words in rungs)]) or "nothing"


def _shown(evidence: Evidence) -> list[Event]:
    """Up to the first end, which says nothing new after an alert or a handshake that came through."""
    shown = []
    for event in evidence.transcript.events:
        if isinstance(event.item, End):
            if evidence.alert is None and evidence.stage is not Stage.COMPLETE:
                shown.append(event)
            break
        shown.append(event)
    return shown


def _word(event: Event) -> str:
    item, who = event.item, event.sender.value
    if isinstance(item, Alert):
        return f"alert {names.alert_name(item.description)} (from the {who})"
    if isinstance(item, End):
        turn = f"silence (it is the {who}'s turn)"
        words = {End.CLOSED: f"closed by the {who}", End.RESET: f"reset by the {who}", End.CUT: f"the end; {turn}"}
        return words.get(item, turn)
    return _name(item)


def _name(item: Item) -> str:
    if isinstance(item, Handshake):
        name = names.name_of(names.HANDSHAKE_TYPES, item.type)
        return f"{name} (malformed)" if isinstance(item.message, Malformed) else name
    if isinstance(item, ChangeCipherSpec):
        return "ChangeCipherSpec"
    if isinstance(item, Sealed):
        return SEALED[item.type]
    return str(item)


def connection_data(evidence: Evidence) -> dict[str, Any]:
    """A connection for JSON; times in seconds, virtual or of the capture, and of the host's clock."""
    server, hello = evidence.server_hello, evidence.hello
    return {
        "number": evidence.number,
        "client": evidence.client,
        "server_name": hello.says.server_name if hello else None,
        "suite": suite_name(server.suite) if server else None,
        "version": names.version_name(server.chosen_version) if server else None,
        "curve": evidence.curve or None,
        "signature_scheme": str(evidence.scheme) if evidence.scheme else None,
        "stage": evidence.stage.name.lower().replace("_", "-"),
        "alert": {"from": evidence.alert[0].value, "description": evidence.alert[1]} if evidence.alert else None,
        "point": evidence.point.value,
        "signature": evidence.signature.value,
        "client_point": evidence.client_point.value,
        "finished": {side.value: right for side, right in evidence.finished.items()},
        "gaps": evidence.transcript.gaps,
        "ladder": ladder(evidence),
        "events": [_event_data(event) for event in evidence.transcript.events],
    }


def _event_data(event: Event) -> dict[str, Any]:
    moment = {"seconds": event.moment.now / NANO, "wall": event.moment.wall / NANO}
    return {**moment, "from": event.sender.value, "what": _word(event)}


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict for JSON."""
    return {("not" if key == "rules_out" else key): value for key, value in asdict(verdict).items()}
