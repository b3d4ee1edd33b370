# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates judged: each fault of bad_chains.py is found, and openssl and `cryptography` agree, or why not."""

from __future__ import annotations

import ipaddress
import subprocess
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st

from authorities import NOW, Issued, leaf, pem
from bad_chains import CASES, ROOT, Case
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.certificate_rules import Identity, judge
from stm32emu.netbridge.tls.der import DerError
from stm32emu.netbridge.tls.severity import Severity


def ours(case: Case) -> list[str]:
    """Our findings, "severity: topic: what"."""
    chain = tuple(parse_certificate(issued.der) for issued in case.chain)
    roots = tuple(parse_certificate(issued.der) for issued in case.roots)
    private = case.private or case.chain[0].key
    identity = Identity(chain, roots, NOW, private, case.hostname)
    return [f"{finding.severity.value}: {finding.topic}: {finding.what}" for finding in judge(identity)]


@pytest.mark.parametrize(
    ("addresses", "who"),
    [((), "OpenSSL and mbedTLS look at"), (("192.168.0.254",), "OpenSSL looks at the common name, mbedTLS, browsers")],
)
def test_who_looks_at_a_common_name(addresses: tuple[str, ...], who: str) -> None:
    """mbedTLS only if there is no subjectAltName at all (x509_crt_verify_name)."""
    maker = leaf(ROOT).names(*addresses) if addresses else leaf(ROOT)
    identity = Identity((parse_certificate(maker.made().der),), (), NOW, hostname="device.example")
    (found,) = (finding for finding in judge(identity) if finding.topic == "names")
    assert who in found.fix


def is_address(host: str) -> bool:
    return host.replace(".", "").isdigit()


def openssl_accepts(case: Case, folder: Path) -> bool:
    """`openssl verify` of the chain, and whether the key has the certificate's public key."""
    parts = {"leaf": case.chain[:1], "chain": case.chain[1:], "roots": case.roots}
    for name, certificates in parts.items():
        (folder / name).write_text("".join(issued.pem for issued in certificates))
    untrusted = ["-untrusted", str(folder / "chain")] if case.chain[1:] else []
    host = ["-verify_ip" if is_address(case.hostname) else "-verify_hostname", case.hostname]
    options = ["-purpose", "sslserver", "-auth_level", "2", "-attime", str(int(NOW.timestamp())), "-no-CApath"]
    command = ["openssl", "verify", *options, *host, "-CAfile", str(folder / "roots"), *untrusted, str(folder / "leaf")]
    verified = subprocess.run(command, capture_output=True).returncode == 0
    return verified and (case.private or case.chain[0].key).public_key() == case.chain[0].key.public_key()


def loaded(issued: Issued) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem(issued.der).encode())


def cryptography_accepts(case: Case) -> bool:
    """Its verifier with its own policy, and the same about the key."""
    host = (
        x509.IPAddress(ipaddress.ip_address(case.hostname))
        if is_address(case.hostname)
        else x509.DNSName(case.hostname)
    )
    with warnings.catch_warnings(action="ignore"):
        try:
            builder = PolicyBuilder().store(Store([loaded(root) for root in case.roots])).time(NOW)
            builder.build_server_verifier(host).verify(loaded(case.chain[0]), [loaded(each) for each in case.chain[1:]])
        except (VerificationError, ValueError):
            return False
    return (case.private or case.chain[0].key).public_key() == case.chain[0].key.public_key()


@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_found(name: str) -> None:
    found = ours(CASES[name]())
    wanted = CASES[name]().finding
    assert any(wanted in finding for finding in found), found
    if wanted.startswith("ok"):
        assert all(finding.startswith("ok") for finding in found), found
    else:
        assert sum(not finding.startswith("ok") for finding in found) == 1, found


@pytest.mark.parametrize("name", CASES)
def test_the_verifiers_agree(name: str, tmp_path: Path) -> None:
    case = CASES[name]()
    valid = not any(finding.startswith(Severity.ERROR.value) for finding in ours(case))
    assert (openssl_accepts(case, tmp_path) == valid) == (not case.openssl)
    assert (cryptography_accepts(case) == valid) == (not case.cryptography)


def test_a_chain_of_which_nobody_said_what_clients_trust() -> None:
    """It may be good, so it is no error; with a CA it is the missing intermediate certificate's."""
    found = ours(replace(CASES["good"](), roots=()))
    assert "warning: trust: nobody at hand signed CN=device.example" in found
    assert not any(finding.startswith("error") for finding in found)


GOOD = CASES["good_with_an_intermediate"]()


@settings(max_examples=300)
@given(st.integers(0, 1), st.integers(0, 700), st.integers(1, 255))
def test_damaged_certificates_are_judged_or_refused(which: int, at: int, flip: int) -> None:
    der = bytearray(GOOD.chain[which].der)
    der[at % len(der)] ^= flip
    with suppress(DerError):
        damaged = parse_certificate(bytes(der))
        chain = [parse_certificate(issued.der) for issued in GOOD.chain]
        chain[which] = damaged
        identity = Identity(tuple(chain), (parse_certificate(ROOT.der),), NOW, GOOD.chain[0].key, "device.example")
        unharmed = damaged.tbs == parse_certificate(GOOD.chain[which].der).tbs
        assert unharmed or any(finding.severity is not Severity.OK for finding in judge(identity))


def test_the_table_is_long_enough_and_explained() -> None:
    assert len(CASES) >= 27  # 25 bad ones
    assert all(function.__doc__ for function in CASES.values())
