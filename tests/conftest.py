# SPDX-License-Identifier: GPL-2.0-or-later
"""What all tests share: small images for those that need a real ELF, no limits of time, and a faketime that starts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, and nothing about what is tested.
settings.register_profile("untimed", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# What a shell starts in the background ignores Ctrl-C, and so would every process that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def fresh_faketime() -> None:
    """faketime names its shared memory by its process, and does not start if one of that number was killed before."""
    for left in Path("/dev/shm").glob("*faketime_*"):
        if not Path("/proc", left.name.rpartition("_")[2]).exists():
            left.unlink(missing_ok=True)


LINKER_SCRIPT = """
MEMORY { FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 1M  RAM (rw) : ORIGIN = 0x20000000, LENGTH = 128K }
_estack = ORIGIN(RAM) + LENGTH(RAM);
ENTRY(Reset_Handler)
SECTIONS {
  .isr_vector : { KEEP(*(.isr_vector)) } >FLASH
  .text : { *(.text*) *(.rodata*) } >FLASH
  .ARM.exidx : { *(.ARM.exidx*) } >FLASH
  .data : { *(.data*) } >RAM AT>FLASH
  .bss : { *(.bss*) *(COMMON) } >RAM
}
"""
CPU = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
Compile = Callable[..., Path]


@pytest.fixture(scope="session")
def compile_firmware(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """`compile_firmware(name, source, *flags, suffix=".c") -> Path`: one freestanding file linked at 0x08000000."""
    folder = tmp_path_factory.mktemp("firmware")
    script = folder / "flash.ld"
    script.write_text(LINKER_SCRIPT)

    def build(name: str, source: str, *flags: str, suffix: str = ".c") -> Path:
        path, elf = folder / f"{name}{suffix}", folder / f"{name}.elf"
        path.write_text(source)
        command = ["arm-none-eabi-gcc", *CPU, "-ffreestanding", "-nostdlib", "-Wl,--build-id=none", "-T", str(script)]
        subprocess.run([*command, *flags, str(path), "-o", str(elf), "-lgcc"], check=True, cwd=folder)
        return elf

    return build


@pytest.fixture(scope="session")
def stripped() -> Callable[..., Path]:
    """`stripped(elf, *options) -> Path`: a copy through arm-none-eabi-strip."""

    def strip(elf: Path, *options: str) -> Path:
        result = elf.with_suffix("." + "".join(options).replace("-", "_") + ".elf")
        subprocess.run(["arm-none-eabi-strip", *options, str(elf), "-o", str(result)], check=True)
        return result

    return strip
