# SPDX-License-Identifier: GPL-2.0-or-later
"""The handshake's computations compiled for this machine, with 32-bit limbs and no assembly: what emulation costs."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator

from benchmarks.equal_work import Judge
from benchmarks.machines import ours
from benchmarks.measure import ROOT, Row, medians, times

SOURCES = ROOT / "images"
PROGRAM = ROOT / "build" / "bench" / "native"
FLAGS = ("-O2", "-Ibench", "-Icommon", "-Itls_server", "-Ibuild/src/mbedtls/include")
DEFINES = ("-DMBEDTLS_CONFIG_FILE=<native_config.h>",)
MAIN = ("bench/crypto.c", "bench/native.c", "common/heap.c")


def build() -> None:
    """Compile what bench_crypto.elf is made of, without the board."""
    part = tomllib.loads((SOURCES / "manifest.toml").read_text())["part"]["mbedtls"]
    library = [source.replace("mbedtls:", "build/src/mbedtls/") for source in part["sources"]]
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", *FLAGS, *DEFINES, *MAIN, *library, "-o", str(PROGRAM)], cwd=SOURCES, check=True)


def on_this_machine() -> tuple[float, str]:
    """CPU seconds and result of the native program, which prints them."""
    done = subprocess.run([str(PROGRAM)], stdout=subprocess.PIPE, text=True, check=True)
    seconds, result = done.stdout.split()
    return float(seconds), result


def native() -> Iterator[Row]:
    """Ours against this machine itself."""
    build()
    judge = Judge()
    seconds = medians({"ours": lambda: judge(lambda: ours("crypto")), "native": lambda: judge(on_this_machine)})
    yield times("native", seconds["ours"], seconds["native"])
