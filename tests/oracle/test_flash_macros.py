# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what mbedTLS's options compile, against mbedTLS 2.28's own sources and its check_config.h."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.flash_macros import MACROS, Macro, droppable
from stm32emu.netbridge.tls.mbedtls_options import OPTIONS

ROOT = Path(__file__).resolve().parents[2]
MBEDTLS = ROOT / "images" / "build" / "src" / "mbedtls"
CONFIGS = {
    "default": MBEDTLS / "include" / "mbedtls" / "config.h",
    "suite B": MBEDTLS / "configs" / "config-suite-b.h",
    "the report's": ROOT / "images" / "tls_server" / "mbedtls_config.h",
}


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    """Library files by name."""
    return {path.name: path.read_text() for path in (MBEDTLS / "library").glob("*.c")}


@pytest.mark.parametrize("macro", MACROS, ids=lambda macro: macro.option)
def test_what_an_option_compiles_is_in_mbedtls(macro: Macro, sources: dict[str, str]) -> None:
    assert macro.option in OPTIONS
    library = "\n".join(sources.values())
    assert any(re.fullmatch(macro.names, word) for word in set(re.findall(r"\b[a-z]\w+", library)))
    assert not macro.files or any(re.fullmatch(macro.files, name) for name in sources)
    texts = {text.replace("\\n", "\n") for text in re.findall(r'"((?:[^"\\\n]|\\.)*)"', library)}
    assert not macro.texts or any(re.fullmatch(macro.texts, text) for text in texts | _glued(library))


def _glued(library: str) -> set[str]:
    """Names of suites and curves, which macros and tables also have in parts."""
    return set(re.findall(r"[\w-]{4,}", library))


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
