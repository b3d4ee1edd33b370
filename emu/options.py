# SPDX-License-Identifier: GPL-2.0-or-later
"""The options of a run: one table that the command line, its help and the README read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stm32emu.allocators import Contract
from stm32emu.chips import Chip, find_chip
from stm32emu.errors import UserError, as_user_errors
from stm32emu.faults import GRAMMAR, Fault, parse_fault
from stm32emu.files import check_outputs
from stm32emu.log import LEVELS
from stm32emu.netbridge.forward import Forward, parse_forward
from stm32emu.option_words import (
    ALLOCATOR_CHECKS,
    CHECKS,
    Typed,
    one_of,
    parse_address,
    parse_allocator,
    parse_bind,
    parse_checks,
    parse_duration,
    parse_frequency,
    parse_phy,
    parse_seed,
    parse_tls_config,
    parse_traces,
    parse_typed,
    parse_uart,
    parse_until,
)
from stm32emu.peripherals.eth_phy import MODELS

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.config import Config

EXIT_CODES = {
    0: "the run ended as asked: --until was seen, or --duration was reached without --until",
    1: "the firmware faulted, ended with an error, or did what --strict refuses",
    2: "the firmware file, an option, or the installed Unicorn cannot be used",
    3: "--until was not seen within --duration",
    4: "a replay ended in another state than the run it replays",
    5: "--watchdog found a loop that makes no progress",
    70: "stm32emu itself has a defect",
    130: "interrupted (Ctrl-C)",
    141: "whoever read its output has gone (SIGPIPE)",
    143: "terminated (SIGTERM)",
}


@dataclass(frozen=True)
class RunOptions:
    """Everything `stm32emu run` can be told. Durations are virtual seconds, frequencies Hz."""

    elf: Path
    chip: Chip | None = None
    ports: tuple[Forward, ...] = ()
    bind: str = "127.0.0.1"
    guest_ip: IPv4Address | None = None
    uart: str | None = None
    typed: tuple[Typed, ...] = ()
    phy: str = "auto"
    hse: int | None = None
    seed: int = 0
    faults: tuple[Fault, ...] = ()
    checks: tuple[str, ...] = ()
    traces: tuple[str, ...] = ()
    watchdog: float | None = None
    allocators: tuple[tuple[str, Contract], ...] = ()
    duration: float | None = None
    until: str | None = None
    pcap: Path | None = None
    keylog: Path | None = None
    record: Path | None = None
    json: Path | None = None
    coverage: Path | None = None
    no_explain: bool = False
    tls_config: Config | None = None
    remember: Path | None = None
    strict: bool = False
    on_fault: str = "stop"
    pace: str = "real"
    no_idle_skip: bool = False
    log_level: str = "info"
    debug: bool = False


Word = str | bool | list[str]
"""What a recording says of an option: its word, its words if it is repeatable, True for a switch."""


@dataclass(frozen=True)
class Option:
    """One row: `flag` on the command line sets `field` of RunOptions to what `parse` makes of the word given.

    `parse` raises ValueError or UserError with a clause that says what the word should be. Without `metavar` the
    option is a switch. What is `recorded` belongs into a recording: it changes what the firmware does or shows, other
    than by what comes from outside. An `observer` changes neither, so a replay may have it, too.
    """

    flag: str
    field: str
    metavar: str
    help: str
    parse: Callable[[str], Any] = str
    repeatable: bool = False
    recorded: bool = False
    observer: bool = False


TRACE_HELP = "show failing calls and handshakes of mbedTLS, or the calls of functions, by name or pattern (ecp_*)"
OPTIONS = (
    Option(
        "--port", "ports", "HOST[:GUEST][/udp]", "forward this host port to the firmware's; may be repeated",
        parse_forward, repeatable=True,
    ),
    Option("--bind", "bind", "ADDRESS", "host address that ports are opened on [127.0.0.1]", parse_bind),
    Option("--guest-ip", "guest_ip", "ADDRESS", "the firmware's address, if its traffic does not tell", parse_address),
    Option("--chip", "chip", "NAME", "the part, such as stm32f407 [what the firmware names]", find_chip, recorded=True),
    Option("--uart", "uart", "NAME", "the console: usart2, itm ... [the first that speaks]", parse_uart, recorded=True),
    Option(
        "--type", "typed", "TIME:TEXT", "type TEXT on the console's UART at TIME, as in 2s:help\\r\\n; may be repeated",
        parse_typed, repeatable=True, recorded=True,
    ),
    Option(
        "--phy", "phy", "NAME[@ADDRESS]", f"Ethernet PHY: {', '.join(MODELS)} [auto: most drivers]", parse_phy,
        recorded=True,
    ),
    Option(
        "--hse", "hse", "FREQUENCY", "the external oscillator [inferred from the PLL]", parse_frequency,
        recorded=True,
    ),
    Option("--seed", "seed", "NUMBER", "source of everything random in the run [0]", parse_seed, recorded=True),
    Option(
        "--fault", "faults", GRAMMAR, "inject a fault, see `stm32emu faults`; may be repeated", parse_fault,
        repeatable=True, recorded=True,
    ),
    Option(
        "--check", "checks", "NAME[,NAME]", f"look for mistakes: {', '.join(CHECKS)}", parse_checks, observer=True
    ),
    Option(
        "--allocator", "allocators", "NAME=KIND[:N]",
        "for --check: the firmware's function NAME is a malloc, calloc, realloc or free, whose arguments begin at "
        "number N [0]; may be repeated",
        parse_allocator, repeatable=True, observer=True,
    ),
    Option("--trace", "traces", "mbedtls|NAME[,NAME]", TRACE_HELP, parse_traces, observer=True),
    Option(
        "--watchdog", "watchdog", "TIME", "end when a loop makes no progress for this long, such as 20s, and show it",
        parse_duration, observer=True,
    ),
    Option("--duration", "duration", "TIME", "end after this much virtual time, such as 10s", parse_duration),
    Option("--until", "until", "TEXT", "end with 0 as soon as the console shows this text", parse_until),
    Option(
        "--pcap", "pcap", "FILE", "write the Ethernet traffic, with virtual times, to a pcapng file", Path,
        observer=True,
    ),
    Option(
        "--keylog", "keylog", "FILE", "write the secrets of mbedTLS's connections to a key log, and to --pcap's file",
        Path, observer=True,
    ),
    Option("--record", "record", "FILE", "write what came from outside to a file for `stm32emu replay`", Path),
    Option(
        "--json", "json", "FILE", "write what checks, traces and TLS connections showed to a file, as data", Path,
        observer=True,
    ),
    Option(
        "--coverage", "coverage", "FILE", "write which code ran to a file, in LCOV's format if its name ends in .info",
        Path, observer=True,
    ),
    Option("--no-explain", "no_explain", "", "say nothing about TLS connections", observer=True),
    Option(
        "--tls-config", "tls_config", "CONFIG.H", "mbedTLS's configuration, to know what the firmware can do in TLS",
        parse_tls_config, observer=True,
    ),
    Option(
        "--remember", "remember", "FILE", "keep random numbers of TLS servers in a file, to notice them in later runs",
        Path,
    ),
    Option("--strict", "strict", "", "end at the first access to something that is not modelled", recorded=True),
    Option(
        "--on-fault", "on_fault", "stop|continue", "end when the fault handler only loops, or never [stop]",
        one_of("stop", "continue"),
    ),
    Option(
        "--pace", "pace", "real|max", "let idle time follow the wall clock, or skip it [real]", one_of("real", "max")
    ),
    Option(
        "--no-idle-skip", "no_idle_skip", "", "run busy idle loops, round by round, for the same result", observer=True
    ),
    Option(
        "--log-level", "log_level", "LEVEL",
        "what to log: debug (every frame), info, warning (only what is probably wrong) or error [info]",
        one_of(*LEVELS), observer=True,
    ),
    Option("--debug", "debug", "", "show a traceback with every error", observer=True),
)  # fmt: skip


OUTPUTS = ("pcap", "keylog", "record", "json", "coverage", "remember")
"""The fields that name files to write."""


def parse_options(
    elf: Path, words: Mapping[str, str | Sequence[str] | bool | None], *, recording: Path | None = None
) -> RunOptions:
    """RunOptions from the command line's words by field name; absent ones (None, (), False) keep their default.
    `recording` is read, too, in a replay.

    Raises UserError, naming the option, on the first word that cannot be used.
    """
    given = {option: words.get(option.field) for option in OPTIONS}
    values = {option.field: _parse(option, word) for option, word in given.items() if word not in (None, (), False)}
    options = RunOptions(elf=elf, **values)
    _check_distinct(options.ports)
    _check_idle(options)
    _check_files(options, recording)
    for word, count in Counter(map(str, options.faults)).items():
        if count > 1:
            raise UserError(f"--fault: {word} is given twice; give it once, or two that differ")
    return options


def _check_idle(options: RunOptions) -> None:
    """Options that are about what others turn on, or off."""
    if options.allocators and not set(ALLOCATOR_CHECKS) & set(options.checks):
        raise UserError(f"--allocator: it is for --check {', '.join(ALLOCATOR_CHECKS)}; add one of them")
    for flag, given in (("--tls-config", options.tls_config), ("--remember", options.remember)):
        if given and options.no_explain:
            raise UserError(f"{flag}: it is for explaining TLS connections; leave out --no-explain, or {flag}")


def _check_files(options: RunOptions, recording: Path | None) -> None:
    outputs = {option.flag: getattr(options, option.field) for option in OPTIONS if option.field in OUTPUTS}
    config = Path(options.tls_config.path) if options.tls_config else None
    inputs = [path for path in (options.elf, recording, config) if path]
    check_outputs({flag: path for flag, path in outputs.items() if path}, inputs)


def recorded_words(options: RunOptions) -> dict[str, Word]:
    """What a recording must say of `options`, as words by field name."""
    values = {option: getattr(options, option.field) for option in OPTIONS if option.recorded}
    given = {option: value for option, value in values.items() if value not in (None, ()) and value is not False}
    return {option.field: _word(option, value) for option, value in given.items()}


def _word(option: Option, value: Any) -> Word:
    return list(map(str, value)) if option.repeatable else value is True or str(value)


def check_recorded(elf: Path, words: Mapping[str, Word]) -> None:
    """Raise UserError unless `recorded_words` can have made `words`."""
    kinds = {option.field: _kind(option) for option in OPTIONS if option.recorded}
    for field, word in words.items():
        if type(word) is not kinds.get(field):
            raise UserError(f"option {field[:20]!r} is none that a recording has")
    parse_options(elf, words)


def _kind(option: Option) -> type:
    return list if option.repeatable else str if option.metavar else bool


def _check_distinct(ports: Sequence[Forward]) -> None:
    for n, forward in enumerate(ports):
        if any((forward.host_port, forward.proto) == (other.host_port, other.proto) for other in ports[:n]):
            raise UserError(f"--port: {forward.host_port}/{forward.proto} is given twice; forward it to one guest port")


def _parse(option: Option, given: Any) -> Any:
    if not option.metavar:
        return given
    with as_user_errors(ValueError, UserError, where=option.flag):
        return tuple(map(option.parse, given)) if option.repeatable else option.parse(given)


def options_table() -> str:
    """The options as a Markdown table."""
    rows = ((f"{option.flag} {option.metavar}".strip().replace("|", "\\|"), option.help) for option in OPTIONS)
    return _table(("option", "what it does"), [(f"`{usage}`", text) for usage, text in rows])


def exit_code_table() -> str:
    """The exit codes as a Markdown table."""
    return _table(("code", "meaning"), [(str(code), text) for code, text in EXIT_CODES.items()])


def _table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right} |" for left, right in (head, ("---", "---"), *rows))
