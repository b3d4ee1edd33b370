# SPDX-License-Identifier: GPL-2.0-or-later
"""testssl.sh examines the Python TLS server and objects to nothing but what is explained here.

It does some of its tests, and all it has with STM32EMU_TESTSSL=1 (`make testssl`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin.policy import Policy
from tls_exchange import PATIENCE
from twin_server import Authority, identity_of, make_site, serving

ALL = bool(os.environ.get("STM32EMU_TESTSSL"))
TESTS = ["--full"] if ALL else ["-p", "-P", "-H", "-I", "-T", "-R"]
WAITS = {name: str(PATIENCE) for name in ("MAX_WAITSOCK", "CCS_MAX_WAITSOCK", "HEARTBLEED_MAX_WAITSOCK")}  # seconds
QUIET = ["--quiet", "--color", "0", "--warnings", "batch"]
HERE = ["--ip", "127.0.0.1", "--nodns", "none"]

EXPECTED = {
    "SSLv2": "not offered",
    "SSLv3": "not offered",
    "TLS1": "not offered",
    "TLS1_1": "not offered",
    "TLS1_2": "offered",
    "cipher_order": "server",
    "cipherorder_TLSv1_2": " ".join(SUITES[code].openssl for code in Policy().suites),
    "heartbleed": "not vulnerable, no heartbeat extension",
    "CCS": "not vulnerable",
    "ticketbleed": "not vulnerable",
    "secure_renego": "supported",
    "secure_client_renego": "not vulnerable",
}
if ALL:
    EXPECTED |= {
        "GREASE": "No bugs found.",
        "PFS_ECDHE_curves": "prime256v1 secp384r1 secp521r1 X25519",
        "cipherlist_NULL": "not offered",
        "cipherlist_aNULL": "not offered",
        "sessionresumption_ticket": "supported",
        "sessionresumption_ID": "supported",
        "TLS_timestamp": "random",
        "cert_chain_of_trust <cert#1>": "passed.",
        "cert_chain_of_trust <cert#2>": "passed.",
        "HTTP_status_code": "200 OK ('/')",
        "CRIME_TLS": "not vulnerable",
        "ROBOT": "not vulnerable, no RSA key transport cipher",
    }
EXPLAINED = {
    r"engine_problem": "that is about the openssl of this machine",
    r"cipherlist_AVERAGE|LUCKY13": "AES-CBC is there because devices have it",
    r"cert_revocation .*": "the certificates of these tests name no place for that",
    r"(cert_expirationStatus|cert_notAfter) .*": "the certificates of these tests are valid for 30 days",
    r"HSTS|security_headers": "the page is plain text for tests",
}
"""Findings that are no praise, by their names, which are patterns."""


@pytest.fixture(scope="module")
def findings(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, str]]:
    """Severity and text by name."""
    elliptic = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))
    classic = authority.issue("localhost", rsa.generate_private_key(65537, 2048))
    folder = tmp_path_factory.mktemp("testssl")
    report = folder / "report.json"
    site = make_site([identity_of(elliptic), identity_of(classic)])
    with serving(site, patience=PATIENCE) as twin:
        words = [*QUIET, *HERE, *TESTS, "--add-ca", str(authority.root.crt), "--jsonfile", str(report)]
        command = ["testssl", *words, f"localhost:{twin.port}"]
        subprocess.run(command, cwd=folder, env=os.environ | WAITS, capture_output=True, check=False)
    return {each["id"]: (each["severity"], each["finding"]) for each in json.loads(report.read_text())}


@pytest.mark.parametrize("name", EXPECTED)
def test_it_finds(name: str, findings: Mapping[str, tuple[str, str]]) -> None:
    assert findings[name][1].strip() == EXPECTED[name]


def test_it_objects_to_nothing_else(findings: Mapping[str, tuple[str, str]]) -> None:
    objections = {name: text for name, (severity, text) in findings.items() if severity not in ("OK", "INFO")}
    patterns = "|".join(EXPLAINED)
    assert {name: text for name, text in objections.items() if not re.fullmatch(patterns, name)} == {}
