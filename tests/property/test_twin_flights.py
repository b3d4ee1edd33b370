# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS server takes its input in any pieces, and survives whatever a peer sends. STM32EMU_MUTATIONS: how often."""

from __future__ import annotations

import os
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.netbridge.tls.server import ApplicationData, Closed, Event, HandshakeDone, Server
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.alerts import TlsError
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.handshake import State
from twin_flights import recorded

MUTATIONS = int(os.environ.get("STM32EMU_MUTATIONS", "2000"))
SAMPLES = (0xC02B, 0xCCA8, 0xC024)  # an AEAD of each kind, and CBC
MOST_OUTPUT = 1 << 14  # bytes: a flight of the server's


def hear(server: Server, pieces: list[bytes]) -> tuple[list[Event], bytes]:
    events, output = [], b""
    for piece in pieces:
        events += server.receive(piece)
        output += server.take_output()
    return events, output


@pytest.mark.parametrize("suite", CIPHERS, ids=lambda code: SUITES[code].openssl)
@settings(deadline=None)
@given(data=st.data())
def test_any_split_gives_the_same(suite: int, data: st.DataObject) -> None:
    conversation = recorded(suite)
    whole = b"".join(conversation.flights)
    cuts = sorted({0, len(whole), *data.draw(st.lists(st.integers(0, len(whole)), max_size=12))})
    events, output = hear(conversation.server(), [whole[start:end] for start, end in pairwise(cuts)])
    expected, said = hear(conversation.server(), list(conversation.flights))
    assert output == said
    assert [type(event) for event in events] == [HandshakeDone, ApplicationData]
    assert events[1] == expected[1] == ApplicationData(b"hello")


@pytest.mark.parametrize("suite", SAMPLES, ids=lambda code: SUITES[code].openssl)
def test_byte_by_byte(suite: int) -> None:
    conversation = recorded(suite)
    pieces = [bytes((octet,)) for octet in b"".join(conversation.flights)]
    assert hear(conversation.server(), pieces)[0][1:] == [ApplicationData(b"hello")]


def mutate(chance: random.Random, data: bytes) -> bytes:
    """One to three changes of any kind."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(changed) + 1), chance.choice((1, 1, 2, 4, 40))
        kind = chance.randrange(6)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at : at + size] = chance.randbytes(size)
        elif kind == 2:
            changed[at:at] = chance.randbytes(size)
        elif kind == 3:
            del changed[at : at + size]
        elif kind == 4:
            changed[at:at] = changed[at : at + size]
        else:
            del changed[at:]
    return bytes(changed)


@pytest.mark.parametrize("suite", SAMPLES, ids=lambda code: SUITES[code].openssl)
def test_mutated_flights(suite: int) -> None:
    """Whatever comes, the server ends by an alert that it says, or waits for more; it keeps little, and says little."""
    conversation = recorded(suite)
    for number in range(MUTATIONS // len(SAMPLES)):
        chance = random.Random(f"{suite} {number}")
        flights = list(conversation.flights)
        chosen = chance.randrange(len(flights))
        flights[chosen] = mutate(chance, flights[chosen])
        server = conversation.server()
        events, output = hear(server, flights)
        ends = [event for event in events if isinstance(event, Closed)]
        assert len(ends) <= 1, number
        assert events[-1:] == ends[-1:] or not ends, number
        assert all(isinstance(end.error, TlsError | None) for end in ends), number
        assert len(output) < MOST_OUTPUT, number
        assert server.state in State
        assert server.receive(b"more") == [] or not ends, number
