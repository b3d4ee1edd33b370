# SPDX-License-Identifier: GPL-2.0-or-later
"""Which software an image contains, with versions and what gives it away: symbols, strings, macros kept by -g3."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stm32emu.elf import Firmware
from stm32emu.symbols import Symbols


@dataclass(frozen=True)
class Software:
    """A component: its version, or half of one ("2.1 or newer"), "" when nothing tells; and the evidence in words."""

    name: str
    version: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


@dataclass(frozen=True)
class Image:
    """What the detectors look at."""

    contents: bytes
    symbols: Symbols

    def has(self, *names: str) -> str | None:
        """The first of `names` that is a symbol."""
        return next((name for name in names if self.symbols.address(name) is not None), None)

    def match(self, pattern: bytes) -> str | None:
        """First group of the first place where `pattern` occurs in the file."""
        found = re.search(pattern, self.contents)
        return None if found is None else found[1].decode("ascii", "replace").strip()

    def macro(self, name: str) -> str | None:
        """A macro's value, in quotes or parentheses or bare, from the debug information of -g3."""
        return self.match(rb"\0" + name.encode() + rb' [("]?\s*(?:0x0?)?([\w.+]+?)[uUL]*[)"]?\0')

    def version(self, *macros: str) -> str | None:
        """`2.1.2` from macros that hold its parts."""
        parts = [part for part in map(self.macro, macros) if part is not None]
        return ".".join(parts) if len(parts) == len(macros) else None


Detector = Callable[[Image], Software | None]


def detect(firmware: Firmware, symbols: Symbols) -> list[Software]:
    """Everything recognised, most telling for a network firmware first."""
    image = Image(firmware.contents, symbols)
    found = (detector(image) for detector in (*DETECTORS, *map(_simple, SIMPLE)))
    return [software for software in found if software is not None]


def _lwip(image: Image) -> Software | None:
    seen = image.has("lwip_init", "tcp_input", "etharp_input", "udp_input")
    if seen is None:
        return None
    version = image.version("LWIP_VERSION_MAJOR", "LWIP_VERSION_MINOR", "LWIP_VERSION_REVISION")
    hints = (("tcp_output_control_segment", "2.1 or newer"), ("ip4_input", "2.x"), ("ip_input", "1.4 or older"))
    hint = next(((name, words) for name, words in hints if image.has(name)), (seen, ""))
    mode = "own thread (tcpip_thread)" if image.has("tcpip_thread") else "NO_SYS, polled from the main loop"
    evidence = "macros LWIP_VERSION_*" if version else f"symbol {hint[0]}"
    dhcp = "; DHCP client" if image.has("dhcp_start") else ""
    return Software("lwIP", version or hint[1], f"{evidence}; {mode}{dhcp}")


def _mbedtls(image: Image) -> Software | None:
    seen = image.has("mbedtls_ssl_handshake", "mbedtls_ssl_init", "mbedtls_mpi_init", "mbedtls_sha256_init")
    if seen is None:
        return None
    version = image.match(rb"[Mm]bed TLS (\d+\.\d+\.\d+)") or image.macro("MBEDTLS_VERSION_STRING")
    version = version or image.match(rb"mbedtls-(\d+\.\d+\.\d+)")
    if version:
        return Software("Mbed TLS", version, f"its version string; symbol {seen}")
    returning = image.has("mbedtls_sha256_starts_ret", "mbedtls_sha512_starts_ret", "mbedtls_sha1_starts_ret")
    if returning and image.has("mbedtls_ct_memcmp"):
        return Software("Mbed TLS", "2.28", f"symbols {returning}, mbedtls_ct_memcmp")
    if returning:
        return Software("Mbed TLS", "2.7 to 2.27", f"symbol {returning}")
    newer = image.has("mbedtls_ct_memcmp", "mbedtls_ssl_conf_min_tls_version", "mbedtls_ct_memmove_left")
    return Software("Mbed TLS", "3.x" if newer else "", f"symbol {newer or seen}")


def _freertos(image: Image) -> Software | None:
    if image.has("pxCurrentTCB") is None:
        return None
    if image.has("uxListRemove") is None:
        return Software("FreeRTOS-compatible kernel", "", "symbol pxCurrentTCB, but not FreeRTOS's own list functions")
    version = image.macro("tskKERNEL_VERSION_NUMBER")
    if version:
        return Software("FreeRTOS", version.removeprefix("V"), "macro tskKERNEL_VERSION_NUMBER")
    hint = image.has("xTaskGenericNotifyWait", "ulTaskGenericNotifyTake")
    return Software("FreeRTOS", "10.4 or newer" if hint else "", f"symbol {hint or 'pxCurrentTCB'}")


