# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP's connection states and what moves a connection between them (RFC 9293 section 3.3.2), and sequence numbers."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """RFC 9293 section 3.3.2, its names."""

    CLOSED = "CLOSED"
    LISTEN = "LISTEN"
    SYN_SENT = "SYN-SENT"
    SYN_RECEIVED = "SYN-RECEIVED"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT_1 = "FIN-WAIT-1"
    FIN_WAIT_2 = "FIN-WAIT-2"
    CLOSE_WAIT = "CLOSE-WAIT"
    CLOSING = "CLOSING"
    LAST_ACK = "LAST-ACK"
    TIME_WAIT = "TIME-WAIT"


class Event(Enum):
    """What the table reacts to. Resets and give-ups end in CLOSED from anywhere and are not in it."""

    ACTIVE_OPEN = "active open"
    PASSIVE_OPEN = "passive open"
    RECEIVE_SYN = "SYN received"
    RECEIVE_SYN_ACK = "SYN+ACK received"
    SYN_ACKED = "our SYN acknowledged"
    CLOSE = "close"
    RECEIVE_FIN = "FIN received"
    FIN_ACKED = "our FIN acknowledged"
    EXPIRE = "2 MSL passed"


TRANSITIONS = {
    (State.CLOSED, Event.ACTIVE_OPEN): State.SYN_SENT,
    (State.CLOSED, Event.PASSIVE_OPEN): State.LISTEN,
    (State.LISTEN, Event.RECEIVE_SYN): State.SYN_RECEIVED,
    (State.SYN_SENT, Event.RECEIVE_SYN): State.SYN_RECEIVED,
    (State.SYN_SENT, Event.RECEIVE_SYN_ACK): State.ESTABLISHED,
    (State.SYN_RECEIVED, Event.SYN_ACKED): State.ESTABLISHED,
    (State.ESTABLISHED, Event.CLOSE): State.FIN_WAIT_1,
    (State.ESTABLISHED, Event.RECEIVE_FIN): State.CLOSE_WAIT,
    (State.FIN_WAIT_1, Event.FIN_ACKED): State.FIN_WAIT_2,
    (State.FIN_WAIT_1, Event.RECEIVE_FIN): State.CLOSING,
    (State.FIN_WAIT_2, Event.RECEIVE_FIN): State.TIME_WAIT,
    (State.CLOSING, Event.FIN_ACKED): State.TIME_WAIT,
    (State.CLOSE_WAIT, Event.CLOSE): State.LAST_ACK,
    (State.LAST_ACK, Event.FIN_ACKED): State.CLOSED,
    (State.TIME_WAIT, Event.EXPIRE): State.CLOSED,
}

SYNCHRONIZED = frozenset(State) - {State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED}
"""Both sides know each other's sequence numbers."""

MAY_SEND = frozenset({State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK})
"""Data or FIN may still have to go out."""

MAY_RECEIVE = frozenset({State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2})
"""The peer has not finished."""

_SPACE = 1 << 32


def wrap(number: int) -> int:
    """A sequence number as it travels: modulo 2**32."""
    return number % _SPACE


def unwrap(wire: int, near: int) -> int:
    """The number that `wire` stands for, the one closest to `near`.

    Inside, sequence numbers count on past 2**32, so that plain comparisons replace those of RFC 9293 section 3.4.
    """
    half = _SPACE // 2
    return near + (wire - near + half) % _SPACE - half
