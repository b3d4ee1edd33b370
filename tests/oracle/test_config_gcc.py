# SPDX-License-Identifier: GPL-2.0-or-later
"""config.h against gcc's preprocessor: the same options with the same texts, in every header at hand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.mbedtls_options import OPTIONS

IMAGES = Path(__file__).resolve().parents[2] / "images"
MBEDTLS = IMAGES / "build" / "src" / "mbedtls"
INCLUDE = MBEDTLS / "include"
HEADERS = [
    IMAGES / "tls_server" / "mbedtls_config.h",
    INCLUDE / "mbedtls/config.h",
    *sorted(MBEDTLS.glob("configs/*.h")),
]


def gcc_says(header: Path) -> tuple[dict[str, str], list[str], str]:
    """The options that gcc sees defined, the texts of the #errors that it meets, and the include it stops at."""
    command = ["arm-none-eabi-gcc", "-dM", "-E", f"-I{INCLUDE}", str(header)]
    done = subprocess.run(command, capture_output=True, text=True)
    defined = re.findall(r"^#define MBEDTLS_(\w+) ?(.*)$", done.stdout, re.M)
    options = {name: " ".join(value.split()) for name, value in defined if not name.endswith("_H")}
    lost = re.search(r"fatal error: (\S+): No such file", done.stderr)
    return options, re.findall(r': error: #error "?(.*?)"?$', done.stderr, re.M), lost[1] if lost else ""


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_the_same_options(header: Path) -> None:
    read = read_config(header, [INCLUDE])
    options, errors, lost = gcc_says(header)
    assert [text for _, text in read.errors] == errors
    assert not lost or lost in read.missing
    if not errors and not lost:
        assert {name: option.text for name, option in read.options.items()} == options


def test_every_option_of_2_28_is_known() -> None:
    text = (INCLUDE / "mbedtls/config.h").read_text()
    listed = set(re.findall(r"^\s*(?://)?\s*#define MBEDTLS_(\w+)", text, re.M)) - {"CONFIG_H"}
    assert listed == {name for name, option in OPTIONS.items() if "2.28" in option.versions}
