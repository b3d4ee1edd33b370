# SPDX-License-Identifier: GPL-2.0-or-later
"""Sizes against limits: records, fragments, integers."""

from __future__ import annotations

from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.algorithms import SECP521R1
from stm32emu.netbridge.tls.cursor import Malformed
from stm32emu.netbridge.tls.device import P521_SIZE
from stm32emu.netbridge.tls.evidence import Check, Evidence, Stage
from stm32emu.netbridge.tls.records import MAX_PLAINTEXT, TooLong
from stm32emu.netbridge.tls.rules.judgements import device_findings
from stm32emu.netbridge.tls.transcript import Handshake, Side
from stm32emu.netbridge.tls.verdict import Case, Verdict

RECORD_OVERFLOW = 22
OVERHEAD = 24
"""Bytes that AES-GCM adds to a record in TLS 1.2 (RFC 5288): nonce and tag."""
SHORTEST_SUSPECT = 1024
"""No device is configured for less, so shorter records are not to blame."""
COMPUTED_WELL = "arithmetic, memory, RNG, key pair, dates, host name"


def ignored_fragment_limit(case: Case) -> Verdict | None:
    """Row 5d: max_fragment_length agreed to and not kept."""
    for each in case.evidence:
        limit = each.fragment_length
        longest = max((message.longest for message in each.transcript.handshakes(Side.SERVER)), default=0)
        if limit and longest > limit:
            return Verdict(
                "ignored-fragment-limit",
                "the device agrees to max_fragment_length and does not keep to it.",
                (f"agreed on connection {each.number}: {limit} bytes", f"its longest record has {longest}"),
                f"OpenSSL sends {RECORD_OVERFLOW} (record_overflow); mbedTLS's client does not look",
                COMPUTED_WELL,
                "send no max_fragment_length (openssl: without -maxfraglen), or split the device's records",
            )
    return None


def record_too_long(case: Case) -> Verdict | None:
    """A record of more than RFC 5246 section 6.2.1 allows anybody."""
    for each in case.evidence:
        events = [event.item for event in each.transcript.events if event.sender is Side.SERVER]
        longer = [str(item) for item in events if isinstance(item, TooLong)]
        longer += [
            f"a record of {item.longest} bytes, more than {MAX_PLAINTEXT}"
            for item in events
            if isinstance(item, Handshake) and item.longest > MAX_PLAINTEXT
        ]
        if longer:
            return Verdict(
                "record-too-long",
                "the device sends a record that is longer than TLS allows.",
                (f"{longer[0]}, on connection {each.number}",),
                f"OpenSSL and GnuTLS send {RECORD_OVERFLOW} (record_overflow), mbedTLS closes the connection",
                COMPUTED_WELL,
                "send fewer certificates, or split them over records",
            )
    return None


def split_hello(case: Case) -> Verdict | None:
    """Row 10b: mbedTLS 2.28 cannot read a ClientHello that is spread over records."""
    latest = case.latest
    hello = latest.transcript.handshake(names.CLIENT_HELLO, Side.CLIENT) if latest else None
    if latest is None or hello is None or latest.stage is not Stage.CLIENT_HELLO or not latest.left(Side.SERVER):
        return None
    if hello.records > 1:
        return Verdict(
            "split-hello",
            "the client's ClientHello is spread over several TLS records, which the device cannot read.",
            (f"{hello.size} bytes over {hello.records} records",),
            "every client that splits sees the connection close; mbedTLS 2.28 reports -0x7900",
            COMPUTED_WELL,
            "let the client send one record (openssl: without -max_send_frag, fewer -groups and -sigalgs)",
        )
    return _long_record(case, latest, hello.longest, "ClientHello", case.device.input_limit)


def _long_record(case: Case, evidence: Evidence, length: int, what: str, limit: int | None) -> Verdict | None:
    """The device closes after a record that is longer than its buffer, or longer than any it took before."""
    taken = max((_longest_taken(each) for each in case.evidence if each.stage is Stage.COMPLETE), default=0)
    if limit is not None and length <= limit:
        return None
    if limit is None and length <= max(taken, SHORTEST_SUSPECT):
        return None
    known = f"its limit is {limit}" if limit is not None else f"the longest that it took so far has {taken}"
    return Verdict(
        "client-record-too-long",
        "the client's record is longer than the device's input buffer.",
        (f"the {what} is a record of {length} bytes on connection {evidence.number}", known),
        "every client sees the connection close; mbedTLS's server reports -0x7100",
        COMPUTED_WELL,
        "raise MBEDTLS_SSL_MAX_CONTENT_LEN, or let the client negotiate max_fragment_length and send no chain",
    )


