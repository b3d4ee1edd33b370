# SPDX-License-Identifier: GPL-2.0-or-later
"""Every fault that the wire can show gets its own verdict and no other; rows are those of the faults' table in docs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from secrets import token_bytes
from types import SimpleNamespace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from paper_device import (
    Device,
    Talk,
    alert,
    client_hello,
    data,
    finished,
    good,
    off_curve,
    point_on,
    record,
)
from stm32emu.netbridge.tls import device as facts
from stm32emu.netbridge.tls import names
from stm32emu.netbridge.tls.certificate import parse_certificate
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.evidence import Evidence
from stm32emu.netbridge.tls.extensions import Extension
from stm32emu.netbridge.tls.messages import Certificate, ClientHello, ClientKeyExchange, ServerHello
from stm32emu.netbridge.tls.records import Record
from stm32emu.netbridge.tls.rules.arithmetic import keys_differ
from stm32emu.netbridge.tls.rules.judgements import CAUSES
from stm32emu.netbridge.tls.transcript import End, Side
from stm32emu.netbridge.tls.verdict import Case, Verdict
from tls_samples import Identity, handshake, identity, observe

WHO = identity()
OTHER = ec.generate_private_key(ec.SECP256R1())
SEED = facts.Device(
    groups=frozenset({23, 24}),
    suites=frozenset({0xC02B, 0xC02C}),
    hashes=frozenset({"SHA-224", "SHA-256", "SHA-384", "SHA-512"}),
    input_limit=1024,
    output_limit=1024,
    mpi_size=48,
)
Build = Callable[[], list[Talk]]


def hello_record(hello: ClientHello) -> bytes:
    return record(names.CLIENT_HELLO, hello)


def flight(device: Device, number: int = 1, client: str = "openssl", last: int = names.SERVER_HELLO_DONE) -> Talk:
    """ClientHello, and the device's flight up to a message."""
    hello = client_hello(client)
    return Talk(number).client(hello_record(hello)).device(device.flight(hello, last))


def failed(device: Device, number: int, client: str, sent: int) -> Talk:
    return flight(device, number, client).client(alert(sent)).ends(Side.CLIENT).ends(Side.SERVER)


def through(device: Device, point: bytes, *more: bytes) -> Talk:
    """Up to the client's second flight."""
    exchange = record(names.CLIENT_KEY_EXCHANGE, ClientKeyExchange(point))
    return flight(device).client(*more, exchange, finished())


def gives_up(talk: Talk) -> Talk:
    """The device closes, and OpenSSL reacts."""
    return talk.ends(Side.SERVER).client(alert(50)).ends(Side.CLIENT)


def calloc() -> list[Talk]:
    """1a"""
    device = Device(WHO, wrong_point=True, wrong_signature=True)
    return [failed(device, 1, "openssl", 47), failed(device, 2, "mbedtls", 51)]


def calloc_dirty() -> list[Talk]:
    """1b"""
    device = Device(WHO, wrong_point=True, wrong_signature=True)
    first = gives_up(flight(device, 1, last=names.CERTIFICATE))
    return [first, failed(device, 2, "openssl", 47), failed(device, 3, "mbedtls", 51)]


def calloc_shared() -> list[Talk]:
    """1c: the last one hangs"""
    device = Device(WHO, wrong_point=True, wrong_signature=True)
    return [failed(device, 1, "openssl", 47), flight(device, 2, last=names.CERTIFICATE).waits()]


def wrong_signatures() -> list[Talk]:
    """1a, where the points happen to be right"""
    device = Device(WHO, wrong_signature=True)
    return [failed(device, 1, "openssl", 51), failed(device, 2, "mbedtls", 51)]


def stuck_at_zero() -> list[Talk]:
    """2a"""
    return [gives_up(flight(Device(WHO, random=bytes(32)), number, last=names.CERTIFICATE)) for number in (1, 2)]


def repeated_random() -> list[Talk]:
    """2b"""
    return [good(Device(WHO, random=b"r" * 3 + bytes(range(29))), number) for number in (1, 2)]


def biased_random() -> list[Talk]:
    """`--fault rng=bias:2bit`"""
    randoms = [
        bytes(octet & (0x3F if at % 4 == 3 else 0xFF) for at, octet in enumerate(token_bytes(32))) for _ in "1234"
    ]
    return [good(Device(WHO, random=random), number) for number, random in enumerate(randoms, 1)]


def no_server_hello() -> list[Talk]:
    """2c, and 6 at the connection's set-up"""
    return [gives_up(Talk().client(hello_record(client_hello())))]


