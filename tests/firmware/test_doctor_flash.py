# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor flash`: sizes as binutils have them, and savings as rebuilding without an option has them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from rebuilt import CONFIG, stored
from runs import IMAGES, PATIENCE
from stm32emu.dead_code import Wanted
from stm32emu.elf import load_firmware
from stm32emu.flash_graph import FlashGraph
from stm32emu.flash_layout import Layout
from stm32emu.flash_savings import Saving, Savings
from stm32emu.symbols import Symbols
from test_console import stm32emu

SERVER = IMAGES / "tls_server.elf"
MACROS = (
    "DEBUG_C", "PK_PARSE_EC_EXTENDED", "SHA512_C", "ECP_DP_SECP384R1_ENABLED", "ECP_DP_SECP256R1_ENABLED",
    "SSL_MAX_FRAGMENT_LENGTH", "PEM_PARSE_C",
)  # fmt: skip
"""`make flash-savings` rebuilds the server without each of them; other runs of this file without the first two."""
REBUILT = MACROS if os.environ.get("STM32EMU_ALL_MACROS") else MACROS[:2]


def doctor(*words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    command = [sys.executable, "-m", "stm32emu", "doctor", "flash", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    """What is said of the TLS server, as data."""
    code, out, log = doctor(SERVER, "--config", CONFIG, "--json")
    assert code == 0, log
    return dict(json.loads(out))


@pytest.mark.parametrize("image", ["tls_server", "echo", "uart_hello"])
def test_the_total_is_what_binutils_say(image: str) -> None:
    elf = IMAGES / f"{image}.elf"
    listing = subprocess.run(["arm-none-eabi-size", "-A", elf], capture_output=True, text=True, check=True).stdout
    sizes = {
        row[0]: int(row[1]) for row in map(str.split, listing.splitlines()) if len(row) == 3 and row[0] != "section"
    }
    data = json.loads(doctor(elf, "--json")[1])
    assert data["bytes"] == sum(module["bytes"] for module in data["modules"])
    assert data["bytes"] == sizes[".text"] + sizes.get(".ARM.exidx", 0) + sizes[".data"]


def test_functions_are_what_nm_says() -> None:
    listing = subprocess.run(["arm-none-eabi-nm", "-S", SERVER], capture_output=True, text=True, check=True).stdout
    rows = [row for row in map(str.split, listing.splitlines()) if len(row) == 4 and row[2] in "tTrRdDwWvV"]
    firmware = load_firmware(SERVER)
    graph = FlashGraph(firmware, Symbols.from_elf(BytesIO(firmware.contents)))
    pieces = {(piece.start, piece.size) for piece in graph.pieces if piece.kind != "unnamed"}
    assert pieces == {(int(address, 16), int(size, 16)) for address, size, _kind, _name in rows}


FLOWS = {"bl": "call", "b": "jump", "cbz": "branch", "cbnz": "branch"}
BRANCH = re.compile(
    r"^ +(\w+):\t[\w ]+\t(bl|cbn?z|b(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?)(?:\.[nw])?\t(.*)$", re.MULTILINE
)


def test_branches_are_what_objdump_says() -> None:
    listing = subprocess.run(["arm-none-eabi-objdump", "-d", SERVER], capture_output=True, text=True, check=True).stdout
    expected = set()
    for at, mnemonic, operands in BRANCH.findall(listing):
        target = operands.split(" <")[0].split(", ")[-1].split("\t")[-1]
        expected.add((int(at, 16), int(target, 16), FLOWS.get(mnemonic, "branch")))
    firmware = load_firmware(SERVER)
    graph = FlashGraph(firmware, Symbols.from_elf(BytesIO(firmware.contents)))
    found = {(m.at, m.target, m.flow) for mentions in graph.mentions.values() for m in mentions if m.flow}
    functions = [piece for piece in graph.pieces if piece.kind == "function"]
    assert found == {row for row in expected if any(piece.start <= row[0] < piece.end for piece in functions)}
    assert len(found) > 5000


@pytest.mark.parametrize("macro", REBUILT)
def test_a_rebuild_saves_what_was_said(macro: str, server: dict[str, Any]) -> None:
    """By what `arm-none-eabi-size` says of both."""
    saved = stored(None) - stored(macro)
    said = {each["macro"]: each["bytes"] for each in server["macros"]}[f"MBEDTLS_{macro}"]
    assert said == pytest.approx(saved, rel=0.1)


@pytest.mark.parametrize("image", ["tls_server", "tls_server-O2", "echo", "uart_hello"])
def test_what_is_left_whole_is_laid_out_as_it_is(image: str) -> None:
    firmware = load_firmware(IMAGES / f"{image}.elf")
    graph = FlashGraph(firmware, Symbols.from_elf(BytesIO(firmware.contents)))
    assert Layout(graph).size() == sum(len(segment.data) for segment in firmware.segments)


def test_what_ran_is_said_of_files_and_macros(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    stm32emu(str(SERVER), "--duration", "2s", "--pace", "max", "--coverage", str(file))
    code, out, log = doctor(SERVER, "--config", CONFIG, "--coverage", file, "--json")
    assert code == 0, log
    data = json.loads(out)
    ran = {module["file"].rpartition("/")[2]: module["ran"] for module in data["modules"]}
    assert ran["sha512.c"] > 500  # its generator is seeded
    assert ran["ssl_srv.c"] == 0  # and nobody has connected
    assert next(each["ran"] for each in data["macros"] if each["macro"] == "MBEDTLS_SSL_MAX_FRAGMENT_LENGTH") == 0
    never = {each["function"]: each for each in data["never_ran"]}
    assert never["mbedtls_x509_crt_info"]["macros"] == ["MBEDTLS_DEBUG_C"]
    assert never["ip4_reass"]["macros"] == []
    assert not never.keys() & {"Reset_Handler", "mbedtls_internal_sha512_process"}
    text = doctor(SERVER, "--config", CONFIG, "--coverage", file)[1]
    assert "ran: 0 of its" in text
    assert f"never ran: {sum(m['code'] - m['ran'] for m in data['modules'])} bytes of code\n" in text
    assert f"{len(never)} functions that never ran, and the options without which they go\n" in text


def test_what_ran_in_either_of_two_runs(tmp_path: Path) -> None:
    """Two halves make a whole, as LCOV and as data; a file that is read is not written."""
    whole, one, two, lines = (tmp_path / name for name in ("run.json", "one.json", "two.json", "run.info"))
    elf = IMAGES / "echo.elf"
    stm32emu(str(elf), "--duration", "1s", "--pace", "max", "--coverage", str(whole))
    data = json.loads(whole.read_text())
    half = len(data["ranges"]) // 2
    one.write_text(json.dumps({**data, "ranges": data["ranges"][:half]}))
    two.write_text(json.dumps({**data, "ranges": data["ranges"][half - 5 :]}))
    code, out, log = doctor(elf, "--coverage", one, "--coverage", two, "--json", "--lcov", lines)
    assert code == 0, log
    assert out == doctor(elf, "--coverage", whole, "--json")[1]
    assert out != doctor(elf, "--coverage", one, "--json")[1]
    stm32emu(str(elf), "--duration", "1s", "--pace", "max", "--coverage", str(tmp_path / "again.info"))
    assert lines.read_text() == (tmp_path / "again.info").read_text()
    assert doctor(elf, "--coverage", one, "--lcov", one)[0] == 2
    assert json.loads(one.read_text())["ranges"] == data["ranges"][:half]


def test_who_else_uses_what_would_go(server: dict[str, Any]) -> None:
    """Functions outside mbedTLS, which have to be changed."""
    users = {each["macro"]: each["users"] for each in server["macros"]}
    assert users["MBEDTLS_CERTS_C"] == ["tls_start"]
    assert users["MBEDTLS_SHA512_C"] == []
    assert "also used by: tls_start\n" in doctor(SERVER, "--config", CONFIG)[1]


PROGRAM = """
typedef void (*handler)(int);
static volatile int out;
#ifdef LOG
static const char *const levels[] = {"error", "warning", "debug message"};
__attribute__((noinline)) void log_text(int level, const char *text)
{
    for (const char *at = levels[level]; *at; at++) out = *at;
    for (; *text; text++) out = *text;
}
#define LOG_TEXT(level, text) log_text(level, text)
#else
#define LOG_TEXT(level, text)
#endif
__attribute__((noinline)) void shared(int n) { out = n * 3; }
static void on_one(int n)
{
    LOG_TEXT(1, "the first handler was called, and says so");
    shared(n);
}
static void on_two(int n)
{
    shared(n + out);
    LOG_TEXT(2, "the second one");
    out = n;
}
static const handler table[] = {on_one, on_two};
void Reset_Handler(void)
{
    for (int n = 0; n < 2; n++) table[n](n);
    for (;;) ;
}
__attribute__((section(".isr_vector"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20020000, Reset_Handler,
};
"""


def saved_without(
    macro: str, program: str, level: str, wanted: Wanted, compile_firmware: Callable[..., Path]
) -> tuple[Saving, int]:
    """What is said to go without the `wanted`, and by how many bytes the program is smaller without the macro."""
    flags = (level, "-g", "-ffunction-sections", "-fdata-sections")
    firmware = load_firmware(compile_firmware(f"with_{macro}{level}", program, *flags, f"-D{macro}"))
    bare = load_firmware(compile_firmware(f"without_{macro}{level}", program, *flags))
    symbols = Symbols.from_elf(BytesIO(firmware.contents))
    with_it, without = (sum(len(part.data) for part in each.segments) for each in (firmware, bare))
    return Savings(FlashGraph(firmware, symbols), symbols).without(wanted), with_it - without


@pytest.mark.parametrize("level", ["-Og", "-Os", "-O2"])
def test_a_small_program_without_its_log(level: str, compile_firmware: Callable[..., Path]) -> None:
    saving, saved = saved_without("LOG", PROGRAM, level, Wanted("log_text"), compile_firmware)
    assert saving.size == pytest.approx(saved, rel=0.1)
    assert {piece.name for piece in saving.gone} >= {"log_text", "levels", "debug message", "the second one"}
    assert "shared" not in {piece.name for piece in saving.gone}


PATHS = """
static volatile int out, in;
#ifdef FEATURE
__attribute__((noinline)) int feature_find(int n) { return n > 3 ? n * in : 0; }
__attribute__((noinline)) int feature_next(int n) { out = n / 3; return in; }
#endif
__attribute__((noinline)) int shared(int n) { out = n * 3; return in; }
__attribute__((noinline)) int handle(int n)
{
#ifdef FEATURE
    int found = feature_find(n);
    out = n;
    if (found != 0) {
        int length = feature_next(n);
        while (length > 1) {
            out = shared(length);
            if (out == 7)
                return -n;
            length -= in;
        }
        return shared(length) * 5;
    }
#endif
    return shared(n + 1);
}
void Reset_Handler(void) { for (;;) out = handle(in); }
__attribute__((section(".isr_vector"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20020000, Reset_Handler,
};
"""


@pytest.mark.parametrize("level", ["-Og", "-Os", "-O2"])
def test_what_is_only_reached_when_a_feature_says_so(level: str, compile_firmware: Callable[..., Path]) -> None:
    """Loops and returns that mention nothing of the feature, behind a test of what it returned."""
    saving, saved = saved_without("FEATURE", PATHS, level, Wanted(r"feature_\w+"), compile_firmware)
    assert saving.size == pytest.approx(saved, rel=0.2)  # registers that are no longer saved are not seen


ALIGNED = """
void first(int), second(int);
static volatile int out;
#ifdef BOTH
__attribute__((aligned(64), noinline)) void first(int n) { out = n; }
#endif
__attribute__((aligned(64), noinline)) void second(int n) { out = n * 7; }
void Reset_Handler(void)
{
#ifdef BOTH
    first(1);
#endif
    second(2);
    for (;;) ;
}
__attribute__((section(".isr_vector"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20020000, Reset_Handler,
};
"""


def test_alignment_is_seen_by_padding(compile_firmware: Callable[..., Path]) -> None:
    """A function aligned to 64 bytes takes 64 bytes away with it, whatever its own size is."""
    saving, saved = saved_without("BOTH", ALIGNED, "-Os", Wanted("first"), compile_firmware)
    assert saved > 64
    assert saving.size == pytest.approx(saved, abs=2)  # the linker script does not align the end, as most do
    assert sum(piece.size for piece in saving.gone) < 16


ZEROS = """
__attribute__((section(".data.heap"))) char heap[4096];
__attribute__((section(".data.few"))) char few[16];
char letters[512] = "abc";
static char in_bss[1024];
void Reset_Handler(void) { for (;;) heap[0] = few[0] = letters[0] = in_bss[0]; }
__attribute__((section(".isr_vector"), used)) static void (*const vectors[2])(void) = {
    (void (*)(void))0x20020000, Reset_Handler,
};
"""


def test_zeros_that_take_flash(compile_firmware: Callable[..., Path]) -> None:
    """As a heap in a section of CCM does that is loaded."""
    elf = compile_firmware("zeros", ZEROS, "-O1", "-g")
    data = json.loads(doctor(elf, "--json")[1])
    assert [(zeros["name"], zeros["bytes"]) for zeros in data["zeros"]] == [("heap", 4096)]
    assert "NOLOAD, and clear it at start\n    4096 heap" in doctor(elf)[1]
    assert "NOLOAD" not in doctor(SERVER)[1]


def test_without_debug_information(stripped: Callable[..., Path], tmp_path: Path) -> None:
    copy = tmp_path / "hello.elf"
    copy.write_bytes((IMAGES / "uart_hello.elf").read_bytes())
    code, out, log = doctor(stripped(copy, "-g"))
    assert code == 0
    assert "(no source file known)" in out
    assert "has no debug information (-g)" in log


def test_bad_input(tmp_path: Path, stripped: Callable[..., Path]) -> None:
    header, other = tmp_path / "config.h", tmp_path / "run.json"
    header.write_text("#define NOTHING\n")
    other.write_text("{}")
    copy = tmp_path / "hello.elf"
    copy.write_bytes((IMAGES / "uart_hello.elf").read_bytes())
    for words, sentence in [
        ([tmp_path / "none.elf"], "there is no such file"),
        ([SERVER, "--config", header], "defines no MBEDTLS_ option"),
        ([SERVER, "--coverage", other], "is no coverage of stm32emu"),
        ([SERVER, "--lcov", tmp_path / "run.info"], "--lcov needs --coverage FILE"),
        ([stripped(copy)], "has no symbols: give the ELF as it was linked"),
    ]:
        code, out, log = doctor(*words)
        assert (code, out) == (2, "")
        assert sentence in log
