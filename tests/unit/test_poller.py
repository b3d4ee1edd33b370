# SPDX-License-Identifier: GPL-2.0-or-later
"""The set of sockets to wait for: what is reported, how often, and what is forgotten."""

from __future__ import annotations

import socket

from stm32emu.netbridge.poller import HANG_UP, IN, OUT, Poller


def test_a_socket_that_has_ended_both_ways_is_reported_once() -> None:
    """poll(2) reports a hang-up whatever the mask; a loop that waits for something else must not spin on it."""
    poller = Poller()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.shutdown(socket.SHUT_WR)
        theirs.close()
        poller.watch(ours.fileno(), 0)
        assert poller.wait(0) == {ours.fileno(): HANG_UP}
        poller.watch(ours.fileno(), 0)
        assert poller.wait(0) == {}
        poller.watch(ours.fileno(), IN)
        assert poller.wait(0) == {ours.fileno(): HANG_UP | IN}
        assert poller.wait(0) == {ours.fileno(): HANG_UP | IN}
        poller.forget(ours.fileno())
        assert poller.wait(0) == {}
        poller.watch(ours.fileno(), IN)
        assert poller.wait(0) == {ours.fileno(): HANG_UP | IN}, "another socket may have the same descriptor"


def test_a_mask_is_changed_when_the_interest_is() -> None:
    poller = Poller()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        poller.watch(ours.fileno(), IN)
        assert poller.wait(0) == {}
        poller.watch(ours.fileno(), OUT)
        assert poller.wait(0) == {ours.fileno(): OUT}
