# SPDX-License-Identifier: GPL-2.0-or-later
"""The TLS server built again without one option of its mbedtls_config.h, and what that saves."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

from runs import ROOT

sys.path.insert(0, str(ROOT / "images"))

from build import BUILD, IMAGES, Recipes
from toolchain import build

CONFIG = IMAGES / "tls_server" / "mbedtls_config.h"
WITHOUT = BUILD / "without"
LOADED = (".text", ".ARM.exidx", ".data")


def stored(option: str | None) -> tuple[int, int]:
    """Bytes of flash of the server without an option, or with all, and how many of them are the linker's padding."""
    name = f"tls_server-without-{option}" if option else "tls_server-again"
    variant = {"uses": ["tls_server"], "sources": []}
    if option:
        WITHOUT.mkdir(parents=True, exist_ok=True)
        header = WITHOUT / f"{option}.h"
        if not header.exists() or header.read_text() != _config_without(option):
            header.write_text(_config_without(option))
        use = f"-DMBEDTLS_CONFIG_FILE=<{option}.h>"
        flags = [f"-I{WITHOUT.relative_to(IMAGES)}", "-UMBEDTLS_CONFIG_FILE", use]
        variant |= {"rebuilds": ["tls_server", "mbedtls"], "flags": flags}
    manifest = tomllib.loads((IMAGES / "manifest.toml").read_text())
    manifest["image"][name] = variant
    *compiles, link = Recipes(manifest).steps(name)
    listing = link.output.with_suffix(".map")
    build([*compiles, replace(link, command=(*link.command, f"-Wl,-Map={listing}"))])
    return _sizes(listing)


def _config_without(option: str) -> str:
    """The header without the line that defines the option."""
    text, count = re.subn(rf"^#define MBEDTLS_{option}\b.*\n", "", CONFIG.read_text(), flags=re.MULTILINE)
    assert count == 1, f"{CONFIG} does not define MBEDTLS_{option} once"
    return text


def _sizes(listing: Path) -> tuple[int, int]:
    """From ld's map: a line per section, and one per `*fill*` in it."""
    layout = listing.read_text().partition("Linker script and memory map")[2]
    section, total, fill = "", 0, 0
    for line in layout.splitlines():
        if start := re.match(r"(\.[\w.]+)(?:\s+0x\w+\s+0x(\w+))?", line):
            section = start[1]
            total += int(start[2], 16) if section in LOADED and start[2] else 0
        elif (padding := re.match(r" \*fill\*\s+0x\w+\s+0x(\w+)", line)) and section in LOADED:
            fill += int(padding[1], 16)
    return total, fill
