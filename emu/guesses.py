# SPDX-License-Identifier: GPL-2.0-or-later
"""What a firmware will probably use: its console and its network address, guessed from constants."""

from __future__ import annotations

import re
from collections.abc import Iterable
from struct import unpack_from

from stm32emu.chip import Chip
from stm32emu.elf import Firmware
from stm32emu.references import BlockUse, Constant
from stm32emu.symbols import Symbols

PUTCHAR = ("__io_putchar", "_write", "_write_r", "fputc", "uart_putc", "uart_write", "console_putc")
HANDLE = re.compile(r"h?(uart|usart)(\d)", re.IGNORECASE)
SERIAL = re.compile(r"US?ART\d+$")
DOTTED = re.compile(rb"(?<![\d.])((?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3})(?![\d.])")
NETWORK_CODE = re.compile(r"lwip|netif|ethernet|network|net_init|^main$", re.IGNORECASE)


def console(found: Iterable[Constant], uses: list[BlockUse], symbols: Symbols) -> tuple[str, str] | None:
    """The serial port that text probably goes to, and why."""
    ports = [use for use in uses if SERIAL.match(use.name)]
    names = {use.name for use in ports}
    for constant in found:
        symbol = symbols.lookup(constant.value) if constant.function in PUTCHAR else None
        match = HANDLE.fullmatch(symbol.name) if symbol is not None else None
        if match:
            port = next((f"{kind}{match[2]}" for kind in ("USART", "UART") if f"{kind}{match[2]}" in names), None)
            if port:
                return port, f"{constant.function} uses {match[0]}"
    for use in ports:
        writer = next((name for name in use.functions if name in PUTCHAR), None)
        if writer:
            return use.name, f"{writer} uses it"
    own = [use for use in ports if not use.library]
    if len(own) == 1:
        return own[0].name, "the only serial port outside driver libraries"
    return None


def addresses(firmware: Firmware, symbols: Symbols, found: Iterable[Constant], chip: Chip) -> list[str]:
    """Private IPv4 addresses that the code may give itself or talk to, the likeliest first; netmasks left out."""
    candidates = [*_stored_bytes(firmware, symbols), *_words(found, chip), *_strings(firmware)]
    return [text for text in dict.fromkeys(candidates) if not text.endswith((".0", ".255"))]


def _stored_bytes(firmware: Firmware, symbols: Symbols) -> Iterable[str]:
    """Four bytes stored one by one: MOVS Rd, #imm8 followed by STRB, as in `IP_ADDRESS[0] = 192`."""
    for symbol in symbols:
        if symbol.kind != "function" or not NETWORK_CODE.search(symbol.name):
            continue
        code = b"".join(firmware_code(firmware, symbol.address, symbol.size))
        halves = [unpack_from("<H", code, at)[0] for at in range(0, len(code) - 1, 2)]
        stored = [
            move & 0xFF
            for move, store, wide in zip(halves, halves[1:], [*halves[2:], 0], strict=False)
            if move & 0xF800 == 0x2000 and _stored_register(store, wide) == move >> 8 & 7
        ]
        for at in range(len(stored) - 3):
            if is_private(stored[at : at + 4]):
                yield ".".join(map(str, stored[at : at + 4]))


def _stored_register(first: int, second: int) -> int | None:
    """Rt of STRB (immediate), encodings T1 and T2."""
    if first & 0xF800 == 0x7000:
        return first & 7
    return second >> 12 if first & 0xFFF0 == 0xF880 else None


def firmware_code(firmware: Firmware, address: int, length: int) -> Iterable[bytes]:
    """The stored bytes of what runs at `address`."""
    for segment in firmware.segments:
        start = address - segment.virtual
        if 0 <= start < len(segment.data):
            yield segment.data[start : start + length]


def _words(found: Iterable[Constant], chip: Chip) -> Iterable[str]:
    """Constants that are an address in network order, as lwIP's IP4_ADDR makes them, and nothing else on this chip."""
    for constant in found:
        octets = list(constant.value.to_bytes(4, "little"))
        elsewhere = any(region.base <= constant.value < region.end for region in chip.memories)
        if octets[0] != 10 and is_private(octets) and not elsewhere:
            yield ".".join(map(str, octets))


def _strings(firmware: Firmware) -> Iterable[str]:
    for segment in firmware.segments:
        for match in DOTTED.finditer(segment.data):
            octets = [int(part) for part in match[1].split(b".")]
            if len(octets) == 4 and max(octets) < 256:
                yield match[1].decode()


def is_private(octets: list[int]) -> bool:
    """RFC 1918."""
    first, second = octets[0], octets[1]
    return first == 10 or (first, second) == (192, 168) or (first == 172 and 16 <= second < 32)
