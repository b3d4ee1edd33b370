# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes one call of a function return NULL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stm32emu.cpu import Cpu
from stm32emu.symbols import Symbol


class FailingCall:
    """Counts the calls of some functions from `start` on and makes the `number`th return NULL at once.

    Calls that the functions make of each other belong to the call they serve and do not count. While it counts, each
    call costs about a microsecond; afterwards nothing.

    Args:
        on_fail: hears the name of the function and the address that it returns to.
    """

    def __init__(self, cpu: Cpu, functions: Sequence[Symbol], number: int, on_fail: Callable[[str, int], None]) -> None:
        self._cpu = cpu
        self._functions = {symbol.address: symbol for symbol in functions}
        self._left = number
        self._on_fail = on_fail

    def start(self) -> None:
        """Begin to count."""
        for address in self._functions:
            self._cpu.watch(address, self._called)

    def _called(self, address: int) -> int | None:
        *_arguments, _sp, lr = self._cpu.call_registers()
        caller = lr & ~1
        if any(symbol.address <= caller < symbol.address + symbol.size for symbol in self._functions.values()):
            return None
        self._left -= 1
        if self._left:
            return None
        for watched in self._functions:
            self._cpu.unwatch(watched, self._called)
        self._on_fail(self._functions[address].name, caller)
        return self._cpu.skip_call(0)
