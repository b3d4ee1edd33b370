# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what mbedTLS's options compile, against mbedTLS 2.28's own sources and its check_config.h."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.flash_macros import MACROS, Macro, droppable
from stm32emu.netbridge.tls.mbedtls_options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "images" / "build"
MBEDTLS = IMAGES / "src" / "mbedtls"
CONFIGS = {
    "default": MBEDTLS / "include" / "mbedtls" / "config.h",
    "suite B": MBEDTLS / "configs" / "config-suite-b.h",
    "the report's": ROOT / "images" / "tls_server" / "mbedtls_config.h",
}


@dataclass(frozen=True)
class Library:
    """mbedTLS's library: names of files, identifiers, and texts (those of suites and curves are made by macros)."""

    files: frozenset[str]
    words: frozenset[str]
    texts: frozenset[str]


@pytest.fixture(scope="module")
def library() -> Library:
    paths = list((MBEDTLS / "library").glob("*.c"))
    source = "\n".join(path.read_text() for path in paths)
    texts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', source) + re.findall(r"[\w-]{4,}", source)
    words = re.findall(r"\b[a-z]\w+", source)
    return Library(frozenset(path.name for path in paths), frozenset(words), frozenset(texts))


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.option)
def test_what_an_option_compiles_is_in_mbedtls(macro: Macro, library: Library) -> None:
    assert macro.option in OPTIONS
    assert any(re.fullmatch(macro.names, word) for word in library.words)
    assert not macro.files or any(re.fullmatch(macro.files, name) for name in library.files)
    assert not macro.texts or any(re.fullmatch(macro.texts, text) for text in library.texts)


def test_pem_is_so_much_longer_than_der() -> None:
    """As openssl encodes certificates."""
    pem = next(macro for macro in MACROS if macro.option == "PEM_PARSE_C")
    paths = list((IMAGES / "host" / "certs").glob("*.crt"))
    assert paths
    for path in paths:
        text = path.read_bytes()
        der = subprocess.run(["openssl", "x509", "-outform", "DER"], input=text, capture_output=True, check=True).stdout
        assert pem.shrinks(text + b"\0") == len(text) + 1 - len(der)
        assert pem.shrinks(text + text) == 2 * (len(text) - len(der))
        assert pem.shrinks(der) == pem.shrinks(b"say " + text) == pem.shrinks(b"") == 0


@pytest.mark.parametrize("name", CONFIGS)
def test_check_config_accepts_what_is_left(name: str, tmp_path: Path) -> None:
    """mbedTLS's own prerequisites, option by option; they were met before."""
    header = CONFIGS[name]
    assert _complaints(header.read_text(), tmp_path) == []
    config = read_config(header)
    found = list(droppable(config))
    assert len(found) > 3
    for macro in found:
        left = re.sub(rf"^#define MBEDTLS_{macro.option}\b.*\n", "", header.read_text(), flags=re.MULTILINE)
        assert _complaints(left, tmp_path) == [], macro.option


def _complaints(text: str, folder: Path) -> list[str]:
    """The #errors of check_config.h for a configuration."""
    header = folder / "config.h"
    header.write_text(text)
    command = ["arm-none-eabi-gcc", "-E", "-P", f"-I{MBEDTLS / 'include'}", "-x", "c", "-"]
    source = f'#include "{header}"\n#include "mbedtls/check_config.h"\n'
    done = subprocess.run(command, input=source, capture_output=True, text=True)
    return re.findall(r"#error.*", done.stderr)
