# SPDX-License-Identifier: GPL-2.0-or-later
"""Chains with one thing wrong, from a server on the wire to clients that verify: each gets the verdict that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from authorities import Issued
from bad_chains import CASES, Case
from stm32emu.comparison import Client, Network
from stm32emu.netbridge.tls.certificate import Certificate, parse_certificate
from stm32emu.netbridge.tls.device import Device
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence, chain_of
from stm32emu.netbridge.tls.twin.identity import Identity, make_identity
from stm32emu.netbridge.tls.verdict import Case as Connections
from stm32emu.netbridge.tls.verdict import Verdict
from twin_clients import SSL_CLIENT2
from twin_server import Twin, make_site, serving


def openssl(host: str, ca: Path) -> list[str]:
    where = ["-connect", "{address}", "-servername", host, "-tls1_2"]
    return ["openssl", "s_client", *where, "-CAfile", str(ca), "-verify_return_error", "-verify_hostname", host]


def gnutls(host: str, ca: Path) -> list[str]:
    names = ["--sni-hostname", host, "--verify-hostname", host]
    return ["gnutls-cli", "--port", "{port}", "--x509cafile", str(ca), *names, "{host}"]


def ssl_client2(host: str, ca: Path) -> list[str]:
    where = ["server_addr={host}", "server_port={port}", f"server_name={host}", f"ca_file={ca}"]
    return [str(SSL_CLIENT2), *where, "crt_file=none", "key_file=none", "auth_mode=required"]


Visitor = Callable[[str, Path], list[str]]
"""The words of a client's command, for a host and with a CA."""


class Due(NamedTuple):
    """The verdict for each client, and for all that refuse once the CA is known; `known` is "" if it is the same."""

    openssl: str
    gnutls: str
    ssl_client2: str
    known: str = ""


FINE = Due("nothing-wrong", "nothing-wrong", "nothing-wrong")
UNTRUSTED = Due("unknown-ca", "certificate-refused", "unknown-ca", "incomplete-chain")
BROKEN = Due("broken-chain", "broken-chain", "broken-chain")
NAMED_OTHERWISE = Due("wrong-name", "wrong-name", "wrong-name")
OTHER_USAGE = Due("wrong-usage", "wrong-usage", "wrong-usage")
OTHER_KEY = Due("wrong-signature", "wrong-signature", "wrong-signature")
DUE = {
    "good": FINE,
    "good_with_an_intermediate": FINE,
    "expired": Due("certificate-expired", "certificate-refused", "certificate-expired"),
    "not_yet_valid": Due("certificate-refused", "certificate-refused", "client-clock"),
    "ends_before_it_begins": Due("never-valid", "never-valid", "certificate-expired"),
    "key_of_another_certificate": OTHER_KEY,
    "key_of_the_issuer": OTHER_KEY,
    "key_of_another_kind": OTHER_KEY,
    "wrong_issuer": UNTRUSTED._replace(known="broken-chain"),
    "unknown_issuer": UNTRUSTED,
    "missing_intermediate": UNTRUSTED,
    "self_signed": UNTRUSTED,
    "wrong_order": FINE._replace(ssl_client2="chain-out-of-order"),
    "stranger_in_the_chain": FINE,
    "sent_twice": FINE,
    "root_is_sent": FINE,
    "issuer_is_no_ca": BROKEN,
    "issuer_without_basic_constraints": BROKEN,
    "issuer_may_not_sign": BROKEN,
    "path_too_long": BROKEN,
    "name_mismatch": NAMED_OTHERWISE,
    "wildcard": FINE,
    "wildcard_over_two_labels": NAMED_OTHERWISE,
    "only_a_common_name": FINE,
    "may_not_sign": OTHER_USAGE,
    "not_for_servers": OTHER_USAGE,
    "unknown_critical_extension": OTHER_USAGE,
    "signed_with_sha1": Due("weak-hash", "weak-hash", "weak-hash"),
    "short_rsa_key": Due("weak-key", "nothing-wrong", "weak-key"),
    "version_1_with_extensions": Due("nothing-wrong", "certificate-refused", "malformed-certificate"),
    "negative_serial": FINE,
    "null_parameters": FINE,
    "leaf_is_a_ca": FINE,
}
"""By the name of the chain in bad_chains.py. OpenSSL's 42 and all of GnuTLS's do not tell a date from the rest."""


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    """Its certificates are those of the chain at hand."""
    with serving(make_site([identity_of(CASES["good"]())])) as running:
        yield running


def identity_of(case: Case) -> Identity:
    return make_identity(parsed(case.chain), case.private or case.chain[0].key)


def parsed(issued: tuple[Issued, ...]) -> list[Certificate]:
    return [parse_certificate(each.der) for each in issued]


def verdicts(evidence: Evidence, case: Case) -> tuple[Verdict, Verdict]:
    """Without the CA, and with it."""
    known = Device(roots=tuple(parsed(case.roots)))
    return diagnose(Connections([evidence])), diagnose(Connections([evidence], known))


def visited(client: Visitor, case: Case, network: Network, twin: Twin, ca: Path) -> Evidence:
    """A client that trusts the case's roots sees its chain."""
    ca.write_text("".join(issued.pem for issued in case.roots))
    twin.site.identities = [identity_of(case)]
    transcript = network.observe(Client(client(case.hostname, ca), 60), twin.port)
    return Evidence(transcript, chain_of(transcript))


@pytest.mark.parametrize("client", [openssl, gnutls, ssl_client2])
@pytest.mark.parametrize("name", DUE)
def test_the_verdict(name: str, client: Visitor, network: Network, twin: Twin, tmp_path: Path) -> None:
    case, due = CASES[name](), DUE[name]
    alone, with_ca = verdicts(visited(client, case, network, twin, tmp_path / "ca.crt"), case)
    expected = getattr(due, client.__name__)
    assert alone.id == expected, alone
    assert with_ca.id == (due.known or expected), with_ca
    assert alone.proof


def test_a_root_that_ran_out(network: Network, twin: Twin, tmp_path: Path) -> None:
    """Whose date is only known with the CA; that it is not the device's own tells mbedTLS's clock."""
    case = CASES["expired_root"]()
    for client in (openssl, ssl_client2):
        alone, with_ca = verdicts(visited(client, case, network, twin, tmp_path / "ca.crt"), case)
        assert with_ca.title == "CN=Root, which the device's chain leads to, ran out on 2020-01-01."
        assert alone.id == "certificate-expired"
    assert "above those that the device sends" in alone.title


def test_every_bad_chain_has_a_row() -> None:
    """Or its own test, or is one that none of these clients minds or can be asked about."""
    assert set(CASES) - set(DUE) == {
        "expired_root",
        "address_in_the_common_name",
        "address_where_it_belongs",
        "rare_curve",
        "long_serial",
        "trailing_garbage",
        "names_that_differ_in_case",
    }
