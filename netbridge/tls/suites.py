# SPDX-License-Identifier: GPL-2.0-or-later
"""Cipher suites of IANA's registry that a TLS server of this world may meet. A suite is key exchange and cipher."""

from __future__ import annotations

import re
from dataclasses import dataclass

RENEGOTIATION_SCSV, FALLBACK_SCSV = 0x00FF, 0x5600

_AES_CBC_SHA = ("AES_128_CBC_SHA", "AES_256_CBC_SHA")
_CBC_SHA2 = ("AES_128_CBC_SHA256", "AES_256_CBC_SHA384")
_GCM = ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384")
_OLD_EC = ("NULL_SHA", "RC4_128_SHA", "3DES_EDE_CBC_SHA", *_AES_CBC_SHA)
_CHACHA = ("CHACHA20_POLY1305_SHA256",)
_CAMELLIA_SHA2 = ("CAMELLIA_128_CBC_SHA256", "CAMELLIA_256_CBC_SHA384")
_CAMELLIA_GCM = ("CAMELLIA_128_GCM_SHA256", "CAMELLIA_256_GCM_SHA384")
_ARIA_GCM = ("ARIA_128_GCM_SHA256", "ARIA_256_GCM_SHA384")
_ARIA_CBC = ("ARIA_128_CBC_SHA256", "ARIA_256_CBC_SHA384")

_RUNS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (0x0001, "RSA", ("NULL_MD5", "NULL_SHA")),
    (0x0004, "RSA", ("RC4_128_MD5", "RC4_128_SHA")),
    (0x000A, "RSA", ("3DES_EDE_CBC_SHA",)),
    (0x0016, "DHE_RSA", ("3DES_EDE_CBC_SHA",)),
    (0x002C, "PSK", ("NULL_SHA",)),
    (0x002D, "DHE_PSK", ("NULL_SHA",)),
    (0x002E, "RSA_PSK", ("NULL_SHA",)),
    (0x002F, "RSA", ("AES_128_CBC_SHA",)),
    (0x0033, "DHE_RSA", ("AES_128_CBC_SHA",)),
    (0x0034, "DH_anon", ("AES_128_CBC_SHA",)),
    (0x0035, "RSA", ("AES_256_CBC_SHA",)),
    (0x0039, "DHE_RSA", ("AES_256_CBC_SHA",)),
    (0x003A, "DH_anon", ("AES_256_CBC_SHA",)),
    (0x003B, "RSA", ("NULL_SHA256", "AES_128_CBC_SHA256", "AES_256_CBC_SHA256")),
    (0x0041, "RSA", ("CAMELLIA_128_CBC_SHA",)),
    (0x0045, "DHE_RSA", ("CAMELLIA_128_CBC_SHA",)),
    (0x0067, "DHE_RSA", ("AES_128_CBC_SHA256",)),
    (0x006B, "DHE_RSA", ("AES_256_CBC_SHA256",)),
    (0x0084, "RSA", ("CAMELLIA_256_CBC_SHA",)),
    (0x0088, "DHE_RSA", ("CAMELLIA_256_CBC_SHA",)),
    (0x008A, "PSK", ("RC4_128_SHA", "3DES_EDE_CBC_SHA", *_AES_CBC_SHA)),
    (0x008E, "DHE_PSK", ("RC4_128_SHA", "3DES_EDE_CBC_SHA", *_AES_CBC_SHA)),
    (0x0092, "RSA_PSK", ("RC4_128_SHA", "3DES_EDE_CBC_SHA", *_AES_CBC_SHA)),
    (0x009C, "RSA", _GCM),
    (0x009E, "DHE_RSA", _GCM),
    (0x00A6, "DH_anon", _GCM),
    (0x00A8, "PSK", _GCM),
    (0x00AA, "DHE_PSK", _GCM),
    (0x00AC, "RSA_PSK", _GCM),
    (0x00AE, "PSK", (*_CBC_SHA2, "NULL_SHA256", "NULL_SHA384")),
    (0x00B2, "DHE_PSK", (*_CBC_SHA2, "NULL_SHA256", "NULL_SHA384")),
    (0x00B6, "RSA_PSK", (*_CBC_SHA2, "NULL_SHA256", "NULL_SHA384")),
    (0x00BA, "RSA", ("CAMELLIA_128_CBC_SHA256",)),
    (0x00BE, "DHE_RSA", ("CAMELLIA_128_CBC_SHA256",)),
    (0x00C0, "RSA", ("CAMELLIA_256_CBC_SHA256",)),
    (0x00C4, "DHE_RSA", ("CAMELLIA_256_CBC_SHA256",)),
    (0xC001, "ECDH_ECDSA", _OLD_EC),
    (0xC006, "ECDHE_ECDSA", _OLD_EC),
    (0xC00B, "ECDH_RSA", _OLD_EC),
    (0xC010, "ECDHE_RSA", _OLD_EC),
    (0xC015, "ECDH_anon", _OLD_EC),
    (0xC023, "ECDHE_ECDSA", _CBC_SHA2),
    (0xC025, "ECDH_ECDSA", _CBC_SHA2),
    (0xC027, "ECDHE_RSA", _CBC_SHA2),
    (0xC029, "ECDH_RSA", _CBC_SHA2),
    (0xC02B, "ECDHE_ECDSA", _GCM),
    (0xC02D, "ECDH_ECDSA", _GCM),
    (0xC02F, "ECDHE_RSA", _GCM),
    (0xC031, "ECDH_RSA", _GCM),
    (0xC033, "ECDHE_PSK", ("RC4_128_SHA", "3DES_EDE_CBC_SHA", *_AES_CBC_SHA, *_CBC_SHA2)),
    (0xC039, "ECDHE_PSK", ("NULL_SHA", "NULL_SHA256", "NULL_SHA384")),
    (0xC03C, "RSA", _ARIA_CBC),
    (0xC044, "DHE_RSA", _ARIA_CBC),
    (0xC048, "ECDHE_ECDSA", _ARIA_CBC),
    (0xC04A, "ECDH_ECDSA", _ARIA_CBC),
    (0xC04C, "ECDHE_RSA", _ARIA_CBC),
    (0xC04E, "ECDH_RSA", _ARIA_CBC),
    (0xC050, "RSA", _ARIA_GCM),
    (0xC052, "DHE_RSA", _ARIA_GCM),
    (0xC05C, "ECDHE_ECDSA", _ARIA_GCM),
    (0xC05E, "ECDH_ECDSA", _ARIA_GCM),
    (0xC060, "ECDHE_RSA", _ARIA_GCM),
    (0xC062, "ECDH_RSA", _ARIA_GCM),
    (0xC072, "ECDHE_ECDSA", _CAMELLIA_SHA2),
    (0xC074, "ECDH_ECDSA", _CAMELLIA_SHA2),
    (0xC076, "ECDHE_RSA", _CAMELLIA_SHA2),
    (0xC078, "ECDH_RSA", _CAMELLIA_SHA2),
    (0xC07A, "RSA", _CAMELLIA_GCM),
    (0xC07C, "DHE_RSA", _CAMELLIA_GCM),
    (0xC086, "ECDHE_ECDSA", _CAMELLIA_GCM),
    (0xC088, "ECDH_ECDSA", _CAMELLIA_GCM),
    (0xC08A, "ECDHE_RSA", _CAMELLIA_GCM),
    (0xC08C, "ECDH_RSA", _CAMELLIA_GCM),
    (0xC09C, "RSA", ("AES_128_CCM", "AES_256_CCM")),
    (0xC09E, "DHE_RSA", ("AES_128_CCM", "AES_256_CCM")),
    (0xC0A0, "RSA", ("AES_128_CCM_8", "AES_256_CCM_8")),
    (0xC0A2, "DHE_RSA", ("AES_128_CCM_8", "AES_256_CCM_8")),
    (0xC0A4, "PSK", ("AES_128_CCM", "AES_256_CCM")),
    (0xC0A6, "DHE_PSK", ("AES_128_CCM", "AES_256_CCM")),
    (0xC0A8, "PSK", ("AES_128_CCM_8", "AES_256_CCM_8")),
    (0xC0AC, "ECDHE_ECDSA", ("AES_128_CCM", "AES_256_CCM", "AES_128_CCM_8", "AES_256_CCM_8")),
    (0xCCA8, "ECDHE_RSA", _CHACHA),
    (0xCCA9, "ECDHE_ECDSA", _CHACHA),
    (0xCCAA, "DHE_RSA", _CHACHA),
    (0xCCAB, "PSK", _CHACHA),
    (0xCCAC, "ECDHE_PSK", _CHACHA),
    (0xCCAD, "DHE_PSK", _CHACHA),
    (0xCCAE, "RSA_PSK", _CHACHA),
)
"""First code, key exchange, and the ciphers of it and the codes that follow."""

