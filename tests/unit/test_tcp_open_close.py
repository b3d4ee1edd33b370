# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP by segment scripts: handshakes, FIN in every order, resets (RFC 9293 sections 3.5, 3.6, 3.10.7)."""

from __future__ import annotations

import pytest

from stm32emu.netbridge.tcp import MSL, Ending, reset_for
from stm32emu.netbridge.tcp_state import MAY_RECEIVE, SYNCHRONIZED, TRANSITIONS, Event, State
from stm32emu.netbridge.wire.tcp import ACK, FIN, RST, SYN, TcpSegment
from tcp_script import SECOND, Script


def test_active_open() -> None:
    s = Script()
    s.tcp.connect()
    (syn,) = s.tcp.take_output(0)
    assert (syn.flags, syn.mss, syn.window) == (SYN, 1000, 4000)
    s.peer("SA", 0, 1, mss=536)
    assert s.output() == ["A 1:1 ack=1 win=4000"]
    assert s.tcp.state is State.ESTABLISHED


def test_passive_open() -> None:
    s = Script()
    s.tcp.listen()
    s.peer("S", 0)
    assert s.output() == ["SA 0:1 ack=1 win=4000"]
    assert not s.tcp.established
    s.peer("A", 1, 1)
    assert s.tcp.state is State.ESTABLISHED


def test_listen_ignores_rst_and_resets_ack() -> None:
    s = Script()
    s.tcp.listen()
    s.peer("R")
    assert s.output() == []
    s.peer("A", 1, 7)
    assert s.output() == ["R 7:7"]
    assert s.tcp.state is State.LISTEN


def test_simultaneous_open() -> None:
    s = Script()
    s.tcp.connect()
    s.output()
    s.peer("S", 0)
    assert s.output() == ["SA 0:1 ack=1 win=4000"]
    s.peer("A", 1, 1)
    assert s.tcp.state is State.ESTABLISHED


def test_refused() -> None:
    s = Script()
    s.tcp.connect()
    s.output()
    s.peer("RA", 0, 1)
    assert (s.tcp.closed, s.tcp.ending) == (True, Ending.REFUSED)
    assert s.output() == []


@pytest.mark.parametrize("flags", ["R", "RA"])
def test_a_reset_that_does_not_acknowledge_the_syn_is_ignored(flags: str) -> None:
    s = Script()
    s.tcp.connect()
    s.output()
    s.peer(flags, 0, 5)
    assert s.tcp.state is State.SYN_SENT


@pytest.mark.parametrize("ack", [0, 2])
def test_a_wrong_ack_of_the_syn_is_reset(ack: int) -> None:
    """A half-open connection on the peer's side (section 3.5.1)."""
    s = Script()
    s.tcp.connect()
    s.output()
    s.peer("SA", 0, ack)
    assert s.output() == [f"R {ack}:{ack}"]
    assert s.tcp.state is State.SYN_SENT


def test_syn_is_repeated_with_back_off_and_given_up() -> None:
    s = Script()
    s.tcp.connect()
    assert s.output() == ["S 0:1"]
    assert s.wait(0.999) == []
    assert s.wait(0.001) == ["S 0:1"]
    assert s.wait(1.999) == []
    assert s.wait(0.001) == ["S 0:1"]
    assert s.wait(600) == ["S 0:1"] * 5
    assert s.tcp.ending is Ending.TIMED_OUT


def test_data_queued_before_the_handshake_follows_it() -> None:
    s = Script()
    s.tcp.connect()
    assert s.tcp.send(b"early") == 5
    s.tcp.shutdown()
    assert s.output() == ["S 0:1"]
    s.peer("SA", 0, 1)
    assert s.output() == ["AFP 1:7 ack=1 win=4000"]
    assert s.tcp.state is State.FIN_WAIT_1


def test_we_close_first() -> None:
    s = Script()
    s.establish()
    s.tcp.shutdown()
    assert s.output() == ["AF 1:2 ack=1 win=4000"]
    assert s.tcp.state is State.FIN_WAIT_1
    s.peer("A", 1, 2)
    assert s.tcp.state is State.FIN_WAIT_2
    s.peer("A", 1, 2, data=b"half-closed still talks")
    assert s.output() == ["A 2:2 ack=24 win=3977"]
    assert s.read() == b"half-closed still talks"
    s.peer("FA", 24, 2)
    assert s.output() == ["A 2:2 ack=25 win=3976"]
    assert (s.tcp.state, s.tcp.peer_finished) == (State.TIME_WAIT, True)
    assert s.tcp.poll_at() == 2 * MSL
    s.wait(2 * MSL / SECOND)
    assert (s.tcp.closed, s.tcp.ending) == (True, None)


def test_peer_closes_first() -> None:
    s = Script()
    s.establish()
    s.peer("FA", 1, 1, data=b"bye")
    assert s.output() == ["A 1:1 ack=5 win=3996"]
    assert s.tcp.state is State.CLOSE_WAIT
    assert s.tcp.send(b"last") == 4
    assert s.output() == ["AP 1:5 ack=5 win=3996"]
    s.tcp.shutdown()
    assert s.output() == ["AF 5:6 ack=5 win=3996"]
    assert s.tcp.state is State.LAST_ACK
    s.peer("A", 5, 6)
    assert (s.tcp.closed, s.tcp.ending, s.tcp.readable) == (True, None, 3)


