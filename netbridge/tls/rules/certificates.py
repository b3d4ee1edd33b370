# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client has against the device's certificate, when all that the device computes is right."""

from __future__ import annotations

from datetime import UTC, datetime

from stm32emu.netbridge.tls import clients, messages
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.names import alert_name
from stm32emu.netbridge.tls.rules.judgements import COMPUTED, by_judgement, presented, wrong_name
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict

EXPIRED, UNKNOWN, UNKNOWN_CA, BAD_CERTIFICATE = 45, 46, 48, 42
ABOUT_CERTIFICATES = (BAD_CERTIFICATE, 43, 44, EXPIRED, UNKNOWN, UNKNOWN_CA, 49)
DAY = "%Y-%m-%d"


def refused_certificate(case: Case) -> Verdict | None:
    """Rows 9a to 9c, and whatever else clients have against a certificate: an alert of theirs, and nothing wrong with
    what the device computes."""
    latest = case.latest
    if latest is None or latest.certificate is None or latest.stage < Stage.CERTIFICATE:
        return None
    if latest.alert is None or latest.alert[0] is not Side.CLIENT:
        return None
    alert = latest.alert[1]
    sent = f"the client sends {alert_name(alert)} on connection {latest.number}"
    verdict = _by_date(case, latest, alert, sent) or by_judgement(case, latest, alert, sent)
    if verdict or alert not in ABOUT_CERTIFICATES:
        return verdict
    if alert == UNKNOWN_CA:
        return _unknown_ca(case, latest.certificate, sent)
    asked = latest.hello.says.server_name if latest.hello else None
    if alert == BAD_CERTIFICATE and not asked and latest.client == clients.MBEDTLS:  # others send it for dates, too
        return wrong_name(latest.certificate, None, sent)
    return _other(latest.certificate, asked, sent)


def _by_date(case: Case, latest: Evidence, alert: int, sent: str) -> Verdict | None:
    """By the client's clock where it is known, else by the alert alone: clients may have any clock."""
    seconds = clients.clock_of(latest.hello)
    clock = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    if alert == EXPIRED:
        ended = min(presented(case, latest).path, key=lambda certificate: certificate.not_after)
        return _expired(ended, ended == latest.certificate, sent, clock)
    last_to_begin = max(latest.chain, key=lambda certificate: certificate.not_before)
    if alert == UNKNOWN and clock and clock < last_to_begin.not_before:
        return _client_clock(last_to_begin, sent, clock)
    return None


def no_certificate(case: Case) -> Verdict | None:
    """An empty Certificate message, which only clients may send (RFC 5246 section 7.4.2)."""
    for each in case.evidence:
        message = each.transcript.message(messages.Certificate, Side.SERVER)
        if message is not None and not message.certificates:
            return Verdict(
                "no-certificate",
                "the device sends no certificate.",
                (f"its Certificate message is empty on connection {each.number}",),
                "OpenSSL, GnuTLS and mbedTLS send 50 (decode_error)",
                COMPUTED,
                "give the device its certificate (mbedtls_ssl_conf_own_cert)",
            )
    return None


def validity(certificate: Certificate) -> str:
    """As in "valid from 2013-09-24 to 2023-09-22"."""
    return f"valid from {certificate.not_before:{DAY}} to {certificate.not_after:{DAY}}"


def _expired(certificate: Certificate, is_its_own: bool, sent: str, clock: datetime | None) -> Verdict:
    told = (f"the client's clock, in its random, says {clock:{DAY}}",) if clock else ()
    which = "the device's certificate" if is_its_own else f"{certificate.label}, which the device's chain leads to,"
    title = f"{which} ran out on {certificate.not_after:{DAY}}."
    if clock and clock <= certificate.not_after:
        title = "a CA's certificate that the client has, above those that the device sends, ran out."
    return Verdict(
        "certificate-expired",
        title,
        (f"it is {validity(certificate)}", *told, sent),
        "clients that look at dates send 45 (certificate_expired); OpenSSL only warns unless told to verify",
        COMPUTED,
        "issue a new certificate; a device without MBEDTLS_HAVE_TIME_DATE checks no dates itself",
    )


def _client_clock(certificate: Certificate, sent: str, clock: datetime) -> Verdict:
    return Verdict(
        "client-clock",
        "the client's clock is wrong: it is before the certificate's first day.",
        (f"the certificate is {validity(certificate)}", f"the client's clock, in its random, says {clock:{DAY}}", sent),
        "mbedTLS sends 46 (certificate_unknown), OpenSSL only warns unless told to verify",
        COMPUTED,
        "set the client's clock",
    )


def _unknown_ca(case: Case, certificate: Certificate, sent: str) -> Verdict:
    signs_itself = certificate.subject.normal == certificate.issuer.normal
    known = ("the chain leads to a CA that was given: the client has another",) if case.device.roots else ()
    return Verdict(
        "unknown-ca",
        "the client does not know the CA that issued the device's certificate.",
        ("it signs itself" if signs_itself else f'issued by "{certificate.issuer}"', *known, sent),
        "OpenSSL (told to verify) and mbedTLS send 48 (unknown_ca)",
        COMPUTED,
        "give the client that CA (openssl: -CAfile ca.crt; ssl_client2: ca_file=ca.crt)",
    )


def _other(certificate: Certificate, asked: str | None, sent: str) -> Verdict:
    name = "" if asked else "the name that it expects, which it does not say, or "
    return Verdict(
        "certificate-refused",
        "the client refuses the device's certificate.",
        (f'"{certificate.subject}", {validity(certificate)}, issued by "{certificate.issuer}"', sent),
        f"what is left: {name}dates by its clock; for GnuTLS, which sends 42 for anything, the CA, too",
        COMPUTED,
        "stm32emu doctor certs --cert server.crt --ca ca.crt --hostname NAME --at DATE, all as the client has them",
    )
