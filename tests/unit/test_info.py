# SPDX-License-Identifier: GPL-2.0-or-later
"""What `info` reads out of compiled images."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from stm32emu.errors import UserError
from stm32emu.info import describe

SOURCE = """
typedef unsigned u32;
#define LWIP_VERSION_MAJOR 2
#define LWIP_VERSION_MINOR 1U
#define LWIP_VERSION_REVISION 3U
#define tskKERNEL_VERSION_NUMBER "V10.3.1"
#define __STM32F4xx_HAL_VERSION_MAIN (0x01U)
#define __STM32F4xx_HAL_VERSION_SUB1 (0x08U)
#define __STM32F4xx_HAL_VERSION_SUB2 (0x01U)
extern u32 _estack;
#define REG(address) (*(volatile u32 *)(address))
void Reset_Handler(void);
void Default_Handler(void) { for (;;); }
void SysTick_Handler(void) { REG(0x40011004) = 'x'; }
void ETH_IRQHandler(void) { REG(0x40029014) = 0x10001; }
void *const g_pfnVectors[16 + 82] __attribute__((section(".isr_vector"), used)) = {
  [0] = &_estack, [1] = Reset_Handler, [2 ... 14] = Default_Handler, [15] = SysTick_Handler,
  [16 ... 76] = Default_Handler, [77] = ETH_IRQHandler, [78 ... 97] = Default_Handler };
