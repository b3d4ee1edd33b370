# SPDX-License-Identifier: GPL-2.0-or-later
"""config.h against gcc's preprocessor: the same options with the same texts, in every header at hand, and what they
make of mbedTLS 2.28, against its own tables as they are left then."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.algorithms import HASHES
from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.config_rules import Build, advise
from stm32emu.netbridge.tls.config_rules.abilities import groups, signing_hashes, suites
from stm32emu.netbridge.tls.mbedtls_options import OPTIONS
from stm32emu.netbridge.tls.severity import Severity
from stm32emu.netbridge.tls.suites import SUITES

IMAGES = Path(__file__).resolve().parents[2] / "images"
MBEDTLS = IMAGES / "build" / "src" / "mbedtls"
INCLUDE = MBEDTLS / "include"
HEADERS = [
    IMAGES / "tls_server" / "mbedtls_config.h",
    INCLUDE / "mbedtls/config.h",
    *sorted(MBEDTLS.glob("configs/*.h")),
]


def gcc_says(header: Path) -> tuple[dict[str, str], list[str], str]:
    """The options that gcc sees defined, the texts of the #errors that it meets, and the include it stops at."""
    command = ["arm-none-eabi-gcc", "-dM", "-E", f"-I{INCLUDE}", str(header)]
    done = subprocess.run(command, capture_output=True, text=True)
    defined = re.findall(r"^#define MBEDTLS_(\w+) ?(.*)$", done.stdout, re.M)
    options = {name: " ".join(value.split()) for name, value in defined if not name.endswith("_H")}
    lost = re.search(r"fatal error: (\S+): No such file", done.stderr)
    return options, re.findall(r': error: #error "?(.*?)"?$', done.stderr, re.M), lost[1] if lost else ""


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_the_same_options(header: Path) -> None:
    read = read_config(header, [INCLUDE])
    options, errors, lost = gcc_says(header)
    assert [text for _, text in read.errors] == errors
    assert not lost or lost in read.missing
    if not errors and not lost:
        assert {name: option.text for name, option in read.options.items()} == options


def test_every_option_of_2_28_is_known() -> None:
    text = (INCLUDE / "mbedtls/config.h").read_text()
    listed = set(re.findall(r"^\s*(?://)?\s*#define MBEDTLS_(\w+)", text, re.M)) - {"CONFIG_H"}
    assert listed == {name for name, option in OPTIONS.items() if "2.28" in option.versions}


DEMONSTRATION = (IMAGES / "tls_server" / "mbedtls_config.h").read_text()
FULL = (INCLUDE / "mbedtls" / "config.h").read_text()


def without(text: str, *options: str) -> str:
    return text + "".join(f"\n#undef MBEDTLS_{option}" for option in options) + "\n"


def with_more(text: str, *options: str) -> str:
    return text + "".join(f"\n#define MBEDTLS_{option}" for option in options) + "\n"


def stopped(header: Path, folder: Path) -> set[str]:
    """The files of mbedTLS on which the compiler for the device stops, of those that ask for a platform."""
    files = ("entropy_poll", "net_sockets", "timing", "x509_crt", "psa_its_file", "psa_crypto_storage", "platform_util")
    flags = ["-fsyntax-only", "-w", f"-I{folder}", f"-I{INCLUDE}", f"-DMBEDTLS_CONFIG_FILE=<{header.name}>"]
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *flags]
    runs = {name: subprocess.run([*command, MBEDTLS / f"library/{name}.c"], capture_output=True) for name in files}
    return {name for name, done in runs.items() if done.returncode}


def test_what_is_called_an_error_stops_gcc_and_nothing_else_does(tmp_path: Path) -> None:
    """mbedTLS's own config.h, made for an operating system; and again after doing what is advised."""
    header = tmp_path / "own_config.h"
    header.write_text(FULL)
    assert stopped(header, tmp_path) == {"entropy_poll", "net_sockets", "timing", "x509_crt"}
    text = FULL.replace("//#define MBEDTLS_NO_PLATFORM_ENTROPY", "#define MBEDTLS_NO_PLATFORM_ENTROPY")
    text = text.replace("//#define MBEDTLS_ENTROPY_HARDWARE_ALT", "#define MBEDTLS_ENTROPY_HARDWARE_ALT")
    refused = {advice.option.name for advice in advise(Build.of(read_config(header))) if advice.fix == "remove it"
               if advice.severity is Severity.ERROR and advice.option}  # fmt: skip
    assert refused == {"TIMING_C", "FS_IO", "PSA_ITS_FILE_C"}
    for name in (*refused, "NET_C", "PSA_CRYPTO_STORAGE_C"):
        text = re.sub(rf"^#define MBEDTLS_{name}$", "", text, flags=re.M)
    header.write_text(text)
    assert not any(advice.severity is Severity.ERROR for advice in advise(Build.of(read_config(header, [INCLUDE]))))
    assert stopped(header, tmp_path) == set()