def _longest_taken(evidence: Evidence) -> int:
    return max((message.longest for message in evidence.transcript.handshakes(Side.CLIENT)), default=0)


def long_client_record(case: Case) -> Verdict | None:
    """Row 5b: the client's chain of certificates."""
    latest = case.latest
    if latest is None or not latest.left(Side.SERVER) or latest.stage < Stage.HELLO_DONE:
        return None
    return _long_record(case, latest, _longest_taken(latest), "client's Certificate", case.device.input_limit)


def long_data(case: Case) -> Verdict | None:
    """Row 5c: application data that is longer than the device's buffer."""
    latest, limit = case.latest, case.device.input_limit
    longest = latest.refused_data - OVERHEAD if latest else 0
    if latest is None or longest <= (limit or SHORTEST_SUSPECT) or latest.fragment_length:
        return None
    known = f"its limit is {limit}" if limit else "it ends the connection right after"
    return Verdict(
        "data-too-long",
        "the client's data come in records that are longer than the device's input buffer.",
        (
            f"a record of {longest} bytes on connection {latest.number}; {known}",
            "no max_fragment_length was negotiated",
        ),
        "every client sees an encrypted alert or the connection close; mbedTLS's server reports -0x7100",
        COMPUTED_WELL,
        "raise MBEDTLS_SSL_MAX_CONTENT_LEN, or negotiate max_fragment_length (openssl: -maxfraglen)",
    )


def chain_too_long(case: Case) -> Verdict | None:
    """Row 5a: leaf and CA do not fit into the device's output buffer: it ends after its ServerHello."""
    latest = case.latest
    if latest is None or latest.stage is not Stage.SERVER_HELLO or not latest.left(Side.SERVER):
        return None
    if latest.server_hello and latest.server_hello.is_tls_1_3:
        return None
    limit = case.device.output_limit
    found = tuple(finding.proof for finding in device_findings(case, latest, "size"))
    known = found or ((f"MBEDTLS_SSL_MAX_CONTENT_LEN is {limit}",) if limit else ())
    return Verdict(
        "chain-too-long",
        "the device cannot send its Certificate: the chain does not fit into its output buffer.",
        (f"ServerHello and nothing after it on connection {latest.number}", *known),
        "every client sees the connection close; mbedTLS's server reports -0x7500",
        "key pair, dates, host name, RNG (it made the ServerHello), arithmetic (nothing was computed yet)",
        "send the leaf alone (mbedtls_ssl_conf_own_cert without the CA), or raise MBEDTLS_SSL_MAX_CONTENT_LEN",
    )


def integers_too_short(case: Case) -> Verdict | None:
    """Row 8c: P-521 with MPI_MAX_SIZE 48."""
    latest = case.latest
    if latest is None or latest.exchange is None or latest.exchange.group != SECP521R1:
        return None
    if latest.stage < Stage.CLIENT_KEY or not latest.left(Side.SERVER) or latest.point is Check.BAD:
        return None
    size = case.device.mpi_size
    known = (f"MBEDTLS_MPI_MAX_SIZE is {size}",) if size else ()
    return Verdict(
        "integers-too-short",
        "the device cannot compute with secp521r1: its integers are too short.",
        (
            "the key exchange is on secp521r1 and the device's part of it is right",
            "the device closes after the client's point",
            *known,
        ),
        "every client that prefers secp521r1 sees the connection close; mbedTLS's server reports -0x7d00",
        "certificates, key pair, dates, host name, RNG, memory",
        f"disable MBEDTLS_ECP_DP_SECP521R1_ENABLED, or set MBEDTLS_MPI_MAX_SIZE to {P521_SIZE} or more",
    )


def is_garbage(evidence: Evidence) -> bool:
    """Whether the client's first bytes are no TLS."""
    first = next((event.item for event in evidence.transcript.events if event.sender is Side.CLIENT), None)
    return isinstance(first, Malformed)