def _hal(image: Image) -> Software | None:
    seen = image.has("HAL_Init", "HAL_RCC_OscConfig", "HAL_GPIO_Init")
    if seen is None:
        return None
    names = ("MAIN", "SUB1", "SUB2")
    version = image.version(*(f"__STM32F4xx_HAL_VERSION_{name}" for name in names))
    eth_old = image.has("HAL_ETH_GetReceivedFrame_IT", "HAL_ETH_GetReceivedFrame", "HAL_ETH_TransmitFrame")
    eth_new = image.has("HAL_ETH_ReadData", "HAL_ETH_RxAllocateCallback", "HAL_ETH_Transmit")
    if eth_new:
        ethernet = f"Ethernet driver as rewritten in 2021 ({eth_new})"
    else:
        ethernet = f"Ethernet driver from before the rewrite of 2021 ({eth_old})" if eth_old else "no Ethernet driver"
    return Software("STM32 HAL", version or "", f"symbol {seen}; {ethernet}")


def _cmsis(image: Image) -> Software | None:
    seen = image.has("SystemInit", "SystemCoreClock", "SystemCoreClockUpdate")
    version = image.version("__CM_CMSIS_VERSION_MAIN", "__CM_CMSIS_VERSION_SUB")
    version = version or image.version("__CM4_CMSIS_VERSION_MAIN", "__CM4_CMSIS_VERSION_SUB")
    return Software("CMSIS", version or "", f"symbol {seen}") if seen else None


def _libc(image: Image) -> Software | None:
    version = image.macro("_NEWLIB_VERSION")
    nano = image.has("__sfputs_r", "_printf_i", "_printf_common")
    newlib = image.has("_impure_ptr", "_malloc_r", "__sinit", "__libc_init_array", "_impure_data")
    if newlib is None and version is None:
        return None
    evidence = f"symbol {nano or newlib}" if nano or newlib else "macro _NEWLIB_VERSION"
    return Software("newlib-nano" if nano else "newlib", version or "", evidence)


def _zephyr(image: Image) -> Software | None:
    version = image.match(rb"Zephyr OS (?:version|build) (?:zephyr-)?v?([\w.-]+)")
    seen = image.has("z_cstart", "z_arm_reset", "z_sys_init_run_level")
    return Software("Zephyr", version or "", f"symbol {seen}" if seen else "its banner") if seen or version else None


def _threadx(image: Image) -> Software | None:
    seen = image.has("_tx_thread_current_ptr", "_tx_initialize_kernel_enter", "_tx_version_id")
    version = image.match(rb"ThreadX [\w./-]+ Version (?:G)?([\d.]+)")
    return Software("ThreadX", version or "", f"symbol {seen}") if seen else None


def _cmsis_rtos(image: Image) -> Software | None:
    second, first = image.has("osKernelInitialize", "osThreadNew"), image.has("osThreadCreate", "osKernelStart")
    if second:
        return Software("CMSIS-RTOS", "2", f"symbol {second}")
    return Software("CMSIS-RTOS", "1", f"symbol {first}") if first else None


DETECTORS: tuple[Detector, ...] = (
    _lwip,
    _mbedtls,
    _freertos,
    _cmsis_rtos,
    _zephyr,
    _threadx,
    _hal,
    _cmsis,
    _libc,
)
SIMPLE = (
    ("STM32 standard peripheral library", ("GPIO_PinAFConfig", "RCC_GetClocksFreq", "ETH_DeInit")),
    ("STM32 low-layer drivers", ("LL_Init1msTick", "LL_GPIO_Init", "LL_USART_Init")),
    ("STM32 USB device library", ("USBD_Init", "USBD_LL_Init")),
    ("FatFs", ("f_mount", "f_open")),
    ("wolfSSL", ("wolfSSL_Init", "wolfSSL_new")),
    ("BearSSL", ("br_ssl_server_reset", "br_ssl_engine_set_buffer")),
    ("NetX Duo", ("_nx_system_initialize", "_nxd_udp_client_send")),
    ("uIP", ("uip_process", "uip_init")),
    ("ChibiOS", ("chSysInit", "_idle_thread")),
    ("NuttX", ("nx_start", "nxtask_create")),
    ("SEGGER RTT", ("_SEGGER_RTT", "SEGGER_RTT_Init")),
    ("libopencm3", ("rcc_clock_setup_hse_3v3", "rcc_periph_clock_enable")),
)


def _simple(row: tuple[str, tuple[str, ...]]) -> Detector:
    name, symbols = row

    def detect_one(image: Image) -> Software | None:
        seen = image.has(*symbols)
        return Software(name, "", f"symbol {seen}") if seen else None

    return detect_one


def phy(image: Image) -> Software | None:
    """The Ethernet PHY that the firmware has a driver or constants for."""
    driver = image.has("LAN8742_Init", "DP83848_Init", "LAN8720_Init", "KSZ8081_Init")
    if driver:
        return Software(driver.removesuffix("_Init"), "", f"symbol {driver}")
    name = image.match(rb"\0(LAN87\d\d|DP83848|KSZ80\d\d|RTL8201)\w*PHY_ADDRESS")
    return Software(name, "", f"macro {name}_PHY_ADDRESS, a default that the driver may not use") if name else None
