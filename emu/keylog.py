# SPDX-License-Identifier: GPL-2.0-or-later
"""`--keylog`: the secrets of the firmware's TLS 1.2 connections, read where mbedTLS keeps them while it derives keys.

The client's random is read when that begins, since afterwards both randoms change places (RFC 5246 section 6.3 wants
the server's first), and the master secret when it has succeeded. Where both are, DWARF says, by the names of members.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from stm32emu.calls import Call, Event, FollowedCalls, Interest
from stm32emu.errors import UserError
from stm32emu.machine import Machine
from stm32emu.symbols import Symbols

DERIVE = "mbedtls_ssl_derive_keys"
RANDOM, MASTER = 32, 48  # bytes, RFC 5246 sections 7.4.1.2 and 8.1
MEMBERS = {
    "handshake": "mbedtls_ssl_context",
    "session_negotiate": "mbedtls_ssl_context",
    "randbytes": "mbedtls_ssl_handshake_params",
    "master": "mbedtls_ssl_session",
}
"""What is read, and the structures of it; version 3 puts private_ before public structures' members."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets of the members, in bytes."""

    handshake: int
    session_negotiate: int
    randbytes: int
    master: int

    @classmethod
    def of(cls, symbols: Symbols, function: int) -> Self | None:
        """As the code of `function` knows them; None when DWARF does not say."""
        found: dict[str, int] = {}
        for name, structure in MEMBERS.items():
            members = symbols.debug.members(structure, function)
            member = members.get(name) or members.get(f"private_{name}")
            if member is None:
                return None
            found[name] = member.offset
        return cls(**found)


class KeyLog:
    """Reads the secrets of each handshake. Raises UserError when the firmware does not tell where they are.

    Args:
        write: takes a line of a key log file (SSLKEYLOGFILE's format).
    """

    def __init__(self, machine: Machine, write: Callable[[bytes], None]) -> None:
        self._machine = machine
        self._write = write
        self._begun: dict[int, tuple[int, bytes]] = {}  # mbedtls_ssl_context and client's random by call
        function = machine.symbols.address(DERIVE)
        name = machine.firmware.path.name
        if function is None:
            raise UserError(f"--keylog: {name} has no function {DERIVE}; it needs mbedTLS with its names")
        layout = Layout.of(machine.symbols, function)
        if layout is None:
            raise UserError(
                f"--keylog: {name} has no debug information that says where mbedTLS keeps its secrets "
                f"({', '.join(MEMBERS)}); compile mbedTLS with -g"
            )
        self._layout = layout
        FollowedCalls(machine, {function: Interest.ALL}, self._heard)

    def _heard(self, event: Event, call: Call) -> None:
        if event is Event.ENTERED:
            context = self._machine.cpu.call_registers()[0]
            handshake = self._word(context + self._layout.handshake)
            random = self._machine.memory.peek(handshake + self._layout.randbytes, RANDOM)
            self._begun[call.number] = context, random
        elif call.number in self._begun:
            context, random = self._begun.pop(call.number)
            session = self._word(context + self._layout.session_negotiate)
            master = self._machine.memory.peek(session + self._layout.master, MASTER)
            if call.result == 0 and (len(random), len(master)) == (RANDOM, MASTER):
                self._write(f"CLIENT_RANDOM {random.hex()} {master.hex()}\n".encode())

    def _word(self, address: int) -> int:
        return int.from_bytes(self._machine.memory.peek(address, 4), "little")
