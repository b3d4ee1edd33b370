# SPDX-License-Identifier: GPL-2.0-or-later
"""Named groups (RFC 8422 section 5.1.1, RFC 7027, RFC 7919) and signature schemes (RFC 5246 section 7.4.1.4.1).

A scheme's two bytes are hash and signature algorithm in TLS 1.2. TLS 1.3 (RFC 8446 section 4.2.3) keeps the bytes and
ties those of ECDSA to a curve; tools show that name for TLS 1.2, too, where it is wrong: there the curve is that of the
certificate's key, whatever the hash.
"""

from __future__ import annotations

from dataclasses import dataclass

GROUPS = {
    15: "secp160k1",
    16: "secp160r1",
    17: "secp160r2",
    18: "secp192k1",
    19: "secp192r1",
    20: "secp224k1",
    21: "secp224r1",
    22: "secp256k1",
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    26: "brainpoolP256r1",
    27: "brainpoolP384r1",
    28: "brainpoolP512r1",
    29: "x25519",
    30: "x448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4589: "SecP384r1MLKEM1024",
}
GROUP_CODES = {name: code for code, name in GROUPS.items()}
SECP521R1 = 25

SHA_1, SHA_224, SHA_256, SHA_384, SHA_512 = 2, 3, 4, 5, 6
HASHES = {1: "MD5", 2: "SHA-1", 3: "SHA-224", 4: "SHA-256", 5: "SHA-384", 6: "SHA-512"}
SIGNATURES = {1: "RSA", 2: "DSA", 3: "ECDSA"}
RSA, DSA, ECDSA = 1, 2, 3

WHOLE_SCHEMES = {
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
    0x081A: "ecdsa_brainpoolP256r1tls13_sha256",
    0x081B: "ecdsa_brainpoolP384r1tls13_sha384",
    0x081C: "ecdsa_brainpoolP512r1tls13_sha512",
}
"""Schemes that are no pair of bytes."""

TLS_1_3_CURVES = {0x0403: "secp256r1", 0x0503: "secp384r1", 0x0603: "secp521r1"}
"""The curve that TLS 1.3, and only TLS 1.3, reads into a scheme."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """A signature scheme by its two bytes."""

    code: int

    @property
    def hash(self) -> str | None:
        """As in "SHA-512"; None when the scheme is no pair of bytes, or the hash is unknown."""
        return None if self.code in WHOLE_SCHEMES else HASHES.get(self.code >> 8)

    @property
    def signature(self) -> int | None:
        """RSA, DSA or ECDSA, in the sense of TLS 1.2."""
        return None if self.code in WHOLE_SCHEMES else self.code & 0xFF

    def __str__(self) -> str:
        """In TLS 1.2's terms."""
        if self.code in WHOLE_SCHEMES:
            return WHOLE_SCHEMES[self.code]
        algorithm = SIGNATURES.get(self.code & 0xFF)
        return f"{self.hash} with {algorithm}" if self.hash and algorithm else f"0x{self.code:04x}"


def group_name(code: int) -> str:
    """As in "secp384r1"."""
    return GROUPS.get(code) or f"group {code}"
