# SPDX-License-Identifier: GPL-2.0-or-later
"""config.h, as read: conditions, values, includes, places; and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.netbridge.tls.config import Config, ConfigError, read_config


def config(tmp_path: Path, text: str, **others: str) -> Config:
    for name, content in others.items():
        (tmp_path / f"{name}.h").write_text(content)
    path = tmp_path / "config.h"
    path.write_text(text)
    return read_config(path, [tmp_path])


def test_what_is_defined_and_where(tmp_path: Path) -> None:
    read = config(tmp_path, "#define MBEDTLS_AES_C\n#define MBEDTLS_GCM_C\n#undef MBEDTLS_GCM_C\n#define OTHER\n")
    assert list(read.options) == ["AES_C"]
    assert "AES_C" in read
    assert "GCM_C" not in read
    assert str(read.options["AES_C"].place) == "config.h:1"


def test_the_last_definition_counts(tmp_path: Path) -> None:
    read = config(
        tmp_path, "#define MBEDTLS_X 1\n#undef MBEDTLS_X\n#define MBEDTLS_X 2\n#if 0\n#define MBEDTLS_X 3\n#endif\n"
    )
    assert read.number("X", 0) == 2
    assert read.options["X"].place.line == 3


def test_conditions_and_includes(tmp_path: Path) -> None:
    condition = "#if BOARD > 3 && defined(LARGE)\n#define MBEDTLS_BIG\n#else\n#define MBEDTLS_SMALL\n#endif\n"
    text = f'#include "board.h"\n{condition}'
    assert list(config(tmp_path, text, board="#define BOARD (2 + 2)\n#define LARGE\n").options) == ["BIG"]
    read = config(tmp_path, text.replace("board.h", "nowhere.h"))
    assert list(read.options) == ["SMALL"]
    assert read.missing == ("nowhere.h",)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("48", 48), ("0x30", 48), ("(1 << 4)", 16), ("KIB * 2", 2048), ("16384U", 16384), ("030", 24),
        ("", None), ("calloc", None), ("2 * calloc", None), ("1 / 0", None), ("1 << 99999999999", None),
        ("sizeof(int)", None),
    ],
)  # fmt: skip
def test_numbers(tmp_path: Path, text: str, number: int | None) -> None:
    read = config(tmp_path, f"#define KIB 1024\n#define MBEDTLS_N {text}\n")
    assert read.numbers.get("N") == number


def test_a_list_over_several_lines(tmp_path: Path) -> None:
    read = config(tmp_path, "#define MBEDTLS_SSL_CIPHERSUITES \\\n  MBEDTLS_TLS_A, /* first */ \\\n  MBEDTLS_TLS_B\n")
    assert read.words("SSL_CIPHERSUITES") == ("TLS_A", "TLS_B")
    assert read.words("NO_SUCH_LIST") == ()


def test_errors_count_only_where_the_compiler_sees_them(tmp_path: Path) -> None:
    read = config(tmp_path, '#define MBEDTLS_X\n#ifdef MBEDTLS_Y\n#error "not this"\n#endif\n#error "X needs Y"\n')
    assert [(str(place), text) for place, text in read.errors] == [("config.h:5", "X needs Y")]


REFUSED = {
    "no option": ("#define OTHER\n", "defines no MBEDTLS_ option"),
    "no text": ("#define MBEDTLS_X\n\0\xff\1", "is not a C header, but binary"),
    "an #if without end": ("#define MBEDTLS_X\n#if 1\n", "is not a C header"),
    "a condition cut off": ("#define MBEDTLS_X\n#if (\n#endif\n", "is not a C header"),
    "a shift without end": ("#define MBEDTLS_X\n#if 1 << 99999999999\n#endif\n", "is not a C header"),
    "itself": ('#define MBEDTLS_X\n#include "config.h"\n', "includes itself"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(tmp_path: Path, what: str) -> None:
    text, because = REFUSED[what]
    with pytest.raises(ConfigError, match=because):
        config(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "config.h")


def test_macros_that_never_stop_growing(tmp_path: Path) -> None:
    """Each is twice the one before: 2**40 words."""
    path = tmp_path / "config.h"
    doubling = "".join(f"#define L{n} L{n - 1} L{n - 1}\n" for n in range(1, 41))
    path.write_text(f"#define MBEDTLS_AES_C\n#define L0 x x\n{doubling}#if L40\n#endif\n")
    with pytest.raises(ConfigError, match="macros that expand to more than 1000000 words"):
        read_config(path)
