# SPDX-License-Identifier: GPL-2.0-or-later
"""What the words of options mean. Parsers raise ValueError or UserError with a clause about what a word should be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

from stm32emu.allocators import Contract, Kind
from stm32emu.peripherals.clock import ClockTree, ManualClock
from stm32emu.peripherals.eth_phy import make_phy

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.config import Config

ALLOCATOR_CHECKS = ("alloc", "heap", "heap=exact", "uninit")
"""Those of `--check` that follow allocators; emu/checks."""
CHECKS = ("alloc", "heap", "heap=exact", "stack", "uninit")
"""All that it can look for."""


@dataclass(frozen=True)
class Typed:
    """Bytes that arrive at the console's serial port from `seconds` of virtual time on."""

    seconds: float
    text: bytes

    def __str__(self) -> str:
        """As the option's word, for a recording."""
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in self.text)
        return f"{self.seconds:.9f}s:{text}"


def parse_frequency(word: str) -> int:
    """Hz from "8M", "25MHz", "32768" or "8000k"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kM]?)(?:Hz)?", word.strip(), re.IGNORECASE)
    hertz = float(match[1]) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()] if match else 0
    if not 1e6 <= hertz <= 50e6:  # the bypass mode's limits; crystals end at 26 MHz (datasheets, "HSE clock")
        raise ValueError(f"{word!r} is not a frequency from 1 to 50 MHz, such as 8M or 25M")
    return round(hertz)


def parse_duration(word: str) -> float:
    """Seconds from "10", "2.5s", "500ms" or "2m"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|)", word.strip())
    seconds = float(match[1]) * {"ms": 1e-3, "s": 1, "": 1, "m": 60}[match[2]] if match else 0
    if not 0 < seconds < math.inf:
        raise ValueError(f"{word!r} is not a duration, such as 10, 2.5s, 500ms or 2m")
    return seconds


def parse_uart(word: str) -> str:
    """The block's name, "USART2" or "UART4", or the debugger's "ITM" or "SEMIHOSTING"."""
    name = word.upper()
    if not re.fullmatch(r"US?ART\d+|ITM|SEMIHOSTING", name):
        raise ValueError(f"{word!r} is not a UART, such as usart2 or uart4, nor itm or semihosting")
    return name


ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}


def parse_typed(word: str) -> Typed:
    """A time and a text, "2s:help\\r\\n"; in the text \\n, \\r, \\t, \\xNN and \\\\ stand for bytes."""
    moment, colon, text = word.partition(":")
    if not colon or not text:
        raise ValueError(f"{word!r} is not a time and a text, such as 2s:help\\r\\n")
    parts = re.split(r"\\(x[0-9a-fA-F]{2}|[nrt\\])", text)  # texts and, between them, what was escaped
    escaped = [ESCAPES.get(part) or bytes.fromhex(part[1:]) for part in parts[1::2]]
    whole = b"".join(plain.encode() + after for plain, after in zip(parts[::2], [*escaped, b""], strict=True))
    return Typed(parse_duration(moment), whole)


def parse_checks(word: str) -> tuple[str, ...]:
    """Names of checks, separated by commas."""
    names = tuple(dict.fromkeys(word.split(",")))
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise ValueError(f"there is no check {unknown[0]!r}; there are {', '.join(CHECKS)}")
    return names


def parse_traces(word: str) -> tuple[str, ...]:
    """Names or patterns of functions, or "mbedtls", separated by commas."""
    names = tuple(dict.fromkeys(word.split(",")))
    if not all(re.fullmatch(r"[\w.:~*?\[\]]+", name) for name in names):
        raise ValueError(f"{word!r} is not mbedtls, nor names or patterns of functions, such as ecp_*,HAL_ETH_*")
    return names


def parse_allocator(word: str) -> tuple[str, Contract]:
    """A function's name and what it does, "my_alloc=malloc", or "my_alloc=malloc:1" when C's arguments come second."""
    match = re.fullmatch(r"(\w+)=(malloc|calloc|realloc|free)(?::([0-2]))?", word)
    if not match:
        raise ValueError(
            f"{word!r} is not NAME=malloc, NAME=calloc, NAME=realloc or NAME=free, with :1 or :2 when arguments come "
            "before those of C's function"
        )
    return match[1], Contract(Kind[match[2].upper()], int(match[3] or 0))


def parse_seed(word: str) -> int:
    """A number of up to 64 bits, decimal or 0x hexadecimal."""
    try:
        seed = int(word, 0)
    except ValueError:
        seed = -1
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"{word!r} is not a number from 0 to 2**64-1")
    return seed


def parse_bind(word: str) -> str:
    """An IPv4 address of this machine."""
    return str(parse_address("127.0.0.1" if word == "localhost" else word))


def parse_address(word: str) -> IPv4Address:
    """An IPv4 address in the usual notation."""
    try:
        return IPv4Address(word)
    except ValueError:
        raise ValueError(f"{word!r} is not an IPv4 address, such as 192.168.0.254") from None


def parse_phy(word: str) -> str:
    """The word itself, once the PHY models have accepted it."""
    make_phy(word, clock=ManualClock(), tree=ClockTree())
    return word


def parse_tls_config(word: str) -> Config:
    """mbedTLS's config.h. What reads it is loaded only now: it is not small."""
    from stm32emu.netbridge.tls.config import ConfigError, read_config

    try:
        return read_config(Path(word))
    except ConfigError as error:
        raise ValueError(str(error)) from error


def parse_until(word: str) -> str:
    """Any text but the empty one, which every console shows at once."""
    if not word:
        raise ValueError("the text to wait for is empty")
    return word


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that accepts the given words."""

    def parse(word: str) -> str:
        if word not in choices:
            raise ValueError(f"{word!r} is not one of {', '.join(choices)}")
        return word

    return parse
