# SPDX-License-Identifier: GPL-2.0-or-later
"""Semihosting: the services of a debugger to firmware linked for one ("Semihosting for AArch32 and AArch64")."""

from __future__ import annotations

from collections.abc import Callable
from struct import unpack

from stm32emu.guest_memory import GuestMemory

PORT = "SEMIHOSTING"
CONSOLE = b":tt"  # the file name that stands for the debugger's console
FAILED = 0xFFFF_FFFF
APPLICATION_EXIT = 0x20026  # ADP_Stopped_ApplicationExit


class Semihosting:
    """The console and the clock. There are no files, no input, and no host's time, which would make runs differ.

    Args:
        memory: where parameter blocks and texts lie.
        on_byte: hears every byte for the console, as from a serial port.
        seconds: virtual time.
        on_exit: hears that the firmware has ended: True as it should.
    """

    def __init__(
        self,
        memory: GuestMemory,
        on_byte: Callable[[str, int], None],
        seconds: Callable[[], float],
        on_exit: Callable[[bool], None],
    ) -> None:
        self._memory = memory
        self._on_byte = on_byte
        self._seconds = seconds
        self._on_exit = on_exit

    def call(self, operation: int, parameter: int) -> int:
        """One service; the word for R0."""
        service = SERVICES.get(operation)
        return service(self, parameter) if service else FAILED

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        """A parameter block; zeros beyond the end of memory."""
        return unpack(f"<{count}I", self._memory.peek(address, 4 * count).ljust(4 * count, b"\0"))

    def _print(self, text: bytes) -> int:
        for byte in text:
            self._on_byte(PORT, byte)
        return 0

    def _open(self, block: int) -> int:
        """Handle 1 for the console, whatever the mode."""
        name, _mode, length = self._words(block, 3)
        return 1 if self._memory.peek(name, length) == CONSOLE else FAILED

    def _write(self, block: int) -> int:
        """How many bytes were not written."""
        _handle, address, length = self._words(block, 3)
        text = self._memory.peek(address, length)
        self._print(text)
        return length - len(text)

    def _read(self, block: int) -> int:
        """How many bytes were not read: all, the end of the file."""
        return self._words(block, 3)[2]

    def _write0(self, address: int) -> int:
        text = self._memory.peek(address, 0x10000)
        return self._print(text[: text.find(b"\0")])

    def _exit(self, reason: int) -> int:
        self._on_exit(reason == APPLICATION_EXIT)
        return 0

    def _exit_extended(self, block: int) -> int:
        self._on_exit(self._words(block, 2) == (APPLICATION_EXIT, 0))
        return 0


SERVICES: dict[int, Callable[[Semihosting, int], int]] = {
    0x01: Semihosting._open,
    0x02: lambda self, block: 0,  # SYS_CLOSE
    0x03: lambda self, address: self._print(self._memory.peek(address, 1)),  # SYS_WRITEC
    0x04: Semihosting._write0,
    0x05: Semihosting._write,
    0x06: Semihosting._read,
    0x07: lambda self, nothing: FAILED,  # SYS_READC: nobody types
    0x09: lambda self, block: 1,  # SYS_ISTTY: the console is all there is
    0x10: lambda self, nothing: int(self._seconds() * 100),  # SYS_CLOCK
    0x11: lambda self, nothing: int(self._seconds()),  # SYS_TIME
    0x13: lambda self, nothing: 0,  # SYS_ERRNO
    0x18: Semihosting._exit,
    0x20: Semihosting._exit_extended,
}
