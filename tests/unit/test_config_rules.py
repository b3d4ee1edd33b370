# SPDX-License-Identifier: GPL-2.0-or-later
"""What `doctor config` says: each rule finds its fault and is silent where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.netbridge.tls.config import read_config
from stm32emu.netbridge.tls.config_rules import Advice, Build, advise
from stm32emu.netbridge.tls.config_rules.build import likely_version
from stm32emu.netbridge.tls.config_rules.limits import certificate_message
from stm32emu.netbridge.tls.mbedtls_options import VERSIONS, options_of
from stm32emu.netbridge.tls.severity import Severity

HEALTHY = """
SSL_PROTO_TLS1_2 SSL_SRV_C SSL_TLS_C X509_CRT_PARSE_C HAVE_TIME HAVE_TIME_DATE NO_PLATFORM_ENTROPY ENTROPY_HARDWARE_ALT
ENTROPY_C CTR_DRBG_C AES_C GCM_C SHA256_C SHA512_C ECP_C ECDH_C ECDSA_C ECP_NIST_OPTIM ECP_DP_SECP256R1_ENABLED
ECP_DP_SECP384R1_ENABLED KEY_EXCHANGE_ECDHE_ECDSA_ENABLED PLATFORM_C PLATFORM_TIME_ALT
"""
SUITE = "MBEDTLS_TLS_ECDHE_ECDSA_WITH_"


def findings(
    tmp_path: Path,
    *lines: str,
    without: tuple[str, ...] = (),
    version: str = "2.28",
    functions: frozenset[str] | None = None,
    chain: tuple[int, ...] | None = None,
) -> list[Advice]:
    """What is said about the healthy configuration with `lines` ("NAME VALUE") added and options left out."""
    names = [name for name in HEALTHY.split() if name not in without]
    path = tmp_path / "config.h"
    path.write_text("".join(f"#define MBEDTLS_{line}\n" for line in (*names, *lines)))
    return advise(Build(read_config(path), version, functions, chain))


def test_nothing_is_said_about_a_healthy_configuration(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
FOUND = {
    "a flag with the value 0": (["SSL_KEEP_PEER_CERTIFICATE 0"], W, "SSL_KEEP_PEER_CERTIFICATE 0 turns it on"),
    "a flag with the value (0)": (["SSL_ALPN (0)"], W, "SSL_ALPN 0 turns it on"),
    "a slip of the pen": (["SSL_MAX_FRAGMENT_LENGHT"], W, "no option of mbedTLS 2.28"),
    "an option of another version": (["SSL_PROTO_TLS1_3"], W, "no option of mbedTLS 2.28"),
    "secp521r1 in 48 octets": (
        ["ECP_DP_SECP521R1_ENABLED", "MPI_MAX_SIZE 48"], E, "needs numbers of 66 octets, MBEDTLS_MPI_MAX_SIZE is 48",
    ),
    "secp521r1 in 384 bits": (["ECP_DP_SECP521R1_ENABLED", "ECP_MAX_BITS 384"], E, "MBEDTLS_ECP_MAX_BITS is 384"),
    "RSA in 48 octets": (["RSA_C", "MPI_MAX_SIZE 48"], E, "too small for RSA"),
    "small records": (["SSL_MAX_CONTENT_LEN 1024"], W, "records over 1024 octets"),
    "small records one way": (["SSL_IN_CONTENT_LEN 2048"], W, "records over 2048 octets"),
    "large records": (["SSL_MAX_CONTENT_LEN 16385"], E, "MBEDTLS_SSL_MAX_CONTENT_LEN is 16385, and may be 1 to 16384"),
    "large records one way": (["SSL_OUT_CONTENT_LEN 20000"], E, "SSL_OUT_CONTENT_LEN is 20000, and may be 1 to 16384"),
    "no records": (["SSL_OUT_CONTENT_LEN 0"], E, "MBEDTLS_SSL_OUT_CONTENT_LEN is 0, and may be 1 to 16384"),
    "x86 only": (["PADLOCK_C"], N, "PADLOCK_C does nothing here"),
    "SHA-1 allowed and absent": (["TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE"], N, "does nothing"),
    "sockets": (["NET_C"], W, "NET_C is for operating systems"),
    "a clock": (["TIMING_C"], E, "TIMING_C does not compile without an operating system"),
    "files": (["FS_IO"], E, "FS_IO does not compile without an operating system"),
    "an allocator": (["PLATFORM_MEMORY"], N, "calloc that clears"),
    "a weak protocol": (["SSL_PROTO_TLS1"], W, "SSL_PROTO_TLS1 is a weak choice"),
    "test certificates": (["CERTS_C"], N, "test certificates and their private keys"),
    "suites that cannot be": ([f"SSL_CIPHERSUITES {SUITE}AES_128_CCM"], E, "none of MBEDTLS_SSL_CIPHERSUITES"),
    "one suite that cannot be": (
        [f"SSL_CIPHERSUITES {SUITE}AES_256_GCM_SHA384, {SUITE}CHACHA20_POLY1305_SHA256"], W, "never be negotiated",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_found(tmp_path: Path, what: str) -> None:
    lines, severity, text = FOUND[what]
    (advice,) = findings(tmp_path, *lines)
    assert advice.severity is severity
    assert text in advice.what
    assert advice.option is not None


MISSING = {
    "dates": (("HAVE_TIME_DATE",), N, "never checks the dates"),
    "entropy": (("ENTROPY_HARDWARE_ALT",), E, "no source of entropy"),
    "platform entropy": (("NO_PLATFORM_ENTROPY",), E, "NO_PLATFORM_ENTROPY is not defined"),
    "the date": (("PLATFORM_TIME_ALT",), N, "asks the C library's time() for the date"),
    "fast reduction": (("ECP_NIST_OPTIM",), N, "ECP_NIST_OPTIM is not defined"),
}


@pytest.mark.parametrize("what", MISSING)
def test_missing(tmp_path: Path, what: str) -> None:
    without, severity, text = MISSING[what]
    (advice,) = findings(tmp_path, without=without)
    assert advice.severity is severity
    assert text in advice.what


def test_an_elf_has_been_compiled(tmp_path: Path) -> None:
    lines = ("NET_C", "TIMING_C", "FS_IO")
    functions = frozenset({"main", "mbedtls_platform_set_time"})
    assert findings(tmp_path, *lines, without=("NO_PLATFORM_ENTROPY",), functions=functions) == []


def test_test_certificates_that_the_linker_dropped(tmp_path: Path) -> None:
    names = frozenset({"mbedtls_platform_set_time"})
    assert findings(tmp_path, "CERTS_C", functions=names) == []
    assert len(findings(tmp_path, "CERTS_C", functions=names | {"mbedtls_test_srv_crt_ec"})) == 1


def test_milliseconds(tmp_path: Path) -> None:
    """mbedTLS 3.6 needs them, and none before."""
    (advice,) = findings(tmp_path, "SHA384_C", version="3.6")
    assert "HAVE_TIME does not compile without MBEDTLS_PLATFORM_MS_TIME_ALT" in advice.what
    assert findings(tmp_path, "SHA384_C", "PLATFORM_MS_TIME_ALT", version="3.6") == []
    assert findings(tmp_path, "SHA384_C", version="3.0") == []


@pytest.mark.parametrize(
    ("version", "curve", "severity", "why"),
    [
        ("2.16", "SECP521R1", E, "since 2.16.11; before, the shared secret overruns its buffer"),
        ("2.16", "CURVE448", W, "since TLS does not use the curve"),
        ("2.28", "CURVE448", E, "ecp.h stops with #error"),
    ],
)
def test_curves_beyond_ecp_max_bits(tmp_path: Path, version: str, curve: str, severity: Severity, why: str) -> None:
    (advice,) = findings(tmp_path, f"ECP_DP_{curve}_ENABLED", "ECP_MAX_BITS 384", version=version)
    assert (advice.severity, advice.why.endswith(why)) == (severity, True)


@pytest.mark.parametrize(("version", "code"), [("2.16", "-0x7200"), ("2.28", "-0x7100"), ("3.0", "-0x7100")])
def test_the_code_for_long_records(tmp_path: Path, version: str, code: str) -> None:
    found = findings(tmp_path, "SSL_IN_CONTENT_LEN 1024", version=version)
    assert any(f"records over 1024 octets end the connection with {code}" in advice.what for advice in found)


def test_setters_are_looked_up_in_the_firmware(tmp_path: Path) -> None:
    lines = ("PLATFORM_MEMORY", "PLATFORM_PRINTF_ALT")
    setters = frozenset(f"mbedtls_platform_set_{what}" for what in ("calloc_free", "printf", "time"))
    assert findings(tmp_path, *lines, functions=setters) == []
    (advice,) = findings(tmp_path, *lines, functions=setters - {"mbedtls_platform_set_printf"})
    assert "never calls mbedtls_platform_set_printf" in advice.what


def test_a_chain_that_does_not_fit(tmp_path: Path) -> None:
    limit = "SSL_OUT_CONTENT_LEN 1024"
    assert findings(tmp_path, limit, chain=(1024 - 4 - 3 - 3,)) == []
    (advice,) = findings(tmp_path, limit, chain=(1024 - 4 - 3 - 3 + 1,))
    assert "message of 1025 octets, the limit is 1024" in advice.what
    assert certificate_message((10, 20)) == 4 + 3 + 3 + 10 + 3 + 20


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ("TLS_DEFAULT_ALLOW_SHA1_IN_CERTIFICATES SSL_MAX_CONTENT_LEN", "2.16"),
        ("SSL_SRV_RESPECT_CLIENT_PREFERENCE SSL_KEEP_PEER_CERTIFICATE", "2.28"),
        ("SSL_PROTO_TLS1_3 SSL_KEEP_PEER_CERTIFICATE", "3.6"),
        ("AES_C", "3.6"),
        ("AES_C SHA256_C SHA512_C", "2.28"),
        ("AES_C SHA256_C SHA384_C SHA512_C", "3.6"),
    ],
)
def test_the_likely_version(tmp_path: Path, names: str, version: str) -> None:
    path = tmp_path / "config.h"
    path.write_text("".join(f"#define MBEDTLS_{name}\n" for name in names.split()))
    assert likely_version(read_config(path)) == version


@pytest.mark.parametrize(
    ("file", "number", "version"),
    [
        ("version.h", "0x02100200", "2.16"),
        ("version.h", "0x02180000", "2.16"),
        ("version.h", "0x021C0300", "2.28"),
        ("build_info.h", "0x03060200", "3.6"),
        ("build_info.h", "0x03020100", "3.0"),
        ("version.h", "0x020D0100", "2.16"),
    ],
)
@pytest.mark.parametrize("inside", ["", "mbedtls"])
def test_the_version_at_hand(tmp_path: Path, file: str, number: str, version: str, inside: str) -> None:
    """Next to the config.h, or in a folder that is searched for includes."""
    path, folder = tmp_path / "config.h", tmp_path / inside
    folder.mkdir(exist_ok=True)
    (folder / file).write_text(f"#define MBEDTLS_VERSION_NUMBER         {number}\n")
    path.write_text("#define MBEDTLS_SSL_PROTO_TLS1_3\n")
    assert likely_version(read_config(path, [tmp_path])) == version


def test_what_mbedtls_derives_is_no_option(tmp_path: Path) -> None:
    (tmp_path / "mbedtls").mkdir()
    (tmp_path / "mbedtls" / "config_psa.h").write_text("#define MBEDTLS_PSA_BUILTIN_ALG_GCM 1\n")
    path = tmp_path / "config.h"
    path.write_text('#define MBEDTLS_AES_C\n#define MBEDTLS_PSA_BUILTIN_OWN\n#include "mbedtls/config_psa.h"\n')
    (advice,) = advise(Build(read_config(path, [tmp_path]), "2.28"))
    assert "MBEDTLS_PSA_BUILTIN_OWN is no option" in advice.what


@pytest.mark.parametrize("version", VERSIONS)
def test_a_header_that_lists_all_options_tells_its_version(tmp_path: Path, version: str) -> None:
    """However few of them are on: the others are comments."""
    path = tmp_path / "config.h"
    lines = [f"#define MBEDTLS_{name}" for name in sorted(options_of(version))]
    path.write_text("".join(f"{line}\n" if line.endswith("_AES_C") else f"//{line}\n" for line in lines))
    assert likely_version(read_config(path)) == version
