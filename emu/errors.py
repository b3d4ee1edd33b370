# SPDX-License-Identifier: GPL-2.0-or-later
"""The error tree: who is at fault decides the class, the class decides the exit code.

Every message is one sentence for the person at the terminal: where it went wrong and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class StmError(Exception):
    """The base of all errors that a user reads as one sentence."""

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class UserError(StmError):
    """The user's file or option cannot be used as it is."""

    exit_code = 2


class GuestError(StmError):
    """The firmware went wrong in a way that ends the run."""


class PeerError(StmError):
    """Whoever is at the other end of a connection broke the protocol."""


class InternalError(StmError):
    """A defect of stm32emu itself."""

    exit_code = 70  # EX_SOFTWARE of BSD's sysexits


@contextmanager
def as_user_errors(*kinds: type[Exception], where: str = "") -> Iterator[None]:
    """Errors of these kinds, a sentence each, are the user's to mend; it begins with `where`, such as a path."""
    try:
        yield
    except kinds as error:
        raise UserError(f"{where}: {error}" if where else str(error)) from error
