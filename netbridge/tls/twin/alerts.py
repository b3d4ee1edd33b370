# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors of a TLS connection (RFC 5246 section 7.2.2): the exception is the alert, its class says whose fault it is."""

from __future__ import annotations

from stm32emu.netbridge.tls import names


class TlsError(Exception):
    """Ends a connection. `description` is the number of the alert that says so."""

    description: int

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{names.alert_name(self.description)}: {self.reason}"


class PeerError(TlsError):
    """The peer broke the protocol, or wants what this server has not; it is told by this alert."""


class UnexpectedMessageError(PeerError):
    """Not what comes next."""

    description = 10


class BadRecordMacError(PeerError):
    """A record that does not decrypt; what about it is wrong is not told (RFC 5246 section 6.2.3.2)."""

    description = 20


class RecordOverflowError(PeerError):
    """A record longer than is allowed."""

    description = 22


class HandshakeFailureError(PeerError):
    """No choice that both sides can make."""

    description = 40


class BadCertificateError(PeerError):
    """A certificate that does not read, or whose signature is wrong."""

    description = 42


class UnsupportedCertificateError(PeerError):
    """A certificate with a key of a kind that cannot be used."""

    description = 43


class CertificateExpiredError(PeerError):
    """A certificate that was valid once."""

    description = 45


class CertificateUnknownError(PeerError):
    """A certificate that is not acceptable for another reason."""

    description = 46


class IllegalParameterError(PeerError):
    """A field that may not have this value."""

    description = 47


class UnknownCaError(PeerError):
    """A chain that ends in nobody trusted."""

    description = 48


class DecodeError(PeerError):
    """Bytes that do not read as what they should be."""

    description = 50


class DecryptError(PeerError):
    """A signature or Finished that does not verify."""

    description = 51


class ProtocolVersionError(PeerError):
    """A version that is not served."""

    description = 70


class LocalError(TlsError):
    """This server cannot go on, through no fault of the peer."""

    description = 80


class InappropriateFallbackError(PeerError):
    """A client that fell back to less than both can do (RFC 7507)."""

    description = 86


class NoApplicationProtocolError(PeerError):
    """None of the client's protocols is served (RFC 7301)."""

    description = 120


class AlertReceivedError(TlsError):
    """The peer ended the connection by a fatal alert."""

    def __init__(self, description: int) -> None:
        super().__init__("sent by the peer")
        self.description = description
