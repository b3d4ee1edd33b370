# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what the device computes right: its point, its signature, the secret."""

from __future__ import annotations

from collections.abc import Sequence

from stm32emu.netbridge.tls.evidence import Check, Evidence, Stage
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict, connections

BAD_RECORD_MAC, DECRYPT_ERROR = 20, 51
RED_HERRING = 0x0603
NOT_ARITHMETIC = "certificates, key pair, dates, host name, RNG"


def corrupt_arithmetic(case: Case) -> Verdict | None:
    """Rows 1a to 1c and 3c: point and signature are wrong, on every connection that shows them."""
    wrong = [each for each in case.evidence if each.point is Check.BAD] or _wrong_signatures_only(case)
    if not wrong or any(each.sound for each in case.evidence):
        return None
    shown = wrong[-1]
    side = "not on" if shown.point is Check.BAD else "on"
    return Verdict(
        "corrupt-arithmetic",
        "the device's elliptic-curve arithmetic is corrupt.",
        (f"the ECDHE point is {side} {shown.curve}", *_bad_signature(wrong), *_ended_early(case), *case.found),
        "OpenSSL checks the point first and sends 47; mbedTLS checks the signature first and sends 51. Same fault.",
        f"{NOT_ARITHMETIC}{red_herring(case)}",
        _next_check(case),
    )


def _wrong_signatures_only(case: Case) -> list[Evidence]:
    """Connections whose signatures are from no one key."""
    bad = [each for each in case.evidence if each.signature is Check.BAD and each.signer is None]
    return bad if keys_differ(bad) else []


def _bad_signature(wrong: Sequence[Evidence]) -> tuple[str, ...]:
    bad = [each for each in wrong if each.signature is Check.BAD and each.signer is None]
    if not bad:
        unchecked = wrong[-1].signature is Check.UNKNOWN
        return (
            ("the signature over it could not be checked: not all of the handshake was captured",) if unchecked else ()
        )
    return (f"the signature over it verifies under no known key{_by_other_keys(bad)}",)


def _by_other_keys(bad: Sequence[Evidence]) -> str:
    if not keys_differ(bad):
        return ""
    none = [each for each in bad if not each.recovered]
    without = f" (on {connections(none)} no key can have made it)" if none else ""
    return f", and the key recovered from it differs on each connection{without}"


def keys_differ(bad: Sequence[Evidence]) -> bool:
    """Whether no two signatures can be from one key; half of all wrong r are no point's x, and those from no key."""
    keys = [each.recovered for each in bad]
    recoverable = all(each.recoverable for each in bad)
    return recoverable and len(keys) > 1 and len(frozenset().union(*keys)) == sum(map(len, keys))


def same_key(bad: Sequence[Evidence]) -> bool:
    """Whether all signatures can be from one key."""
    common = frozenset.intersection(*(each.recovered for each in bad)) if len(bad) > 1 else frozenset()
    return bool(common)


def _ended_early(case: Case) -> tuple[str, ...]:
    early = [each for each in case.evidence if each.stage is Stage.CERTIFICATE and not each.left(Side.CLIENT)]
    return (f"{connections(early)} ended before the ServerKeyExchange: there the device noticed",) if early else ()


def _next_check(case: Case) -> str:
    if "alloc" in case.device.findings:
        return "make the calloc that mbedTLS is given (mbedtls_platform_set_calloc_free) clear its memory"
    if "alloc" in case.device.checks:
        return "stm32emu run ... --check heap,stack: what calloc returns is clean"
    return "stm32emu run ... --check alloc"


def red_herring(case: Case) -> str:
    """What tools call ecdsa_secp521r1_sha512 is nothing of the sort in TLS 1.2."""
    if any(each.scheme and each.scheme.code == RED_HERRING for each in case.evidence):
        return "; 0x0603 is SHA-512 with ECDSA, not secp521r1"
    return ""


