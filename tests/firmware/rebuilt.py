# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS server built again without one option of its mbedtls_config.h, and what that saves."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from runs import ROOT

sys.path.insert(0, str(ROOT / "images"))

from build import BUILD, IMAGES, Recipes
from toolchain import build

CONFIG = IMAGES / "tls_server" / "mbedtls_config.h"
WITHOUT = BUILD / "without"


def stored(option: str | None) -> int:
    """Bytes of flash, as `arm-none-eabi-size` has them, of the server without an option, or with all."""
    if option is None:
        return _size(BUILD / "tls_server.elf")
    name = f"tls_server-without-{option}"
    WITHOUT.mkdir(parents=True, exist_ok=True)
    header = WITHOUT / f"{option}.h"
    if not header.exists() or header.read_text() != _config_without(option):
        header.write_text(_config_without(option))
    use = f"-DMBEDTLS_CONFIG_FILE=<{option}.h>"
    flags = [f"-I{WITHOUT.relative_to(IMAGES)}", "-UMBEDTLS_CONFIG_FILE", use]
    variant = {"uses": ["tls_server"], "sources": [], "rebuilds": ["tls_server", "mbedtls"], "flags": flags}
    manifest = tomllib.loads((IMAGES / "manifest.toml").read_text())
    manifest["image"][name] = variant
    build(Recipes(manifest).steps(name))
    return _size(BUILD / f"{name}.elf")


def _config_without(option: str) -> str:
    """The header without the line that defines the option."""
    text, count = re.subn(rf"^#define MBEDTLS_{option}\b.*\n", "", CONFIG.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{CONFIG} does not define MBEDTLS_{option} once"
    return text


def _size(elf: Path) -> int:
    listing = subprocess.run(["arm-none-eabi-size", elf], capture_output=True, text=True, check=True).stdout
    text, data, *_ = listing.splitlines()[1].split()
    return int(text) + int(data)
