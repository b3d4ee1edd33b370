# SPDX-License-Identifier: GPL-2.0-or-later
"""`--trace mbedtls`: failing calls of mbedTLS with their codes in words, and the states of its handshakes.

The symbol table is enough. A failure is told when it leaves the library: one that some function of it takes care of,
such as an optional field that a certificate lacks, is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from stm32emu.calls import Call, Event, FollowedCalls, Interest
from stm32emu.elf import Firmware
from stm32emu.errors import UserError
from stm32emu.machine import Machine
from stm32emu.netbridge.mbedtls_errors import describe, is_failure
from stm32emu.software import detect
from stm32emu.symbols import Symbols
from stm32emu.traces.journal import Journal
from stm32emu.traces.mbedtls_names import STATE_OFFSET, STEPS, failing_functions, state_name

WORD = "mbedtls"
"""What asks for this trace on the command line."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that returned an error code."""

    function: str
    code: int
    returns_to: int


class MbedtlsTrace:
    """Follows one firmware's mbedTLS. Raises UserError when the symbol table has nothing of it."""

    def __init__(self, machine: Machine, journal: Journal) -> None:
        self._machine = machine
        self._journal = journal
        self._major = _major_version(machine.firmware, machine.symbols)
        self._failures: dict[int, list[Failure]] = {}  # by the call that they happened in, innermost first
        self._contexts: dict[int, int] = {}  # mbedtls_ssl_context by the call of a step
        self._states: dict[int, int] = {}  # by mbedtls_ssl_context
        functions = failing_functions(machine.symbols)
        if not functions:
            raise UserError(
                f"--trace {WORD}: {machine.firmware.path.name} has no functions of mbedTLS; "
                "an ELF that was stripped has no names at all"
            )
        self._names = {symbol.address: symbol.name for symbol in functions}
        self._steps = {address for name in STEPS if (address := machine.symbols.address(name)) is not None}
        if not self._steps:
            journal.log(f"--trace {WORD}: states are not shown: the firmware has none of {', '.join(STEPS)}")
        interests = {address: Interest.ALL if address in self._steps else Interest.FAILURES for address in self._names}
        FollowedCalls(machine, interests, self._heard)

    def _heard(self, event: Event, call: Call) -> None:
        if call.function in self._steps:
            self._step(event, call)
        if event is Event.RETURNED:
            self._returned(call)

    # Failures

    def _returned(self, call: Call) -> None:
        inside = self._failures.pop(call.number, [])
        if not is_failure(call.code):
            return
        failures = [*inside, Failure(self._names[call.function], call.code, call.returns_to)]
        if call.outer:
            self._failures[call.outer] = failures
        else:
            self._journal.add(WORD, self._sentence(failures), self._data(failures))

    def _sentence(self, failures: list[Failure]) -> str:
        """The innermost failure, where it was called, and the functions that passed it on; a code when it changes."""
        first = failures[0]
        place = self._journal.scene.place(first.returns_to - 2)
        parts = [f"{first.function} -> {self._words(first.code)}, called from {place}"]
        for before, failure in pairwise(failures):
            code = f" -> {self._words(failure.code)}" if failure.code != before.code else ""
            if failure.function == place.name and len(parts) == 1:
                parts[0] += code
            else:
                parts.append(f"{failure.function}{code}")
        return " <- ".join(parts)

    def _words(self, code: int) -> str:
        return f"-0x{-code:04x} {describe(code, self._major) or describe(code)}"

    def _data(self, failures: list[Failure]) -> dict[str, object]:
        return {"failures": [self._failure_data(failure) for failure in failures]}

    def _failure_data(self, failure: Failure) -> dict[str, object]:
        place = vars(self._journal.scene.place(failure.returns_to - 2))
        return {"function": failure.function, "code": failure.code, "words": self._words(failure.code), "from": place}

    # States

    def _step(self, event: Event, call: Call) -> None:
        if event is Event.ENTERED:
            self._contexts[call.number] = self._machine.cpu.call_registers()[0]
            self._look(self._contexts[call.number])
        elif call.number in self._contexts:
            self._look(self._contexts.pop(call.number))

    def _look(self, context: int) -> None:
        state = int.from_bytes(self._machine.memory.peek(context + STATE_OFFSET, 4), "little")
        if self._states.get(context) != state:
            self._states[context] = state
            self._journal.add(WORD, f"handshake: {state_name(state)}", {"state": state, "name": state_name(state)})


def _major_version(firmware: Firmware, symbols: Symbols) -> int | None:
    found = next((software for software in detect(firmware, symbols) if software.name == "Mbed TLS"), None)
    return int(found.version[0]) if found and found.version[:1].isdigit() else None
