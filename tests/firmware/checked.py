# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine under checks, without a session around it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from stm32emu.allocators import Contract
from stm32emu.cable import Cable
from stm32emu.checks import Checks
from stm32emu.chips import find_chip
from stm32emu.elf import load_firmware
from stm32emu.findings import Findings
from stm32emu.machine import Machine
from stm32emu.scene import Scene

NONE: Mapping[str, Contract] = MappingProxyType({})


def compile_low(compile_firmware: Callable[..., Path], name: str, source: str, *flags: str) -> Path:
    """A firmware that has data at 0x200, which a boot loader puts there."""
    low = '__attribute__((section(".low"), used)) const uint32_t low = 1;'
    elf = compile_firmware(name, source + low, *flags, "-Wl,--section-start=.low=0x200")
    subprocess.run(["arm-none-eabi-objcopy", "--change-section-lma", ".low=0x08010000", str(elf)], check=True)
    return elf


class Checked:
    """An F407; `log` has what is found, as text."""

    def __init__(self, elf: Path, names: Sequence[str], own: Mapping[str, Contract] = NONE) -> None:
        self.machine = Machine(load_firmware(elf), find_chip("f407"))
        self.log: list[str] = []
        self._findings = Findings(self.log.append)
        scene = Scene(self.machine, Cable(self.machine, lambda frame, now: None).link)
        self._checks = Checks(names, self.machine, scene, self._findings, own)

    def run(self, cycles: int) -> Checked:
        self.machine.run(cycles)
        return self

    def finish(self) -> None:
        self._checks.finish()

    def summary(self) -> list[str]:
        return [*self._findings.summary(), *self._checks.summary()]
