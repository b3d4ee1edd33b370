# SPDX-License-Identifier: GPL-2.0-or-later
"""What the client offers against what the device can do, and what the device chose against what was offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.asymmetric import ec

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import ECDSA, GROUP_CODES, RSA, Scheme, group_name
from stm32emu.netbridge.tls.evidence import Evidence, Stage
from stm32emu.netbridge.tls.messages import ClientHello
from stm32emu.netbridge.tls.suites import SUITES, suite_name
from stm32emu.netbridge.tls.transcript import Side
from stm32emu.netbridge.tls.verdict import Case, Verdict

HANDSHAKE_FAILURE, ILLEGAL_PARAMETER, PROTOCOL_VERSION, INSUFFICIENT_SECURITY = 40, 47, 70, 71
NO_COMMON = (HANDSHAKE_FAILURE, PROTOCOL_VERSION, INSUFFICIENT_SECURITY)
SHOWN = 6
ALL_FINE = "arithmetic, memory, RNG, key pair, dates, host name: nothing was computed yet"


def nothing_in_common(case: Case) -> Verdict | None:
    """Rows 8a, 8d, 8e and 8f: the device refuses the ClientHello with alert 40 or 70."""
    latest = case.latest
    if latest is None or latest.hello is None or latest.stage is not Stage.CLIENT_HELLO:
        return None
    if latest.alert is None or latest.alert[0] is not Side.SERVER or latest.alert[1] not in NO_COMMON:
        return None
    for lacking in (_version, _suites, _groups, _schemes):
        verdict = lacking(latest.hello, case)
        if verdict:
            return verdict
    hello = latest.hello
    return _verdict(
        "no-common-offer",
        "client and device have nothing in common: suite, curve or signature algorithm. Which, only the device's "
        "configuration tells.",
        f"offered: {_listed(map(suite_name, hello.suites))}; {_listed(map(group_name, hello.says.groups or ()))}; "
        f"{_listed(str(Scheme(each)) for each in hello.says.schemes or ())}",
        "stm32emu explain capture.pcapng --config config.h, or connect once with a client that succeeds",
    )


def _verdict(name: str, title: str, proof: str, hint: str) -> Verdict:
    so = "the device sends 40 (70 for a version); mbedTLS's client reports -0x7780, OpenSSL handshake failure"
    return Verdict(name, title, (proof,), so, ALL_FINE, hint)


def _listed(words: Iterable[str]) -> str:
    found = list(words)
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return ", ".join([*found[:SHOWN], *more]) or "none"


def _version(hello: ClientHello, case: Case) -> Verdict | None:
    """Against what the device is configured for, or chose with others; else against TLS 1.2, which every device of this
    kind speaks."""
    chosen = {each.server_hello.chosen_version for each in case.evidence if each.server_hello} or {names.TLS_1_2}
    known = case.device.versions or chosen
    offers = set(hello.versions) if hello.says.versions else set(range(names.SSL_3_0, hello.version + 1))
    if offers & known:
        return None
    return _verdict(
        "no-common-version",
        "client and device have no version of TLS in common.",
        f"the client offers {_listed(map(names.version_name, sorted(hello.versions)))}, "
        f"the device speaks {_listed(map(names.version_name, sorted(known)))}",
        "let the client speak TLS 1.2 (openssl: -tls1_2)",
    )


def _seen(case: Case, what: Callable[[Evidence], int | None]) -> frozenset[int]:
    """What the device has chosen on other connections."""
    return frozenset(found for each in case.evidence if (found := what(each)) is not None)


def _known_suites(case: Case) -> frozenset[int] | None:
    """Those configured; else those that the key of its certificate and what it chose elsewhere allow."""
    if case.device.suites is not None:
        return case.device.suites
    certificate = next((each.certificate for each in reversed(case.evidence) if each.certificate), None)
    if certificate is None:
        return None
    kind = "ECDSA" if isinstance(certificate.public_key, ec.EllipticCurvePublicKey) else "RSA"
    return frozenset(code for code, suite in SUITES.items() if suite.authentication == kind)


def _suites(hello: ClientHello, case: Case) -> Verdict | None:
    known = _known_suites(case)
    if known is None or known & set(hello.suites):
        return None
    return _verdict(
        "no-common-suite",
        "client and device have no cipher suite in common.",
        f"the client offers {_listed(map(suite_name, hello.suites))}; "
        f"the device can do {_listed(map(suite_name, sorted(known)))}",
        "MBEDTLS_SSL_CIPHERSUITES and MBEDTLS_KEY_EXCHANGE_..._ENABLED against the client's list",
    )


def _known_groups(case: Case) -> frozenset[int] | None:
    return case.device.groups or _seen(case, lambda each: each.exchange.group if each.exchange else None) or None


def _groups(hello: ClientHello, case: Case) -> Verdict | None:
    """The key exchange needs a curve that both have; the certificate's key is on one, too."""
    offered, known = hello.says.groups, _known_groups(case)
    if offered is None:
        return None
    own = next((each.key_curve for each in reversed(case.evidence) if each.key_curve), None)
    keys = {GROUP_CODES[own.name]} if own else set()
    if known is not None and not known & set(offered):
        why = f"the device can do {_listed(map(group_name, sorted(known)))}"
    elif keys and not keys & set(offered):
        why = f"the key of the device's certificate is on {_listed(map(group_name, keys))}"
    else:
        return None
    return _verdict(
        "no-common-curve",
        "client and device have no curve in common.",
        f"the client offers {_listed(map(group_name, offered))}; {why}",
        "MBEDTLS_ECP_DP_..._ENABLED and the certificate's curve against the client's list (openssl: -curves)",
    )


