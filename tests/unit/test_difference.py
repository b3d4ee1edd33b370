# SPDX-License-Identifier: GPL-2.0-or-later
"""The first difference between two connections: every scripted fault is named by message and field."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import replace

import pytest

from stm32emu.netbridge.tls.difference import Difference, first_difference, steps
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.observer import Observer
from stm32emu.netbridge.tls.server import Closed
from stm32emu.netbridge.tls.transcript import End, Moment, Side
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.faults import FAULTS, parse_fault
from stm32emu.netbridge.tls.twin.handshake import State
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from twin_flights import Client, make_server

START = Moment(0)
POLICY = Policy(groups=(23,), suites=(0xC02B,))


def seen(policy: Policy = POLICY, conduct: Conduct | None = None) -> Evidence:
    """OpenSSL talks with a server, and an observer listens."""
    server, client, observer = make_server(policy, conduct), Client(), Observer()
    flight = client.flight(b"")
    while flight:
        observer.receive(Side.CLIENT, flight, START)
        closed = any(isinstance(event, Closed) for event in server.receive(flight))
        heard = server.take_output()
        observer.receive(Side.SERVER, heard, START)
        if closed:
            observer.end(Side.SERVER, End.CLOSED, START)
        flight = b"" if closed else client.flight(heard)
        if not flight and client.tls.version() and server.state is State.OPEN and not observer.transcript.ends():
            with suppress(ssl.SSLError):
                observer.receive(Side.CLIENT, client.say(b"hello"), START)
    observer.cut(START)
    return Evidence(observer.transcript, chain_of(observer.transcript))


def difference(one: Evidence, other: Evidence) -> Difference:
    found = first_difference(one, other)
    assert found is not None
    assert found.meaning
    return found


def test_two_good_connections_are_the_same() -> None:
    """Randoms, points, signatures differ, and do not count."""
    assert first_difference(seen(), seen()) is None


TITLES = {
    "point-off-curve": "ServerKeyExchange, point",
    "bad-signature": "ServerKeyExchange, signature",
    "corrupt-arithmetic": "ServerKeyExchange, point",
    "wrong-key": "ServerKeyExchange, signature",
    "unknown-curve": "ServerKeyExchange, curve",
    "unknown-hash": "ServerKeyExchange, signature algorithm",
    "unoffered-suite": "ServerHello, suite",
    "unasked-extension": "ServerHello, extensions",
    "wrong-version": "ServerHello, version",
    "no-certificate": "Certificate, certificates",
    "oversized-record": "Certificate",
    "truncated-flight": "ServerKeyExchange",
    "stall": "ServerKeyExchange",
    "wrong-secret": "NewSessionTicket",
    "bad-finished": "application data",
    "bad-record-mac": "application data",
}
SAME_ONCE = {"ignored-limit", "repeat-random"}
"""They show in records over a limit that was agreed on, or in a second connection."""


def test_every_fault_is_in_the_table() -> None:
    assert TITLES.keys() | SAME_ONCE == {fault.name for fault in FAULTS}


@pytest.mark.parametrize("name", TITLES)
def test_a_fault_is_named(name: str) -> None:
    assert difference(seen(conduct=parse_fault(name)), seen()).title == TITLES[name]


POLICIES = {
    "ServerHello, suite": replace(POLICY, suites=(0xC02C,)),
    "ServerHello, extensions": replace(POLICY, extended_master_secret=False),
    "ServerHello, bytes of its session id": replace(POLICY, tickets=False),
    "ServerKeyExchange, curve": replace(POLICY, groups=(24,)),
    "ServerKeyExchange, signature algorithm": replace(POLICY, schemes=(0x0503,)),
    "Certificate, bytes of its longest record": replace(POLICY, out_limit=300),
}


@pytest.mark.parametrize("title", POLICIES)
def test_another_policy_is_named(title: str) -> None:
    assert difference(seen(POLICIES[title]), seen()).title == title


def test_a_device_that_asks_for_certificates_is_named() -> None:
    asking = seen(replace(POLICY, client_auth=ClientAuth.OPTIONAL))
    found = difference(asking, seen())
    assert (found.title, found.device) == ("ServerHelloDone", "CertificateRequest (from the server)")
    assert "give --client-auth optional" in found.meaning


def test_what_only_one_server_got_to_say_before_the_client_ended_both() -> None:
    """A client that refuses the certificate of both may do so before or after the rest of the flight."""
    late, early = seen(conduct=parse_fault("bad-signature")), seen(conduct=parse_fault("bad-signature"))
    kept = [event for event in early.transcript.events if event not in early.transcript.events[3:5]]
    early.transcript.events[:] = kept
    assert len(steps(early)) < len(steps(late))
    assert first_difference(early, late) is None
    assert first_difference(late, early) is None
