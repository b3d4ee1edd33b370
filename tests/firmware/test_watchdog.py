# SPDX-License-Identifier: GPL-2.0-or-later
"""`--watchdog`: loops that make no progress are found, with their values; waiting and long computations are not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, Run, free_port
from stm32emu.options import parse_options
from stm32emu.session import Outcome, Session
from symptoms import lifetime, observe
from test_replay import replay

HEAD = """
#define NOINLINE __attribute__((noinline, noclone))
struct number { int sign; unsigned value; };
volatile unsigned ticks, sink, flag;
static unsigned table[4096];
NOINLINE void ticked(void);
void SysTick_Handler(void) { ticks++; if (flag == 2) { ticked(); } }
NOINLINE void ticked(void) { for (unsigned since = ticks; ticks - since < 2;) { } }
NOINLINE void error(void) { for (;;) { } }
NOINLINE void masked_error(void) { __asm__ volatile("cpsid i"); while (!flag) { } }
NOINLINE unsigned mix(unsigned n, const struct number *by) { sink = n; return n * 5 + by->value + by->sign; }
NOINLINE void never(unsigned start)
{
    struct number step = {-1, start};
    for (unsigned n = start; n != 1; n = mix(n, &step) & ~2u) {
    }
}
NOINLINE void never_alone(unsigned start) { for (unsigned n = start; n != 3; n = n * 5) { table[n % 64] += n; } }
NOINLINE void flag_set(void) { while (!flag) { } }
NOINLINE void delay(unsigned time) { for (unsigned since = ticks; ticks - since < time;) { } }
NOINLINE void byte_received(void) { while (!(*(volatile unsigned *)0x40011000 & 0x20)) { sink++; } }
NOINLINE void counter_reached(void) { while (*(volatile unsigned *)0xE000E018 != 0xFFFFFF) { sink++; } }
NOINLINE void block(void) { for (unsigned n = 0; n < 4096; n++) { table[n] = table[n] * 5 + n; } }
NOINLINE void long_computation(void) { for (unsigned n = 0; n < 1000000; n++) { block(); } }
NOINLINE void WORK(void);
extern unsigned _estack;
int main(void);
void Reset_Handler(void)
{
    volatile unsigned *systick = (unsigned *)0xE000E010;
    systick[1] = 15999;
    systick[0] = 7;
    *(volatile unsigned *)0x40023844 |= 1 << 4; /* RCC_APB2ENR: USART1 */
    main();
}
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {
    &_estack, Reset_Handler, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, SysTick_Handler};
"""
WAITING = {
    "flag": "flag_set();",
    "delay": "delay(1000000);",
    "peripheral": "byte_received();",
    "core peripheral": "counter_reached();",
    "long computation": "long_computation();",
    "main loop": "for (;;) { mix(sink, (struct number[]){{0, 1}}); }",
}
CALLS = ", called from "


def run(elf: Path, time: str, duration: str, **words: str) -> tuple[Outcome, list[str]]:
    """How it ended, and the lines of the log."""
    lines: list[str] = []
    options = parse_options(elf, {"chip": "f407", "watchdog": time, "duration": duration, **words})
    outcome = Session(options, console=lambda _data: None, log=lines.append).run()
    return outcome, [line for entry in lines for line in entry.splitlines()]


@pytest.fixture(scope="module")
def build(compile_firmware: Callable[..., Path]) -> Callable[[str], Path]:
    return lambda work: compile_firmware(
        f"loop_{abs(hash(work))}", f"{HEAD}\nint main(void) {{ {work} for (;;) {{ }} }}\n", "-O1", "-g"
    )


def test_a_loop_with_calls(build: Callable[[str], Path], tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    outcome, lines = run(build("never(2);"), "200ms", "2s", json=str(file))
    assert outcome == Outcome(5, "the firmware goes round a loop without making progress")
    report = lines[lines.index(next(line for line in lines if line.startswith("watchdog: "))) :]
    line = HEAD[: HEAD.index("n = mix(n")].count("\n") + 1
    assert re.fullmatch(
        rf"watchdog: no progress for 0.2 s: never \(loop_\d+\.c:{line}\) loops, \d+ cycles a round", report[0]
    )
    assert report[1].strip().startswith("called from main (loop_")
    assert re.search(r"each round calls mix\(n=\d\w*, by=0x2001\w+ \{sign=-1, value=2\}\)", report[2])
    assert re.search(r"variables: .*step=\{sign=-1, value=2\}", report[3])
    assert re.search(r"registers: r0=0x[0-9a-f]+, .*, sp=0x2001", report[4])
    assert "virtual time 0.2" in report[5]
    (found,) = json.loads(file.read_text())["findings"]
    assert found["check"] == "watchdog"
    assert found["calls"][0]["function"] == "main"


def test_a_loop_of_its_own(build: Callable[[str], Path], stripped: Callable[..., Path]) -> None:
    """No calls in it; and without DWARF."""
    outcome, lines = run(stripped(build("never_alone(1);"), "-g"), "200ms", "2s")
    assert outcome.exit_code == 5
    assert any(line.startswith("watchdog: no progress for 0.2 s: never_alone loops, ") for line in lines)
    assert any("registers: r0=0x" in line for line in lines)


@pytest.mark.parametrize(
    ("work", "function"),
    [("error();", "error"), ("masked_error();", "masked_error"), ("flag = 2; for (;;) { sink++; }", "ticked")],
)
def test_waiting_in_vain(work: str, function: str, build: Callable[[str], Path]) -> None:
    """For nothing, with interrupts masked, and in a handler for the interrupt that it handles."""
    outcome, lines = run(build(work), "200ms", "2s")
    assert outcome.exit_code == 5
    assert any(line.startswith(f"watchdog: no progress for 0.2 s: {function} (") for line in lines)


@pytest.mark.parametrize("what", WAITING)
def test_no_loop(what: str, build: Callable[[str], Path]) -> None:
    outcome, lines = run(build(WAITING[what]), "200ms", "2s")
    assert outcome.exit_code == 0
    assert not [line for line in lines if line.startswith("watchdog")]


class Dirtied(Session):
    """Bignum's addition gets a limb that its memory had before, as from a calloc that does not clear it."""

    def dirty(self, at_call: int) -> None:
        symbols = self.machine.symbols
        (name,) = symbols.named("mbedtls_mpi_add_mod.part") or symbols.named("mbedtls_mpi_add_mod")
        count = 0

        def spoil(_address: int) -> None:
            nonlocal count
            count += 1
            if count == at_call:
                number = self.machine.cpu.call_registers()[1]  # X, after the group
                limbs, size = (int.from_bytes(self.machine.memory.peek(number + at, 4), "little") for at in (8, 4))
                self.machine.memory.flip(limbs + 4 * (size - 1) + 3, 6)

        self.machine.cpu.watch(symbols.address(name) or 0, spoil)


