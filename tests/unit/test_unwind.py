# SPDX-License-Identifier: GPL-2.0-or-later
"""Call chains: against GDB on a machine that QEMU runs, and on memory made by hand."""

from __future__ import annotations

import re
import struct
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stm32emu.prologue import expand_immediate, read_prologue
from stm32emu.symbols import Symbols
from stm32emu.unwind import CURRENT, EXCEPTION, LINK, PROLOGUE, SCAN, unwind

RAM, RAM_SIZE = 0x2000_0000, 0x2_0000
SOURCE = """
typedef unsigned u32;
extern u32 _estack;
void Reset_Handler(void);
void SVC_Handler(void);
void PendSV_Handler(void);
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {
  &_estack, Reset_Handler, 0, 0, 0, 0, 0, 0, 0, 0, 0, SVC_Handler, 0, 0, PendSV_Handler };
volatile u32 sink, release, other[64];
u32 psp_at_stop;
u32 task_stack[256] __attribute__((aligned(8)));
volatile float ratio = 1.5f;

__attribute__((noinline, noclone)) void stop(u32 x)
{
    __asm__ volatile ("mrs %0, psp" : "=r" (psp_at_stop));
    while (!release) sink += x;
}
__attribute__((noinline, noclone)) u32 big_frame(u32 x)
{
    volatile u32 local[300];
    local[x & 3] = x;
    stop(x + local[x & 3]);
    return local[1] + x;
}
__attribute__((noinline, noclone)) u32 pend(u32 x) { return big_frame(x + 1) + x; }
void PendSV_Handler(void) { other[1] = pend(other[0]) + 1; }
__attribute__((noinline, noclone)) u32 service(u32 x)
{
    *(volatile u32 *)0xE000ED04 = 1u << 28;
    __asm__ volatile ("dsb\\n isb\\n nop");
    return x * 3 + other[2];
}
void SVC_Handler(void) { other[3] = service(other[0]) + 1; }
__attribute__((noinline, noclone)) u32 many(u32 a, u32 b, u32 c, u32 d, u32 e, u32 f)
{
    u32 local[8];
    for (u32 i = 0; i < 8; i++) local[i] = a * i + other[i];
    ratio = ratio * 2.0f + local[b & 7];
    __asm__ volatile ("svc 0" ::: "memory");
    return local[c & 7] + d + e + f + (u32)ratio;
}
__attribute__((noinline, noclone)) u32 recurse(u32 n)
{
    if (n == 0) return many(1, 2, 3, 4, 5, 6) + other[9];
    return recurse(n - 1) * 2 + n;
}
__attribute__((noinline, noclone)) void task(void) { for (;;) other[4] = recurse(3) + 1; }
__attribute__((naked)) void enter_task(void *top)
{
    __asm__ volatile ("msr psp, r0\\n movs r0, #2\\n msr control, r0\\n isb\\n movs r0, #0\\n mov lr, r0\\n b task");
}
int main(void)
{
    *(volatile u32 *)0xE000ED88 |= 0xF00000u;
    *(volatile u32 *)0xE000ED1C = 0xF0000000u;  /* SVCall at 0xF0, PendSV at 0x10: PendSV preempts SVCall */
    *(volatile u32 *)0xE000ED20 = 0x00100000u;
    enter_task(task_stack + 255);
    return 0;
}
__attribute__((naked)) void Reset_Handler(void) { __asm__ volatile ("bl main\\n b ."); }
"""


class Snapshot:
    """Registers, RAM and GDB's own backtrace of a firmware that QEMU ran up to a place."""

    def __init__(self, elf: Path, folder: Path, place: str) -> None:
        dump = folder / "ram.bin"
        names = [*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "xpsr"]
        commands = [
            "set confirm off",
            "target remote | qemu-system-arm -M netduinoplus2 -nographic -monitor none -serial none -S -gdb stdio "
            f"-kernel {elf} 2>/dev/null",
            f"hbreak {place}",
            "continue",
            *(f'printf "{name}=%x\\n", ${name}' for name in names),
            f"dump binary memory {dump} {RAM:#x} {RAM + RAM_SIZE:#x}",
            "backtrace",
            "kill",
        ]
        arguments = [word for command in commands for word in ("-ex", command)]
        run = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", *arguments, str(elf)], capture_output=True, text=True, timeout=60
        )
        self.registers = {n: int(v, 16) for n, v in re.findall(r"^(\w+)=([0-9a-f]+)$", run.stdout, re.M)}
        self.backtrace = re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?(<signal handler called>|\w+)", run.stdout, re.M)
        self.memory = image(elf, dump.read_bytes())


def image(elf: Path, ram: bytes):
    """A reader over the ELF's flash and `ram`, failing elsewhere as a machine's would."""
    flash = elf.with_suffix(".bin")
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", str(elf), str(flash)], check=True)
    areas = [(0x0800_0000, flash.read_bytes()), (RAM, ram)]

    def read(address: int, length: int) -> bytes:
        for base, data in areas:
            if base <= address and address + length <= base + len(data):
                return data[address - base : address - base + length]
        raise ValueError(f"nothing at {address:#x}")

    return read


