# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of a piece of flash is padding."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stm32emu.flash_layout import Layout
from stm32emu.flash_pieces import Piece, Pieces

START = 0x0800_0000


def size_without(before: bytes) -> int:
    """Of an image of `before` and a text of 4 bytes, when the text is left out."""
    image = before + b"end\0"
    pieces = Pieces([
        Piece(START, START + len(before), "unnamed"), Piece(START + len(before), START + len(image), "unnamed", "end"),
    ])  # fmt: skip
    graph = SimpleNamespace(
        pieces=pieces,
        segments=[(START, START + len(image))],
        mentions={},
        contents=lambda piece: image[piece.start - START : piece.end - START],
    )
    return Layout(graph).size(gone=(1,))


@pytest.mark.parametrize(
    ("before", "size"),
    [
        (b"\1\2\3\4", 4),
        (b"\1\2\3\4" + b"\0" * 4, 4),
        (b"\1\2\0\0" + b"\0\xbf\0\xbf", 4),
        (b"\1\2\3\xbf" + b"\0\xbf\0\xbf", 4),
        (b"\1\xbf\xbf\xbf", 4),
    ],
)
def test_what_padding_is(before: bytes, size: int) -> None:
    assert size_without(before) == size


def test_many_zeros_that_are_no_padding() -> None:
    """They are looked at once: from each of them to the next that is none would take hours."""
    assert size_without(bytes(1 << 20) + b"\1\2\3\4") == (1 << 20) + 4
