# SPDX-License-Identifier: GPL-2.0-or-later
"""Curves and ECDSA as `cryptography` computes them."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stm32emu.netbridge.tls.algorithms import GROUPS
from stm32emu.netbridge.tls.curve_table import CURVES
from stm32emu.netbridge.tls.curves import MONTGOMERY_CURVES, X448, X25519, Point, square_root
from stm32emu.netbridge.tls.ecdsa import (
    Signature,
    digest_number,
    parse_signature,
    recover_keys,
    shared_nonce_key,
)

JUDGED: dict[int, EllipticCurve] = {
    19: ec.SECP192R1(),
    21: ec.SECP224R1(),
    22: ec.SECP256K1(),
    23: ec.SECP256R1(),
    24: ec.SECP384R1(),
    25: ec.SECP521R1(),
    26: ec.BrainpoolP256R1(),
    27: ec.BrainpoolP384R1(),
    28: ec.BrainpoolP512R1(),
}
HASHES = {"SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}


def encoded(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@pytest.mark.parametrize("code", CURVES)
def test_the_base_point_has_the_order(code: int) -> None:
    curve = CURVES[code]
    assert curve.holds(curve.base)
    minus = curve.sum_of_products((curve.n - 1, curve.base))
    assert minus == (curve.x, curve.p - curve.y)
    assert curve.sum_of_products((1, curve.base), (1, minus)) is None


@pytest.mark.parametrize("code", JUDGED)
def test_public_keys(code: int) -> None:
    """n times the base point, and that it is on the curve; with one bit changed it is not."""
    curve, key = CURVES[code], ec.generate_private_key(JUDGED[code])
    octets = encoded(key)
    point = curve.decode(octets)
    assert curve.holds(point)
    assert curve.sum_of_products((key.private_numbers().private_value, curve.base)) == point
    assert not curve.holds(curve.decode(octets[:-1] + bytes((octets[-1] ^ 1,))))
    with pytest.raises(ValueError, match=r"(?i)key|point|curve"):
        ec.EllipticCurvePublicKey.from_encoded_point(JUDGED[code], octets[:-1] + bytes((octets[-1] ^ 1,)))
    assert curve.decode(octets[:-1]) is None


@pytest.mark.parametrize("code", JUDGED)
@pytest.mark.parametrize("hash_name", HASHES)
def test_the_signers_key_is_among_those_recovered(code: int, hash_name: str) -> None:
    curve, key = CURVES[code], ec.generate_private_key(JUDGED[code])
    signature = parse_signature(key.sign(b"data", ec.ECDSA(HASHES[hash_name])))
    assert signature is not None
    e = digest_number(curve, hash_name, b"data")
    assert e is not None
    found = recover_keys(curve, e, signature)
    assert curve.decode(encoded(key)) in found
    assert len(found) in (2, 4)
    for each in found:
        assert each is not None
        ec.EllipticCurvePublicNumbers(*each, JUDGED[code]).public_key().verify(
            encode_dss_signature(signature.r, signature.s), b"data", ec.ECDSA(HASHES[hash_name])
        )


def test_a_nonce_used_twice_gives_the_key_away() -> None:
    curve = CURVES[23]
    private, nonce = 0x1234567890ABCDEF, 0xFEDCBA0987654321

    def sign(e: int) -> Signature:
        point = curve.sum_of_products((nonce, curve.base))
        assert point is not None
        r = point[0] % curve.n
        return Signature(r, (e + private * r) * pow(nonce, -1, curve.n) % curve.n)

    public: Point = curve.sum_of_products((private, curve.base))
    assert public in recover_keys(curve, 99, sign(99))
    assert public in shared_nonce_key(curve, (99, sign(99)), (77, sign(77)))
    assert public not in shared_nonce_key(curve, (99, sign(99)), (77, Signature(sign(77).r, 5)))
    assert shared_nonce_key(curve, (99, sign(99)), (99, sign(99))) == frozenset()


@pytest.mark.parametrize("signature", [Signature(0, 1), Signature(1, 0), Signature(CURVES[23].n, 1)])
def test_numbers_out_of_range_are_no_signature(signature: Signature) -> None:
    assert recover_keys(CURVES[23], 1, signature) == frozenset()


def test_what_is_no_der_is_no_signature() -> None:
    assert parse_signature(b"") is None
    assert parse_signature(b"\x30\x02\x02\x00") is None
    assert parse_signature(encode_dss_signature(0, 1)) is None


KINDS = {
    X25519: (x25519.X25519PrivateKey, x25519.X25519PublicKey),
    X448: (x448.X448PrivateKey, x448.X448PublicKey),
}
ORDER_8 = 325606250916557431795983626356110631294008115727848805560023387167927233504  # on RFC 7748's curve


@pytest.mark.parametrize("group", KINDS, ids=lambda code: GROUPS[code])
def test_montgomery_curves(group: int) -> None:
    """All keys of `cryptography` are sound; those it refuses to compute with, because of their order, are not."""
    curve, (make, public) = MONTGOMERY_CURVES[group], KINDS[group]
    private = make.generate()
    assert curve.is_sound(private.public_key().public_bytes_raw())
    assert not curve.is_sound(bytes(curve.size - 1))
    for u in (0, 1, curve.p - 1, *([ORDER_8] if group == X25519 else [])):
        octets = u.to_bytes(curve.size, "little")
        assert not curve.is_sound(octets)
        with pytest.raises(ValueError, match=r"(?i)computing|shared"):
            private.exchange(public.from_public_bytes(octets))


@pytest.mark.parametrize("code", [19, 21, 23, 28])
def test_square_roots(code: int) -> None:
    p = CURVES[code].p
    for number in range(2, 30):
        root = square_root(number * number % p, p)
        assert root in (number, p - number)
    without = [number for number in range(2, 60) if square_root(number, p) is None]
    assert without
    for number in without:  # the product of two without a root has one
        root = square_root(number * without[0] % p, p)
        assert root is not None
        assert root * root % p == number * without[0] % p
