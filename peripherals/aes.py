# SPDX-License-Identifier: GPL-2.0-or-later
"""AES on four 32-bit words (FIPS 197), as the CRYP processor needs it: with round keys that run either way."""

from __future__ import annotations

from collections.abc import Sequence

Words = list[int]
MASK = 0xFFFF_FFFF


def _double(byte: int) -> int:
    """Multiplication by x in the field (section 4.2.1)."""
    return byte << 1 ^ (0x11B if byte & 0x80 else 0)


def _multiply(one: int, other: int) -> int:
    product = 0
    while other:
        product ^= one if other & 1 else 0
        one, other = _double(one), other >> 1
    return product


def _sbox() -> list[int]:
    """Inverses in the field, as powers of the generator 3, then the affine transformation (section 5.1.1)."""
    powers = [1]
    for _ in range(254):
        powers.append(_double(powers[-1]) ^ powers[-1])
    inverses = {power: powers[-n] for n, power in enumerate(powers)}
    found = []
    for byte in range(256):
        inverse = inverses.get(byte, 0)
        spread = inverse ^ inverse << 1 ^ inverse << 2 ^ inverse << 3 ^ inverse << 4
        found.append((spread ^ spread >> 8) & 0xFF ^ 0x63)
    return found


SBOX = _sbox()
INVERSE_SBOX = [SBOX.index(byte) for byte in range(256)]


def _table(sbox: Sequence[int], column: tuple[int, ...]) -> list[Words]:
    """By byte of the word and its value: what SubBytes and MixColumns make of it."""
    first = [int.from_bytes(bytes(_multiply(sbox[byte], factor) for factor in column), "big") for byte in range(256)]
    return [[(word >> 8 * n | word << 32 - 8 * n) & MASK for word in first] for n in range(4)]


FORWARD = _table(SBOX, (2, 1, 1, 3))
BACKWARD = _table(INVERSE_SBOX, (14, 9, 13, 11))
MIX = _table(range(256), (14, 9, 13, 11))  # InvMixColumns alone, for the round keys
ROUND_CONSTANTS = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36]


def _look_up(table: list[Words], a: int, b: int, c: int, d: int) -> int:
    return table[0][a >> 24] ^ table[1][b >> 16 & 255] ^ table[2][c >> 8 & 255] ^ table[3][d & 255]


def _substitute(sbox: Sequence[int], a: int, b: int, c: int, d: int) -> int:
    return sbox[a >> 24] << 24 | sbox[b >> 16 & 255] << 16 | sbox[c >> 8 & 255] << 8 | sbox[d & 255]


def _step(previous: int, n: int, size: int) -> int:
    """What is added to word `n - size` of the schedule to give word `n` (section 5.2)."""
    if n % size == 0:
        turned = previous << 8 & MASK | previous >> 24
        return _substitute(SBOX, turned, turned, turned, turned) ^ ROUND_CONSTANTS[n // size - 1] << 24
    if size == 8 and n % size == 4:
        return _substitute(SBOX, previous, previous, previous, previous)
    return previous


def schedule(key: Words) -> Words:
    """All round keys of a key of 4, 6 or 8 words."""
    words, size = list(key), len(key)
    for n in range(size, 4 * (size + 7)):
        words.append(words[n - size] ^ _step(words[n - 1], n, size))
    return words


def schedule_from_end(last: Words) -> Words:
    """The same from its last 4, 6 or 8 words, which is how a decryption key is kept."""
    size = len(last)
    count = 4 * (size + 7)
    words = [0] * (count - size) + list(last)
    for n in range(count - 1, size - 1, -1):
        words[n - size] = words[n] ^ _step(words[n - 1], n, size)
    return words


def encrypt(words: Words, block: Words) -> Words:
    """One block under the round keys `words` (section 5.1)."""
    a, b, c, d = (one ^ other for one, other in zip(block, words, strict=False))
    for n in range(4, len(words) - 4, 4):
        a, b, c, d = (
            _look_up(FORWARD, a, b, c, d) ^ words[n],
            _look_up(FORWARD, b, c, d, a) ^ words[n + 1],
            _look_up(FORWARD, c, d, a, b) ^ words[n + 2],
            _look_up(FORWARD, d, a, b, c) ^ words[n + 3],
        )
    last = ((a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c))
    return [_substitute(SBOX, *each) ^ key for each, key in zip(last, words[-4:], strict=True)]


def decrypt(words: Words, block: Words) -> Words:
    """One block under the round keys `words` of its encryption (section 5.3.5, the equivalent inverse cipher)."""
    a, b, c, d = (one ^ other for one, other in zip(block, words[-4:], strict=True))
    for n in range(len(words) - 8, 0, -4):
        keys = [_look_up(MIX, word, word, word, word) for word in words[n : n + 4]]
        a, b, c, d = (
            _look_up(BACKWARD, a, d, c, b) ^ keys[0],
            _look_up(BACKWARD, b, a, d, c) ^ keys[1],
            _look_up(BACKWARD, c, b, a, d) ^ keys[2],
            _look_up(BACKWARD, d, c, b, a) ^ keys[3],
        )
    last = ((a, d, c, b), (b, a, d, c), (c, b, a, d), (d, c, b, a))
    return [_substitute(INVERSE_SBOX, *each) ^ key for each, key in zip(last, words[:4], strict=True)]
