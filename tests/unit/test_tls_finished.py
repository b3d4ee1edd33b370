# SPDX-License-Identifier: GPL-2.0-or-later
"""Finished verified with a key log: OpenSSL's own handshakes and OpenSSL's own secrets."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence
from stm32emu.netbridge.tls.key_log import parse_key_log
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.transcript import Finished, Side, Transcript
from stm32emu.netbridge.tls.verdict import Case
from tls_samples import handshake, identity, observe

WHO = identity()
Observed = Callable[[str], tuple[Transcript, bytes]]


@pytest.fixture
def observed(tmp_path: Path) -> Observed:
    """`observed(ciphers)`: a handshake, and its master secret from the client's key log."""

    def make(ciphers: str) -> tuple[Transcript, bytes]:
        log = tmp_path / "keys"

        def prepare(client: ssl.SSLContext, _server: ssl.SSLContext) -> None:
            client.set_ciphers(ciphers)
            client.keylog_filename = str(log)

        transcript = observe(handshake(WHO, prepare=prepare))
        hello = transcript.message(ClientHello)
        assert hello is not None
        return transcript, parse_key_log(log.read_bytes())[hello.random]

    return make


@pytest.mark.parametrize(
    "ciphers",
    [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA384",
    ],
)
def test_both_are_right(observed: Observed, ciphers: str) -> None:
    transcript, master = observed(ciphers)
    evidence = Evidence(transcript, (parse_certificate(WHO.der),), master=master)
    assert evidence.finished == {Side.CLIENT: True, Side.SERVER: True}
    assert "both Finished are right on connection 1" in diagnose(Case([evidence])).proof


def test_another_secret(observed: Observed) -> None:
    transcript, _master = observed("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert Evidence(transcript, master=bytes(48)).finished == {Side.CLIENT: False}


def test_a_message_that_one_side_saw_otherwise(observed: Observed) -> None:
    """Everything decrypts, and the hash differs."""
    transcript, master = observed("ECDHE-ECDSA-AES256-GCM-SHA384")
    first = transcript.hashed[0]
    assert isinstance(first, bytes)
    transcript.hashed[0] = first[:-1] + bytes((first[-1] ^ 1,))
    assert Evidence(transcript, master=master).finished == {Side.CLIENT: False}


def test_a_finished_of_the_devices_that_is_wrong(observed: Observed) -> None:
    transcript, master = observed("ECDHE-ECDSA-AES256-GCM-SHA384")
    last = transcript.hashed[-1]
    assert isinstance(last, Finished)
    transcript.hashed[-1] = replace(last, fragment=bytes(len(last.fragment)))
    evidence = Evidence(transcript, (parse_certificate(WHO.der),), master=master)
    assert evidence.finished == {Side.CLIENT: True, Side.SERVER: False}
    assert diagnose(Case([evidence])).id == "wrong-finished"


def test_nothing_is_said_where_it_cannot_be(observed: Observed) -> None:
    transcript, master = observed("ECDHE-ECDSA-AES256-GCM-SHA384")
    assert Evidence(transcript).finished == {}
    transcript.gaps = 1
    assert Evidence(transcript, master=master).finished == {}


def test_two_finished_are_kept_and_no_more() -> None:
    transcript = observe(handshake(WHO))
    assert [part.sender for part in transcript.hashed if isinstance(part, Finished)] == [Side.CLIENT, Side.SERVER]
    before = list(transcript.hashed)
    transcript.hash(b"more")
    assert transcript.hashed == before


def test_lines_of_other_kinds() -> None:
    line = b"CLIENT_RANDOM " + b"01" * 32 + b" " + b"AB" * 48
    text = b"# comment\nCLIENT_HANDSHAKE_TRAFFIC_SECRET 00 11\n" + line + b"\r\n" + line[:60] + b"\n"
    assert parse_key_log(text) == {b"\x01" * 32: b"\xab" * 48}


def test_tls_1_3_says_nothing() -> None:
    transcript = observe(handshake(WHO, ssl.TLSVersion.TLSv1_3))
    assert Evidence(transcript, master=bytes(48)).finished == {}
