# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor config` on the report's config.h, its certificates and its firmware."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import doctor
from runs import IMAGES
from symptoms import CERTS

HEADER = str(IMAGES.parent / "tls_server" / "mbedtls_config.h")


def test_the_reports_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = doctor(capsys, "config", HEADER)
    assert code == 0
    assert "53 options, read as mbedTLS 2.28's" in text
    assert "warning: MBEDTLS_SSL_KEEP_PEER_CERTIFICATE 0 turns it on (mbedtls_config.h:" in text
    assert "note: MBEDTLS_PADLOCK_C does nothing here" in text


def test_the_firmware_calls_its_setters_but_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The report's config has PLATFORM_EXIT_ALT; nothing in the demonstration sets it."""
    _, text, _ = doctor(capsys, "config", HEADER, "--elf", str(IMAGES / "tls_server.elf"), "--json")
    found = [advice["what"] for advice in json.loads(text) if advice["what"].endswith(("_free", "printf", "_exit"))]
    assert found == ["MBEDTLS_PLATFORM_EXIT_ALT is on, and the firmware never calls mbedtls_platform_set_exit"]


def test_leaf_and_ca_do_not_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    chain = tmp_path / "chain.crt"
    chain.write_text((CERTS / "server5.crt").read_text() + (CERTS / "ca.crt").read_text())
    assert doctor(capsys, "config", HEADER, "--cert", str(CERTS / "server5.crt"))[0] == 0
    code, text, _ = doctor(capsys, "config", HEADER, "--cert", str(chain))
    assert code == 1
    assert "error: the chain makes a Certificate message of" in text


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["nowhere.h"], "nowhere.h cannot be read"),
        ([__file__], "defines no MBEDTLS_ option"),
        (["/dev/zero"], "/dev/zero cannot be read: File too large"),
        ([HEADER, "--include", "nowhere"], "nowhere is no folder to find includes in"),
        ([HEADER, "--cert", __file__], "is no certificate, neither PEM nor DER"),
        ([HEADER, "--elf", HEADER], "is not an ELF"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], because: str) -> None:
    code, text, errors = doctor(capsys, "config", *words)
    assert (code, text) == (2, "")
    assert because in errors
    assert errors.count("\n") == 1
