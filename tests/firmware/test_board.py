# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks wired together: bus clocks, what lies at address 0, and events that cross blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from programs import HEAD, TAIL, result, run_program
from stm32emu.block_table import bare_board
from stm32emu.chip import Chip
from stm32emu.chips import CHIPS, find_chip
from stm32emu.cpu import NEVER
from stm32emu.guest_memory import UNIQUE_ID
from stm32emu.options import parse_options
from stm32emu.peripherals.adc import AdcBlock
from stm32emu.peripherals.clock import ManualClock
from stm32emu.peripherals.dac import Dac
from stm32emu.peripherals.dma import Dma
from stm32emu.peripherals.exti import Exti
from stm32emu.peripherals.memory import BusError
from stm32emu.peripherals.ramp import Ramp
from stm32emu.peripherals.rcc import Rcc
from stm32emu.session import Outcome, Session

Compile = Callable[..., Path]


def test_a_block_without_its_clock_reads_zero_and_loses_writes(compile_firmware: Compile) -> None:
    """MODER before, with and after the clock: only the second read sees it."""
    machine = run_program(compile_firmware, "unclocked", """
    ldr r1, =0x40020000     @ GPIOA_MODER, 0xA8000000 out of reset
    ldr r2, =0x40023830     @ RCC_AHB1ENR
    movs r3, #1
    ldr r4, [r1]
    str r3, [r1]
    str r3, [r2]
    ldr r5, [r1]
    movs r6, #0
    str r6, [r2]
    ldr r6, [r1]
    add r0, r5, r4, lsr #8
    add r0, r0, r6, lsr #16
""")  # fmt: skip
    assert result(machine) == 0xA800_0000
    entries = machine.ledger.of_kind("illegal")
    assert [(each.block, each.what, each.count) for each in entries] == [
        ("GPIOA", "access with RCC_AHB1ENR.GPIOAEN clear", 3)
    ]


def test_sram_at_address_zero(compile_firmware: Compile) -> None:
    """Data, code and vectors through the alias, code replaced under it; flash is back after a reset."""
    machine = run_program(compile_firmware, "remapped", """
    ldr r1, =0x40023844     @ RCC_APB2ENR.SYSCFGEN
    movs r2, #0x4000
    str r2, [r1]
    ldr r3, =0x20001000
    ldr r2, =0x47702001     @ movs r0, #1; bx lr
    str r2, [r3]
    ldr r1, =0x40013800     @ SYSCFG_MEMRMP.MEM_MODE
    movs r2, #3
    str r2, [r1]
    dsb
    isb
    ldr r4, =0x1001
    blx r4
    mov r6, r0
    ldr r2, =0x47702005     @ movs r0, #5; bx lr
    str r2, [r3]
    dsb
    isb
    blx r4
    add r0, r0, r6, lsl #8
    ldr r5, =0x1000
    ldrb r5, [r5]
    add r0, r0, r5, lsl #16
""")  # fmt: skip
    assert result(machine) == 0x0005_0105
    assert machine.memory.peek(0x100, 4) == machine.memory.peek(0x2000_0100, 4)
    machine.reset("software")
    assert machine.memory.peek(0, 8) == machine.memory.peek(0x0800_0000, 8)


def test_system_memory_at_address_zero() -> None:
    """MEM_MODE 1; modes for external memory leave things as they are."""
    board = bare_board(find_chip("f407"))
    board.blocks["SYSCFG"].write(0, 4, 1)
    assert board.memory.peek(0x7A10, 12) == UNIQUE_ID
    board.blocks["SYSCFG"].write(0, 4, 2)
    assert board.memory.peek(0x7A10, 12) == UNIQUE_ID


def test_dma_meets_a_block_without_its_clock_too() -> None:
    board = bare_board(find_chip("f407"))
    board.bus.write(0x4002_3008, b"\1\0\0\0")
    assert board.bus.read(0x4002_3000, 4) == bytes(4)
    board.one(Rcc).write(0x30, 4, 1 << 12)  # CRCEN
    assert board.bus.read(0x4002_3000, 4) == b"\xff" * 4


def test_an_rtc_alarm_reaches_its_vector() -> None:
    """RTC, EXTI line 17, NVIC: on the LSI, with the keys and clocks that a driver sets."""
    board = bare_board(find_chip("f407"))
    rcc, rtc, exti, clock = board.one(Rcc), board.blocks["RTC"], board.one(Exti), board.wiring.clock
    assert isinstance(clock, ManualClock)
    board.bus.write(0x4002_3840, (1 << 28).to_bytes(4, "little"))  # PWREN
    board.bus.write(0x4000_7000, (1 << 8).to_bytes(4, "little"))  # DBP
    rcc.write(0x74, 4, 1)  # LSION
    rcc.write(0x70, 4, 1 << 15 | 2 << 8)  # RTCEN, LSI
    clock.advance(16_000)
    for offset, word in ((0x24, 0xCA), (0x24, 0x53), (0x1C, 0x8080_8002), (0x08, 1 << 12 | 1 << 8)):
        rtc.write(offset, 4, word)  # keys, the alarm at two seconds, ALRAIE and ALRAE
    exti.write(0x08, 4, 1 << 17)
    clock.advance(3 * 16_000_000)
    assert exti.PR == 1 << 17
    rcc.write(0x70, 4, 1 << 16)  # BDRST
    assert rtc.read(0x1C, 4) == 0