def test_simultaneous_close() -> None:
    s = Script()
    s.establish()
    s.tcp.shutdown()
    s.output()
    s.peer("FA", 1, 1)
    assert s.tcp.state is State.CLOSING
    assert s.output() == ["A 2:2 ack=2 win=3999"]
    s.peer("A", 2, 2)
    assert s.tcp.state is State.TIME_WAIT


def test_fin_that_also_acknowledges_ours() -> None:
    s = Script()
    s.establish()
    s.tcp.shutdown()
    s.output()
    s.peer("FA", 1, 2)
    assert s.tcp.state is State.TIME_WAIT


def test_time_wait_acknowledges_a_repeated_fin_and_starts_again() -> None:
    s = Script()
    s.establish()
    s.tcp.shutdown()
    s.output()
    s.peer("FA", 1, 2)
    s.output()
    assert s.wait(6) == []
    s.peer("FA", 1, 2)
    assert s.output() == ["A 2:2 ack=2 win=3999"]
    assert s.tcp.poll_at() == s.now + 2 * MSL


def test_fin_before_its_data_waits_for_it() -> None:
    s = Script()
    s.establish()
    s.peer("FA", 4, 1, data=b"def")
    assert s.output() == ["A 1:1 ack=1 win=4000"]
    assert s.tcp.state is State.ESTABLISHED
    s.peer("A", 1, 1, data=b"abc")
    assert s.output() == ["A 1:1 ack=8 win=3993"]
    assert (s.tcp.state, s.read()) == (State.CLOSE_WAIT, b"abcdef")


def test_lost_fin_is_repeated() -> None:
    s = Script()
    s.establish()
    s.tcp.send(b"x")
    s.tcp.shutdown()
    assert s.output() == ["AFP 1:3 ack=1 win=4000"]
    s.peer("A", 1, 2)
    assert s.wait(1) == ["AF 2:3 ack=1 win=4000"]
    assert s.tcp.state is State.FIN_WAIT_1


def test_exact_reset_ends() -> None:
    s = Script()
    s.establish()
    s.peer("R", 1)
    assert (s.tcp.closed, s.tcp.ending) == (True, Ending.RESET)
    assert s.output() == []


def test_reset_inside_the_window_is_challenged() -> None:
    """RFC 5961 section 3.2: the answer to the challenge, if there is no connection, is an exact reset."""
    s = Script()
    s.establish()
    s.peer("R", 2)
    assert s.output() == ["A 1:1 ack=1 win=4000"]
    assert s.tcp.established


@pytest.mark.parametrize("seq", [0, 4001, -100])
def test_reset_outside_the_window_is_ignored(seq: int) -> None:
    s = Script()
    s.establish()
    s.peer("R", seq)
    assert s.output() == []
    assert s.tcp.established


def test_syn_on_an_open_connection_is_challenged() -> None:
    s = Script()
    s.establish()
    s.peer("S", 1000)
    assert s.output() == ["A 1:1 ack=1 win=4000"]
    assert s.tcp.established


def test_abort_resets_once() -> None:
    s = Script()
    s.establish()
    s.tcp.send(b"never")
    s.tcp.abort()
    s.tcp.abort()
    assert s.output() == ["AR 1:1 ack=1 win=4000"]
    assert s.output() == []
    assert (s.tcp.ending, s.tcp.poll_at(), s.tcp.send_room) == (Ending.ABORTED, None, 0)


def test_abort_before_the_answer_says_nothing() -> None:
    s = Script()
    s.tcp.connect()
    s.output()
    s.tcp.abort()
    assert s.output() == []
    assert s.tcp.closed


def test_segment_without_ack_is_ignored() -> None:
    s = Script()
    s.establish()
    s.peer("", 1, data=b"who")
    assert (s.output(), s.tcp.readable) == ([], 0)


def test_ack_of_the_future_is_answered_and_ignored() -> None:
    s = Script()
    s.establish()
    s.peer("A", 1, 2, data=b"dropped with it")
    assert s.output() == ["A 1:1 ack=1 win=4000"]
    assert s.tcp.readable == 0


@pytest.mark.parametrize(
    ("flags", "seq", "ack", "payload", "answer"),
    [
        (SYN, 9, 0, b"", (0, 10, RST | ACK)),
        (SYN | FIN, 9, 0, b"xy", (0, 13, RST | ACK)),
        (ACK, 9, 77, b"xy", (77, 0, RST)),
        (SYN | ACK, 9, 77, b"", (77, 0, RST)),
        (0, 0xFFFFFFFF, 0, b"ab", (0, 1, RST | ACK)),
    ],
)
def test_answer_to_a_segment_of_no_connection(
    flags: int, seq: int, ack: int, payload: bytes, answer: tuple[int, int, int]
) -> None:
    reset = reset_for(TcpSegment(1, 2, seq, ack, flags, 0, payload))
    assert (reset.src_port, reset.dst_port) == (2, 1)
    assert (reset.seq, reset.ack, reset.flags) == answer


def test_the_table_reaches_every_state_and_closes_from_each() -> None:
    """The state diagram (figure 5) as a graph."""
    edges = {(source, target) for (source, _), target in TRANSITIONS.items()}
    reached = {State.CLOSED}
    while more := {target for source, target in edges if source in reached} - reached:
        reached |= more
    assert reached == set(State)
    closing = {State.CLOSED}
    while more := {source for source, target in edges if target in closing} - closing:
        closing |= more
    assert closing == set(State)


def test_the_table_agrees_with_its_sets() -> None:
    receivers = {state for state, event in TRANSITIONS if event is Event.RECEIVE_FIN}
    assert receivers == MAY_RECEIVE
    assert receivers <= SYNCHRONIZED