@pytest.mark.parametrize(
    "options",
    [
        ("SSL_MAX_CONTENT_LEN 16385",),
        ("SSL_OUT_CONTENT_LEN 20000",),
        ("SSL_MAX_CONTENT_LEN 2000", "SSL_IN_CONTENT_LEN 2001"),
        ("SSL_MAX_CONTENT_LEN 2000", "SSL_IN_CONTENT_LEN 2000"),
        ("SSL_OUT_CONTENT_LEN 0",),
    ],
)
def test_lengths_of_records_that_stop_gcc(options: tuple[str, ...], tmp_path: Path) -> None:
    header = tmp_path / "config.h"
    header.write_text(with_more(FULL, *options))
    said = [advice.why for advice in advise(Build.of(read_config(header))) if "may be 1 to" in advice.what]
    command = ["arm-none-eabi-gcc", "-E", f"-I{INCLUDE}", f'-DMBEDTLS_CONFIG_FILE="{header}"']
    done = subprocess.run([*command, MBEDTLS / "library/ssl_tls.c"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert ("a header of mbedTLS's stops with #error" in said) == (b"#error" in done.stderr)


CONFIGS = {
    "the demonstration's": DEMONSTRATION,
    "mbedTLS's own": FULL,
    "no SHA-384": with_more(FULL, "SHA512_NO_SHA384"),
    "no SHA-512": without(FULL, "SHA512_C"),
    "no SHA-256": without(FULL, "SHA256_C"),
    "SHA-1 in key exchanges": with_more(FULL, "TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE"),
    "no CBC, RSA or ChaCha20": without(FULL, "CIPHER_MODE_CBC", "KEY_EXCHANGE_ECDHE_RSA_ENABLED", "CHACHAPOLY_C"),
    "a cipher for weak suites that are off": with_more(FULL, "CIPHER_NULL_CIPHER"),
    "NULL suites, few curves": with_more(
        without(FULL, "ECP_DP_CURVE25519_ENABLED", "ECP_DP_BP256R1_ENABLED", "GCM_C"),
        "CIPHER_NULL_CIPHER",
        "ENABLE_WEAK_CIPHERSUITES",
    ),
}


def table(source: str, name: str, header: Path) -> str:
    """The text between the braces of a table in one of mbedTLS's sources."""
    config = f'-DMBEDTLS_CONFIG_FILE="{header}"'
    command = ["arm-none-eabi-gcc", "-E", "-P", config, f"-I{INCLUDE}", str(MBEDTLS / "library" / source)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(rf"\b{name}\[\]\s*=\s*\{{(.*?)\}};", text, re.S)
    assert found
    return found[1]


@pytest.mark.parametrize("what", CONFIGS)
def test_what_is_compiled_in(what: str, tmp_path: Path) -> None:
    header = tmp_path / "config.h"
    header.write_text(CONFIGS[what])
    build = Build.of(read_config(header, [INCLUDE]), "2.28")
    curves = table("ecp.c", "ecp_supported_curves", header)
    assert [*groups(build)] == [int(code) for code in re.findall(r"\{ \w+, (\d+), \d+, \"", curves)]
    hashes = table("ssl_tls.c", "ssl_preset_default_hashes", header)
    names = [HASHES[code].replace("-", "") for code in signing_hashes(build)]
    assert names == [name for name in re.findall(r"MBEDTLS_MD_(\w+)", hashes) if name != "NONE"]


@pytest.mark.parametrize("what", CONFIGS)
def test_which_suites_there_are(what: str, tmp_path: Path) -> None:
    header = tmp_path / "config.h"
    header.write_text(without(CONFIGS[what], "SSL_CIPHERSUITES"))
    build = Build.of(read_config(header, [INCLUDE]), "2.28")
    defined = table("ssl_ciphersuites.c", "ciphersuite_definitions", header)
    codes = {int(code, 16) for code in re.findall(r"\{\s*(0x[0-9A-F]+),\s*\"TLS-", defined)}
    assert {*suites(build)} == codes & {*SUITES}
