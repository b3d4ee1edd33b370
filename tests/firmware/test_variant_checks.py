# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check` on the TLS server: each variant with a fault that a check can see gets its own finding, the others none."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from runs import IMAGES, Run, free_port, running
from symptoms import lifetime, observe
from test_console import stm32emu
from test_variants import VARIANTS

CHECKS = "alloc,heap,stack"
RUNS = int(os.environ.get("STM32EMU_RUNS", "1"))
"""Each with another seed."""
DIRTY = "alloc: mbedtls_calloc returned memory that was not zero"
FINDINGS = {
    "tls_server-small-heap": {"alloc: mbedtls_calloc had no memory"},
    "tls_server-small-stack": {'stack: task "tls" overflows'},
    **{image: {DIRTY} for image in VARIANTS if "calloc" in image},
}
"""What is found in one connection; in the images that are not listed nothing is."""
HEALTHY = ("tls_server", "tls_server-newlib", "tls_server-hardware-rng")
BEHIND = {"tls_server-newlib-calloc": "newlib_calloc"}
"""The allocator behind mbedtls_calloc where it is another than FreeRTOS's."""


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("image", [*VARIANTS, *HEALTHY])
def test_findings(image: str, seed: int) -> None:
    """Each fault that a check can see has its own finding, and there is no other."""
    words = ["--port", f"{free_port()}:4433", "--duration", lifetime(1), "--check", CHECKS, "--seed", str(seed)]
    run = Run(str(IMAGES / f"{image}.elf"), *words)
    try:
        if run.wait_for(r"(never )?listening: ", of=lambda: run.log)[1]:
            assert "bit-flip" in image  # a bit of its own certificates: it does not start
        else:
            observe(run, "openssl")
    finally:
        run.end()
    found = {
        match[0] for match in re.finditer(r"^(?:alloc|heap): [^:\n]*(?=:)|^stack: .* overflows", run.log, re.MULTILINE)
    }
    assert found == FINDINGS.get(image, set()), run.log
    if "calloc" in image:
        assert re.search(calloc_is_named(image, r" \(\w+\.c:\d+\)"), run.log), run.log


def test_a_leak_is_found_by_its_fourth_connection() -> None:
    with running(str(IMAGES / "tls_server-leak.elf"), "--port", f"{free_port()}:4433", "--check", CHECKS) as run:
        for _ in range(4):
            assert observe(run, "openssl") == ("page", "")
        what = r"heap: connections leave memory behind: 3 blocks of pvPortMalloc, 96 bytes in all\n"
        where = r" +called from __wrap_tls_serve \(leak\.c:\d+\) <- tls_task\n"
        run.wait_for(what + where + " +those of connections 1, 2, 3 are closed; ", of=lambda: run.log)


def calloc_is_named(image: str, line: str) -> str:
    """A pattern of what is said first, with what stands behind a function's name when lines are known."""
    chain = rf"called from mbedtls_mpi_grow{line} <- mbedtls_mpi_\w+ <- .* <- task \"tls\"\n"
    behind = f"the allocator behind it is {BEHIND.get(image, 'pvPortCalloc')}{line};"
    return rf"dirty at 0x\w+\n +{chain} +{behind} before the first connection"


@pytest.mark.parametrize("image", [image for image in VARIANTS if "calloc" in image])
def test_calloc_is_named_by_symbols_alone(image: str, tmp_path: Path) -> None:
    """Whatever allocator and optimisation, before the first connection."""
    elf = tmp_path / f"{image}.elf"
    subprocess.run(["arm-none-eabi-objcopy", "-g", str(IMAGES / elf.name), str(elf)], check=True)
    code, _console, log = stm32emu(str(elf), "--check", CHECKS, "--until", "listening on")
    assert code == 0, log
    assert re.search(calloc_is_named(image, ""), log), log