def test_the_endless_mod_add_of_the_report() -> None:
    """`while (X >= P) X -= P` from 2**414 on: the operands say it."""
    lines: list[str] = []
    options = parse_options(IMAGES / "bench_crypto.elf", {"watchdog": "2s", "duration": "60s"})
    session = Dirtied(options, console=lambda _data: None, log=lines.append)
    session.dirty(at_call=300)
    assert session.run().exit_code == 5
    (report,) = [line for line in lines if line.startswith("watchdog: ")]
    assert re.search(r"no progress for 2 s: mbedtls_mpi_add_mod\S* \(ecp\.c:\d+\) loops, \d+ cycles a round", report)
    assert re.search(r"called from ecp_\w+ \(ecp\.c:\d+\) <- .* <- ", report)
    prime = f"{2**384 - 2**128 - 2**96 + 2**32 - 1:#x}"
    number = r"\S+ \{s=1, n=\d+, p=[^:]+: (0x\w+)\}"
    compared = re.search(rf"each round calls mbedtls_mpi_cmp_mpi\(X={number}, Y={number}\)", report)
    assert compared is not None, report
    assert int(compared[1], 16) > 1 << 414
    assert compared[2] == prime
    assert "each round calls mbedtls_mpi_sub_abs(X=" in report
    assert re.search(rf"variables: .*X={number}", report)


def test_the_computations_of_a_handshake() -> None:
    """Not even when a second of them is too long."""
    outcome, lines = run(IMAGES / "bench_crypto.elf", "1s", "20s")
    assert outcome.exit_code == 0
    assert not [line for line in lines if line.startswith("watchdog")]


@pytest.mark.parametrize("image", ["tls_server", "tls_superloop"])
def test_waiting_for_a_connection(image: str) -> None:
    outcome, lines = run(IMAGES / f"{image}.elf", "1s", "5s")
    assert outcome.exit_code == 0
    assert not [line for line in lines if line.startswith("watchdog")]


def test_a_server_that_hangs(tmp_path: Path) -> None:
    """The report's third symptom, about one connection in three; and the replay ends where the run did."""
    recording = tmp_path / "run.rec"
    words = ["--port", f"{free_port()}:4433", "--duration", lifetime(20), "--watchdog", "5s", "--record", recording]
    server = Run(str(IMAGES / "tls_server-calloc-shared.elf"), *map(str, words))
    try:
        while server.process.poll() is None:
            observe(server, "openssl")
    finally:
        code = server.end()
    assert code == 5, server.log
    code, _console, log = replay(recording, "--watchdog", "5s")
    assert code == 0, log
    for text in (server.log, log):
        assert re.search(r"^watchdog: no progress for 5 s: mbedtls_mpi_\S+ \(\w+\.c:\d+\) loops, ", text, re.MULTILINE)
