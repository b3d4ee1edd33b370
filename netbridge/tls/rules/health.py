# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing is wrong, or not enough was seen."""

from __future__ import annotations

from stm32emu.netbridge.tls.algorithms import TLS_1_3_CURVES, Scheme, group_name
from stm32emu.netbridge.tls.device import P521_SIZE
from stm32emu.netbridge.tls.evidence import Check, Evidence, Stage
from stm32emu.netbridge.tls.host_names import names_of
from stm32emu.netbridge.tls.rules.certificates import validity
from stm32emu.netbridge.tls.verdict import NOTHING_WRONG, Case, Verdict, connections


def misread_scheme(case: Case) -> Verdict | None:
    """A fragment that shows a signature scheme whose TLS 1.3 name misleads, and too little to check more."""
    for each in reversed(case.evidence):
        scheme, numbers = each.scheme, each.numbers
        if scheme and numbers_bits(each) and scheme.code in TLS_1_3_CURVES and each.signature is Check.UNKNOWN:
            curve = TLS_1_3_CURVES[scheme.code]
            bits = numbers.bits if numbers else numbers_bits(each)
            if bits <= 256 and curve != "secp256r1":
                return _misread(case, each, scheme, curve)
    return None


def numbers_bits(evidence: Evidence) -> int:
    """Bits of the key that signed, from the signature's length: two integers in DER, each behind two octets."""
    if evidence.exchange is None or evidence.exchange.signature is None or not evidence.scheme:
        return 0
    return (len(evidence.exchange.signature) - 6) // 2 * 8


def _misread(case: Case, each: Evidence, scheme: Scheme, curve: str) -> Verdict:
    size = case.device.mpi_size
    breaks = f"MBEDTLS_MPI_MAX_SIZE is {size}" if size else f"a MBEDTLS_MPI_MAX_SIZE below {P521_SIZE}, such as 48,"
    point = (
        "the point could not be checked: it was not captured whole"
        if each.point is Check.UNKNOWN
        else (f"the point is {'' if each.point is Check.GOOD else 'not '}on {each.curve}")
    )
    length = len(each.exchange.signature or b"") if each.exchange else 0
    return Verdict(
        "misread-scheme",
        f"signature over {scheme.hash} by a 256-bit key; {curve} is a misreading; enabling it would break this device.",
        (
            f"0x{scheme.code:04x} in TLS 1.2 is {scheme}, on whatever curve the certificate's key has",
            f"the signature has {length} bytes: two integers of 256 bits; of {curve} they have {2 * P521_SIZE}",
            f"the key exchange is on {each.curve}",
            point,
        ),
        f"enabling {curve} changes no signature; {breaks} cannot hold its integers: -0x7d00 on every connection",
        f"the curve of the certificate's key, MBEDTLS_ECP_DP_{curve.upper()}_ENABLED",
        "capture a whole handshake and give it to stm32emu explain: the point and the signature can be checked then",
    )


def nothing_wrong(case: Case) -> Verdict | None:
    """All handshakes came through, and what the device computed is right."""
    if not case.evidence or case.failed:
        return None
    checked = [each for each in case.evidence if each.sound]
    certificate = next((each.certificate for each in reversed(case.evidence) if each.certificate), None)
    notes: tuple[str, ...] = (
        (f"the certificate is for {' and '.join(names_of(certificate)) or 'no name'}, {validity(certificate)}",)
        if certificate
        else ()
    )
    objected = [each for each in case.evidence if each.objected and not each.finished]
    if objected:
        what = "an encrypted alert: that it closes, or that it does not accept the device's Finished"
        notes += (f"all that the client says on {connections(objected)} is {what}; a key log tells (--keylog)",)
    shown = checked[-1] if checked else None
    proof = [f"{connections(case.evidence)} came through"]
    if shown and shown.exchange:
        group = group_name(shown.exchange.group)
        proof.append(f"point on {group} and signature ({shown.scheme}) are right on {connections(checked)}")
    verified = [each for each in case.evidence if len(each.finished) == 2 and all(each.finished.values())]
    if verified:
        proof.append(f"both Finished are right on {connections(verified)}")
    return Verdict(NOTHING_WRONG, "nothing wrong.", tuple(proof), notes=notes)


def too_little(case: Case) -> Verdict:
    """What remains."""
    each = case.evidence[-1]
    point = {Check.GOOD: "on its curve", Check.BAD: "not on its curve", Check.UNKNOWN: "unchecked"}[each.point]
    gaps = f"; {each.transcript.gaps} gaps in the capture" if each.transcript.gaps else ""
    return Verdict(
        "too-little",
        "too little was seen to say what is wrong.",
        (f"connection {each.number} came up to {Stage(each.stage).name}; the point is {point}{gaps}",),
        next="capture whole connections, from the first packet on",
    )
