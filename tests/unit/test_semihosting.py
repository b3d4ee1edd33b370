# SPDX-License-Identifier: GPL-2.0-or-later
"""Semihosting calls as a C library makes them: handles, texts, the clock, the end."""

from __future__ import annotations

from struct import pack

import pytest

from stm32emu.chips import find_chip
from stm32emu.guest_memory import GuestMemory
from stm32emu.semihosting import APPLICATION_EXIT, FAILED, Semihosting

OPEN, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISTTY, SYSTEM = 1, 2, 3, 4, 5, 6, 7, 9, 0x12
CLOCK, TIME, ERRNO, EXIT, EXIT_EXTENDED = 0x10, 0x11, 0x13, 0x18, 0x20
BLOCK, TEXT = 0x2000_0100, 0x1000_0000  # parameters in SRAM, texts in CCM


class Debugger:
    """Calls with their parameter blocks."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.exits: list[bool] = []
        self.memory = GuestMemory(find_chip("f407"))
        self.services = Semihosting(self.memory, self._receive, lambda: 2.5, self.exits.append)

    def _receive(self, port: str, byte: int) -> None:
        assert port == "SEMIHOSTING"
        self.sent.append(byte)

    def text(self, text: bytes) -> int:
        self.memory.load(TEXT, text + b"\0")
        return TEXT

    def call(self, operation: int, *words: int) -> int:
        """An operation whose parameter is a block."""
        self.memory.load(BLOCK, pack(f"<{len(words)}I", *words))
        return self.services.call(operation, BLOCK)


def test_what_a_c_library_does_for_printf() -> None:
    debugger = Debugger()
    handle = debugger.call(OPEN, debugger.text(b":tt"), 4, 3)
    assert handle == 1
    assert debugger.call(ISTTY, handle) == 1
    assert debugger.call(WRITE, handle, debugger.text(b"hello\n"), 6) == 0
    assert debugger.call(READ, handle, TEXT, 80) == 80, "nothing was read"
    assert debugger.call(CLOSE, handle) == 0
    assert debugger.sent == b"hello\n"


def test_texts_without_a_handle() -> None:
    debugger = Debugger()
    assert debugger.services.call(WRITE0, debugger.text(b"a string")) == 0
    assert debugger.services.call(WRITEC, debugger.text(b"!?")) == 0
    assert debugger.sent == b"a string!"


def test_what_there_is_not() -> None:
    debugger = Debugger()
    assert debugger.call(OPEN, debugger.text(b"log.txt"), 4, 7) == FAILED
    assert debugger.services.call(READC, 0) == FAILED
    assert debugger.call(SYSTEM, debugger.text(b"ls"), 2) == FAILED
    assert debugger.call(WRITE, 1, 0x2001_FFFE, 6) == 4, "what lies beyond the end of memory is not written"
    assert debugger.services.call(WRITE, 0xD000_0000) == 0, "and a block that is nowhere has no length"


def test_virtual_time() -> None:
    debugger = Debugger()
    assert [debugger.services.call(each, 0) for each in (CLOCK, TIME, ERRNO)] == [250, 2, 0]


@pytest.mark.parametrize(("reason", "good"), [(APPLICATION_EXIT, True), (0x20023, False)])
def test_the_end(reason: int, good: bool) -> None:
    debugger = Debugger()
    debugger.services.call(EXIT, reason)
    debugger.call(EXIT_EXTENDED, reason, 0)
    debugger.call(EXIT_EXTENDED, reason, 3)
    assert debugger.exits == [good, good, False]
