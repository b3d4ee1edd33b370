# SPDX-License-Identifier: GPL-2.0-or-later
"""The explainer: one report for each connection, whenever it stops and however the run ends."""

from __future__ import annotations

import pytest

from stm32emu.netbridge import streams
from stm32emu.netbridge.tls.explainer import Explainer, Report
from stm32emu.netbridge.tls.observer import SECOND, SILENCE
from stm32emu.netbridge.tls.transcript import End, Side
from stm32emu.netbridge.transport import Segment
from stm32emu.netbridge.wire.tcp import ACK, RST, SYN
from tls_samples import handshake, identity

SERVER = (b"\xc0\xa8\x00\xfe", 4433)
LONG = 2 * SILENCE


def hello(explainer: Explainer, port: int, now: int) -> None:
    """A client connects, says hello, and waits."""
    client = (b"\xc0\xa8\x00\x01", port)
    _, data = handshake(identity())[0]
    explainer.receive(Segment(client, SERVER, 99, 0, SYN, b""), now)
    explainer.receive(Segment(SERVER, client, 499, 100, SYN | ACK, b""), now)
    explainer.receive(Segment(client, SERVER, 100, 500, ACK, data), now)


@pytest.fixture
def reports() -> list[Report]:
    return []


@pytest.fixture
def explainer(reports: list[Report]) -> Explainer:
    return Explainer(reports.append)


def test_a_silence_is_reported_once(explainer: Explainer, reports: list[Report]) -> None:
    hello(explainer, 50000, 0)
    explainer.on_timer(LONG)
    assert [report.evidence.number for report in reports] == [1]
    explainer.on_timer(2 * LONG)
    explainer.end(3 * LONG)
    assert len(reports) == 1


def test_two_silences_are_two_connections(explainer: Explainer, reports: list[Report]) -> None:
    hello(explainer, 50000, 0)
    hello(explainer, 50001, SECOND)
    explainer.on_timer(LONG)
    explainer.end(LONG + SECOND)
    assert [report.evidence.number for report in reports] == [1, 2]
    assert [each.number for each in explainer.evidence] == [1, 2]
    assert "falls silent" in reports[-1].verdict.title


def test_what_happens_after_a_silence_is_reported_in_its_place(explainer: Explainer, reports: list[Report]) -> None:
    hello(explainer, 50000, 0)
    hello(explainer, 50001, SECOND)
    explainer.on_timer(LONG)
    explainer.receive(Segment((b"\xc0\xa8\x00\x01", 50000), SERVER, 9999, 500, RST, b""), LONG + SECOND)
    assert [report.evidence.number for report in reports] == [1, 2, 1]
    assert [each.number for each in explainer.evidence] == [1, 2]


def test_a_run_that_ends_in_a_handshake_tells_of_it(explainer: Explainer, reports: list[Report]) -> None:
    hello(explainer, 50000, 0)
    explainer.end(SECOND)
    assert [report.evidence.number for report in reports] == [1]


def test_ports_that_are_used_again_end_what_was_there(explainer: Explainer, reports: list[Report]) -> None:
    hello(explainer, 50000, 0)
    client = (b"\xc0\xa8\x00\x01", 50000)
    explainer.receive(Segment(client, SERVER, 70000, 0, SYN, b""), SECOND)
    assert [report.evidence.number for report in reports] == [1]
    assert reports[0].evidence.ending == (Side.SERVER, End.CUT)
    explainer.end(LONG)
    assert len(reports) == 1


def test_it_follows_no_more_connections_than_there_are_streams(
    explainer: Explainer, reports: list[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_STREAMS", 4)
    for port in range(50000, 50010):
        hello(explainer, port, port)
    assert [report.evidence.number for report in reports] == [*range(1, 7)]
    assert explainer.followed == 4
