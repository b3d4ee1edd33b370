# SPDX-License-Identifier: GPL-2.0-or-later
"""Which sockets to wait for, and for what; poll(2) is told only what changed."""

from __future__ import annotations

import select
from contextlib import suppress

IN = select.POLLIN
OUT = select.POLLOUT
HANG_UP = select.POLLHUP
ERROR = select.POLLERR


class Poller:
    """A poll(2) set. Descriptors are those of sockets, masks and events poll(2)'s."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._masks: dict[int, int] = {}

    def watch(self, descriptor: int, mask: int) -> None:
        """From now on wait for `mask`; errors and hang-ups come with any, 0 included."""
        if self._masks.get(descriptor) != mask:
            self._masks[descriptor] = mask
            self._poll.register(descriptor, mask)

    def forget(self, descriptor: int) -> None:
        """Stop waiting for it; to be called before it is closed."""
        self._masks.pop(descriptor, None)
        self._park(descriptor)

    def wait(self, timeout: float) -> dict[int, int]:
        """The events by descriptor, after up to `timeout` seconds."""
        events = dict(self._poll.poll(timeout * 1000))
        for descriptor, event in events.items():
            if event & HANG_UP and not self._masks[descriptor]:
                self._park(descriptor)
        return events

    def _park(self, descriptor: int) -> None:
        """A socket whose both ends have finished reports that for ever; ignore it until its mask changes."""
        with suppress(KeyError):
            self._poll.unregister(descriptor)
