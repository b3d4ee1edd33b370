# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client has against the device's certificate, when all that the device computes is right."""

from __future__ import annotations

from datetime import UTC, datetime

from stm32emu.netbridge.tls import clients
from stm32emu.netbridge.tls.certificate import Certificate
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.host_names import names_of
from stm32emu.netbridge.tls.names import alert_name
from stm32emu.netbridge.tls.printable import printable
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict

BAD_CERTIFICATE, UNSUPPORTED, REVOKED, EXPIRED, UNKNOWN, UNKNOWN_CA, ACCESS_DENIED = 42, 43, 44, 45, 46, 48, 49
ABOUT_CERTIFICATES = (BAD_CERTIFICATE, UNSUPPORTED, REVOKED, EXPIRED, UNKNOWN, UNKNOWN_CA, ACCESS_DENIED)
DAY = "%Y-%m-%d"
COMPUTED = "arithmetic, key pair, memory, RNG: all that was computed is right"


def refused_certificate(case: Case) -> Verdict | None:
    """Rows 9a to 9c: an alert about the certificate, and nothing wrong with what the device computes."""
    latest = case.latest
    if latest is None or latest.alert is None or latest.alert[0] is not Side.CLIENT or latest.certificate is None:
        return None
    if latest.alert[1] not in ABOUT_CERTIFICATES or latest.stage < Stage.CERTIFICATE:
        return None
    certificate, alert = latest.certificate, latest.alert[1]
    sent = f"the client sends {alert_name(alert)} on connection {latest.number}"
    clock = _clock(latest)
    if alert == EXPIRED or (clock and clock > certificate.not_after):
        return _expired(certificate, sent, clock)
    if clock and clock < certificate.not_before:
        return _client_clock(certificate, sent, clock)
    if alert == UNKNOWN_CA:
        return _unknown_ca(certificate, sent)
    if alert == BAD_CERTIFICATE:
        return _wrong_name(latest, certificate, sent)
    return _other(certificate, sent)


def validity(certificate: Certificate) -> str:
    """As in "valid from 2013-09-24 to 2023-09-22"."""
    return f"valid from {certificate.not_before:{DAY}} to {certificate.not_after:{DAY}}"


def _clock(evidence: Evidence) -> datetime | None:
    seconds = clients.clock_of(evidence.hello)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _expired(certificate: Certificate, sent: str, clock: datetime | None) -> Verdict:
    told = (f"the client's clock, in its random, says {clock:{DAY}}",) if clock else ()
    return Verdict(
        "certificate-expired",
        f"the device's certificate ran out on {certificate.not_after:{DAY}}.",
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


def _unknown_ca(certificate: Certificate, sent: str) -> Verdict:
    return Verdict(
        "unknown-ca",
        "the client does not know the CA that issued the device's certificate.",
        (f'issued by "{certificate.issuer}"', sent),
        "OpenSSL (told to verify) and mbedTLS send 48 (unknown_ca)",
        COMPUTED,
        "give the client that CA (openssl: -CAfile ca.crt; ssl_client2: ca_file=ca.crt)",
    )


def _wrong_name(evidence: Evidence, certificate: Certificate, sent: str) -> Verdict:
    asked = evidence.hello.says.server_name if evidence.hello else None
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


def _other(certificate: Certificate, sent: str) -> Verdict:
    return Verdict(
        "certificate-refused",
        "the client refuses the device's certificate.",
        (f'"{certificate.subject}", {validity(certificate)}, issued by "{certificate.issuer}"', sent),
        "what it sends differs by client: 42, 43, 46 or 48",
        COMPUTED,
        "openssl verify -CAfile ca.crt -show_chain server.crt",
    )
