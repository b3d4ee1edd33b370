# SPDX-License-Identifier: GPL-2.0-or-later
"""Which clients' chains the TLS server trusts, and by which alert it refuses the others; `openssl verify` agrees."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from authorities import CLIENT, NOW, SERVER, Issued, Maker, intermediate, leaf, root
from native_server import ssl_server2
from stm32emu.netbridge.tls.certificate import ANY_PURPOSE, parse_certificate
from stm32emu.netbridge.tls.twin.alerts import PeerError
from stm32emu.netbridge.tls.twin.client_trust import check_chain
from stm32emu.netbridge.tls.twin.policy import Policy

ROOT = root().made()
MIDDLE = intermediate(ROOT).made()
OTHER = root("Root", 7).made()
UNSUPPORTED, EXPIRED, NOT_ACCEPTED, UNKNOWN = 43, 45, 46, 48


@dataclass(frozen=True)
class Case:
    """A client's chain, and the alert that refuses it; None if it is trusted. `differs`: why OpenSSL does not agree."""

    chain: tuple[Issued, ...]
    alert: int | None = None
    roots: tuple[Issued, ...] = (ROOT,)
    differs: str = ""


def client(above: Issued) -> Maker:
    return leaf(above).authority(ca=False).usage("digitalSignature").purpose(CLIENT).key_ids()


def below(middle: Maker, alert: int | None) -> Case:
    """A good client below an intermediate authority."""
    made = middle.made()
    return Case((client(made).made(), made), alert)


def under(top: Maker, alert: int | None) -> Case:
    """A good client below a root."""
    made = top.made()
    return Case((client(made).made(),), alert, roots=(made,))


def plain(above: Issued) -> Maker:
    return leaf(above).authority(ca=False).key_ids()


CASES: dict[str, Callable[[], Case]] = {
    "a client of the root": lambda: Case((client(ROOT).made(),)),
    "a client of an intermediate": lambda: Case((client(MIDDLE).made(), MIDDLE)),
    "what does not belong there in between": lambda: Case((client(MIDDLE).made(), OTHER, MIDDLE, ROOT)),
    "no usages at all": lambda: Case((plain(ROOT).made(),)),
    "a root of version 1": lambda: under(replace(Maker("Old").on("secp384r1", 8), version=1), None),
    "for any purpose": lambda: Case(
        (plain(ROOT).purpose(ANY_PURPOSE).made(),), differs="it wants clientAuth itself; RFC 5280 4.2.1.12 does not"
    ),
    "for servers": lambda: Case((plain(ROOT).purpose(SERVER).made(),), UNSUPPORTED),
    "for encryption": lambda: Case((plain(ROOT).usage("keyEncipherment").made(),), UNSUPPORTED),
    "expired": lambda: Case((client(ROOT).valid(2020, 2025).made(),), EXPIRED),
    "not yet valid": lambda: Case((client(ROOT).valid(2027, 2030).made(),), NOT_ACCEPTED),
    "an expired intermediate": lambda: below(intermediate(ROOT).valid(2020, 2025), EXPIRED),
    "an expired root": lambda: under(root().valid(2010, 2020), EXPIRED),
    "signed with SHA-1": lambda: Case((client(ROOT).signed_with("sha1").made(),), NOT_ACCEPTED),
    "an intermediate signed with SHA-1": lambda: below(intermediate(ROOT).signed_with("sha1"), NOT_ACCEPTED),
    "a root signed with SHA-1": lambda: under(root().signed_with("sha1"), None),
    "another root": lambda: Case((client(ROOT).made(),), UNKNOWN, roots=(OTHER,)),
    "no intermediate": lambda: Case((client(MIDDLE).made(),), UNKNOWN),
    "no root": lambda: Case((client(ROOT).made(), ROOT), UNKNOWN, roots=()),
    "a server that signs": lambda: below(leaf(ROOT).authority(ca=False).usage("keyCertSign").key_ids(), UNKNOWN),
    "a signer that is nothing": lambda: below(Maker("Plain").on("secp256r1", 2).by(ROOT).key_ids(), UNKNOWN),
    "a CA that may not sign": lambda: below(
        Maker("CA").on("secp256r1", 2).by(ROOT).authority(0).usage("digitalSignature").key_ids(), UNKNOWN
    ),
    "a CA too many": lambda: too_deep(),
}


def too_deep() -> Case:
    deeper = intermediate(MIDDLE, "Deeper").on("secp256r1", 5).made()
    return Case((client(deeper).made(), deeper, MIDDLE), UNKNOWN)


def alert_of(case: Case, policy: Policy) -> int | None:
    chain, roots = (tuple(parse_certificate(each.der) for each in some) for some in (case.chain, case.roots))
    try:
        check_chain(chain, replace(policy, authorities=roots), int(NOW.timestamp()))
    except PeerError as error:
        return error.description
    return None


@pytest.mark.parametrize("name", CASES)
def test_a_chain(name: str, tmp_path: Path) -> None:
    case = CASES[name]()
    assert alert_of(case, Policy()) == case.alert
    assert openssl_trusts(case, tmp_path) == ((case.alert is None) != bool(case.differs))


def openssl_trusts(case: Case, folder: Path) -> bool:
    """At level 1 SHA-1 is too weak for it, as it is for its servers by default."""
    files = {"client": case.chain[:1], "others": case.chain[1:], "roots": case.roots}
    for name, certificates in files.items():
        (folder / name).write_text("".join(each.pem for each in certificates))
    words = ["-purpose", "sslclient", "-auth_level", "1", "-attime", str(int(NOW.timestamp()))]
    words += ["-CAfile", "roots"] if case.roots else ["-no-CAfile", "-no-CApath", "-no-CAstore"]
    words += ["-untrusted", "others"] if case.chain[1:] else []
    done = subprocess.run(["openssl", "verify", *words, "client"], cwd=folder, capture_output=True, text=True)
    assert "error" in done.stderr or done.stdout == "client: OK\n", done
    return done.returncode == 0


@pytest.mark.parametrize("name", CASES)
def test_mbedtls_sends_the_same_alert(name: str, tmp_path: Path) -> None:
    """Its own server, which needs a CA's file even if there is no root."""
    case = CASES[name]()
    files = {"ca": case.roots or (OTHER,), "client": case.chain[:1], "others": case.chain[1:]}
    for file, certificates in files.items():
        (tmp_path / file).write_text("".join(each.pem for each in certificates))
    key = case.chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key").write_bytes(key)
    words = ["-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-cert", "client", "-key", "key"]
    words += ["-cert_chain", "others"] if case.chain[1:] else []
    with ssl_server2(tmp_path, f"ca_file={tmp_path}/ca", "auth_mode=required", clock=f"{NOW:%Y-%m-%d}") as port:
        connect = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *words]
        done = subprocess.run(connect, cwd=tmp_path, input=b"", capture_output=True)
    alerts = re.findall(rb"SSL alert number (\d+)", done.stderr)
    assert [int(alert) for alert in alerts] == ([] if case.alert is None else [case.alert])
    assert (done.returncode == 0) == (case.alert is None)


WAIVED = {
    "expired": Policy(checks_dates=False),
    "for servers": Policy(checks_purposes=False),
    "for encryption": Policy(checks_usage=False),
    "a CA that may not sign": Policy(checks_usage=False),
}


@pytest.mark.parametrize("name", WAIVED)
def test_what_a_device_does_not_check(name: str) -> None:
    assert alert_of(CASES[name](), WAIVED[name]) is None