def no_key_exchange() -> list[Talk]:
    """2c later, 3b, and 6 in the ServerKeyExchange"""
    return [good(Device(WHO)), gives_up(flight(Device(WHO), 2, last=names.CERTIFICATE))]


def sporadic() -> list[Talk]:
    """3d"""
    return [
        good(Device(WHO), 1),
        failed(Device(WHO, wrong_point=True), 2, "openssl", 47),
        failed(Device(WHO, wrong_signature=True), 3, "mbedtls", 51),
    ]


def another_key() -> list[Talk]:
    """4"""
    device = Device(WHO, key=OTHER)
    return [failed(device, 1, "openssl", 51), failed(device, 2, "mbedtls", 51)]


def one_wrong_signature() -> list[Talk]:
    """4, or sporadic: one connection cannot tell"""
    return [failed(Device(WHO, key=OTHER), 1, "openssl", 51)]


def chain() -> list[Talk]:
    """5a"""
    return [gives_up(flight(Device(WHO), last=names.SERVER_HELLO))]


def client_chain() -> list[Talk]:
    """5b"""
    certificates = record(names.CERTIFICATE, Certificate((bytes(400), bytes(400), bytes(400))))
    return [gives_up(through(Device(WHO), point_on(24), certificates))]


def long_data() -> list[Talk]:
    """5c"""
    talk = through(Device(WHO), point_on(24)).device(finished()).client(data(3024))
    return [talk.ends(Side.SERVER).ends(Side.CLIENT)]


def ignored_limit() -> list[Talk]:
    """5d"""
    limit = Extension(names.MAX_FRAGMENT_LENGTH, b"\1")
    hello = client_hello(more=[limit])
    device = Device(WHO, certificates=3, extensions=(limit,))
    talk = Talk().client(hello_record(hello)).device(device.flight(hello))
    return [talk.client(alert(22)).ends(Side.CLIENT)]


def out_of_memory() -> list[Talk]:
    """6, where the device says so"""
    return [Talk().client(hello_record(client_hello())).device(alert(80)).ends(Side.SERVER).ends(Side.CLIENT)]


def no_secret() -> list[Talk]:
    """6 in the ClientKeyExchange"""
    return [gives_up(through(Device(WHO), point_on(24)))]


def refused(hello: ClientHello, sent: int = 40) -> list[Talk]:
    talk = Talk().client(hello_record(hello)).device(alert(sent))
    return [talk.ends(Side.SERVER).ends(Side.CLIENT)]


def other_curves() -> list[Talk]:
    """8a"""
    return refused(client_hello(groups=(25, 29)))


def short_integers() -> list[Talk]:
    """8c"""
    return [gives_up(through(Device(WHO, group=25), point_on(25)))]


def other_suites() -> list[Talk]:
    """8d"""
    return refused(client_hello(suites=(0xC02F, 0x009C)))


def other_version() -> list[Talk]:
    """8e"""
    return refused(client_hello(version=names.TLS_1_1), 70)


def only_tls_1_3() -> list[Talk]:
    """8e"""
    return refused(client_hello(more=[Extension(names.SUPPORTED_VERSIONS, b"\2\3\4")]), 70)


def other_signatures() -> list[Talk]:
    """8f"""
    return refused(client_hello(schemes=(0x0804, 0x0401)))


def expired() -> list[Talk]:
    """9a"""
    return [failed(Device(identity(days=100)), 1, "mbedtls", 45)]


def early_clock() -> list[Talk]:
    """9b"""
    hello = client_hello("mbedtls", clock=0x38000000)
    talk = Talk().client(hello_record(hello)).device(Device(WHO).flight(hello))
    return [talk.client(alert(46)).ends(Side.CLIENT)]


def other_name() -> list[Talk]:
    """9c"""
    return [failed(Device(WHO), 1, "mbedtls", 42)]


def name_or_date() -> list[Talk]:
    """9c or 9b: OpenSSL sends 42 for both"""
    return [failed(Device(WHO), 1, "openssl", 42)]


def other_ca() -> list[Talk]:
    """9c"""
    return [failed(Device(WHO), 1, "openssl", 48)]


def hello_in_pieces() -> list[Talk]:
    """10b"""
    whole = hello_record(client_hello())[5:]
    pieces = [b"\x16\3\3" + len(part).to_bytes(2, "big") + part for part in (whole[:50], whole[50:])]
    return [gives_up(Talk().client(*pieces))]


