# SPDX-License-Identifier: GPL-2.0-or-later
"""Types and places of variables as gdb reads them from the same DWARF."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stm32emu.dwarf_functions import Function, Functions
from stm32emu.dwarf_locations import Frame, locate
from stm32emu.dwarf_types import Shape, Type
from stm32emu.symbols import Symbols

ELF = Path(__file__).resolve().parents[2] / "images" / "build" / "tls_server.elf"
FUNCTIONS = (
    *("mbedtls_mpi_add_mod", "mbedtls_mpi_add_mod.part.0", "ecp_double_jac", "mbedtls_mpi_grow", "mbedtls_mpi_cmp_mpi"),
    *("mbedtls_ssl_handshake_server_step", "mbedtls_ecp_mul_restartable", "tcp_input", "netconn_write_partly"),
)
STRUCTURES = {  # by a function whose unit knows them
    "mbedtls_ssl_handshake_step": ("mbedtls_ssl_context", "mbedtls_ssl_session", "mbedtls_ssl_handshake_params"),
    "tcp_input": ("tcp_pcb", "pbuf", "netif"),
}
NAMES = [*(f"r{n}" for n in range(13)), "sp", "lr", "pc"]


@pytest.fixture(scope="module")
def symbols() -> Symbols:
    return Symbols.from_elf(ELF)


def gdb(*commands: str) -> str:
    words = [word for command in commands for word in ("-ex", command)]
    return subprocess.run(["gdb-multiarch", "-batch", *words, str(ELF)], capture_output=True, text=True).stdout


def function_at(symbols: Symbols, name: str) -> Function:
    found = Functions(symbols.debug).at(symbols.address(name) or 0)
    assert found is not None
    return found


def registers_by_range(text: str) -> Iterator[tuple[str, int, int, int]]:
    """Name of a variable, start, end and register number, from `info scope`."""
    for part in re.split(r"^Symbol ", text, flags=re.MULTILINE)[1:]:
        name = part.split(" ", 1)[0]
        for start, end, register in re.findall(r"Range (0x\w+)-(0x\w+): a variable in \$(\w+)", part):
            yield name, int(start, 16), int(end, 16), NAMES.index(register)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_variables_in_registers(symbols: Symbols, name: str) -> None:
    """At the first and the last address of each range."""
    function = function_at(symbols, name)
    ranges = list(registers_by_range(gdb(f"info scope *{symbols.address(name):#x}")))
    assert ranges
    for variable, start, end, register in ranges:
        for pc in {start, end - 1}:
            named = [each for each in function.variables(pc) if each.name == variable]
            places = [locate(each.die, Frame(pc, {}, None)) for each in named]
            assert register in [place.register for place in places if place is not None], (variable, hex(pc))


def test_variables_on_the_stack(symbols: Symbols) -> None:
    """Their distance from the frame's address."""
    function, start, cfa = function_at(symbols, "ecp_double_jac"), symbols.address("ecp_double_jac") or 0, 0x2000_1000
    text = gdb(f"info scope *{start:#x}")
    told = re.findall(r"Symbol (\w+) is a complex DWARF expression:\s+0: DW_OP_fbreg (-?\d+)", text)
    ours = {each.name: locate(each.die, Frame(start, {}, cfa)) for each in function.variables(start)}
    on_stack = {name: place.address - cfa for name, place in ours.items() if place and place.address is not None}
    assert on_stack == {name: int(offset) for name, offset in told}
    assert set(on_stack) == {"M", "S", "T", "U"}


@pytest.mark.parametrize(("function", "structure"), [(f, s) for f, names in STRUCTURES.items() for s in names])
def test_layouts(symbols: Symbols, function: str, structure: str) -> None:
    unit = symbols.debug.at(symbols.address(function) or 0)[0]
    top = symbols.debug.dwarf.get_CU_at(unit).get_top_DIE()
    found = (die for die in top.iter_children() if die.tag == "DW_TAG_structure_type")
    die = next(d for d in found if d.attributes["DW_AT_name"].value == structure.encode() and d.has_children)
    type_ = Type(Shape.STRUCTURE, structure, 0, die)
    fields = type_.fields()
    offsets = [f"print (int)&((struct {structure} *)0)->{field.name}" for field in fields]
    sizes = [f"print sizeof(((struct {structure} *)0)->{field.name})" for field in fields]
    answers = re.findall(r"^\$\d+ = (\d+)$", gdb(f"list {function}", *offsets, *sizes), re.MULTILINE)
    ours = [*(field.offset for field in fields), *(field.type.size or 4 for field in fields)]
    assert [int(answer) for answer in answers] == ours
    assert len(fields) > 5


def test_prototypes(symbols: Symbols) -> None:
    for name in ("mbedtls_mpi_add_mod", "mbedtls_mpi_grow", "mbedtls_mpi_cmp_mpi", "mbedtls_mpi_free"):
        function = function_at(symbols, name)
        result, told = re.findall(r"^type = (\w+) \((.*)\)$", gdb(f"ptype {name}"), re.MULTILINE)[0]
        kinds = ["*" if each.type.shape is Shape.POINTER else each.type.name for each in function.parameters]
        assert ["*" if part.endswith("*") else part for part in told.split(", ")] == kinds
        assert result == function.result.name or (result == "void" and function.result.shape is Shape.VOID)
