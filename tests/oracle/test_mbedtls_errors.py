# SPDX-License-Identifier: GPL-2.0-or-later
"""The words for mbedTLS's error codes: every code of the headers that the images are built with has some."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stm32emu.netbridge.mbedtls_errors import describe, is_failure

HEADERS = Path(__file__).resolve().parents[2] / "images" / "build" / "src" / "mbedtls" / "include" / "mbedtls"


def codes() -> dict[str, int]:
    """Name without MBEDTLS_ERR_ -> code, from the headers of 2.28."""
    found: dict[str, int] = {}
    for header in sorted(HEADERS.glob("*.h")):
        rows = re.findall(r"^#define\s+MBEDTLS_ERR_(\w+)\s+(-0x[0-9A-Fa-f]+)", header.read_text(), re.MULTILINE)
        found.update((name, int(number, 16)) for name, number in rows)
    return found


def test_every_code_of_the_headers_has_words_of_its_module() -> None:
    known = codes()
    assert len(known) > 200
    for name, code in known.items():
        words = describe(code, 2)
        assert words is not None, name
        assert name.startswith(words.split(":")[0] + "_"), (name, words)


def test_every_code_without_words_is_none_of_the_headers() -> None:
    numbers = {-code for code in codes().values()}
    newer = {0x13, 0x15, 0x11, 0x16, 0x17, 0x19, 0x76, 0x7E80, *range(0x5300, 0x5900, 0x80)}  # of version 3 only
    described = {code for code in (*range(1, 0x80), *range(0x80, 0x8000, 0x80)) if describe(-code)}
    assert described - newer == numbers - newer


@pytest.mark.parametrize(
    ("code", "major", "words"),
    [
        (-0x4C80, 2, "ECP: invalid private or public key"),
        (-0x3D62, 2, "PK: invalid key format, because of ASN1: unexpected tag"),
        (-0x7500, 2, "SSL: own certificate chain too large for the output buffer"),
        (-0x7500, 3, "SSL: unsupported extension"),
        (-0x3880, None, "PK: hardware acceleration failed (version 2), PK: buffer too small (version 3)"),
        (-0x15, 3, "LMS: verification failed"),
        (0, 2, None),
        (-0x8000, 2, None),
        (-0x4C7F, 2, None),
    ],
)
def test_words(code: int, major: int | None, words: str | None) -> None:
    assert describe(code, major) == words


def test_asking_for_another_call_is_no_failure() -> None:
    assert not any(map(is_failure, (-0x6900, -0x6880, -0x7880, -1, 0, 5)))
    assert all(map(is_failure, (-0x7780, -0x4C80, -0x10, -0x0050)))
