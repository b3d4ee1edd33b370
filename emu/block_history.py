# SPDX-License-Identifier: GPL-2.0-or-later
"""The last blocks a core ran, with names and with loops folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from stm32emu.symbols import Symbols

LONGEST_LOOP = 8

Run = tuple[tuple[int, ...], int]
"""Block addresses, and how often they ran one after the other."""


def fold(blocks: Sequence[int]) -> list[Run]:
    """Split into runs: a sequence of up to LONGEST_LOOP blocks that repeats becomes one run with its count."""
    found: list[Run] = []
    position = 0
    while position < len(blocks):
        length, count = max(_repeats(blocks, position), key=lambda run: (run[0] * run[1] if run[1] > 1 else 1, -run[0]))
        found.append((tuple(blocks[position : position + length]), count))
        position += length * count
    return found


def _repeats(blocks: Sequence[int], start: int) -> Iterable[tuple[int, int]]:
    """(length, count) of every way to read what begins at `start` as a loop; (1, 1) always is one."""
    for length in range(1, min(LONGEST_LOOP, len(blocks) - start) + 1):
        pattern, count = blocks[start : start + length], 1
        while blocks[start + length * count : start + length * (count + 1)] == pattern:
            count += 1
        if length == 1 or count > 1:
            yield length, count


def history(blocks: Sequence[int], symbols: Symbols) -> list[str]:
    """One text per function and loop, oldest first: `udp_input`, `ip4_input+0x12 +0x20`, `8 x (main+0x20, poll)`.

    A name alone is the function's entry; offsets after the first are in the same function.
    """
    texts = []
    for repeated, runs in groupby(fold(blocks), key=lambda run: run[1] > 1):
        if repeated:
            texts += [f"{count} x ({', '.join(_functions(run, symbols))})" for run, count in runs]
        else:
            texts += _functions([block for run, _ in runs for block in run], symbols)
    return texts


def _functions(blocks: Iterable[int], symbols: Symbols) -> list[str]:
    """Blocks of one function after the other in one text."""
    named = [(symbols.lookup(block), block) for block in blocks]
    texts = []
    for _, group in groupby(named, key=lambda pair: pair[0].address if pair[0] else pair[1]):
        (symbol, block), *others = group
        first = str(symbol) if symbol else f"{block:#010x}"
        texts.append(" ".join([first, *(f"+{other.offset:#x}" for other, _ in others if other)]))
    return texts
