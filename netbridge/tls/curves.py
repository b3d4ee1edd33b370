# SPDX-License-Identifier: GPL-2.0-or-later
"""Elliptic curves over prime fields, for proof and nothing else: is a point on its curve, and what is n times a point.

Plain integers, in the affine and Jacobian formulas of SEC 1 (version 2.0) section 2.2.1. Not in constant time: nothing
secret is ever computed here, only what went over the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[int, int] | None
"""Affine coordinates; None is the point at infinity."""
_Jacobian = tuple[int, int, int]

UNCOMPRESSED = 4  # SEC 1 section 2.3.3


@dataclass(frozen=True, slots=True)
class Curve:
    """y^2 = x^3 + ax + b over the integers modulo the prime p, with a base point (x, y) of the prime order n."""

    name: str
    p: int
    a: int
    b: int
    x: int
    y: int
    n: int

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    @property
    def base(self) -> Point:
        """The base point, G."""
        return (self.x, self.y)

    def holds(self, point: Point) -> bool:
        """Whether a point is on the curve and not at infinity (SEC 1 section 3.2.2.1; the cofactor is 1)."""
        if point is None:
            return False
        x, y = point
        return 0 <= x < self.p and 0 <= y < self.p and (y * y - (x * x + self.a) * x - self.b) % self.p == 0

    def decode(self, octets: bytes) -> Point:
        """Coordinates of an uncompressed point, on the curve or not; None for any other string of octets."""
        if len(octets) != 1 + 2 * self.size or octets[0] != UNCOMPRESSED:
            return None
        return int.from_bytes(octets[1 : 1 + self.size], "big"), int.from_bytes(octets[1 + self.size :], "big")

    def lift(self, x: int) -> tuple[Point, ...]:
        """The points with this x, even y first; none if there are none."""
        square = (x * x * x + self.a * x + self.b) % self.p
        y = square_root(square, self.p)
        if y is None or x >= self.p:
            return ()
        return ((x, y), (x, self.p - y)) if y % 2 == 0 else ((x, self.p - y), (x, y))

    def sum_of_products(self, *terms: tuple[int, Point]) -> Point:
        """k * P + m * Q + ..., bit by bit for all terms at once."""
        scalars = [scalar % self.n for scalar, _ in terms]
        points = [self._jacobian(point) for _, point in terms]
        total: _Jacobian = (1, 1, 0)
        for bit in reversed(range(self.n.bit_length())):
            total = self._double(total)
            for scalar, point in zip(scalars, points, strict=True):
                if scalar >> bit & 1:
                    total = self._add(total, point)
        return self._affine(total)

    def _jacobian(self, point: Point) -> _Jacobian:
        return (1, 1, 0) if point is None else (*point, 1)

    def _affine(self, point: _Jacobian) -> Point:
        x, y, z = point
        if z == 0:
            return None
        inverse = pow(z, -1, self.p)
        square = inverse * inverse % self.p
        return x * square % self.p, y * square * inverse % self.p

    def _double(self, point: _Jacobian) -> _Jacobian:
        x, y, z = point
        if z == 0 or y == 0:
            return (1, 1, 0)
        p, square = self.p, y * y % self.p
        s = 4 * x * square % p
        m = (3 * x * x + self.a * pow(z, 4, p)) % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * square * square) % p, 2 * y * z % p

    def _add(self, one: _Jacobian, other: _Jacobian) -> _Jacobian:
        if one[2] == 0 or other[2] == 0:
            return other if one[2] == 0 else one
        p, (x1, y1, z1), (x2, y2, z2) = self.p, one, other
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, u2, s1, s2 = x1 * zz2 % p, x2 * zz1 % p, y1 * z2 * zz2 % p, y2 * z1 * zz1 % p
        h, r = (u2 - u1) % p, (s2 - s1) % p
        if h == 0:
            return self._double(one) if r == 0 else (1, 1, 0)
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p


def square_root(square: int, p: int) -> int | None:
    """A root modulo a prime p, None if there is none (Tonelli and Shanks)."""
    if square == 0:
        return 0
    if pow(square, (p - 1) // 2, p) != 1:
        return None
    odd, twos = p - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    root, rest = pow(square, (odd + 1) // 2, p), pow(square, odd, p)
    if rest == 1:
        return root
    step = pow(next(z for z in range(2, p) if pow(z, (p - 1) // 2, p) == p - 1), odd, p)
    while rest != 1:
        order, power = 0, rest
        while power != 1:
            order, power = order + 1, power * power % p
        factor = pow(step, 1 << (twos - order - 1), p)
        root, step = root * factor % p, factor * factor % p
        rest, twos = rest * step % p, order
    return root


@dataclass(frozen=True, slots=True)
class MontgomeryCurve:
    """y^2 = x^3 + ax^2 + x modulo the prime p, whose points are known by x, in `size` bytes (RFC 7748 section 4)."""

    size: int
    p: int
    a: int

    def is_sound(self, octets: bytes) -> bool:
        """Whether these can be a public key: none of small order, for which the secret is zero (RFC 7748 section 6)."""
        if len(octets) != self.size:
            return False
        u = int.from_bytes(octets, "little") % (1 << self.p.bit_length()) % self.p
        return u not in (0, 1, self.p - 1) and not self._has_order_8(u)

    def _has_order_8(self, u: int) -> bool:
        """Whether doubling twice gives (0, 0) or infinity.

        x(2P) = (u^2 - 1)^2 / (4u(u^2 + au + 1)) (Montgomery 1987).
        """
        below = 4 * u * (u * u + self.a * u + 1) % self.p
        if below == 0:
            return True
        return (u * u - 1) ** 2 * pow(below, -1, self.p) % self.p in (0, 1, self.p - 1)


X25519, X448 = 29, 30
MONTGOMERY_CURVES = {
    X25519: MontgomeryCurve(32, 2**255 - 19, 486_662),
    X448: MontgomeryCurve(56, 2**448 - 2**224 - 1, 156_326),
}
"""By named group."""