def test_the_adc_asks_dma_for_each_result() -> None:
    board = bare_board(find_chip("f407"))
    clock = board.wiring.clock
    assert isinstance(clock, ManualClock)
    adc, dma = board.one(AdcBlock), board.blocks["DMA2"]
    assert isinstance(dma, Dma)
    adc.converters[1].inputs[0] = 0x123
    adc.write(0x304, 4, 1 << 16)
    board.one(Rcc).write(0x44, 4, 1 << 9)  # ADC2EN
    assert adc.read(0x304, 4) == 0
    for offset, word in ((0x40 + 0x08, 0x4001_214C), (0x40 + 0x0C, 0x2000_0000), (0x40 + 0x04, 1)):
        dma.write(offset, 4, word)  # stream 2: ADC2's DR to SRAM, one item
    dma.write(0x40, 4, 1 << 25 | 1 << 13 | 1 << 11 | 1)  # channel 1, halfwords, EN
    adc.write(0x108, 4, 1 | 1 << 8)  # ADON, DMA
    adc.write(0x108, 4, 1 | 1 << 8 | 1 << 30)
    clock.advance(1000)
    assert board.memory.peek(0x2000_0000, 2) == b"\x23\x01"
    assert adc.read(0x008, 4) == 0
    assert [(each.block, each.offset, each.what) for each in board.wiring.ledger.of_kind("illegal")] == [
        ("ADC", 0x304, "access with RCC_APB2ENR.ADCxEN clear"),
        ("ADC1", 0x008, "access with RCC_APB2ENR.ADC1EN clear"),
    ]


def test_a_timer_feeds_the_dac_by_dma() -> None:
    """TIM6's TRGO, the DAC's request on DMA1 stream 5, a table in SRAM: the usual way to make a wave."""
    board = bare_board(find_chip("f407"))
    clock = board.wiring.clock
    assert isinstance(clock, ManualClock)
    outputs: list[int] = []
    board.one(Dac).on_output = lambda channel, value: outputs.append(value)
    board.memory.write(0x2000_0000, bytes.fromhex("110022003300"))
    board.one(Rcc).write(0x40, 4, 1 << 29 | 1 << 4)  # DACEN, TIM6EN
    dac, dma, tim = (board.blocks[name] for name in ("DAC", "DMA1", "TIM6"))
    stream = 0x10 + 5 * 0x18
    for offset, word in ((8, 0x4000_7408), (12, 0x2000_0000), (4, 3)):
        dma.write(stream + offset, 4, word)
    dma.write(stream, 4, 7 << 25 | 1 << 13 | 1 << 11 | 1 << 10 | 1 << 8 | 1 << 6 | 1)  # channel 7, circular, EN
    dac.write(0, 4, 1 << 12 | 4 | 1)  # TIM6, DMA
    for offset, word in ((0x2C, 99), (0x04, 2 << 4), (0x00, 1)):
        tim.write(offset, 4, word)
    clock.advance(550)
    assert outputs == [0x11, 0x22, 0x33, 0x11]


@pytest.mark.parametrize("chip", CHIPS, ids=lambda chip: chip.name)
def test_every_chip_has_its_board(chip: Chip) -> None:
    """All blocks answer, clocked or not, and forget everything at a reset."""
    board = bare_board(chip)
    for block in chip.blocks:
        board.bus.read(block.base, 4)
    board.reset()
    assert board.blocks.keys() == {block.name for block in chip.blocks}


EXTERNAL = """
    ldr r1, =0x40023838     @ RCC_AHB3ENR.FSMCEN
    movs r2, #1
    str r2, [r1]
    ldr r1, =0xA0000010     @ FSMC_BCR3
    ldr r2, =0x1011
    ldr r3, =0x68000000
    {first}
    str r2, [r1]
    bl enabled
enabled:
    str r2, [r3, #4]
    ldr r0, [r3, #4]
"""


def test_external_memory_answers_once_its_bank_is_enabled(compile_firmware: Compile) -> None:
    assert result(run_program(compile_firmware, "external", EXTERNAL.format(first=""))) == 0x1011


def test_external_memory_faults_before(compile_firmware: Compile) -> None:
    machine = run_program(compile_firmware, "external early", EXTERNAL.format(first="ldr r4, [r3]"))
    fault = machine.cpu.fault()
    assert fault is not None
    assert fault.bfar == 0x6800_0000


