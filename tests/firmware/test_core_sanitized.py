# SPDX-License-Identifier: GPL-2.0-or-later
"""The core as gcc's sanitizers judge it: nothing that C leaves undefined and, with `make sanitizers`, no access outside
of its memory. AddressSanitizer wants fixed addresses, which some kernels give to others: `make test` has none of it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from runs import PATIENCE, ROOT

FILES = ("traps", "fp_context", "watch")
SANITIZERS = os.environ.get("STM32EMU_SANITIZERS", "undefined")

# What Python runs when it starts: the core of this folder is there before anybody asks for it.
SITE = """
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
spec = spec_from_file_location("stm32emu._core", Path(__file__).with_name("_core.so"))
sys.modules[spec.name] = module_from_spec(spec)
spec.loader.exec_module(sys.modules[spec.name])
"""


@pytest.fixture
def sanitized(tmp_path: Path) -> dict[str, str]:
    """The environment of a Python whose core has the sanitizers in it."""
    sources = sorted(str(path) for path in (ROOT / "emu").glob("_core*.c"))
    headers = f"-I{sysconfig.get_path('include')}"
    options = ["-std=c11", "-O1", "-shared", "-fPIC", headers]
    options += [f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=undefined"]
    subprocess.run(["gcc", *options, *sources, "-o", str(tmp_path / "_core.so")], check=True)
    (tmp_path / "sitecustomize.py").write_text(SITE)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    if "address" in SANITIZERS:
        where = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
        environment |= {"LD_PRELOAD": where.stdout.strip(), "PYTHONMALLOC": "malloc"}
        environment["ASAN_OPTIONS"] = "detect_leaks=0"  # Python keeps much until it ends
    return environment


def test_the_core_keeps_to_c(sanitized: dict[str, str]) -> None:
    files = [str(ROOT / "tests" / "firmware" / f"test_core_{name}.py") for name in FILES]
    files.append(str(ROOT / "tests" / "property" / "test_idle_skip.py"))
    files.append(str(ROOT / "tests" / "firmware" / "test_check_uninit.py::test_what_a_machine_leaves_behind"))
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PATIENCE, env=sanitized, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