@pytest.fixture(scope="module", params=["-O0", "-O2", "-Os"])
def stopped(request, compile_firmware, tmp_path_factory):
    """An image stopped in PendSV, which interrupted SVCall, which interrupted a task on PSP that uses the FPU."""
    elf = compile_firmware(f"unwind{request.param}", SOURCE, request.param, "-g")
    line = SOURCE.splitlines().index("    while (!release) sink += x;") + 1
    snapshot = Snapshot(elf, tmp_path_factory.mktemp("qemu"), f"{elf.stem}.c:{line}")
    # QEMU's stub shows no PSP, so the firmware notes it down.
    snapshot.registers["psp"] = int.from_bytes(
        snapshot.memory(Symbols.from_elf(elf).address("psp_at_stop"), 4), "little"
    )
    return elf, snapshot


CHAIN = ["stop", "big_frame", "pend", "PendSV_Handler", "service", "SVC_Handler", "many", *["recurse"] * 4, "task"]


def names(frames):
    return [frame.symbol.name for frame in frames]


def test_gdb_and_we_agree_down_to_the_task(stopped):
    elf, snapshot = stopped
    frames = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    handlers = snapshot.backtrace[: snapshot.backtrace.index("SVC_Handler") + 1]
    assert len(handlers) == 7
    assert names(frames)[:6] == [name for name in handlers if not name.startswith("<")]
    assert all(frame.certain for frame in frames)


def test_gdb_and_we_agree_within_the_task(stopped, tmp_path):
    elf, _ = stopped
    snapshot = Snapshot(elf, tmp_path, "many")
    frames = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    assert names(frames) == snapshot.backtrace[: len(frames)]
    assert [name for name in names(frames) if name != "recurse"] == ["many", "task"]


def test_exceptions_are_seen_through_on_both_stacks(stopped):
    elf, snapshot = stopped
    frames = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    assert [name for name in names(frames) if name != "recurse"] == [name for name in CHAIN if name != "recurse"]
    assert [frame.symbol.name for frame in frames if frame.how == EXCEPTION] == ["service", "many"]
    task = Symbols.from_elf(elf).address("task_stack")
    assert [task <= frame.sp <= task + 1024 for frame in frames] == [name in CHAIN[6:] for name in names(frames)]


def test_without_frame_rules_the_code_gives_the_same_chain(stopped, stripped):
    elf, snapshot = stopped
    certain = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    bare = Symbols.from_elf(stripped(elf, "--strip-debug"))
    guessed = unwind(snapshot.registers, snapshot.memory, bare)
    assert [(frame.pc, frame.sp) for frame in guessed] == [(frame.pc, frame.sp) for frame in certain]
    assert {frame.how for frame in guessed} <= {CURRENT, EXCEPTION, PROLOGUE, LINK}


def test_without_symbols_every_certain_return_address_is_still_found(stopped, stripped):
    elf, snapshot = stopped
    certain = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    bare = Symbols.from_elf(stripped(elf, "--strip-all"))
    guessed = unwind(snapshot.registers, snapshot.memory, bare)
    assert {frame.pc for frame in certain} <= {frame.pc for frame in guessed}


def test_a_jump_to_nowhere_is_explained_by_lr(stopped):
    elf, snapshot = stopped
    symbols = Symbols.from_elf(elf)
    caller = unwind(snapshot.registers, snapshot.memory, symbols)[1]
    frames = unwind({"pc": 0xDEAD_BEEE, "lr": caller.pc | 1, "sp": caller.sp}, snapshot.memory, symbols)
    assert [(frame.pc, frame.sp, frame.how) for frame in frames[:2]] == [
        (0xDEAD_BEEE, caller.sp, CURRENT),
        (caller.pc, caller.sp, LINK),
    ]


@pytest.mark.parametrize("damage", ["stack pointer", "stack", "everything"])
def test_damage_shortens_the_chain(stopped, damage):
    elf, snapshot = stopped
    registers, read = dict(snapshot.registers), snapshot.memory
    if damage == "stack pointer":
        registers.update(sp=0xFFFF_FFF3, r7=0xFFFF_FFF3)
    elif damage == "stack":
        read = image(elf, bytes(RAM_SIZE))
    else:
        registers = {}
    frames = unwind(registers, read, Symbols.from_elf(elf))
    assert len(frames) <= 2


def test_a_stack_full_of_one_return_address_ends(stopped):
    elf, snapshot = stopped
    symbols = Symbols.from_elf(elf)
    inner = next(f for f in unwind(snapshot.registers, snapshot.memory, symbols) if f.symbol.name == "recurse")
    ram = struct.pack("<I", inner.pc | 1) * (RAM_SIZE // 4)
    frames = unwind({**snapshot.registers, "lr": inner.pc | 1, "r7": RAM + 8}, image(elf, ram), symbols, limit=200)
    assert len(frames) <= 200
    assert len({(frame.pc, frame.sp) for frame in frames}) == len(frames)


def test_the_limit_holds(stopped):
    elf, snapshot = stopped
    assert len(unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf), limit=3)) == 3


