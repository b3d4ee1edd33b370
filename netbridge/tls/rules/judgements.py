# SPDX-License-Identifier: GPL-2.0-or-later
"""What clients do about a certificate that is not valid: findings about the chain that was sent, and the alerts that
they lead to, as measured with OpenSSL 3.0, GnuTLS 3.7 and mbedTLS 2.28 (tests/oracle/test_certificate_verdicts.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from stm32emu.netbridge.tls.clients import GNUTLS, MBEDTLS, OPENSSL
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.host_names import names_of
from stm32emu.netbridge.tls.printable import printable
from stm32emu.netbridge.tls.severity import Severity
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict

if TYPE_CHECKING:
    from stm32emu.netbridge.tls.certificate import Certificate
    from stm32emu.netbridge.tls.certificate_rules import Finding, Identity

COMPUTED = "arithmetic, key pair, memory, RNG: all that was computed is right"
HANDSHAKE_FAILURE, UNKNOWN_CA = 40, 48
NAMES, TRUST, DEVICE = "names", "trust", "device"
EXPLAIN = {
    HANDSHAKE_FAILURE: ("usage",),
    42: (NAMES, "hash", "key", "usage", "dates", "chain", "form", TRUST),
    43: ("usage", "key"),
    46: ("usage", "hash"),
    UNKNOWN_CA: ("chain", "order", TRUST),
    51: ("chain",),
    80: ("usage",),
}
"""Alert of the client -> the topics of findings that lead to it, the likeliest first."""
MINDS = {OPENSSL: (NAMES,), MBEDTLS: ("order", "form"), GNUTLS: ()}
"""Client -> the topics whose warnings it minds; all mind errors."""
CAUSES = {
    "hash": ("weak-hash", "OpenSSL and GnuTLS send 42, mbedTLS 46"),
    "key": ("weak-key", "OpenSSL sends 42, mbedTLS 43; GnuTLS takes it"),
    "usage": ("wrong-usage", "OpenSSL sends 43, 46, or 40 if the key may not sign; mbedTLS 43 or 42, GnuTLS 42 or 80"),
    "dates": ("never-valid", "OpenSSL and GnuTLS send 42, mbedTLS 45"),
    "chain": ("broken-chain", "OpenSSL and mbedTLS send 48, GnuTLS 42"),
    "order": ("chain-out-of-order", "mbedTLS sends 48; OpenSSL and GnuTLS put the certificates in order"),
    "form": ("malformed-certificate", "mbedTLS and GnuTLS send 42; OpenSSL takes it"),
    TRUST: ("incomplete-chain", "OpenSSL and mbedTLS send 48, GnuTLS 42"),
}
"""Topic -> the verdict's name, and what each client makes of it."""


def by_judgement(case: Case, latest: Evidence, alert: int, sent: str) -> Verdict | None:
    """The finding that explains the alert. Whom clients trust is only known if a CA was given."""
    topics = [topic for topic in EXPLAIN.get(alert, ()) if topic != TRUST or case.device.roots]
    if not topics or not latest.chain:
        return None
    found = [each for each in _judged(case, latest) if _matters(each, latest.client)]
    cause = next((each for topic in topics for each in found if each.topic == topic), None)
    if cause is None:
        return None
    if cause.topic == NAMES:
        return wrong_name(latest.chain[0], _asked(latest), sent)
    name, so = CAUSES[cause.topic]
    title = f"clients refuse the device's certificate: {cause.what}."
    return Verdict(name, title, (cause.proof, sent), so, COMPUTED, cause.fix)


def _matters(finding: Finding, client: str) -> bool:
    if finding.severity is Severity.WARNING:
        return client not in MINDS or finding.topic in MINDS[client]
    return finding.severity is Severity.ERROR


def _asked(evidence: Evidence) -> str | None:
    return evidence.hello.says.server_name if evidence.hello else None


def presented(case: Case, evidence: Evidence) -> Identity:
    """What the device presents, as of the first day on which all of its path may hold: when the client looked at it,
    few of them say. The rules are loaded here because those about a config.h load its preprocessor."""
    from stm32emu.netbridge.tls.certificate_rules import Identity

    known, day = case.device, evidence.chain[0].not_before
    identity = Identity(evidence.chain, known.roots, day, hostname=_asked(evidence), build=known.build)
    return replace(identity, at=max(certificate.not_before for certificate in identity.path))


def _judged(case: Case, evidence: Evidence) -> list[Finding]:
    from stm32emu.netbridge.tls.certificate_rules import judge

    return judge(presented(case, evidence))


def wrong_name(certificate: Certificate, asked: str | None, sent: str) -> Verdict:
    """Row 9c."""
    return Verdict(
        "wrong-name",
        "the client expects another host name than the certificate has.",
        (
            f"the certificate is for {' and '.join(names_of(certificate)) or 'no name'}",
            f"the client asks for {printable(asked)}" if asked else "the client does not say which name it expects",
            sent,
        ),
        "clients that check names send 42 (bad_certificate); mbedTLS does so when given a host name",
        COMPUTED,
        "connect by a name that the certificate has (ssl_client2: server_name=...), or issue one for this name",
    )


def unusable_certificate(case: Case) -> Verdict | None:
    """The device refuses every ClientHello, and by its configuration it can do nothing with its own certificate."""
    latest = case.latest
    if latest is None or latest.stage is not Stage.CLIENT_HELLO or latest.alert != (Side.SERVER, HANDSHAKE_FAILURE):
        return None
    cause = next(device_findings(case, latest, DEVICE), None)
    if cause is None or any(each.sound for each in case.evidence):
        return None
    return Verdict(
        "unusable-certificate",
        f"the device cannot use its own certificate: {cause.what}.",
        (cause.proof, f"it sends 40 (handshake_failure) on connection {latest.number}"),
        "every client sees alert 40",
        "arithmetic, memory, RNG, dates, host name: nothing was computed yet",
        f"{cause.fix}: stm32emu doctor certs --cert server.crt --config config.h",
    )


def device_findings(case: Case, evidence: Evidence, topic: str) -> Iterator[Finding]:
    """Errors about the chain against the device's config.h, if both are known."""
    if case.device.build is None or not evidence.chain:
        return
    for each in _judged(case, evidence):
        if each.topic == topic and each.severity is Severity.ERROR:
            yield each
