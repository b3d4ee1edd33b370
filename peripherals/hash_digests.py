# SPDX-License-Identifier: GPL-2.0-or-later
"""The compression functions of the HASH processor: MD5 (RFC 1321), SHA-1, SHA-224 and SHA-256 (FIPS 180-4).

State and block are 32-bit words in big-endian byte order, for MD5 too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt, sin

MASK = 0xFFFF_FFFF
Compress = Callable[[Sequence[int], Sequence[int]], list[int]]


def _rotate(word: int, bits: int) -> int:
    """To the left."""
    return (word << bits | word >> 32 - bits) & MASK


def _swap(word: int) -> int:
    return int.from_bytes(word.to_bytes(4, "little"), "big")


def _primes(count: int) -> list[int]:
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _cube_root(value: int) -> int:
    """Rounded down."""
    root = 1 << (value.bit_length() + 2) // 3
    while root**3 > value:
        root = (2 * root + value // root**2) // 3
    return root


PRIMES = _primes(64)
MD5_K = [int(abs(sin(n + 1)) * 2**32) for n in range(64)]
MD5_ROTATIONS = ((7, 12, 17, 22), (5, 9, 14, 20), (4, 11, 16, 23), (6, 10, 15, 21))
SHA1_K = (0x5A82_7999, 0x6ED9_EBA1, 0x8F1B_BCDC, 0xCA62_C1D6)
SHA256_K = [_cube_root(prime << 96) & MASK for prime in PRIMES]

SHA1_START = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
MD5_START = [_swap(word) for word in SHA1_START[:4]]
SHA256_START = [isqrt(prime << 64) & MASK for prime in PRIMES[:8]]
SHA224_START = [isqrt(prime << 128) & MASK for prime in PRIMES[8:16]]


def md5(state: Sequence[int], block: Sequence[int]) -> list[int]:
    """One block; RFC 1321 section 3.4."""
    start = a, b, c, d = [_swap(word) for word in state]
    words = [_swap(word) for word in block]
    for n in range(64):
        mixed, place = (
            (b & c | ~b & d, n),
            (d & b | ~d & c, 5 * n + 1),
            (b ^ c ^ d, 3 * n + 5),
            (c ^ (b | ~d & MASK), 7 * n),
        )[n >> 4]
        turned = _rotate((a + mixed + MD5_K[n] + words[place & 15]) & MASK, MD5_ROTATIONS[n >> 4][n & 3])
        a, b, c, d = d, (b + turned) & MASK, b, c
    return [_swap((old + new) & MASK) for old, new in zip(start, (a, b, c, d), strict=True)]


def sha1(state: Sequence[int], block: Sequence[int]) -> list[int]:
    """One block; FIPS 180-4 section 6.1.2."""
    words = list(block)
    for n in range(16, 80):
        words.append(_rotate(words[n - 3] ^ words[n - 8] ^ words[n - 14] ^ words[n - 16], 1))
    a, b, c, d, e = state
    for n, word in enumerate(words):
        mixed = (b & c ^ ~b & d, b ^ c ^ d, b & c ^ b & d ^ c & d, b ^ c ^ d)[n // 20]
        a, b, c, d, e = (_rotate(a, 5) + mixed + e + SHA1_K[n // 20] + word) & MASK, a, _rotate(b, 30), c, d
    return [(old + new) & MASK for old, new in zip(state, (a, b, c, d, e), strict=True)]


def sha256(state: Sequence[int], block: Sequence[int]) -> list[int]:
    """One block; FIPS 180-4 section 6.2.2."""
    words = list(block)
    for n in range(16, 64):
        early, late = words[n - 15], words[n - 2]
        sigma0 = _rotate(early, 25) ^ _rotate(early, 14) ^ early >> 3
        sigma1 = _rotate(late, 15) ^ _rotate(late, 13) ^ late >> 10
        words.append((sigma1 + words[n - 7] + sigma0 + words[n - 16]) & MASK)
    a, b, c, d, e, f, g, h = state
    for constant, word in zip(SHA256_K, words, strict=True):
        one = h + (_rotate(e, 26) ^ _rotate(e, 21) ^ _rotate(e, 7)) + (e & f ^ ~e & g) + constant + word
        two = (_rotate(a, 30) ^ _rotate(a, 19) ^ _rotate(a, 10)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (one + two) & MASK, a, b, c, (d + one) & MASK, e, f, g
    return [(old + new) & MASK for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True)]
