# SPDX-License-Identifier: GPL-2.0-or-later
"""DMA2D's pixel formats and its blender (RM0090 sections 11.3.4 to 11.3.8). A pixel in work is an ARGB8888 word."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

ARGB8888, RGB888, RGB565, ARGB1555, ARGB4444, L8, AL44, AL88, L4, A8, A4 = range(11)
BITS = (32, 24, 16, 16, 16, 8, 8, 16, 4, 8, 4)
"""Of a pixel, by color mode. The first five are those of the output."""
OUTPUT_MODES = 5
CHANNELS = {RGB565: (0, 5, 6, 5), ARGB1555: (1, 5, 5, 5), ARGB4444: (4, 4, 4, 4)}
"""Bits of alpha, red, green and blue, from the top of a halfword."""
OPAQUE = 0xFF << 24
REPLACE, MULTIPLY = 1, 2  # PFCCR.AM


@dataclass(frozen=True)
class Layer:
    """How a foreground or background pixel is read.

    Args:
        mode: PFCCR.CM.
        clut: its color look-up table, as ARGB words.
        color: FGCOLR or BGCOLR, the color of pixels that have alpha only.
        alpha_mode, alpha: PFCCR.AM and ALPHA.
    """

    mode: int
    clut: Sequence[int]
    color: int
    alpha_mode: int
    alpha: int

    def pixels(self, data: bytes) -> list[int]:
        """The pixels that are stored as `data`, with the layer's alpha applied."""
        pixels = self._decode(data)
        if self.alpha_mode == REPLACE:
            return [self.alpha << 24 | pixel & 0xFF_FFFF for pixel in pixels]
        if self.alpha_mode == MULTIPLY:
            return [(pixel >> 24) * self.alpha // 255 << 24 | pixel & 0xFF_FFFF for pixel in pixels]
        return pixels

    def _decode(self, data: bytes) -> list[int]:
        if self.mode == ARGB8888:
            return list(struct.unpack(f"<{len(data) // 4}I", data))
        if self.mode == RGB888:
            return [OPAQUE | int.from_bytes(data[at : at + 3], "little") for at in range(0, len(data), 3)]
        if self.mode in CHANNELS:
            words = _direct(self.mode)
            return [words[half] for half in struct.unpack(f"<{len(data) // 2}H", data)]
        return self._decode_indexed(data)

    def _decode_indexed(self, data: bytes) -> list[int]:
        clut, color = self.clut, self.color & 0xFF_FFFF
        if self.mode == L8:
            return [clut[byte] for byte in data]
        if self.mode == AL44:
            return [(byte >> 4) * 0x11 << 24 | clut[byte & 0xF] & 0xFF_FFFF for byte in data]
        if self.mode == AL88:
            return [alpha << 24 | clut[index] & 0xFF_FFFF for index, alpha in zip(data[::2], data[1::2], strict=True)]
        if self.mode == A8:
            return [byte << 24 | color for byte in data]
        nibbles = [nibble for byte in data for nibble in (byte & 0xF, byte >> 4)]
        if self.mode == L4:
            return [clut[nibble] for nibble in nibbles]
        return [nibble * 0x11 << 24 | color for nibble in nibbles]


@cache
def _direct(mode: int) -> Sequence[int]:
    """Every halfword of a direct color mode as ARGB: the highest bits of a channel are repeated below it."""
    return [_widen(half, CHANNELS[mode]) for half in range(1 << 16)]


def _widen(half: int, widths: Sequence[int]) -> int:
    word, shift = 0, 16
    for width in widths:
        shift -= width
        channel = half >> shift & ((1 << width) - 1)
        word = word << 8 | (0xFF if not width else channel * 0xFF if width == 1 else _repeat(channel, width))
    return word


def _repeat(channel: int, width: int) -> int:
    return channel << 8 - width | channel >> 2 * width - 8


def encode(mode: int, pixels: Sequence[int]) -> bytes:
    """ARGB words as an output color mode stores them; of narrower channels the highest bits are kept."""
    if mode == ARGB8888:
        return struct.pack(f"<{len(pixels)}I", *pixels)
    if mode == RGB888:
        return b"".join((pixel & 0xFF_FFFF).to_bytes(3, "little") for pixel in pixels)
    if mode == RGB565:
        halves = [pixel >> 8 & 0xF800 | pixel >> 5 & 0x7E0 | pixel >> 3 & 0x1F for pixel in pixels]
    elif mode == ARGB1555:
        halves = [
            pixel >> 16 & 0x8000 | pixel >> 9 & 0x7C00 | pixel >> 6 & 0x3E0 | pixel >> 3 & 0x1F for pixel in pixels
        ]
    else:
        halves = [pixel >> 16 & 0xF000 | pixel >> 12 & 0xF00 | pixel >> 8 & 0xF0 | pixel >> 4 & 0xF for pixel in pixels]
    return struct.pack(f"<{len(halves)}H", *halves)


def blend(front: int, back: int) -> int:
    """`front` over `back`; every division rounds down (section 11.3.6)."""
    alpha, under = front >> 24, back >> 24
    if alpha == 0xFF:
        return front
    if not alpha:
        return back
    shared = alpha * under // 255
    out = alpha + under - shared
    word = out
    for shift in (16, 8, 0):
        channel = (front >> shift & 0xFF) * alpha + (back >> shift & 0xFF) * (under - shared)
        word = word << 8 | channel // out
    return word