_TLS_1_3 = ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", *_CHACHA, "AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256")


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite. `exchange` is as in its name: "ECDHE_ECDSA"; "" for TLS 1.3, whose suites have none."""

    code: int
    exchange: str
    cipher: str

    @property
    def iana(self) -> str:
        """As in TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384."""
        return f"TLS_{self.exchange}_WITH_{self.cipher}" if self.exchange else f"TLS_{self.cipher}"

    @property
    def openssl(self) -> str:
        """As in ECDHE-ECDSA-AES256-GCM-SHA384."""
        if not self.exchange:
            return self.iana
        cipher = re.sub(r"_POLY1305_SHA256$", "_POLY1305", self.cipher)
        cipher = re.sub(r"3DES_EDE_CBC", "DES_CBC3", re.sub(r"(AES|CAMELLIA|ARIA)_(\d+)", r"\1\2", cipher))
        cipher = re.sub(r"RC4_128", "RC4", cipher.replace("CCM_8", "CCM8"))
        if "PSK" not in self.exchange or "CAMELLIA" in cipher:
            cipher = re.sub(r"(AES\d+|CAMELLIA\d+)_CBC", r"\1", cipher)
        exchange = {"RSA": "", "DH_anon": "ADH", "ECDH_anon": "AECDH"}.get(self.exchange, self.exchange)
        if "ARIA" in cipher and exchange == "ECDHE_RSA":
            exchange = "ECDHE"  # OpenSSL's own irregularity
        return "-".join(filter(None, (exchange, cipher))).replace("_", "-")

    @property
    def signed(self) -> bool:
        """Whether it signs what it sends there."""
        return self.exchange in ("ECDHE_ECDSA", "ECDHE_RSA", "DHE_RSA")

    @property
    def authentication(self) -> str:
        """The kind of key that the certificate must have: "ECDSA" or "RSA"; "" for none."""
        for kind in ("ECDSA", "RSA"):
            if kind in self.exchange:
                return kind
        return ""


SUITES = {
    suite.code: suite
    for suite in (
        *(Suite(first + n, exchange, cipher) for first, exchange, run in _RUNS for n, cipher in enumerate(run)),
        *(Suite(0x1301 + n, "", cipher) for n, cipher in enumerate(_TLS_1_3)),
    )
}


def suite_name(code: int) -> str:
    """OpenSSL's name, which users type; the number for a suite that is not known."""
    suite = SUITES.get(code)
    return suite.openssl if suite else f"suite 0x{code:04x}"
