# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways in which the test server misbehaves on purpose. FAULTS is the table that the parser and the docs read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import Scheme
from stm32emu.netbridge.tls.curve_table import CURVES_BY_NAME
from stm32emu.netbridge.tls.curves import MONTGOMERY_CURVES
from stm32emu.netbridge.tls.ecdsa import digest_number
from stm32emu.netbridge.tls.extensions import Extension
from stm32emu.netbridge.tls.messages import Certificate, EcdheKeyExchange, ServerHello
from stm32emu.netbridge.tls.records import MAX_FRAGMENT
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.drbg import SeededSource
from stm32emu.netbridge.tls.twin.key_agreement import scalar
from stm32emu.netbridge.tls.twin.protection import Protection, Random
from stm32emu.netbridge.tls.twin.signing import SigningKey


def _flip_last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


class PointOffCurve(Conduct):
    """The point's last bit is wrong, and the signature is over that point. On x25519 and x448 the point is 0."""

    def point(self, group: int, point: bytes) -> tuple[int, bytes]:
        return group, bytes(len(point)) if group in MONTGOMERY_CURVES else _flip_last_bit(point)


class BadSignature(Conduct):
    """The signature's last bit is wrong; it still reads as one."""

    def sign(self, key: SigningKey, scheme: Scheme, data: bytes, random: Random) -> bytes:
        return _flip_last_bit(super().sign(key, scheme, data, random))


class CorruptArithmetic(PointOffCurve, BadSignature):
    """Both, as when big numbers are computed wrongly."""


class WrongKey(Conduct):
    """The key that signs is not the certificate's, but another of its kind."""

    def __init__(self) -> None:
        self._others: dict[str, SigningKey] = {}

    def sign(self, key: SigningKey, scheme: Scheme, data: bytes, random: Random) -> bytes:
        kind = key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else f"RSA {key.key_size}"
        if kind not in self._others:
            self._others[kind] = _another(key)
        return super().sign(self._others[kind], scheme, data, random)


def _another(key: SigningKey) -> SigningKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(key.curve)
    return rsa.generate_private_key(65537, key.key_size)


class UnknownCurve(Conduct):
    """The point is said to be on a curve that the client did not offer."""

    def __init__(self, group: int = 0xFE00) -> None:
        self._group = group

    def point(self, group: int, point: bytes) -> tuple[int, bytes]:
        return self._group, point


class UnknownHash(Conduct):
    """The signature is said to be one that the client did not offer."""

    def __init__(self, scheme: int = 0x0103) -> None:  # MD5 with ECDSA
        self._scheme = scheme

    def key_exchange(self, message: EcdheKeyExchange) -> EcdheKeyExchange:
        return replace(message, scheme=self._scheme)


class UnofferedSuite(Conduct):
    """The ServerHello chooses a suite that the client did not offer."""

    def __init__(self, suite: int = 0xC001) -> None:  # TLS_ECDH_ECDSA_WITH_NULL_SHA
        self._suite = suite

    def hello(self, hello: ServerHello) -> ServerHello:
        return replace(hello, suite=self._suite)


class UnaskedExtension(Conduct):
    """The ServerHello has an extension that the client did not send."""

    def hello(self, hello: ServerHello) -> ServerHello:
        return replace(hello, extensions=(*hello.extensions, Extension(0xFABA)))


class WrongVersion(Conduct):
    """The ServerHello chooses TLS 1.1."""

    def hello(self, hello: ServerHello) -> ServerHello:
        return replace(hello, version=names.TLS_1_1)


class NoCertificate(Conduct):
    """The Certificate message is empty."""

    def certificate(self, message: Certificate) -> Certificate:
        return Certificate()


