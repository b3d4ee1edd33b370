# SPDX-License-Identifier: GPL-2.0-or-later
"""The atlas: which faults fit symptoms, and what tells them apart; on data made here and on what comes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stm32emu.atlas import atlas_from, load_atlas, parse_symptom, shows, tell_apart
from stm32emu.cli.main import main
from stm32emu.errors import UserError

DATA = {
    "versions": {"OpenSSL": "3.0"},
    "faults": [
        {
            "command": "always.elf",
            "what": "always",
            "seen": {"openssl": {"47 sent": 2}, "ssl_client2": {"51 sent, -0x4e00": 2}, "server": {"-0x7780": 4}},
            "verdicts": {"corrupt-arithmetic": 2},
            "findings": {"alloc": "mbedtls_calloc returned memory that was not zero"},
        },
        {
            "command": "sometimes.elf",
            "what": "sometimes",
            "seen": {
                "openssl": {"47 sent": 1, "page": 1},
                "ssl_client2": {"51 sent, -0x4e00": 1, "page": 1},
                "server": {"": 2, "-0x7780": 2},
            },
            "verdicts": {"sporadic-arithmetic": 2},
            "findings": {},
        },
        {
            "command": "key.elf",
            "what": "key",
            "seen": {"openssl": {"51 sent": 2}, "ssl_client2": {"51 sent, -0x4e00": 2}, "server": {"-0x7780": 4}},
            "verdicts": {"wrong-key": 2},
            "findings": {},
        },
    ],
}
ATLAS = atlas_from(DATA)


@pytest.mark.parametrize(
    ("symptom", "word", "is_it"),
    [
        ("51 sent, -0x4e00", "51", True),
        ("51 sent, -0x4e00", "-0x4e00", True),
        ("51 sent, -0x4e00", "4", False),
        ("80 received", "80", True),
        ("EOF", "eof", True),
        ("page", "47", False),
        ("-0x7780", "-0x7780", True),
    ],
)
def test_symptoms(symptom: str, word: str, is_it: bool) -> None:
    assert shows(symptom, word) == is_it


def test_the_likeliest_first() -> None:
    """1 and 1 against a half and a half."""
    found = ATLAS.fitting({"openssl": "47", "ssl_client2": "51"})
    assert [(chance, fault.command) for chance, fault in found] == [(1.0, "always.elf"), (0.25, "sometimes.elf")]


def test_the_servers_side_counts_too() -> None:
    assert [fault.command for _, fault in ATLAS.fitting({"openssl": "51", "server": "-0x7780"})] == ["key.elf"]
    assert ATLAS.fitting({"openssl": "40"}) == []


def test_what_tells_them_apart() -> None:
    always, sometimes, _key = ATLAS.faults
    assert tell_apart([always, sometimes]) == [
        "the verdict is corrupt-arithmetic; --check alloc: mbedtls_calloc returned memory that was not zero",
        "the verdict is sporadic-arithmetic; --check alloc: finds nothing",
    ]


def test_what_is_no_symptom() -> None:
    assert parse_symptom("EOF") == "eof"
    with pytest.raises(UserError, match="'foo' is not a symptom"):
        parse_symptom("foo")


def test_the_pair_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """47 from one and 51 from the other: memory or arithmetic, never a wrong key."""
    with pytest.raises(SystemExit) as ended:
        main(["atlas", "--openssl", "47", "--mbedtls", "51"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    first, second = said.split("\n100%  ")[:2]
    assert first.startswith("100%  a calloc that does not clear")
    assert "--check alloc: finds nothing" in second
    assert "--check alloc: mbedtls_calloc returned memory that was not zero" in said
    assert "private key" not in said
    assert "measured with OpenSSL" in said


def test_every_verdict_is_one_that_the_documentation_has() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()
    said = {verdict for fault in load_atlas().faults for verdict in fault.verdicts}
    assert {verdict for verdict in said if f"`{verdict}`" not in text} == {"nothing-wrong"}


def test_nothing_fits(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["atlas", "--openssl", "99"])
    assert ended.value.code == 2
    assert "no fault in the atlas shows that" in capsys.readouterr().err
