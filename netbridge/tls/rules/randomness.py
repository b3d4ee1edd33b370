# SPDX-License-Identifier: GPL-2.0-or-later
"""Are the device's random numbers random: what should never repeat."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import comb, log2
from typing import TypeVar

from stm32emu.netbridge.tls.ecdsa import shared_nonce_key
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.verdict import Case, Verdict, connections

K = TypeVar("K", bound=Hashable)
WORD = 4
DOWNGRADE = b"DOWNGRD"
SURPRISE = 40
"""No healthy generator shows in a lifetime what happens once in 2 ** 40 cases."""
NOT_RANDOM = "certificates, key pair, dates, host name, arithmetic"
TRY = "read RNG_SR (SECS, CECS) before each word and compare it with the last one (RM0090 section 24.3.2)"


def stuck_generator(case: Case) -> Verdict | None:
    """Row 2a: one word for ever; no key can be made of it."""
    stuck = [each for each in case.failed if is_constant(_random(each)) and each.stage < Stage.KEY_EXCHANGE]
    if not stuck:
        return None
    word = _random(stuck[-1])[:WORD].hex()
    return Verdict(
        "rng-stuck",
        "the device's random number generator gives one word for ever.",
        (
            f"the server random is {word} over and over on {connections(stuck)}",
            "no ServerKeyExchange follows: no private key can be made of such words",
        ),
        "every client sees the connection close after Certificate",
        NOT_RANDOM,
        TRY,
    )


def repeats(case: Case) -> Verdict | None:
    """Row 2b: nobody notices, and everything is lost."""
    if not any(is_constant(_random(each)) for each in case.evidence) and not any(
        alike(case.evidence, key) for key in (_random, _r)
    ):
        return None  # an ephemeral key alone may be used again, on purpose
    proof = []
    constant = [each for each in case.evidence if is_constant(_random(each))]
    if constant:
        proof.append(f"the server random is one word over and over on {connections(constant)}")
    for what, key in REPEATING.items():
        for group in alike(case.evidence, key):
            proof.append(f"{what} of {connections(group)} is the same")
    for group in alike(case.evidence, _r):
        if _gives_key_away(group[0], group[1]):
            proof.append("the certificate's private key was computed from the two signatures: it is public now")
            break
    return Verdict(
        "rng-repeats",
        "the device's random numbers repeat.",
        tuple(proof),
        "no client notices: handshakes succeed, and nothing that they protect is secret",
        NOT_RANDOM,
        f"{TRY}; a private key that signed with a repeated nonce must be replaced",
    )


def repeats_across_runs(case: Case) -> Verdict | None:
    """Row 2d: constant entropy behind a generator that is otherwise good."""
    again = [each for each in case.evidence if case.device.remembered & set(each.marks)]
    if not again:
        return None
    what = {mark.what for each in again for mark in each.marks if mark in case.device.remembered}
    return Verdict(
        "rng-repeats-across-runs",
        "the device's random numbers are the same after every start.",
        (f"an earlier run had the same {' and '.join(sorted(what))} as {connections(again)}",),
        "no client notices: handshakes succeed, and nothing that they protect is secret",
        NOT_RANDOM,
        "seed mbedTLS's generator from entropy that differs at each start (mbedtls_hardware_poll, RM0090 section 24)",
    )


def biased(case: Case) -> Verdict | None:
    """Bits of the server random's words that never change: a generator without a DRBG behind it, whose words lack some.

    Each of c bits of n random words is the same by chance with 2 ** (1 - n), and c out of 32 may be any.
    """
    words = [word for random in {_random(each) for each in case.evidence} for word in _words(random)]
    same = [bit for bit in range(32) if len({word >> bit & 1 for word in words}) == 1]
    surprise = len(same) * (len(words) - 1) - log2(comb(32, len(same)))
    if not same or surprise < SURPRISE:
        return None
    bits = f"bit {same[0]} is" if len(same) == 1 else f"bits {', '.join(map(str, same))} are"
    seen = [each for each in case.evidence if each.server_hello]
    return Verdict(
        "rng-biased",
        "some bits of the device's random numbers never change.",
        (
            f"{bits} the same in {len(words)} words of the server random on {connections(seen)}",
            f"by chance so once in 2 ** {int(surprise)} cases",
        ),
        "no client notices: handshakes succeed, and keys and nonces are easier to guess by as many bits",
        NOT_RANDOM,
        "feed the generator's words to a DRBG (mbedtls_ctr_drbg_seed), and find who masks or shifts them on the way",
    )


def _words(random: bytes) -> Iterator[int]:
    """Those that are random: the first may be a clock (RFC 5246 section 7.4.1.2), the last two a sign of TLS 1.3 (RFC
    8446 section 4.1.3)."""
    end = len(random) - (8 if random[-8:-1] == DOWNGRADE else 0)
    for at in range(WORD, end, WORD):
        yield int.from_bytes(random[at : at + WORD], "little")


def is_constant(random: bytes) -> bool:
    """Whether these bytes are one word over and over."""
    return bool(random) and random == random[:WORD] * (len(random) // WORD)


def _random(evidence: Evidence) -> bytes:
    return evidence.server_hello.random if evidence.server_hello else b""


def _point(evidence: Evidence) -> bytes:
    return evidence.exchange.point if evidence.exchange else b""


def _r(evidence: Evidence) -> int:
    return evidence.numbers.r if evidence.numbers else 0


REPEATING: dict[str, Callable[[Evidence], Hashable]] = {
    "the server random": _random,
    "the ephemeral point": _point,
    "the r of the ECDSA signature": _r,
}


def alike(evidence: Sequence[Evidence], key: Callable[[Evidence], K]) -> list[list[Evidence]]:
    """Groups of connections that have the same, but for those that have none."""
    groups: dict[K, list[Evidence]] = {}
    for each in evidence:
        if key(each):
            groups.setdefault(key(each), []).append(each)
    return [group for group in groups.values() if len(group) > 1]


def _gives_key_away(one: Evidence, other: Evidence) -> bool:
    """Whether the private key that two signatures with the same nonce give away is the certificate's."""
    if one.key_curve is None or one.digest is None or other.digest is None or not one.numbers or not other.numbers:
        return False
    found = shared_nonce_key(one.key_curve, (one.digest, one.numbers), (other.digest, other.numbers))
    return bool(found & one.recovered & other.recovered)
