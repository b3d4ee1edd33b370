# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of the numbers in TLS, as IANA's "TLS Parameters" and "TLS Extensions" have them."""

from __future__ import annotations

from collections.abc import Mapping

SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
DTLS_1_0, DTLS_1_2 = 0xFEFF, 0xFEFD
VERSIONS = {
    SSL_3_0: "SSL 3.0",
    TLS_1_0: "TLS 1.0",
    TLS_1_1: "TLS 1.1",
    TLS_1_2: "TLS 1.2",
    TLS_1_3: "TLS 1.3",
    DTLS_1_0: "DTLS 1.0",
    DTLS_1_2: "DTLS 1.2",
}

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CONTENT_TYPES = {
    CHANGE_CIPHER_SPEC: "ChangeCipherSpec",
    ALERT: "Alert",
    HANDSHAKE: "Handshake",
    APPLICATION_DATA: "ApplicationData",
}

HELLO_REQUEST, CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST, NEW_SESSION_TICKET = 0, 1, 2, 3, 4
CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 11, 12, 13, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, CERTIFICATE_STATUS = 15, 16, 20, 22
HANDSHAKE_TYPES = {
    HELLO_REQUEST: "HelloRequest",
    CLIENT_HELLO: "ClientHello",
    SERVER_HELLO: "ServerHello",
    HELLO_VERIFY_REQUEST: "HelloVerifyRequest",
    NEW_SESSION_TICKET: "NewSessionTicket",
    CERTIFICATE: "Certificate",
    SERVER_KEY_EXCHANGE: "ServerKeyExchange",
    CERTIFICATE_REQUEST: "CertificateRequest",
    SERVER_HELLO_DONE: "ServerHelloDone",
    CERTIFICATE_VERIFY: "CertificateVerify",
    CLIENT_KEY_EXCHANGE: "ClientKeyExchange",
    FINISHED: "Finished",
    CERTIFICATE_STATUS: "CertificateStatus",
}

WARNING, FATAL = 1, 2
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
}

SERVER_NAME, MAX_FRAGMENT_LENGTH, SUPPORTED_GROUPS, EC_POINT_FORMATS, SIGNATURE_ALGORITHMS = 0, 1, 10, 11, 13
ALPN, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RECORD_SIZE_LIMIT, SESSION_TICKET = 16, 22, 23, 28, 35
SUPPORTED_VERSIONS, KEY_SHARE, RENEGOTIATION_INFO = 43, 51, 0xFF01
EXTENSIONS = {
    SERVER_NAME: "server_name",
    MAX_FRAGMENT_LENGTH: "max_fragment_length",
    2: "client_certificate_url",
    3: "trusted_ca_keys",
    4: "truncated_hmac",
    5: "status_request",
    SUPPORTED_GROUPS: "supported_groups",
    EC_POINT_FORMATS: "ec_point_formats",
    12: "srp",
    SIGNATURE_ALGORITHMS: "signature_algorithms",
    14: "use_srtp",
    15: "heartbeat",
    ALPN: "application_layer_protocol_negotiation",
    17: "status_request_v2",
    18: "signed_certificate_timestamp",
    19: "client_certificate_type",
    20: "server_certificate_type",
    21: "padding",
    ENCRYPT_THEN_MAC: "encrypt_then_mac",
    EXTENDED_MASTER_SECRET: "extended_master_secret",
    24: "token_binding",
    25: "cached_info",
    27: "compress_certificate",
    RECORD_SIZE_LIMIT: "record_size_limit",
    SESSION_TICKET: "session_ticket",
    41: "pre_shared_key",
    42: "early_data",
    SUPPORTED_VERSIONS: "supported_versions",
    44: "cookie",
    45: "psk_key_exchange_modes",
    47: "certificate_authorities",
    48: "oid_filters",
    49: "post_handshake_auth",
    50: "signature_algorithms_cert",
    KEY_SHARE: "key_share",
    RENEGOTIATION_INFO: "renegotiation_info",
}

COMPRESSIONS = {0: "null", 1: "DEFLATE", 64: "LZS"}


def name_of(table: Mapping[int, str], number: int, digits: int = 0) -> str:
    """The name, or the number itself: decimal, or hexadecimal with `digits`."""
    return table.get(number) or (f"0x{number:0{digits}x}" if digits else str(number))


def alert_name(description: int) -> str:
    """As in "47 illegal_parameter"."""
    name = ALERTS.get(description)
    return f"{description} {name}" if name else str(description)


def version_name(version: int) -> str:
    """As in "TLS 1.2"."""
    return name_of(VERSIONS, version, 4)
