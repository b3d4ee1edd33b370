# SPDX-License-Identifier: GPL-2.0-or-later
"""The loadable parts of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Segment:
    """`data` is stored at `physical`; at run time the segment occupies `size` bytes from `virtual` (a .data segment is
    stored in flash and lives in RAM; a .bss segment has a size but no data)."""

    physical: int
    virtual: int
    data: bytes = field(repr=False)
    size: int
    executable: bool


def read_image(segments: Sequence[Segment], address: int, length: int) -> bytes:
    """Up to `length` bytes of the image at physical `address`; fewer, or none, where a segment ends."""
    for segment in segments:
        start = address - segment.physical
        if 0 <= start < len(segment.data):
            return segment.data[start : start + length]
    return b""
