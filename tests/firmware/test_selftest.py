# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor --self`, with Unicorns that work and some that were made to fail."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runs import IMAGES, PATIENCE, ROOT
from stm32emu.cpu import Cpu, unicorn_api
from stm32emu.errors import UserError
from stm32emu.selftest import CHECKS, self_test

CODE, EDGE_GENERATED = 1 << 2, 1 << 15
HOOK_ADD = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, *([ctypes.c_void_p] * 2), *([ctypes.c_uint64] * 2)
)


def stm32emu(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stm32emu", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=os.environ | environment)


@pytest.mark.parametrize("unicorn", ["", str(ROOT / "build" / "unicorn-2.1.4")], ids=["installed", "2.1.4"])
def test_supported_unicorns_pass(unicorn: str) -> None:
    done = stm32emu("doctor", "--self", PYTHONPATH=unicorn)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ok: ") == len(CHECKS)


BROKEN = {"new blocks are not told of": EDGE_GENERATED, "no hooks on single instructions": CODE}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_unicorn_is_named(fault: str) -> None:
    """One kind of hook is taken and never called."""
    api = unicorn_api()
    add = HOOK_ADD(api["uc_hook_add"])
    deaf = HOOK_ADD(lambda uc, hook, kind, *rest: 0 if kind == BROKEN[fault] else add(uc, hook, kind, *rest))
    api["uc_hook_add"] = ctypes.cast(deaf, ctypes.c_void_p).value or 0
    with pytest.raises(UserError) as caught:
        list(self_test(lambda: Cpu(api)))
    assert "does not do what stm32emu relies on (checks of a base register" in caught.value.sentence


@pytest.mark.parametrize("version", ["2.1.1", "2.2.0"])
@pytest.mark.parametrize(
    "words", [("doctor", "--self"), ("run", str(IMAGES / "uart_hello.elf"))], ids=["doctor", "run"]
)
def test_an_unsupported_unicorn_is_refused_at_once(tmp_path: Path, version: str, words: tuple[str, ...]) -> None:
    """By the package's metadata; the library is not even loaded."""
    (tmp_path / "unicorn-x.dist-info").mkdir()
    (tmp_path / "unicorn-x.dist-info" / "METADATA").write_text(f"Name: unicorn\nVersion: {version}\n")
    (tmp_path / "unicorn").mkdir()
    (tmp_path / "unicorn" / "__init__.py").write_text("raise ImportError('loaded')\n")
    done = stm32emu(*words, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    *log, sentence = done.stderr.splitlines()
    assert all(line.startswith("uart_hello.elf: ") for line in log)
    assert sentence.startswith(
        f"stm32emu: Unicorn {version} is installed, which stm32emu does not support; install another"
    )