def sporadic_arithmetic(case: Case) -> Verdict | None:
    """Row 3d: now and then a wrong point, signature or secret, and good ones in between."""
    good = [each for each in case.evidence if each.sound]
    points = [each for each in case.evidence if each.point is Check.BAD]
    signatures = [each for each in case.evidence if each.point is not Check.BAD and each.signature is Check.BAD]
    secrets = [each for each in case.evidence if each.sound and _secret_differs(each)]
    early = [each for each in case.failed if each.stage is Stage.CERTIFICATE and not each.left(Side.CLIENT)]
    if not good or not (points or signatures or (secrets and len(good) > len(secrets) + len(early))):
        return None
    proof = [f"point and signature are right on {connections(good)}"]
    proof += [f"the point is not on its curve on {connections(points)}"] if points else []
    proof += [f"the point is right and the signature wrong on {connections(signatures)}"] if signatures else []
    proof += [f"both are right and the secrets differ on {connections(secrets)}"] if secrets else []
    proof += [f"{connections(early)} ended before the ServerKeyExchange"] if early else []
    return Verdict(
        "sporadic-arithmetic",
        "the device's arithmetic goes wrong now and then.",
        (*proof, *case.found),
        "clients send 47, 51 or 20, or see the connection close, by where the error falls; others succeed",
        NOT_ARITHMETIC,
        "stm32emu run ... --check alloc,heap,stack" if not case.device.checks else _next_check(case),
    )


def _secret_differs(evidence: Evidence) -> bool:
    return evidence.alert in ((Side.SERVER, BAD_RECORD_MAC), (Side.SERVER, DECRYPT_ERROR))


def secret_differs(case: Case) -> Verdict | None:
    """The device cannot read the client's Finished: the two sides have different secrets."""
    latest = case.latest
    if latest is None or not _secret_differs(latest) or latest.stage < Stage.CLIENT_KEY:
        return None
    if latest.client_point is Check.BAD:
        return None
    return Verdict(
        "secret-differs",
        "client and device computed different secrets.",
        (
            "the device's point and signature are right" if latest.sound else "its point and signature are unchecked",
            f"the client's point is {latest.client_point.value}",
            "the device cannot decrypt the client's Finished and sends an alert",
            *_finished(latest),
        ),
        "every client sees alert 20 or 51 from the device after its second flight",
        "certificates, key pair, dates, host name, the device's point and signature",
        "stm32emu run ... --check alloc,stack: its multiplication is wrong, unless the client's flight was altered",
    )


def _finished(evidence: Evidence) -> tuple[str, ...]:
    """What the key log adds."""
    right = evidence.finished.get(Side.CLIENT)
    if right is None:
        return ()
    return (f"under the device's secret, from the key log, the client's Finished is {'right' if right else 'wrong'}",)


def wrong_finished(case: Case) -> Verdict | None:
    """What only a key log shows: in the clear there is an alert, encrypted as a close_notify is."""
    wrong = [each for each in case.evidence if each.finished.get(Side.SERVER) is False]
    if not wrong:
        return None
    return Verdict(
        "wrong-finished",
        "the device's Finished is wrong.",
        (
            f"under the secret from the key log the client's Finished is right and the device's is not on "
            f"{connections(wrong)}",
            *case.found,
        ),
        "every client sends 51 (decrypt_error), or 20 (bad_record_mac) if it cannot decrypt it; both are encrypted",
        NOT_ARITHMETIC,
        "stm32emu run ... --check alloc,heap,stack: its hash, key block or cipher is wrong",
    )


def wrong_key(case: Case) -> Verdict | None:
    """Row 4: the signatures are good ones of a key that is not the certificate's."""
    bad = [each for each in case.evidence if each.signature is Check.BAD and each.point is not Check.BAD]
    if not bad or len(bad) < sum(each.signature is not Check.UNKNOWN for each in case.evidence):
        return None
    signer = bad[-1].signer
    if signer is None and not same_key(bad):
        return _wrong_signature(case, bad)
    proof = f"the signature verifies under {signer}" if signer else "the same other key is recovered from each of them"
    return Verdict(
        "wrong-key",
        "the device's private key does not belong to its certificate.",
        (
            f"the ECDHE point is on {bad[-1].curve}",
            f"the signature over it does not verify under the certificate's key on {connections(bad)}",
            proof,
        ),
        "OpenSSL and mbedTLS both send 51: the point is right, the signature is not.",
        f"arithmetic, memory, RNG, dates, host name{red_herring(case)}",
        "stm32emu doctor certs --cert server.crt --key server.key",
    )


def _wrong_signature(case: Case, bad: Sequence[Evidence]) -> Verdict:
    return Verdict(
        "wrong-signature",
        "the device's signature is wrong: it has another private key, or its arithmetic is corrupt.",
        (
            f"the ECDHE point is on {bad[-1].curve}",
            f"the signature over it does not verify under the certificate's key on {connections(bad)}",
            *case.found,
        ),
        "OpenSSL and mbedTLS both send 51.",
        f"dates, host name{red_herring(case)}",
        "connect once more: from a wrong key the same key is recovered each time, from corrupt arithmetic never",
    )