def test_sdram_on_the_memory_controller() -> None:
    """8 MB behind bank 2, for the CPU and the bus masters; one byte more and there is nothing."""
    board = bare_board(find_chip("f429"))
    board.blocks["FMC"].write(0x144, 4, 0x19D4)
    board.blocks["FMC"].write(0x150, 4, 1 | 1 << 3)
    board.memory.write(0xD07F_FFFC, b"last")
    assert board.bus.read(0xD07F_FFFC, 4) == board.memory.peek(0xD07F_FFFC, 8) == b"last"
    with pytest.raises(BusError):
        board.bus.read(0xD080_0000, 1)


def test_text_for_a_debugger(compile_firmware: Compile) -> None:
    """ITM_SendChar as CMSIS has it, and a whole word; port 1 was switched on by nobody. A reset changes nothing."""
    sent: list[tuple[str, int]] = []
    machine = run_program(compile_firmware, "swo", """
    ldr r1, =0xE0000000     @ stimulus port 0
    ldr r2, [r1, #0xE80]    @ ITM_TCR.ITMENA
    ldr r3, [r1, #0xE00]    @ ITM_TER
    and r2, r3
    cbz r2, done
    ldr r0, [r1]            @ ready
    movs r3, #'h'
    strb r3, [r1]
    ldr r3, =0x0A216F6C
    str r3, [r1]
    ldr r2, [r1, #4]
    add r0, r0, r2, lsl #1
    str r3, [r1, #4]
done:
""", on_byte=lambda port, byte: sent.append((port, byte)))  # fmt: skip
    assert result(machine) == 1
    assert sent == [("ITM", byte) for byte in b"hlo!\n"]
    machine.reset("software")
    machine.run(machine.clock.now + 1000)
    assert len(sent) == 10


def test_calls_to_a_debugger(compile_firmware: Compile) -> None:
    """A call gives an answer and goes on; any other BKPT is a fault."""
    sent = bytearray()
    machine = run_program(compile_firmware, "semihosting", """
    ldr r1, =text
    movs r0, #4             @ SYS_WRITE0
    bkpt #0xAB
    movs r5, r0
    movs r0, #0x99          @ no such service
    bkpt #0xAB
    adds r0, #2
    orrs r0, r5
    b done
text:
    .asciz "hello"
    .align 2
done:
""", on_byte=lambda port, byte: sent.append(byte))  # fmt: skip
    assert (bytes(sent), result(machine), machine.cpu.fault()) == (b"hello", 1, None)
    assert run_program(compile_firmware, "breakpoint", "bkpt #1\n").cpu.fault() is not None


@pytest.mark.parametrize(
    ("reason", "words", "outcome"),
    [
        ("0x20026", {}, Outcome(0, "the firmware ended (semihosting)")),
        ("0x20023", {}, Outcome(1, "the firmware ended with an error (semihosting)")),
        ("0x20026", {"until": "passed"}, Outcome(3, "the firmware ended, and the console did not show 'passed'")),
    ],
)
def test_the_end_by_a_call(compile_firmware: Compile, reason: str, words: dict[str, str], outcome: Outcome) -> None:
    """SYS_EXIT, whatever the firmware does afterwards."""
    code = f"movs r0, #0x18\nldr r1, ={reason}\nbkpt #0xAB\nmovs r0, #7\n"
    elf = compile_firmware(f"exits_{reason}", HEAD + code + TAIL, suffix=".s")
    options = parse_options(elf, {"duration": "1s", **words})
    assert Session(options, console=lambda text: None, log=lambda line: None).run() == outcome


ECHO = """
    ldr r1, =0x40023840     @ RCC_APB1ENR.USART2EN
    ldr r2, =0x20000
    str r2, [r1]
    ldr r1, =0x40004400     @ USART2: 115200 baud from 16 MHz
    movs r2, #139
    str r2, [r1, #8]
    ldr r2, =0x200C         @ CR1: UE, TE, RE
    str r2, [r1, #12]
    movs r2, #'>'
    str r2, [r1, #4]
next:
    ldr r2, [r1]
    lsls r2, #26            @ SR.RXNE
    bpl next
    ldr r2, [r1, #4]
    str r2, [r1, #4]
    b next
"""


def typed(compile_firmware: Compile, *words: str, **more: str) -> tuple[str, list[str], Outcome]:
    """The console, the log and the outcome of a run of a firmware that echoes."""
    console, log = bytearray(), list[str]()
    options = parse_options(compile_firmware("echo", HEAD + ECHO + TAIL, suffix=".s"), {"typed": words, **more})
    outcome = Session(options, console=console.extend, log=log.append).run()
    return console.decode(), log, outcome


