# SPDX-License-Identifier: GPL-2.0-or-later
"""tlsfuzzer's scripts for TLS 1.2: which apply to the twin, with which words, and why some conversations fail.

The twin has ECDHE suites and no renegotiation, TLS 1.2 only. What is explained is a pattern of conversations' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

COMMIT = "14555fe211456c46deccc4b2d94751dbd894aece"
LIBRARY = "tlslite-ng==0.9.0b2"

RENEGOTIATION = "renegotiation is refused by a warning, and the scripts want to renegotiate"
TLS_1_1 = "TLS 1.1 and older are not served"
NAMES = "a name that no certificate has is not refused, since mbedTLS's servers do not look at it"
RSA = "it has RSA key exchange only"
DHE = "it has DHE only"
SUITES = "a client that no longer offers its session's suite gets a full handshake, as from mbedTLS"
PSS = "the twin does not sign with RSA-PSS, as mbedTLS 2.28 does not in TLS 1.2"


@dataclass(frozen=True)
class Script:
    """`words` for the script, KEY and CERT in them the files of the `client`, an "rsa" or "ecdsa" one."""

    words: str = "-d"
    client: str = ""
    alpn: bool = False
    explained: Mapping[str, str] = field(default_factory=dict)


OLD_BROWSERS = r"^(1\d|2[01235679]|3[02479]|4[0-2478]|5[02689]|6[0148]|7[24]|94|10[01]|113): "
"""The numbers of those whose hello has TLS 1.1 at most."""

CIPHER = "-C TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CBC = "-C TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
CBC_SHA256 = "-C TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"
AUTHENTICATED = "-k KEY -c CERT"
REQUESTED = " ".join(f"sha{size}+{kind}" for size in (512, 384, 256, 224, 1) for kind in ("rsa", "ecdsa"))

SCRIPTS: Mapping[str, Script] = {
    "test-aes-gcm-nonces": Script(CIPHER, explained={"aes-256-gcm": "the script checks RSA key exchange's there"}),
    "test-alpn-negotiation": Script(alpn=True, explained={"renegotiation": RENEGOTIATION}),
    "test-atypical-padding": Script(),
    "test-ccs": Script(CIPHER),
    "test-certificate-malformed": Script(f"{CBC} {AUTHENTICATED}", "rsa"),
    "test-certificate-request": Script(f"-d {AUTHENTICATED} -s '{REQUESTED}'", "rsa"),
    "test-certificate-verify": Script(f"{CBC} {AUTHENTICATED}", "rsa"),
    "test-certificate-verify-malformed": Script(f"{CBC} {AUTHENTICATED}", "rsa"),
    "test-certificate-verify-malformed-sig": Script(f"-d {AUTHENTICATED}", "rsa"),
    "test-chacha20": Script("", explained={"TLS1.1": TLS_1_1}),
    "test-client-compatibility": Script("-d -n 0", explained={OLD_BROWSERS: TLS_1_1}),
    "test-client-hello-max-size": Script(alpn=True),
    "test-connection-abort": Script(CBC),
    "test-conversation": Script(CIPHER),
    "test-cve-2004-0079": Script(CBC),
    "test-cve-2016-2107": Script(CBC),
    "test-cve-2016-6309": Script(),
    "test-cve-2016-7054": Script(""),
    "test-early-application-data": Script(CIPHER),
    "test-ecdhe-padded-shared-secret": Script("", explained={r"\(3, [012]\)": TLS_1_1}),
    "test-ecdhe-rsa-key-exchange": Script(""),
    "test-ecdhe-rsa-key-exchange-with-bad-messages": Script(""),
    "test-ecdsa-in-certificate-verify": Script(AUTHENTICATED, "ecdsa"),
    "test-ecdsa-sig-flexibility": Script("-C TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    "test-ecdhe-rsa-key-share-random": Script(
        "",
        explained={
            r"Protocol \(3, [012]\)": TLS_1_1,
            "SSLv2": "hellos of SSL 2 are not read",
        },
    ),
    "test-encrypt-then-mac": Script(),
    "test-encrypt-then-mac-renegotiation": Script(explained={"renegotiation": RENEGOTIATION}),
    "test-extended-master-secret-extension": Script(
        explained={"renegotiat": RENEGOTIATION, "TLSv1.1": TLS_1_1, "w/DHE": DHE}
    ),
    "test-extended-master-secret-extension-with-client-cert": Script(f"-d {AUTHENTICATED}", "rsa"),
    "test-fallback-scsv": Script(explained={"TLSv1.1": TLS_1_1}),
    "test-fuzzed-MAC": Script(CBC),
    "test-fuzzed-ciphertext": Script(CIPHER),
    "test-fuzzed-padding": Script(),
    "test-fuzzed-plaintext": Script(CBC),
    "test-hello-request-by-client": Script(),
    "test-interleaved-CKE-with-CCS": Script(CIPHER),
    "test-invalid-client-hello-w-record-overflow": Script(),
    "test-invalid-compression-methods": Script(),
    "test-invalid-content-type": Script(CIPHER),
    "test-invalid-server-name-extension": Script(
        explained={"^(incorrect SNI|SNI name with)": NAMES, "multiple": "a list of several names is refused whole"}
    ),
    "test-large-hello": Script(),
    "test-large-number-of-extensions": Script(),
    "test-legacy-renegotiation": Script(explained={"renegotia": RENEGOTIATION}),
    "test-lucky13": Script(CBC),
    "test-message-skipping": Script(),
    "test-no-heartbeat": Script(),
    "test-no-mlkem-in-old-tls": Script(),
    "test-point-extension": Script(CBC),
    "test-record-layer-fragmentation": Script(),
    "test-renegotiation-disabled": Script(),
    "test-resumption-with-wrong-ciphers": Script(explained={"NULL cipher|old CH": SUITES}),
    "test-rsa-sigs-on-certificate-verify": Script(f"-d {AUTHENTICATED}", "rsa"),
    "test-session-ticket-resumption": Script(
        explained={"renegotiation": RENEGOTIATION, "empty|random": "a ticket that was taken is not renewed"}
    ),
    "test-sessionID-resumption": Script(),
    "test-sig-algs": Script("", explained={"rsa_pss": PSS}),
    "test-signature-algorithms": Script(""),
    "test-ssl-death-alert": Script(),
    "test-sslv2-connection": Script(""),
    "test-sslv2-force-cipher": Script(""),
    "test-sslv2-force-cipher-3des": Script(""),
    "test-sslv2-force-cipher-non3des": Script(""),
    "test-sslv2-force-export-cipher": Script(""),
    "test-sslv2hello-protocol": Script(explained={"SSLv2 Client Hello": "hellos of SSL 2 are not read"}),
    "test-truncating-of-client-hello": Script(),
    "test-version-numbers": Script(),
    "test-x25519": Script("", explained={"fallback to DHE": DHE}),
    "test-zero-length-data": Script(),
}

ELSEWHERE: Mapping[str, str] = {
    "test-SSLv3-padding": TLS_1_1,
    "test-TLSv1_2-rejected-without-TLSv1_2": TLS_1_1,
    "test-aesccm": "the twin has no AES-CCM",
    "test-bleichenbacher-timing-marvin": RSA,
    "test-bleichenbacher-timing-pregenerate": RSA,
    "test-bleichenbacher-workaround": RSA,
    "test-clienthello-md5": RSA,
    "test-dhe-key-share-random": DHE,
    "test-dhe-no-shared-secret-padding": DHE,
    "test-dhe-rsa-key-exchange": DHE,
    "test-dhe-rsa-key-exchange-signatures": DHE,
    "test-dhe-rsa-key-exchange-with-bad-messages": DHE,
    "test-downgrade-protection": "the sentinel is for servers that have TLS 1.3",
    "test-dsa-in-certificate-verify": "it needs a DSA certificate",
    "test-dsa-sig-flexibility": "it needs a DSA certificate",
    "test-eddsa-in-certificate-verify": "it needs an EdDSA certificate",
    "test-empty-extensions": RSA,
    "test-export-ciphers-rejected": "it pairs export suites with RSA key exchange",
    "test-extensions": RSA,
    "test-ffdhe-expected-params": DHE,
    "test-ffdhe-negotiation": DHE,
    "test-fuzzed-finished": RSA,
    "test-heartbeat": "the twin has no heartbeat",
    "test-interleaved-application-data-and-fragmented-handshakes-in-renegotiation": RENEGOTIATION,
    "test-interleaved-application-data-in-renegotiation": RENEGOTIATION,
    "test-invalid-cipher-suites": RSA,
    "test-invalid-client-hello": RSA,
    "test-invalid-rsa-key-exchange-messages": RSA,
    "test-invalid-session-id": RSA,
    "test-invalid-version": RSA,
    "test-invalid-server-name-extension-resumption": NAMES,
    "test-lengths": "it takes an hour: 16 384 lengths, of which test_twin_bulk.py and others send many",
    "test-message-duplication": RSA,
    "test-ocsp-stapling": "the twin has no OCSP stapling",
    "test-openssl-3712": RENEGOTIATION,
    "test-record-size-limit": "the twin has no record_size_limit",
    "test-renegotiation-changed-clienthello": RENEGOTIATION,
    "test-renegotiation-disabled-client-cert": "it wants to be asked for a certificate only when it renegotiates",
    "test-rsa-pss-sigs-on-certificate-verify": PSS,
    "test-serverhello-random": "it counts on hellos of SSL 2 and on TLS 1.1",
    "test-sig-algs-renegotiation-resumption": RENEGOTIATION,
    "test-truncating-of-finished": RSA,
    "test-truncating-of-kRSA-client-key-exchange": RSA,
    "test-unsupported-curve-fallback": RSA,
}
"""Scripts that do not apply, and why."""