def long_hello() -> list[Talk]:
    """10b"""
    return [gives_up(Talk().client(hello_record(client_hello(more=[Extension(21, bytes(1500))]))))]


def plain_http() -> list[Talk]:
    """10b"""
    return [gives_up(Talk().client(b"GET / HTTP/1.0\r\n\r\n"))]


def stalled_client() -> list[Talk]:
    """10c"""
    return [flight(Device(WHO)).waits()]


def dead_client() -> list[Talk]:
    """10d"""
    return [flight(Device(WHO)).ends(Side.CLIENT, End.RESET)]


def altered_flight() -> list[Talk]:
    """10e"""
    return [gives_up(through(Device(WHO), off_curve(point_on(24))))]


def other_secret() -> list[Talk]:
    """3d alone: the shared secret"""
    return [through(Device(WHO), point_on(24)).device(alert(20)).ends(Side.SERVER).ends(Side.CLIENT)]


def hanging() -> list[Talk]:
    """1c and 7"""
    return [flight(Device(WHO), last=names.CERTIFICATE).waits()]


def foreign_curve() -> list[Talk]:
    """A server that chooses what nobody offered"""
    hello = client_hello(groups=(23,))
    return [Talk().client(hello_record(hello)).device(Device(WHO).flight(hello)).client(alert(47)).ends(Side.CLIENT)]


def other_version_chosen() -> list[Talk]:
    """A server that chooses an older version than the client allows"""
    hello = client_hello(more=[Extension(names.SUPPORTED_VERSIONS, b"\2\3\3")])
    server = ServerHello(names.TLS_1_1, token_bytes(32), b"", 0xC02C, 0)
    return [Talk().client(hello_record(hello)).device(record(names.SERVER_HELLO, server)).client(alert(47))]


def older_version_chosen() -> list[Talk]:
    """The same to a client that does not say which it allows"""
    server = ServerHello(names.TLS_1_1, token_bytes(32), b"", 0xC02C, 0)
    return [Talk().client(hello_record(client_hello())).device(record(names.SERVER_HELLO, server)).client(alert(70))]


def no_certificate() -> list[Talk]:
    """A server that has none"""
    return [failed(Device(WHO, certificates=0), 1, "openssl", 50)]


