# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python TLS server as seven clients see it: every suite and curve, client certificates, sessions, extensions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import twin_clients
from stm32emu.netbridge.tls.algorithms import GROUPS
from stm32emu.netbridge.tls.suites import SUITES
from stm32emu.netbridge.tls.twin import key_agreement
from stm32emu.netbridge.tls.twin.answers import TITLE
from stm32emu.netbridge.tls.twin.ciphers import CIPHERS
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from twin_clients import CLIENTS, Visit
from twin_resumption import RESUMPTIONS
from twin_server import Authority, Issued, Twin, identity_of, make_site, serving

CURVES = Policy().groups
CIPHER_NAMES = {code: SUITES[code].openssl for code in Policy().suites}


@pytest.fixture(scope="module")
def client(authority: Authority) -> Issued:
    return authority.issue("client", ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture(scope="module")
def database(authority: Authority, client: Issued, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NSS's, with the client's certificate and key."""
    folder = tmp_path_factory.mktemp("nss")
    bundle = folder / "client.p12"
    files = ["-in", client.crt, "-inkey", client.pem, "-out", bundle]
    for command in (
        ["openssl", "pkcs12", "-export", *files, "-name", "client", "-passout", "pass:"],
        ["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"],
        ["certutil", "-A", "-d", f"sql:{folder}", "-n", "root", "-t", "CT,CT,", "-i", authority.root.crt],
        ["pk12util", "-i", bundle, "-d", f"sql:{folder}", "-W", ""],
    ):
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def twin(authority: Authority) -> Iterator[Twin]:
    """With an RSA and an EC certificate, the latter behind an intermediate authority."""
    middle = authority.issue("Test CA", ec.generate_private_key(ec.SECP384R1()), authority=True)
    elliptic = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()), issuer=middle)
    classic = Authority.issue(authority, "localhost", rsa.generate_private_key(65537, 2048))
    site = make_site([identity_of(elliptic, middle), identity_of(classic)])
    with serving(site) as running:
        yield running


@pytest.fixture
def policy(twin: Twin, authority: Authority) -> Policy:
    """The default one, which the server has again before each test."""
    twin.site.policy = Policy(authorities=(authority.root.parsed,))
    return twin.site.policy


@pytest.mark.parametrize("suite", CIPHER_NAMES.values())
@pytest.mark.parametrize("name", CLIENTS)
def test_every_suite_and_curve(name: str, suite: str, twin: Twin, policy: Policy, authority: Authority) -> None:
    code = next(code for code, openssl in CIPHER_NAMES.items() if openssl == suite)
    for group in CURVES:
        twin.site.policy = replace(policy, suites=(code,), groups=(group,))
        before = len(twin.lines)
        page = CLIENTS[name](Visit(twin.port, authority.root.crt))
        assert TITLE in page, (GROUPS[group], page, twin.lines[before:])
        assert f"{suite}, {GROUPS[group]}" in twin.lines[before]


@pytest.mark.parametrize("suite", CIPHER_NAMES.values())
@pytest.mark.parametrize("name", CLIENTS)
def test_client_certificates(
    name: str, suite: str, twin: Twin, policy: Policy, authority: Authority, client: Issued, database: Path
) -> None:
    code = next(code for code, openssl in CIPHER_NAMES.items() if openssl == suite)
    twin.site.policy = replace(policy, suites=(code,), client_auth=ClientAuth.REQUIRED)
    before = len(twin.lines)
    page = CLIENTS[name](Visit(twin.port, authority.root.crt, client, database))
    assert TITLE in page, (page, twin.lines[before:])
    assert twin.lines[before].endswith("client CN=client")


@pytest.mark.parametrize("auth", [ClientAuth.OPTIONAL, ClientAuth.REQUIRED])
@pytest.mark.parametrize("name", CLIENTS)
def test_clients_without_a_certificate(
    name: str, auth: ClientAuth, twin: Twin, policy: Policy, authority: Authority
) -> None:
    twin.site.policy = replace(policy, client_auth=auth)
    before = len(twin.lines)
    if auth is ClientAuth.OPTIONAL:
        assert TITLE in CLIENTS[name](Visit(twin.port, authority.root.crt))
    else:
        with suppress(OSError):  # so Python says it
            assert TITLE not in CLIENTS[name](Visit(twin.port, authority.root.crt))
        twin.wait_for("40 handshake_failure: the client has no certificate, and needs one", before)


@pytest.mark.parametrize("name", RESUMPTIONS)
def test_resumption_by_id(name: str, twin: Twin, policy: Policy, authority: Authority, tmp_path: Path) -> None:
    check_resumption(name, False, twin, authority, tmp_path)


@pytest.mark.parametrize("name", sorted(RESUMPTIONS.keys() - {"curl"}))
def test_resumption_by_ticket(name: str, twin: Twin, policy: Policy, authority: Authority, tmp_path: Path) -> None:
    """curl turns tickets off (SSL_OP_NO_TICKET)."""
    check_resumption(name, True, twin, authority, tmp_path)


def check_resumption(name: str, tickets: bool, twin: Twin, authority: Authority, folder: Path) -> None:
    """By the one way only; the server says so, and the client if it does."""
    twin.site.policy = replace(twin.site.policy, tickets=tickets, cache=not tickets)
    before = len(twin.lines)
    assert RESUMPTIONS[name](Visit(twin.port, authority.root.crt), tickets, folder)
    twin.wait_for("resumed", before)


@pytest.mark.parametrize("tickets", [False, True], ids=["id", "ticket"])
def test_a_resumed_session_has_its_client(
    tickets: bool, twin: Twin, policy: Policy, authority: Authority, client: Issued, tmp_path: Path
) -> None:
    twin.site.policy = replace(policy, tickets=tickets, cache=not tickets, client_auth=ClientAuth.REQUIRED)
    before = len(twin.lines)
    assert RESUMPTIONS["openssl"](Visit(twin.port, authority.root.crt, client), tickets, tmp_path)
    assert twin.wait_for("resumed", before).endswith("client CN=client")


@pytest.mark.parametrize("group", sorted(set(key_agreement.GROUPS) - set(CURVES)), ids=lambda code: GROUPS[code])
def test_curves_that_only_devices_have(group: int, twin: Twin, policy: Policy, authority: Authority) -> None:
    """No certificate is on them, so the server shows its RSA one."""
    twin.site.policy = replace(policy, groups=(group,))
    before = len(twin.lines)
    command = twin_clients.openssl_command(Visit(twin.port, authority.root.crt))
    page = twin_clients.run([*command, "-ign_eof", "-groups", GROUPS[group]])
    assert TITLE in page, (page, twin.lines[before:])
    assert GROUPS[group] in twin.lines[before]


def test_max_fragment_length(twin: Twin, policy: Policy, authority: Authority) -> None:
    """OpenSSL refuses longer records; mbedTLS 2.28 cannot read messages in several, so its must be long enough."""
    visit = Visit(twin.port, authority.root.crt)
    assert TITLE in twin_clients.openssl(visit, "-maxfraglen", "512")
    assert TITLE in twin_clients.ssl_client2(visit, "max_frag_len=1024")


def test_alpn(twin: Twin, policy: Policy, authority: Authority) -> None:
    twin.site.policy = replace(policy, protocols=("h2", "http/1.1"))
    visit = Visit(twin.port, authority.root.crt)
    assert "ALPN protocol: http/1.1" in twin_clients.openssl(visit, "-alpn", "spdy/1,http/1.1")
    before = len(twin.lines)
    assert "alert no application protocol" in twin_clients.openssl(visit, "-alpn", "spdy/1")
    twin.wait_for("120 no_application_protocol: the client speaks spdy/1", before)


def test_renegotiation_is_refused(twin: Twin, policy: Policy, authority: Authority) -> None:
    """Secure renegotiation is indicated all the same (RFC 5746)."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{twin.port}", "-tls1_2"]
    done = subprocess.run(command, input=b"R\n", capture_output=True, timeout=120)
    assert b"Secure Renegotiation IS supported" in done.stdout
    assert b"no renegotiation" in done.stderr


@pytest.mark.parametrize("extended", [True, False])
def test_extended_master_secret(extended: bool, twin: Twin, policy: Policy, authority: Authority) -> None:
    twin.site.policy = replace(policy, extended_master_secret=extended)
    text = twin_clients.openssl(Visit(twin.port, authority.root.crt))
    assert f"Extended master secret: {'yes' if extended else 'no'}" in text


@pytest.mark.parametrize("code", sorted(CIPHERS.keys() - Policy().suites), ids=lambda code: SUITES[code].openssl)
def test_suites_with_sha_1(code: int, twin: Twin, policy: Policy, authority: Authority) -> None:
    """The server has them for devices that are configured so."""
    for outside in (True, False):
        twin.site.policy = replace(policy, suites=(code,), encrypt_then_mac=outside)
        assert TITLE in twin_clients.openssl(Visit(twin.port, authority.root.crt))


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("name", ["openssl", "gnutls", "ssl_client2"])
def test_encrypt_then_mac(name: str, outside: bool, twin: Twin, policy: Policy, authority: Authority) -> None:
    for code in (0xC023, 0xC024):
        twin.site.policy = replace(policy, suites=(code,), encrypt_then_mac=outside)
        assert TITLE in CLIENTS[name](Visit(twin.port, authority.root.crt))


def test_server_name_chooses_the_certificate(twin: Twin, policy: Policy, authority: Authority) -> None:
    other = authority.issue("other.test", ec.generate_private_key(ec.SECP256R1()))
    identities = twin.site.identities
    twin.site.identities = [*identities, identity_of(other)]
    try:
        text = twin_clients.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{twin.port}", "-servername", "other.test", "-tls1_2"], b""
        )
    finally:
        twin.site.identities = identities
    assert "subject=CN = other.test" in text