def _schemes(hello: ClientHello, case: Case) -> Verdict | None:
    offered, hashes = hello.says.schemes, case.device.hashes
    certificate = next((each.certificate for each in reversed(case.evidence) if each.certificate), None)
    kind = RSA if certificate and not isinstance(certificate.public_key, ec.EllipticCurvePublicKey) else ECDSA
    if offered is None or (hashes is None and certificate is None):
        return None
    usable = [each for each in map(Scheme, offered) if each.signature == kind and (not hashes or each.hash in hashes)]
    if usable:
        return None
    return _verdict(
        "no-common-signature",
        "client and device have no signature algorithm in common.",
        f"the client accepts {_listed(str(Scheme(each)) for each in offered)}; the device signs with "
        f"{_listed(sorted(hashes or ['hashes that are not known']))} and {'ECDSA' if kind == ECDSA else 'RSA'}",
        "the client's list (openssl: -sigalgs) against MBEDTLS_SHA..._C and the certificate's key",
    )


def not_offered(case: Case) -> Verdict | None:
    """The device chose what nobody offered: a broken or foreign server."""
    for each in case.evidence:
        wrong = _chosen_unasked(each)
        if wrong:
            return Verdict(
                "not-offered",
                "the device chose something that the client had not offered.",
                (f"on connection {each.number}: {'; '.join(wrong)}",),
                "clients send 47 (illegal_parameter), 70 (protocol_version) or 110 (unsupported_extension)",
                "key pair, dates, host name",
                "compare the device's ServerHello with the ClientHello: stm32emu run ... --json out.json",
            )
    return None


def _version_unasked(each: Evidence, hello: ClientHello, chosen: int) -> list[str]:
    """Without supported_versions a hello only says the newest: that an older one is not wanted says an alert."""
    refused = each.alert in ((Side.CLIENT, PROTOCOL_VERSION), (Side.CLIENT, ILLEGAL_PARAMETER))
    if chosen in hello.versions or not (hello.says.versions or refused):
        return []
    return [f"version {names.version_name(chosen)}"]


def _chosen_unasked(each: Evidence) -> list[str]:
    hello, server = each.hello, each.server_hello
    if hello is None or server is None:
        return []
    offered = {extension.type for extension in hello.extensions} | {names.RENEGOTIATION_INFO}
    wrong = _version_unasked(each, hello, server.chosen_version)
    wrong += [f"suite {suite_name(server.suite)}"] if server.suite not in hello.suites else []
    wrong += [f"compression {server.compression}"] if server.compression not in hello.compressions else []
    wrong += [f"extension {extension.name}" for extension in server.extensions if extension.type not in offered]
    groups, schemes = hello.says.groups, hello.says.schemes
    if each.exchange and groups is not None and each.exchange.group not in groups:
        wrong.append(f"curve {each.curve}")
    if each.scheme and schemes is not None and each.scheme.code not in schemes:
        wrong.append(f"signature algorithm {each.scheme}")
    return wrong
