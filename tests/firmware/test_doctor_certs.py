# SPDX-License-Identifier: GPL-2.0-or-later
"""`stm32emu doctor certs` on the report's own files, and on its firmware."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from commands import doctor
from runs import IMAGES
from symptoms import CERTS, GOOD_DATE

HEADER = str(IMAGES.parent / "tls_server" / "mbedtls_config.h")
CA = ["--ca", str(CERTS / "ca.crt")]


def pair(name: str) -> list[str]:
    return ["--cert", str(CERTS / f"{name}.crt"), "--key", str(CERTS / f"{name}.key"), *CA]


@pytest.mark.parametrize(("name", "hostname"), [("server5", ["--hostname", "localhost"]), ("client", [])])
def test_the_reports_files_are_valid_but_for_the_date(
    capsys: pytest.CaptureFixture[str], name: str, hostname: list[str]
) -> None:
    code, text, _ = doctor(capsys, "certs", *pair(name), *hostname, "--config", HEADER, "--at", GOOD_DATE)
    assert code == 0
    assert "error" not in text
    assert "ok: pair: the private key belongs to CN=" in text
    assert "is signed by CN=Polarssl Test EC CA" in text
    code, text, _ = doctor(capsys, "certs", *pair(name), *hostname, "--at", "2030-01-01", "--json")
    assert code == 1
    assert {finding["topic"] for finding in json.loads(text) if finding["severity"] == "error"} == {"dates"}


def test_what_a_firmware_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, text, log = doctor(
        capsys, "certs", "--elf", str(IMAGES / "tls_server.elf"), "--at", GOOD_DATE, "--config", HEADER
    )
    assert code == 0
    assert "ok: pair: the private key belongs to CN=localhost" in text
    assert "ok: chain: CN=localhost is signed by CN=Polarssl Test EC CA" in text
    assert "(mbedtls_test_srv_key_ec)" in log


def test_a_firmware_without_any(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, errors = doctor(capsys, "certs", "--elf", str(IMAGES / "echo.elf"))
    assert code == 2
    assert "holds neither certificates nor private keys" in errors


def encrypted(tmp_path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    path = tmp_path / "encrypted.key"
    secret = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    return str(path)


def test_an_encrypted_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, errors = doctor(capsys, "certs", "--cert", str(CERTS / "server5.crt"), "--key", encrypted(tmp_path))
    assert code == 2
    assert "is encrypted: decrypt it first" in errors


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ([], "give --cert FILE"),
        (["--cert", "nowhere.crt"], "nowhere.crt cannot be read"),
        (["--cert", str(CERTS / "server5.key")], "server5.key holds a PEM block '"),
        (["--cert", "/dev/zero"], "/dev/zero cannot be read: File too large"),
        (["--cert", str(CERTS / "ca.crt"), "--key", "/dev/zero"], "/dev/zero cannot be read: File too large"),
        (["--elf", __file__, "--key", str(CERTS / "ca.crt")], "leave out --cert and --key, or --elf"),
        (["--cert", str(CERTS / "ca.crt"), "--key", str(CERTS / "ca.crt")], "holds a certificate, and no private key"),
        (["--cert", str(CERTS / "ca.crt"), "--key", __file__], "is no private key, neither PEM nor DER"),
        (["--cert", str(CERTS / "ca.crt"), "--at", "tomorrow"], "--at tomorrow is no date"),
        (["--cert", str(CERTS / "ca.crt"), "--hostname", "https://device.local"], "leave out scheme, port"),
        (["--cert", str(CERTS / "ca.crt"), "--hostname", "device.local:443"], "is no DNS name and no address"),
        (["--cert", str(CERTS / "ca.crt"), "--hostname", ""], "is no DNS name and no address"),
        (["--cert", "/dev/null"], "/dev/null is empty"),
        (["--elf", __file__], "is not an ELF"),
        (["--cert", str(CERTS / "ca.crt"), "--config", __file__], "defines no MBEDTLS_ option"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], words: list[str], because: str) -> None:
    code, text, errors = doctor(capsys, "certs", *words)
    assert (code, text) == (2, "")
    assert because in errors
    assert errors.count("\n") == 1


def test_a_file_that_is_cut_off(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "cut.crt"
    path.write_bytes((CERTS / "server5.crt").read_bytes()[:300])
    assert "is cut off: it has a line -----BEGIN" in doctor(capsys, "certs", "--cert", str(path))[2]


def test_which_key_of_a_firmware_is_the_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    elf = str(IMAGES / "tls_server-wrong-key.elf")
    code, text, _ = doctor(capsys, "certs", "--elf", elf, "--at", GOOD_DATE)
    assert code == 1
    first, second = text.split("\n\n")
    assert "with the key mbedtls_test_cli_key_ec, on 2021" in first
    assert "error: pair: the private key does not belong to CN=localhost" in first
    assert "with the key mbedtls_test_srv_key_ec, on 2021" in second
    assert "error" not in second
    found = json.loads(doctor(capsys, "certs", "--elf", elf, "--at", GOOD_DATE, "--json")[1])
    assert {(each["certificate"], each["key"]) for each in found if each["severity"] == "error"} == {
        ("CN=localhost", "mbedtls_test_cli_key_ec")
    }


def test_names_cannot_move_a_terminals_cursor(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, subject = tmp_path / "x.crt", "/CN=a\033[31mb\nc"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-utf8"]
    subprocess.run(
        [*command, "-subj", subject, "-keyout", tmp_path / "x.key", "-out", path], check=True, capture_output=True
    )
    _, text, _ = doctor(capsys, "certs", "--cert", str(path))
    assert text.startswith("CN=a\\x1b[31mb\\nc, on ")
    assert "\033" not in text