class OversizedRecord(Conduct):
    """The Certificate is repeated until its one record is longer than TLS allows."""

    def record_limit(self, agreed: int) -> int:
        return MAX_FRAGMENT + (1 << 13)

    def certificate(self, message: Certificate) -> Certificate:
        size = sum(len(certificate) + 3 for certificate in message.certificates)
        return Certificate(message.certificates * (MAX_FRAGMENT // size + 1))


class IgnoredLimit(Conduct):
    """max_fragment_length is agreed to and ignored."""

    def record_limit(self, agreed: int) -> int:
        return MAX_FRAGMENT


class TruncatedFlight(Conduct):
    """The server closes the connection after so many of its messages."""

    def __init__(self, messages: int = 2) -> None:
        self.messages = messages


class Stall(TruncatedFlight):
    """The server is silent after so many of its messages."""

    hangs_up = False


class RepeatRandom(Conduct):
    """Each connection draws the same numbers: server random, ephemeral key and ECDSA's nonce repeat."""

    def __init__(self) -> None:
        self._seed: bytes | None = None

    def source(self, random: Random) -> Random:
        if self._seed is None:
            self._seed = random(32)
        return SeededSource(self._seed)

    def sign(self, key: SigningKey, scheme: Scheme, data: bytes, random: Random) -> bytes:
        if isinstance(key, rsa.RSAPrivateKey):
            return super().sign(key, scheme, data, random)
        return _sign_with(key, scheme, data, random)


def _sign_with(key: ec.EllipticCurvePrivateKey, scheme: Scheme, data: bytes, random: Random) -> bytes:
    """ECDSA with a nonce from `random` (SEC 1 section 4.1.3), which gives the key away if it repeats."""
    curve = CURVES_BY_NAME[key.curve.name]
    nonce = scalar(curve.n, random)
    r = ec.derive_private_key(nonce, key.curve).public_key().public_numbers().x % curve.n
    number = digest_number(curve, scheme.hash or "", data) or 0
    s = pow(nonce, -1, curve.n) * (number + r * key.private_numbers().private_value) % curve.n
    return encode_dss_signature(r, s)


class WrongSecret(Conduct):
    """The secret that the server takes for agreed on is wrong, so that it cannot read the client's Finished."""

    def premaster(self, secret: bytes) -> bytes:
        return _flip_last_bit(secret)


class BadFinished(Conduct):
    """The server's Finished does not verify."""

    def finished(self, verify_data: bytes) -> bytes:
        return _flip_last_bit(verify_data)


class BadRecordMac(Conduct):
    """The server's encrypted records do not decrypt."""

    def writing(self, protection: Protection) -> Protection:
        return _Spoiled(protection)


class _Spoiled:
    """A protection whose records have a wrong bit."""

    def __init__(self, protection: Protection) -> None:
        self._protection = protection

    def seal(self, kind: int, plaintext: bytes) -> bytes:
        return _flip_last_bit(self._protection.seal(kind, plaintext))

    def open(self, kind: int, fragment: bytes) -> bytes:
        return self._protection.open(kind, fragment)


# --- the table -------------------------------------------------------------------------------------------------------


class FaultError(ValueError):
    """A fault that there is not; says in one sentence why."""


@dataclass(frozen=True)
class Fault:
    """A row: its name, what makes its conduct, and what its number means, "" if it takes none.

    `limits` are the least and greatest number.
    """

    name: str
    make: Callable[..., Conduct]
    number: str = ""
    limits: tuple[int, int] = (0, 0xFFFF)

    @property
    def usage(self) -> str:
        """As it is written: "truncated-flight[=MESSAGES]"."""
        return f"{self.name}[={self.number}]" if self.number else self.name

    @property
    def help(self) -> str:
        """What the server does."""
        return self.make.__doc__ or ""


FAULTS = (
    Fault("point-off-curve", PointOffCurve),
    Fault("bad-signature", BadSignature),
    Fault("corrupt-arithmetic", CorruptArithmetic),
    Fault("wrong-key", WrongKey),
    Fault("unknown-curve", UnknownCurve, "CODE"),
    Fault("unknown-hash", UnknownHash, "CODE"),
    Fault("unoffered-suite", UnofferedSuite, "CODE"),
    Fault("unasked-extension", UnaskedExtension),
    Fault("wrong-version", WrongVersion),
    Fault("no-certificate", NoCertificate),
    Fault("oversized-record", OversizedRecord),
    Fault("ignored-limit", IgnoredLimit),
    Fault("truncated-flight", TruncatedFlight, "MESSAGES", (0, 20)),
    Fault("stall", Stall, "MESSAGES", (0, 20)),
    Fault("repeat-random", RepeatRandom),
    Fault("wrong-secret", WrongSecret),
    Fault("bad-finished", BadFinished),
    Fault("bad-record-mac", BadRecordMac),
)


def parse_fault(word: str) -> Conduct:
    """`name` or `name=number`, the number decimal or 0x... Raises FaultError."""
    name, equals, text = word.partition("=")
    fault = next((fault for fault in FAULTS if fault.name == name), None)
    if fault is None:
        raise FaultError(f"there is no fault {name!r}; there are {', '.join(fault.usage for fault in FAULTS)}")
    if not equals:
        return fault.make()
    if not fault.number:
        raise FaultError(f"the fault {name} takes no number")
    return fault.make(_number(fault, text))


def _number(fault: Fault, text: str) -> int:
    least, greatest = fault.limits
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not least <= number <= greatest:
        raise FaultError(f"{fault.usage} needs a number from {least} to {greatest}, not {text!r}")
    return number
