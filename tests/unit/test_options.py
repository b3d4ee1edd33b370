# SPDX-License-Identifier: GPL-2.0-or-later
"""Options: what each accepts and means, and the sentence for each that cannot be used."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from stm32emu.chips import find_chip
from stm32emu.errors import UserError
from stm32emu.netbridge.forward import Forward
from stm32emu.option_words import ALLOCATOR_CHECKS, Typed
from stm32emu.options import (
    OPTIONS,
    RunOptions,
    check_recorded,
    exit_code_table,
    options_table,
    parse_options,
    recorded_words,
)

ELF = Path("firmware.elf")


def test_defaults() -> None:
    """Nothing given is what RunOptions says by itself, however the command line says nothing."""
    nothing = {option.field: () if option.repeatable else None if option.metavar else False for option in OPTIONS}
    assert parse_options(ELF, nothing) == parse_options(ELF, {}) == RunOptions(elf=ELF)


def test_every_field_has_an_option() -> None:
    assert [option.field for option in OPTIONS] == list(dict.fromkeys(option.field for option in OPTIONS))
    assert {option.field for option in OPTIONS} == {each.name for each in fields(RunOptions)} - {"elf"}


@pytest.mark.parametrize(
    ("field", "word", "value"),
    [
        ("ports", ["4433", "8080:80", "69/udp"], (Forward(4433, 4433), Forward(8080, 80), Forward(69, 69, "udp"))),
        ("ports", ["53", "53/udp"], (Forward(53, 53), Forward(53, 53, "udp"))),
        ("bind", "0.0.0.0", "0.0.0.0"),
        ("bind", "localhost", "127.0.0.1"),
        ("guest_ip", "192.168.0.254", IPv4Address("192.168.0.254")),
        ("chip", "f407", find_chip("STM32F407")),
        ("uart", "usart2", "USART2"),
        ("uart", "itm", "ITM"),
        ("uart", "semihosting", "SEMIHOSTING"),
        ("uart", "UART4", "UART4"),
        ("phy", "lan8742a@1", "lan8742a@1"),
        ("hse", "25M", 25_000_000),
        ("hse", "12.288MHz", 12_288_000),
        ("hse", "8000000", 8_000_000),
        ("hse", "8000k", 8_000_000),
        ("seed", "0x10", 16),
        ("seed", "7", 7),
        ("keylog", "keys.txt", Path("keys.txt")),
        ("watchdog", "20s", 20.0),
        ("traces", "mbedtls,ecp_*,HAL_ETH_*,mbedtls", ("mbedtls", "ecp_*", "HAL_ETH_*")),
        ("duration", "10", 10.0),
        ("duration", "2.5s", 2.5),
        ("duration", "500ms", 0.5),
        ("duration", "2m", 120.0),
        ("until", " ready", " ready"),
        ("pcap", "out.pcapng", Path("out.pcapng")),
        ("strict", True, True),
        ("on_fault", "continue", "continue"),
        ("pace", "max", "max"),
        ("log_level", "debug", "debug"),
        ("debug", True, True),
    ],
)
def test_words(field: str, word: Any, value: Any) -> None:
    assert parse_options(ELF, {field: word}) == RunOptions(elf=ELF, **{field: value})


@pytest.mark.parametrize(
    ("field", "word", "sentence"),
    [
        ("ports", ["0"], "--port: "),
        ("ports", ["65536"], "--port: "),
        ("ports", ["4433:0"], "--port: "),
        ("ports", ["-1"], "--port: "),
        ("ports", ["http"], "--port: "),
        ("ports", ["4433/sctp"], "--port: "),
        ("ports", [""], "--port: "),
        ("ports", ["4433", "80", "4433:443"], "--port: 4433/tcp is given twice"),
        ("bind", "example", "--bind: 'example' is not an IPv4 address"),
        ("bind", "::1", "--bind: '::1' is not an IPv4 address"),
        ("guest_ip", "::1", "--guest-ip: '::1' is not an IPv4 address"),
        ("guest_ip", "192.168.0", "--guest-ip: '192.168.0' is not an IPv4 address"),
        ("chip", "stm32f103", "--chip: there is no chip 'stm32f103'"),
        ("chip", "", "--chip: there is no chip ''"),
        ("uart", "com1", "--uart: 'com1' is not a UART"),
        ("typed", ["2s"], "--type: '2s' is not a time and a text"),
        ("typed", ["2s:"], "--type: '2s:' is not a time and a text"),
        ("typed", ["soon:x"], "--type: 'soon' is not a duration"),
        ("phy", "lan9999", "--phy: "),
        ("phy", "lan8742a@32", "--phy: "),
        ("hse", "8 apples", "--hse: '8 apples' is not a frequency"),
        ("hse", "8", "--hse: '8' is not a frequency"),
        ("hse", "100M", "--hse: '100M' is not a frequency"),
        ("seed", "-1", "--seed: '-1' is not a number"),
        ("seed", "abc", "--seed: 'abc' is not a number"),
        ("seed", str(1 << 64), "--seed: "),
        ("duration", "0", "--duration: '0' is not a duration"),
        ("duration", "-3", "--duration: '-3' is not a duration"),
        ("duration", "nan", "--duration: 'nan' is not a duration"),
        ("duration", "9" * 400, "--duration: "),
        ("until", "", "--until: the text to wait for is empty"),
        ("on_fault", "ignore", "--on-fault: 'ignore' is not one of stop, continue"),
        ("pace", "fast", "--pace: 'fast' is not one of real, max"),
        ("log_level", "loud", "--log-level: 'loud' is not one of debug, info, warning, error"),
    ],
)
def test_bad_words(field: str, word: Any, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_options(ELF, {field: word})
    assert caught.value.sentence.startswith(sentence)
    assert "\n" not in caught.value.sentence
    assert caught.value.exit_code == 2


CONFIG = str(Path(__file__).resolve().parents[2] / "images" / "tls_server" / "mbedtls_config.h")
OWN = {"allocators": ["my_alloc=malloc"]}
IDLE = {
    "--allocator: it is for --check alloc, heap, heap=exact, uninit; add one of them": (
        OWN,
        {**OWN, "checks": "stack"},
        {**OWN, "traces": "ecp_*"},
    ),
    "--remember: it is for explaining TLS connections; leave out --no-explain, or --remember": (
        {"remember": "marks", "no_explain": True},
    ),
    "--tls-config: it is for explaining TLS connections; leave out --no-explain, or --tls-config": (
        {"tls_config": CONFIG, "no_explain": True},
    ),
}


@pytest.mark.parametrize("sentence", IDLE)
def test_an_option_that_would_do_nothing(sentence: str) -> None:
    for words in IDLE[sentence]:
        with pytest.raises(UserError) as caught:
            parse_options(ELF, words)
        assert caught.value.sentence == sentence


@pytest.mark.parametrize("check", ALLOCATOR_CHECKS)
def test_allocators_are_for_the_checks_that_follow_them(check: str) -> None:
    assert parse_options(ELF, {**OWN, "checks": f"stack,{check}"}).allocators


def test_what_a_recording_and_a_replay_make_of_each_option() -> None:
    """What is neither recorded nor an observer acts through what comes from outside, or decides when a run ends."""
    others = {"ports", "bind", "guest_ip", "pace", "duration", "until", "on_fault", "record", "remember"}
    assert {option.field for option in OPTIONS if not option.recorded and not option.observer} == others
    assert not [option.field for option in OPTIONS if option.recorded and option.observer]


def test_recorded_words_are_read_back() -> None:
    words = {"chip": "f407", "seed": "0", "hse": "25M", "strict": True, "uart": "usart2", "faults": ["rng=repeat"]}
    options = parse_options(ELF, words)
    recorded = recorded_words(options)
    assert recorded == {
        "chip": "STM32F407",
        "phy": "auto",
        "seed": "0",
        "hse": "25000000",
        "strict": True,
        "uart": "USART2",
        "faults": ["rng=repeat"],
    }
    check_recorded(ELF, recorded)
    assert parse_options(ELF, recorded) == options


def test_readme_shows_the_tables() -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text()
    assert options_table() in readme
    assert exit_code_table() in readme


def test_typed_text() -> None:
    """Escapes stand for bytes, everything else for itself; a time as everywhere."""
    words = ["500ms:a:b\\r\\n", "2:\\x1b[A\\\\n \\q", "3s:é"]
    typed = parse_options(Path("firmware.elf"), {"typed": words}).typed
    assert parse_options(Path("firmware.elf"), {"typed": [str(each) for each in typed]}).typed == typed
    assert typed == (Typed(0.5, b"a:b\r\n"), Typed(2, b"\x1b[A\\n \\q"), Typed(3, "é".encode()))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"json": "{fw}"}, "--json: {fw} is read, too"),
        ({"pcap": "{link}"}, "--pcap: {link} is read, too"),
        ({"coverage": "{rec}"}, "--coverage: {rec} is read, too"),
        ({"json": "x", "coverage": "./x"}, "--coverage: x is also what --json writes"),
    ],
)
def test_no_file_is_written_over_another(tmp_path: Path, words: dict[str, str], sentence: str) -> None:
    names = {name: str(tmp_path / name) for name in ("fw", "link", "rec")}
    Path(names["fw"]).touch()
    Path(names["rec"]).touch()
    Path(names["link"]).symlink_to("fw")
    given = {field: word.format(**names) for field, word in words.items()}
    with pytest.raises(UserError) as caught:
        parse_options(Path(names["fw"]), given, recording=Path(names["rec"]))
    assert caught.value.sentence == f"{sentence.format(**names)}; give it a file of its own"


def test_one_device_may_take_many_outputs() -> None:
    assert parse_options(ELF, {"json": "/dev/null", "coverage": "/dev/null"}).json == Path("/dev/null")
