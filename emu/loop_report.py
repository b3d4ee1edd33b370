# SPDX-License-Identifier: GPL-2.0-or-later
"""What there is to say of a loop: where it is, what a round calls and with what, its variables and registers."""

from __future__ import annotations

from stm32emu.dwarf_functions import Functions, Variable
from stm32emu.dwarf_locations import Frame, locate
from stm32emu.dwarf_values import Values
from stm32emu.findings import Finding
from stm32emu.loop_probe import Called, Loop
from stm32emu.machine import Machine
from stm32emu.scene import Scene
from stm32emu.traces.arguments import Arguments, Entry, as_text

SHOWN = (*(f"r{n}" for n in range(13)), "sp")


class LoopReport:
    """Makes the finding of a loop, at whose head the CPU stands."""

    def __init__(self, machine: Machine, scene: Scene) -> None:
        self._machine = machine
        self._scene = scene
        self._values = Values(machine.memory.peek, machine.symbols)
        self._arguments = Arguments(self._values)

    def finding(self, loop: Loop, seconds: float) -> Finding:
        """As the checks report theirs."""
        place = self._scene.place(loop.head)
        registers = loop.registers.as_dict()
        return Finding(
            check="watchdog",
            text=f"no progress for {seconds:g} s: {place} loops, {loop.cycles} cycles a round",
            calls=self._scene.calls_to_here(loop.head),
            details=(
                *(f"each round calls {self._called(called)}" for called in loop.calls),
                *self._variables(loop),
                "registers: " + as_text([(name, f"{registers[name]:#x}") for name in SHOWN]),
            ),
            notes=(),
            data={"address": loop.head, "sp": loop.activation.sp, "cycles": loop.cycles},
            when=self._scene.when,
        )

    def _called(self, called: Called) -> str:
        name = self._scene.place(called.address).name
        arguments = self._arguments.shown(Entry(called.address, called.registers, called.sp))
        return f"{name}({as_text(arguments)})"

    def _variables(self, loop: Loop) -> list[str]:
        """The function's own, as far as DWARF tells where they are."""
        function = Functions(self._machine.symbols.debug).at(loop.activation.function.address)
        if function is None:
            return []
        frame = self._frame(loop)
        found = [(variable.name, self._value(variable, frame)) for variable in function.variables(loop.head)]
        shown = [(name, value) for name, value in found if value]
        return [f"variables: {as_text(shown)}"] if shown else []

    def _frame(self, loop: Loop) -> Frame:
        names = (*(f"r{n}" for n in range(13)), "sp", "lr", "pc")
        values = loop.registers.as_dict()
        registers = {number: values[name] for number, name in enumerate(names)} | {15: loop.head}
        caller = self._machine.symbols.cfi.caller(loop.head, registers, self._word)
        return Frame(loop.head, registers, caller[13] if caller else None)

    def _value(self, variable: Variable, frame: Frame) -> str:
        place = locate(variable.die, frame)
        if place is None:
            return ""
        if place.address is not None:
            return self._values.at(variable.type, place.address)
        value = place.value if place.register is None else frame.registers.get(place.register, 0)
        return self._values.render(variable.type, (value or 0).to_bytes(4, "little")[: variable.type.size or 4])

    def _word(self, address: int) -> int | None:
        raw = self._machine.memory.peek(address, 4)
        return int.from_bytes(raw, "little") if len(raw) == 4 else None