def long_record() -> list[Talk]:
    """More than 2 ** 14 octets in a record"""
    return [failed(Device(WHO, certificates=17_000 // len(WHO.der)), 1, "openssl", 22)]


def very_long_record() -> list[Talk]:
    """More than an encrypted one may have, too"""
    return [failed(Device(WHO, certificates=20_000 // len(WHO.der)), 1, "openssl", 22)]


def healthy() -> list[Talk]:
    """None"""
    return [good(Device(WHO, group=23 + number % 2), number) for number in (1, 2, 3)]


TABLE: dict[Build, str] = {
    calloc: "corrupt-arithmetic",
    calloc_dirty: "corrupt-arithmetic",
    calloc_shared: "corrupt-arithmetic",
    wrong_signatures: "corrupt-arithmetic",
    stuck_at_zero: "rng-stuck",
    repeated_random: "rng-repeats",
    biased_random: "rng-biased",
    no_server_hello: "no-server-hello",
    no_key_exchange: "no-key-exchange",
    sporadic: "sporadic-arithmetic",
    another_key: "wrong-key",
    one_wrong_signature: "wrong-signature",
    chain: "chain-too-long",
    client_chain: "client-record-too-long",
    long_data: "data-too-long",
    ignored_limit: "ignored-fragment-limit",
    out_of_memory: "internal-error",
    no_secret: "no-shared-secret",
    other_curves: "no-common-curve",
    short_integers: "integers-too-short",
    other_suites: "no-common-suite",
    other_version: "no-common-version",
    only_tls_1_3: "no-common-version",
    other_signatures: "no-common-signature",
    expired: "certificate-expired",
    early_clock: "client-clock",
    other_name: "wrong-name",
    name_or_date: "certificate-refused",
    other_ca: "unknown-ca",
    hello_in_pieces: "split-hello",
    long_hello: "client-record-too-long",
    plain_http: "not-tls",
    stalled_client: "client-silent",
    dead_client: "client-left",
    altered_flight: "client-flight-altered",
    other_secret: "secret-differs",
    hanging: "device-silent",
    foreign_curve: "not-offered",
    other_version_chosen: "not-offered",
    older_version_chosen: "not-offered",
    no_certificate: "no-certificate",
    long_record: "record-too-long",
    very_long_record: "record-too-long",
    healthy: "nothing-wrong",
}
NAMES = [build.__name__ for build in TABLE]


def case(build: Build, device: facts.Device | None = None) -> Case:
    return Case([talk.evidence() for talk in build()], device or facts.Device())


@pytest.mark.parametrize("build", TABLE, ids=NAMES)
def test_the_verdict(build: Build) -> None:
    """With the report's configuration known."""
    offered = replace(SEED, groups=frozenset({23, 24, 25})) if build is short_integers else SEED
    verdict = diagnose(case(build, offered))
    assert verdict.id == TABLE[build], verdict
    assert verdict.proof


def test_a_version_that_is_configured_is_not_what_is_missing() -> None:
    speaks = replace(SEED, versions=frozenset({names.TLS_1_1, names.TLS_1_2}))
    assert diagnose(case(other_version, speaks)).id != "no-common-version"
    (proof,) = diagnose(case(only_tls_1_3, speaks)).proof
    assert "the device speaks TLS 1.1, TLS 1.2" in proof


def test_every_verdict_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()
    verdicts = {*TABLE.values(), *(name for name, _ in CAUSES.values())}
    assert {each for each in verdicts if f"`{each}`" not in text} == {"nothing-wrong"}


NEEDS_CONFIG = (other_curves, other_suites, other_signatures)


@pytest.mark.parametrize("build", [each for each in TABLE if each not in NEEDS_CONFIG])
def test_without_the_configuration(build: Build) -> None:
    assert diagnose(case(build)).id == TABLE[build]


@pytest.mark.parametrize("build", NEEDS_CONFIG)
def test_what_needs_the_configuration_says_so(build: Build) -> None:
    verdict = diagnose(case(build))
    assert verdict.id == "no-common-offer"
    assert "--config" in verdict.next


@pytest.mark.parametrize("build", NEEDS_CONFIG)
def test_a_good_connection_before_tells_as_much(build: Build) -> None:
    connections = [good(Device(WHO)), *build()]
    chain = (parse_certificate(WHO.der),)
    evidence = [Evidence(talk.observer.transcript, chain) for talk in connections]
    assert diagnose(Case(evidence)).id == TABLE[build]


def test_the_verdict_of_the_report() -> None:
    """Word for word."""
    assert diagnose(case(calloc)) == Verdict(
        "corrupt-arithmetic",
        "the device's elliptic-curve arithmetic is corrupt.",
        (
            "the ECDHE point is not on secp384r1",
            "the signature over it verifies under no known key, "
            "and the key recovered from it differs on each connection",
        ),
        "OpenSSL checks the point first and sends 47; mbedTLS checks the signature first and sends 51. Same fault.",
        "certificates, key pair, dates, host name, RNG; 0x0603 is SHA-512 with ECDSA, not secp521r1",
        "stm32emu run ... --check alloc",
    )


def test_a_signature_that_no_key_can_have_made_says_so() -> None:
    """Half of all numbers are no x of a point: such an r leads to no key at all."""
    wrong = case(calloc)
    vars(wrong.evidence[0])["recovered"] = frozenset()
    assert diagnose(wrong).proof[1].endswith("differs on each connection (on connection 1 no key can have made it)")


def test_a_check_that_found_something_is_part_of_the_proof() -> None:
    found = facts.Device(checks=("alloc",), findings={"alloc": "mbedtls_calloc returned memory that was not zero"})
    verdict = diagnose(case(calloc, found))
    assert "--check alloc: mbedtls_calloc returned memory that was not zero" in verdict.proof
    assert "mbedtls_platform_set_calloc_free" in verdict.next


def test_a_check_that_found_nothing_leads_to_the_next() -> None:
    verdict = diagnose(case(calloc, facts.Device(checks=("alloc",))))
    assert verdict.next.startswith("stm32emu run ... --check heap,stack")


def test_memory_is_named_when_the_check_saw_it() -> None:
    found = facts.Device(checks=("alloc",), findings={"alloc": "mbedtls_calloc had no memory"})
    assert diagnose(case(no_key_exchange, found)).id == "out-of-memory"


def test_a_crash_is_named() -> None:
    talk = flight(Device(WHO), last=names.CERTIFICATE)
    talk.observer.cut(talk.observer.transcript.opened)
    found = facts.Device(crashed="the firmware faulted")
    assert diagnose(Case([talk.evidence()], found)).id == "crashed"


def test_a_loop_that_the_watchdog_found_is_part_of_the_proof() -> None:
    found = facts.Device(findings={"watchdog": "no progress for 20 s: mbedtls_mpi_add_mod loops"})
    verdict = diagnose(case(hanging, found))
    assert verdict.id == "device-silent"
    assert "--watchdog: no progress for 20 s: mbedtls_mpi_add_mod loops" in verdict.proof
    assert "--watchdog 20s" in diagnose(case(hanging)).next


def test_another_key_at_hand_is_named() -> None:
    talk = failed(Device(WHO, key=OTHER), 1, "openssl", 51)
    keys = {"the key in client.key": OTHER.public_key()}
    evidence = Evidence(talk.observer.transcript, (parse_certificate(WHO.der),), lambda: keys)
    verdict = diagnose(Case([evidence]))
    assert verdict.id == "wrong-key"
    assert "the signature verifies under the key in client.key" in verdict.proof


def test_numbers_of_an_earlier_run() -> None:
    """2d"""
    evidence = [good(Device(WHO)).evidence()]
    before = facts.Device(remembered=frozenset(evidence[0].marks[:1]))
    verdict = diagnose(Case(evidence, before))
    assert verdict.id == "rng-repeats-across-runs"
    assert verdict.proof == ("an earlier run had the same random as connection 1",)
    assert diagnose(Case([good(Device(WHO)).evidence()], before)).id == "nothing-wrong"


def test_who_sends_nothing_but_an_alert_may_mind_the_finished() -> None:
    """Which is encrypted, as a close_notify is."""
    last = through(Device(WHO), point_on(24)).device(finished())
    quiet = diagnose(Case([last.evidence()]))
    last.client(Record(names.ALERT, names.TLS_1_2, 26, bytes(26)).emit()).ends(Side.CLIENT).ends(Side.SERVER)
    verdict = diagnose(Case([last.evidence()]))
    assert (quiet.id, verdict.id) == ("nothing-wrong", "nothing-wrong")
    assert "a key log tells (--keylog)" in verdict.notes[-1]
    assert not any("key log" in note for note in quiet.notes)


@pytest.mark.parametrize(
    ("mask", "count", "seen"),
    [
        (0x7FFFFFFF, 6, False),  # 42 words are too few to miss one bit
        (0x7FFFFFFF, 7, True),
        (0x3FFFFFFF, 3, False),
        (0x3FFFFFFF, 4, True),
        (0x000FFFFF, 1, True),
        (0xFFFFFFFF, 60, False),
    ],
)
def test_how_many_connections_show_missing_bits(mask: int, count: int, seen: bool) -> None:
    """Numbers without a pattern, from which bits are taken; the first word is a clock."""
    random = Random(1)
    words = [[0x60B5FF00, *(random.getrandbits(32) & mask for _ in range(7))] for _ in range(count)]
    randoms = [b"".join(word.to_bytes(4, "little") for word in each) for each in words]
    evidence = [good(Device(WHO, random=each)).evidence() for each in randoms]
    assert (diagnose(Case(evidence)).id == "rng-biased") == seen


def test_a_sign_of_tls_1_3_hides_no_bias() -> None:
    random = b"\0\0\0\1" * 6 + b"DOWNGRD\1"
    evidence = [good(Device(WHO, random=token_bytes(4) + random[4:23] + bytes((n,)) + random[24:])) for n in range(60)]
    assert diagnose(Case([each.evidence() for each in evidence])).id == "rng-biased"


@pytest.mark.parametrize("who", [identity(rsa.generate_private_key(65537, 2048)), identity(name="device.local")])
def test_healthy_handshakes_by_openssl(who: Identity) -> None:
    transcripts = [observe(handshake(who), number) for number in (1, 2)]
    evidence = [Evidence(each, (parse_certificate(who.der),)) for each in transcripts]
    assert [each.sound for each in evidence] == [True, True]
    assert diagnose(Case(evidence)).id == "nothing-wrong"


@pytest.mark.parametrize(
    ("recovered", "differ"),
    [
        ([{1, 2}, {3, 4}], True),
        ([{1, 2}, {3, 4}, {1, 5}], False),
        ([{1, 2}], False),
        ([None, None], False),  # as of RSA signatures
        ([{1, 2}, None], False),
        ([{1, 2}, set()], True),
        ([set(), set()], True),
        ([set()], False),
    ],
)
def test_keys_differ_if_no_two_signatures_can_be_from_one(recovered: list[set[int] | None], differ: bool) -> None:
    bad = [SimpleNamespace(recoverable=keys is not None, recovered=frozenset(keys or ())) for keys in recovered]
    assert keys_differ(cast("list[Evidence]", bad)) is differ
