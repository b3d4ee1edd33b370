# SPDX-License-Identifier: GPL-2.0-or-later
"""`--check` on the TLS server: each variant with a fault that a check can see gets its own finding, the others none."""

from __future__ import annotations

import re

import pytest

from runs import IMAGES, Run, free_port
from symptoms import lifetime, observe

CHECKS = "alloc,heap,stack"
FINDINGS = {
    "tls_server-calloc-fresh": {"alloc: mbedtls_calloc returned memory that was not zero"},
    "tls_server-calloc-dirty": {"alloc: mbedtls_calloc returned memory that was not zero"},
    "tls_server-calloc-shared": {"alloc: mbedtls_calloc returned memory that was not zero"},
    "tls_server-small-heap": {"alloc: mbedtls_calloc had no memory"},
    "tls_server-small-stack": {'stack: task "tls" overflows'},
    "tls_server-wrong-key": set(),
    "tls_server-chain": set(),
    "tls_server-expired": set(),
    "tls_server": set(),
}


@pytest.mark.parametrize("image", FINDINGS)
def test_findings(image: str) -> None:
    """One connection is enough."""
    words = ["--port", f"{free_port()}:4433", "--duration", lifetime(1), "--check", CHECKS]
    run = Run(str(IMAGES / f"{image}.elf"), *words)
    try:
        observe(run, "openssl")
    finally:
        run.end()
    found = {
        match[0] for match in re.finditer(r"^(?:alloc|heap): [^:]*(?=:)|^stack: .* overflows", run.log, re.MULTILINE)
    }
    assert {text for text in found if "times in all" not in text} == FINDINGS[image], run.log
    if image.startswith("tls_server-calloc"):
        assert "the allocator behind it is pvPortCalloc (heap.c:" in run.log
        assert re.search(r"called from mbedtls_mpi_grow \(bignum\.c:\d+\) <- .* <- task \"tls\"", run.log)
