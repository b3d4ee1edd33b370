# SPDX-License-Identifier: GPL-2.0-or-later
"""What the core adds to Unicorn, tested again on the second supported version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from runs import PATIENCE, ROOT

FILES = ("usage_faults", "mpu", "fp_context", "debug", "scs")


def test_the_core_on_unicorn_2_1_4() -> None:
    """The library is chosen when Python starts, hence the process of its own."""
    folder = Path(__file__).parent
    files = [str(folder / f"test_core_{name}.py") for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "build" / "unicorn-2.1.4")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PATIENCE, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stdout