struct { void *Instance; } huart3, htim;
u32 pxCurrentTCB, data[25] = {1}, zeroed[100];
unsigned char IP_ADDRESS[4];
volatile float two;
void lwip_init(void) {}
void tcp_output_control_segment(void) {}
void uxListRemove(void) {}
void HAL_Init(void) {}
void HAL_ETH_ReadData(void) {}
void mbedtls_mpi_init(void) {}
const char banner[] = "Mbed TLS 2.28.3";
__attribute__((noipa)) void HAL_GPIO_Init(void *port) { if (port == (void *)0x40022000) REG(0x40013808) = 1; }
__attribute__((noinline)) void scale(void) { two = 2.0f; }
__attribute__((noinline)) void MX_USART3_UART_Init(void) { huart3.Instance = (void *)0x40004800; }
__attribute__((noinline)) void MX_TIM2_Init(void) { htim.Instance = (void *)0x40000000; }
__attribute__((noinline)) void HAL_UART_MspInit(void) { HAL_GPIO_Init((void *)0x40020C00); }
__attribute__((noinline)) void clocks(void) { REG(0x40023830) |= 1; REG(0x40023C00) = 5; REG(0x40023808); }
__attribute__((noinline)) void random_word(void) { zeroed[1] = REG(0x50060808); }
__attribute__((noinline)) void *uart_of(void) { return &huart3; }
int _write(int file, char *text, int length) { return uart_of() == &huart3 ? length : file; }
__attribute__((noinline)) void MX_LWIP_Init(void)
{
    IP_ADDRESS[0] = 192; __asm__ volatile ("" ::: "memory"); IP_ADDRESS[1] = 168; __asm__ volatile ("" ::: "memory");
    IP_ADDRESS[2] = 7; __asm__ volatile ("" ::: "memory"); IP_ADDRESS[3] = 9;
}
void Reset_Handler(void)
{
    lwip_init(); tcp_output_control_segment(); uxListRemove(); HAL_Init(); HAL_ETH_ReadData(); mbedtls_mpi_init();
    scale(); MX_USART3_UART_Init(); MX_TIM2_Init(); HAL_UART_MspInit(); clocks(); random_word(); MX_LWIP_Init();
    for (;;) _write(banner[data[0]], (char *)&pxCurrentTCB, 1);
}
"""
OWN = {
    "TIM2": ["MX_TIM2_Init"],
    "USART3": ["MX_USART3_UART_Init"],
    "USART1": ["SysTick_Handler"],
    "GPIOD": ["HAL_UART_MspInit"],
    "RCC": ["clocks"],
    "FLASH": ["clocks"],
    "ETH": ["ETH_IRQHandler"],
    "RNG": ["random_word"],
}


@pytest.fixture(scope="module")
def elf(compile_firmware) -> Path:
    return compile_firmware("info", SOURCE, "-Os", "-g3")


@pytest.fixture(scope="module", params=["-O0", "-Os", "-O2 -mslow-flash-data"])
def any_code(request, compile_firmware):
    flags = request.param.split()
    return compile_firmware("info" + "".join(flags), SOURCE, *flags, "-g3")


def test_blocks_are_found_however_their_address_is_made(any_code):
    """Literal pools, one base for several blocks, MOV.W constants, MOVW with MOVT."""
    found = {use.name: use.users for use in describe(any_code, "STM32F407").blocks if not use.library}
    assert found == OWN


def test_what_only_drivers_touch_is_kept_apart(elf):
    assert [use.name for use in describe(elf, "f407").blocks if use.library] == ["SYSCFG"]


def test_without_symbols_the_blocks_are_still_found(elf, stripped):
    found = [use.name for use in describe(stripped(elf, "--strip-all"), "STM32F407").blocks]
    assert set(OWN) - {"TIM2"} <= set(found)


def test_the_chip_comes_with_its_reason(elf):
    assert describe(elf).why
    asked = describe(elf, "stm32f429zi")
    assert (asked.chip.name, asked.why, asked.misfit) == ("STM32F429", "as you said", "")
    with pytest.raises(UserError):
        describe(elf, "stm32h743")


def test_a_chip_that_is_too_small_is_described_with_what_does_not_fit(elf):
    small = describe(elf, "STM32F401")
    assert "initial stack pointer 0x20020000" in small.misfit
    assert "  but " in small.render()


def test_memory_use_agrees_with_gnu_size(elf):
    run = subprocess.run(["arm-none-eabi-size", str(elf)], check=True, capture_output=True, text=True)
    text, data, bss = map(int, run.stdout.splitlines()[1].split()[:3])
    use = {m.region.name: m for m in describe(elf, "STM32F407").memory}
    assert text + data <= use["flash"].used <= text + data + 8  # the linker may align .data
    assert data + bss <= use["SRAM"].used <= data + bss + 8
    assert use["CCM"].used == 0
    assert use["SRAM"].percent == pytest.approx(100 * use["SRAM"].used / (128 * 1024))


def test_vectors_have_names_and_the_default_handler_is_collapsed(elf):
    report = describe(elf, "STM32F407")
    assert len(report.vectors) == 97
    own = [(v.number, v.name, v.symbol) for v in report.vectors if v.symbol != "Default_Handler"]
    assert own == [
        (1, "Reset", "Reset_Handler"),
        (15, "SysTick", "SysTick_Handler"),
        (77, "ETH", "ETH_IRQHandler"),
    ]
    assert "the default handler Default_Handler serves 94 more" in report.render()


def test_software_with_versions_from_macros_and_strings(elf):
    found = {software.name: software for software in describe(elf).software}
    assert {name: found[name].version for name in ("lwIP", "FreeRTOS", "STM32 HAL", "Mbed TLS")} == {
        "lwIP": "2.1.3",
        "FreeRTOS": "10.3.1",
        "STM32 HAL": "1.8.1",
        "Mbed TLS": "2.28.3",
    }
    assert "rewritten in 2021 (HAL_ETH_ReadData)" in found["STM32 HAL"].evidence
    assert "NO_SYS" in found["lwIP"].evidence


def test_without_debug_information_the_symbols_say_what_they_can(elf, stripped):
    report = describe(stripped(elf, "--strip-debug"))
    found = {software.name: software.version for software in report.software}
    assert (found["lwIP"], found["FreeRTOS"], found["Mbed TLS"]) == ("2.1 or newer", "", "2.28.3")
    assert (report.build.optimisation, report.build.debug_information) == ("", False)


@pytest.mark.parametrize(
    ("symbol", "name", "version"),
    [
        ("HAL_ETH_GetReceivedFrame_IT; HAL_Init", "STM32 HAL", ""),
        ("osKernelInitialize", "CMSIS-RTOS", "2"),
        ("osThreadCreate", "CMSIS-RTOS", "1"),
        ("mbedtls_ssl_init; mbedtls_sha256_starts_ret", "Mbed TLS", "2.7 to 2.27"),
        ("mbedtls_ssl_init; mbedtls_sha256_starts_ret; mbedtls_ct_memcmp", "Mbed TLS", "2.28"),
        ("mbedtls_ssl_init; mbedtls_ct_memcmp", "Mbed TLS", "3.x"),
        ("pxCurrentTCB", "FreeRTOS-compatible kernel", ""),
        ("z_cstart", "Zephyr", "3.4.0"),
        ("_tx_thread_current_ptr", "ThreadX", ""),
        ("_impure_ptr", "newlib", ""),
        ("_impure_ptr; _printf_i", "newlib-nano", ""),
        ("SystemInit", "CMSIS", ""),
        ("ip_input; lwip_init", "lwIP", "1.4 or older"),
    ],
)
def test_software_from_symbols_alone(compile_firmware, symbol, name, version):
    functions = "".join(f"void {one.strip()}(void) {{}}\n" for one in symbol.split(";"))
    banner = 'const char text[] __attribute__((used)) = "*** Booting Zephyr OS build v3.4.0 ***";\n' * ("z_" in symbol)
    vectors = "extern char _estack; void Reset_Handler(void) { for (;;); }\n"
    vectors += 'void *v[] __attribute__((section(".isr_vector"), used)) = {&_estack, Reset_Handler};\n'
    elf = compile_firmware("one", functions + banner + vectors)
    assert [(s.name, s.version) for s in describe(elf).software] == [(name, version)]


def test_how_it_was_built(any_code):
    build = describe(any_code).build
    level = re.search("-O.", any_code.stem)[0]
    assert (build.optimisation, build.float_abi, build.debug_information) == (level, "hard", True)
    assert build.kind == ("debug build" if level == "-O0" else "optimised build")
    assert build.compilers[0].startswith("GCC")


def test_guesses_come_with_reasons(elf):
    report = describe(elf, "STM32F407")
    assert report.console == ("USART3", "_write uses huart3")
    assert report.addresses == ("192.168.7.9",)
    assert report.phy is None


def test_the_text_is_compact_and_the_data_is_json(any_code):
    report = describe(any_code)
    lines = report.render().splitlines()
    assert str(report) == report.render()
    assert max(map(len, lines[1:])) <= 100
    assert len(lines) < 60
    data = json.loads(json.dumps(report.to_dict()))
    assert data["chip"]["name"] == report.chip.name
    assert data["vector_table"] == 0x0800_0000
    assert {p["name"] for p in data["peripherals"]} >= set(OWN)


def test_what_is_no_firmware_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not an ELF")
    with pytest.raises(UserError, match=r"notes\.txt"):
        describe(path)