def test_registers_may_be_attributes(stopped):
    elf, snapshot = stopped
    holder = type("Registers", (), snapshot.registers)()
    symbols = Symbols.from_elf(elf)
    assert unwind(holder, snapshot.memory, symbols) == unwind(snapshot.registers, snapshot.memory, symbols)


def test_a_stack_scan_takes_only_addresses_that_follow_a_call(stopped):
    elf, snapshot = stopped
    symbols = Symbols.from_elf(elf)
    caller = unwind(snapshot.registers, snapshot.memory, symbols)[1]
    stack = [0, symbols.address("task") + 1, caller.pc, RAM, caller.pc | 1]
    ram = struct.pack("<5I", *stack).ljust(RAM_SIZE, b"\0")
    frames = unwind({"pc": 0x4000_0000, "sp": RAM, "lr": 7}, image(elf, ram), symbols)
    assert [(frame.pc, frame.sp, frame.how) for frame in frames[1:2]] == [(caller.pc, RAM + 20, SCAN)]
    assert not frames[1].certain


def test_damaged_frame_rules_count_as_none(stopped, tmp_path):
    elf, snapshot = stopped
    junk, damaged = tmp_path / "junk", tmp_path / "damaged.elf"
    junk.write_bytes(bytes(range(1, 250)))
    command = ["arm-none-eabi-objcopy", "--update-section", f".debug_frame={junk}", str(elf), str(damaged)]
    subprocess.run(command, check=True)
    certain = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(elf))
    guessed = unwind(snapshot.registers, snapshot.memory, Symbols.from_elf(damaged))
    assert [(frame.pc, frame.sp) for frame in guessed] == [(frame.pc, frame.sp) for frame in certain]


@settings(max_examples=50)
@given(data=st.data())
def test_no_stack_makes_it_raise_or_go_round(stopped, data):
    """Stacks made of return addresses, EXC_RETURN values and addresses of themselves."""
    elf, snapshot = stopped
    symbols = symbols_of(elf)
    known = [frame.pc | 1 for frame in unwind(snapshot.registers, snapshot.memory, symbols)]
    words = st.sampled_from([*known, 0xFFFF_FFF1, 0xFFFF_FFFD, 0xFFFF_FFED, RAM, RAM + 64, 0, 0xFFFF_FFFF])
    stack = data.draw(st.lists(words, min_size=64, max_size=64))
    names = [*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "psp"]
    registers = {name: data.draw(words | st.integers(RAM, RAM + 256)) for name in names}

    def read(address: int, length: int) -> bytes:
        if RAM <= address and address + length <= RAM + 256:
            return struct.pack("<64I", *stack)[address - RAM : address - RAM + length]
        return snapshot.memory(address, length) if address < RAM else b""

    frames = unwind(registers, read, symbols, limit=100)
    assert len(frames) <= 100
    assert len({(frame.pc, frame.sp) for frame in frames}) == len(frames)


@cache
def symbols_of(elf: Path) -> Symbols:
    return Symbols.from_elf(elf)


PROLOGUES = {
    "push {r4, r5, lr}": (12, {4: 12, 5: 8, 14: 4}),
    "push.w {r4, r8, lr}\n sub sp, #24": (36, {4: 12, 8: 8, 14: 4}),
    "str lr, [sp, #-8]!": (8, {14: 8}),
    "strd r4, lr, [sp, #-16]!": (16, {4: 16, 14: 12}),
    "push {r4, lr}\n vpush {d8-d9}\n sub.w sp, sp, #1024": (8 + 16 + 1024, {4: 8, 14: 4}),
    "push {r3, lr}\n vpush {s16}\n subw sp, sp, #1028": (8 + 4 + 1028, {3: 8, 14: 4}),
    "movs r0, #1\n bl .\n push {r4, lr}": (0, {}),
}


@pytest.mark.parametrize("assembly", PROLOGUES)
def test_prologues_as_compilers_write_them(compile_firmware, assembly):
    source = f".syntax unified\n.thumb\n.global Reset_Handler\nReset_Handler:\n {assembly}\nend:\n nop\n"
    elf = compile_firmware(f"prologue{list(PROLOGUES).index(assembly)}", source, suffix=".s")
    symbols = Symbols.from_elf(elf)
    read = image(elf, b"")
    found = read_prologue(
        lambda address: int.from_bytes(read(address, 2), "little"),
        symbols.address("Reset_Handler"),
        symbols.address("end"),
    )
    assert (found.depth, found.saved) == PROLOGUES[assembly]


def test_immediates_expand_as_the_manual_says():
    cases = {0x0AB: 0xAB, 0x1AB: 0x00AB_00AB, 0x2AB: 0xAB00_AB00, 0x3AB: 0xABAB_ABAB, 0x42B: 0xAB00_0000, 0xFAB: 0x156}
    for encoded, value in cases.items():
        assert expand_immediate(encoded) == value
