# SPDX-License-Identifier: GPL-2.0-or-later
"""What can be wrong with bytes from the wire."""

from __future__ import annotations


class WireError(ValueError):
    """Received bytes are not a well-formed message; the text says which and why. The sender is at fault."""


class TruncatedError(WireError):
    """The message ends before its own lengths say that it does."""

    def __init__(self, what: str, needed: int, present: int) -> None:
        super().__init__(f"{what} needs {needed} bytes, {present} are there")


class MalformedError(WireError):
    """A field holds a value that the protocol does not allow."""


class ChecksumError(WireError):
    """The checksum does not match: on an emulated wire a defect of the sender's driver or MAC set-up."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} checksum is wrong")


def need(what: str, data: bytes, length: int) -> None:
    """Raise `TruncatedError` unless `data` holds at least `length` bytes."""
    if len(data) < length:
        raise TruncatedError(what, length, len(data))