def test_typing_on_the_console(compile_firmware: Compile) -> None:
    words = ("20ms:world\\n", "10ms:hello ")
    console, _log, outcome = typed(compile_firmware, *words, until="hello world", duration="1s")
    assert (console, outcome) == (">hello world", Outcome(0))


def test_typing_before_there_is_a_console(compile_firmware: Compile) -> None:
    console, log, _outcome = typed(compile_firmware, "10ms:x", uart="itm", duration="20ms")
    assert console == ""
    assert log[-1] == "b'x' cannot be typed: no UART is the console yet; --uart names it"


TIMER = """
    ldr r1, =0x40023840     @ RCC_APB1ENR.TIM2EN
    movs r2, #1
    str r2, [r1]
    ldr r1, =0x40023808     @ RCC_CFGR: PCLK1 is HCLK / 8, so that TIM2 has HCLK / 4
    mov r2, #0x1800
    str r2, [r1]
    mov r1, #0x40000000     @ TIM2
"""


def test_the_core_counts_on_as_the_timer_does(compile_firmware: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that runs up, past a match and over its reload value, and one that runs down: read 400 times each, by the
    core and, the second time, by the model."""
    code = TIMER + """
    movs r2, #2
    str r2, [r1, #0x28]     @ PSC
    movs r2, #50
    str r2, [r1, #0x2C]     @ ARR
    movs r2, #20
    str r2, [r1, #0x34]     @ CCR1
    ldr r4, =0x20000200
    movs r5, #0x01
run:
    str r5, [r1]            @ CR1.CEN, with DIR in the second round
    ldr r6, =400
again:
    ldr r2, [r1, #0x24]     @ CNT
    strb r2, [r4], #1
    subs r6, #1
    bne again
    cmp r5, #0x11
    itt ne
    movne r5, #0x11
    bne run
    movs r0, #1
"""  # fmt: skip
    by_core = run_program(compile_firmware, "counting", code)
    asked = by_core.cpu.accesses
    monkeypatch.setattr(Ramp, "describe", lambda self, **course: None)
    by_model = run_program(compile_firmware, "counting", code)
    counts = by_core.memory.peek(0x2000_0200, 800)
    assert result(by_core) == 1
    assert len(set(counts)) == 51
    assert (counts, by_core.state_hash()) == (by_model.memory.peek(0x2000_0200, 800), by_model.state_hash())
    assert by_model.cpu.accesses == asked


def result_skipped_or_not(compile_firmware: Compile, name: str, code: str, *, cycles: int, accesses: int) -> int:
    """The word that a program leaves; its end is the same when its loop is skipped, which takes fewer `accesses`."""
    ends = []
    for skip in (True, False):
        machine = run_program(compile_firmware, name, code, cycles=0)
        machine.cpu.skip_loops, machine.cpu.idle_until = skip, NEVER
        machine.run(cycles)
        ends.append((result(machine), machine.state_hash()))
        assert (machine.cpu.accesses < accesses) is skip
    assert ends[0] == ends[1]
    return ends[0][0]


def test_a_loop_that_waits_for_a_timers_flag_is_skipped(compile_firmware: Compile) -> None:
    """A million ticks, and then the loop's end at the same cycle as without skipping."""
    code = TIMER + """
    ldr r2, =999999
    str r2, [r1, #0x2C]     @ ARR
    movs r2, #1
    str r2, [r1]
again:
    ldr r2, [r1, #0x10]     @ SR.UIF
    lsls r2, r2, #31
    bpl again
    mov r0, r2
"""  # fmt: skip
    assert result_skipped_or_not(compile_firmware, "flag", code, cycles=4_100_000, accesses=1000) == 0x8000_0000


def test_a_loop_that_sets_pins_to_what_they_are_is_skipped(compile_firmware: Compile) -> None:
    """PA1 set and PA2 reset in each round, which changes something in the first only."""
    code = """
    ldr r1, =0x40023830     @ RCC_AHB1ENR.GPIOAEN
    movs r2, #1
    str r2, [r1]
    ldr r1, =0x40020000     @ GPIOA
    movs r2, #0x14          @ PA1 and PA2 are outputs
    str r2, [r1]
    movs r2, #0x06
    str r2, [r1, #0x14]     @ ODR
    mov r3, #0x00040000
    movs r4, #0x02
    str r4, [r1, #0x18]
    ldr r5, [r1, #0x18]     @ BSRR reads as zero
again:
    str r3, [r1, #0x18]     @ reset PA2
    str r4, [r1, #0x18]     @ set PA1
    ldr r0, [r1, #0x10]     @ IDR
    orr r0, r0, r5, lsl #16
    str r0, [r7]
    b again
"""  # fmt: skip
    word = result_skipped_or_not(compile_firmware, "pins", code, cycles=1_000_000, accesses=2000)
    assert word & 0xFFFF_0006 == 0x0002
