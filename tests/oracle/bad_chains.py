# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates, keys and chains with one thing wrong each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from authorities import CLIENT, SERVER, Issued, Key, Maker, finished, intermediate, key, leaf, root, tlv

CASES: dict[str, Callable[[], Case]] = {}
ROOT = root().made()


@dataclass(frozen=True)
class Case:
    """A chain as sent, what is trusted, and what must be found: "severity: topic: part of the text".

    `openssl`, `cryptography`: why that verifier judges otherwise than we do, if it does.
    """

    chain: tuple[Issued, ...]
    finding: str
    roots: tuple[Issued, ...] = (ROOT,)
    private: Key | None = None
    hostname: str = "device.example"
    openssl: str = ""
    cryptography: str = ""


def case(function: Callable[[], Case]) -> Callable[[], Case]:
    """Put a case into the table, by its name."""
    CASES[function.__name__] = function
    return function


def one(maker: Maker, finding: str, **others: object) -> Case:
    """A leaf that the root signed."""
    return replace(Case((finished(maker).made(),), finding), **others)  # type: ignore[arg-type]


NEEDS_NAMES = "it wants a subjectAltName"


@case
def good() -> Case:
    """Nothing is wrong: the others differ from this in one thing."""
    return one(leaf(ROOT), "ok: chain: CN=device.example is signed by CN=Root")


@case
def good_with_an_intermediate() -> Case:
    """A chain of three, the root left out."""
    middle = intermediate(ROOT).made()
    return Case((finished(leaf(middle)).made(), middle), "ok: chain: CN=Intermediate is signed by CN=Root")


@case
def expired() -> Case:
    """It ended a year ago."""
    return one(leaf(ROOT).valid(2020, 2025), "error: dates: CN=device.example has expired")


@case
def not_yet_valid() -> Case:
    """It begins next year."""
    return one(leaf(ROOT).valid(2027, 2030), "error: dates: CN=device.example is not valid yet")


@case
def ends_before_it_begins() -> Case:
    """Its dates are swapped."""
    return one(leaf(ROOT).valid(2030, 2025), "error: dates: CN=device.example ends before it begins")


@case
def expired_root() -> Case:
    """The leaf is fine, its CA has expired."""
    old = root().valid(2010, 2020).made()
    return Case((finished(leaf(old)).made(),), "error: dates: CN=Root has expired", (old,))


@case
def key_of_another_certificate() -> Case:
    """The device holds the key of some other certificate."""
    found = "error: pair: the private key does not belong to CN=device.example"
    return one(leaf(ROOT), found, private=key("secp256r1", 9))


@case
def key_of_the_issuer() -> Case:
    """The device holds its CA's key."""
    return one(leaf(ROOT), "(secp384r1 and secp256r1); it is the key of CN=Root", private=ROOT.key)


@case
def key_of_another_kind() -> Case:
    """An RSA key for an EC certificate."""
    return one(leaf(ROOT), "error: pair: the private key does not belong", private=key("rsa2048", 9))


@case
def wrong_issuer() -> Case:
    """It was signed by another CA of the same name: renewed with a new key, and the client has the old one."""
    other = root(number=7).made()
    return one(leaf(other), "error: chain: CN=device.example is not signed by CN=Root, which only has the right name")


@case
def unknown_issuer() -> Case:
    """Its CA is not among those that the client trusts."""
    return one(leaf(root("Elsewhere", 7).made()), "error: trust: nobody at hand signed CN=device.example")


@case
def missing_intermediate() -> Case:
    """The server sends its certificate alone, the client has the root only."""
    middle = intermediate(ROOT).made()
    return Case((finished(leaf(middle)).made(),), "error: trust: nobody at hand signed CN=device.example")


@case
def wrong_order() -> Case:
    """The two intermediate certificates are sent the wrong way round; most verifiers put them in order."""
    high = Maker("High").on("secp256r1", 5).by(ROOT).authority(1).usage("keyCertSign").key_ids().made()
    low = intermediate(high).made()
    return Case((finished(leaf(low)).made(), high, low), "warning: order: the certificates are not in order")


@case
def sent_twice() -> Case:
    """The leaf comes a second time: verifiers do not mind, buffers do."""
    own = finished(leaf(ROOT)).made()
    return Case((own, own), "warning: sent: CN=device.example is sent 2 times")


@case
def stranger_in_the_chain() -> Case:
    """A certificate is sent that has nothing to do with the others."""
    stranger = root("Stranger", 8).made()
    return Case((finished(leaf(ROOT)).made(), stranger), "warning: sent: CN=Stranger is sent and is no part")


@case
def root_is_sent() -> Case:
    """The root goes along, which costs octets and proves nothing."""
    return Case((finished(leaf(ROOT)).made(), ROOT), "note: sent: CN=Root is sent although clients must have it")


@case
def self_signed() -> Case:
    """The leaf signs itself, and nobody trusts it."""
    maker = Maker("device.example").on("secp256r1", 3)
    return Case((finished(maker).made(),), "error: trust: CN=device.example signs itself and is none of those trusted")


@case
def issuer_is_no_ca() -> Case:
    """An ordinary certificate signed another."""
    middle = Maker("Intermediate").on("secp256r1", 2).by(ROOT).authority(ca=False).key_ids().made()
    found = "error: chain: CN=Intermediate signed a certificate and is no CA"
    return Case((finished(leaf(middle)).made(), middle), found)


@case
def issuer_without_basic_constraints() -> Case:
    """A version 3 certificate without basic constraints signed another."""
    middle = Maker("Intermediate").on("secp256r1", 2).by(ROOT).key_ids().made()
    return Case(
        (finished(leaf(middle)).made(), middle), "error: chain: CN=Intermediate signed a certificate and is no CA"
    )


@case
def issuer_may_not_sign() -> Case:
    """A CA whose key usage lacks keyCertSign."""
    middle = Maker("Intermediate").on("secp256r1", 2).by(ROOT).authority(0).usage("digitalSignature").key_ids().made()
    return Case(
        (finished(leaf(middle)).made(), middle), "error: chain: CN=Intermediate signed a certificate and may not"
    )


@case
def path_too_long() -> Case:
    """A CA that allows no CA below it, and has one."""
    high = Maker("High").on("secp256r1", 5).by(ROOT).authority(0).usage("keyCertSign").key_ids().made()
    low = intermediate(high).made()
    return Case((finished(leaf(low)).made(), low, high), "error: chain: CN=High allows 0 CAs below it, there are 1")


@case
def name_mismatch() -> Case:
    """The client asks for another host."""
    return one(leaf(ROOT), "error: names: the certificate is not for other.example", hostname="other.example")


@case
def wildcard() -> Case:
    """One label is covered by a wildcard."""
    maker = leaf(ROOT).authority(ca=False).usage("digitalSignature").purpose(SERVER).names("*.lab.example").key_ids()
    return Case((maker.made(),), "ok: names: the certificate is for a.lab.example", hostname="a.lab.example")


@case
def wildcard_over_two_labels() -> Case:
    """A wildcard does not cover two labels."""
    maker = leaf(ROOT).authority(ca=False).usage("digitalSignature").purpose(SERVER).names("*.lab.example").key_ids()
    return Case((maker.made(),), "error: names: the certificate is not for a.b.lab.example", hostname="a.b.lab.example")


@case
def only_a_common_name() -> Case:
    """No subjectAltName, as in the report: whether that is enough depends on the client."""
    maker = leaf(ROOT).authority(ca=False).usage("digitalSignature").purpose(SERVER).key_ids()
    found = "warning: names: only the common name is device.example"
    return Case((maker.made(),), found, cryptography=NEEDS_NAMES)


@case
def address_in_the_common_name() -> Case:
    """The device's address stands in the common name, where no client looks for addresses."""
    maker = Maker("192.168.0.254").on("secp256r1", 3).by(ROOT).authority(ca=False).key_ids()
    return Case((maker.made(),), "error: names: the certificate is not for the address", hostname="192.168.0.254")


@case
def address_where_it_belongs() -> Case:
    """The address in subjectAltName."""
    maker = leaf(ROOT).authority(ca=False).usage("digitalSignature").purpose(SERVER).names("192.168.0.254").key_ids()
    return Case((maker.made(),), "ok: names: the certificate is for 192.168.0.254", hostname="192.168.0.254")


@case
def may_not_sign() -> Case:
    """Key usage keyAgreement only, as for static ECDH."""
    maker = leaf(ROOT).authority(ca=False).usage("keyAgreement").purpose(SERVER).names("device.example").key_ids()
    return Case(
        (maker.made(),),
        "error: usage: CN=device.example may not sign",
        openssl="keyAgreement is enough for some suite, though not for ECDHE",
        cryptography="it does not look at the leaf's key usage",
    )


@case
def not_for_servers() -> Case:
    """A client's certificate in a server."""
    maker = leaf(ROOT).authority(ca=False).usage("digitalSignature").purpose(CLIENT).names("device.example").key_ids()
    return Case((maker.made(),), "error: usage: CN=device.example is not for servers")


@case
def unknown_critical_extension() -> Case:
    """An extension that a client must understand, and does not."""
    maker = finished(leaf(ROOT)).extension("1.3.6.1.4.1.55555.1", tlv(5), critical=True)
    return Case((maker.made(),), "error: usage: CN=device.example has a critical extension")


@case
def signed_with_sha1() -> Case:
    """A signature that can be forged."""
    return one(leaf(ROOT).signed_with("sha1"), "error: hash: CN=device.example is signed with SHA1")


@case
def short_rsa_key() -> Case:
    """RSA with 1024 bits."""
    found = "error: key: the key of CN=device.example is too short: RSA 1024"
    return one(leaf(ROOT).on("rsa1024"), found, cryptography="it does not look at the length of the leaf's key")


@case
def rare_curve() -> Case:
    """A curve that most clients do not offer."""
    found = "warning: key: the key of CN=device.example is on secp256k1"
    return one(leaf(ROOT).on("secp256k1"), found)


@case
def negative_serial() -> Case:
    """A serial number whose first bit is set and has no zero before it."""
    found = "warning: form: CN=device.example has a serial number that is not positive"
    return one(leaf(ROOT).serial(-5), found, cryptography="it wants a positive serial number")


@case
def long_serial() -> Case:
    """A serial number of 21 octets."""
    found = "warning: form: CN=device.example has too long a serial number"
    return one(leaf(ROOT).serial(1 << 160), found)


@case
def version_1_with_extensions() -> Case:
    """Extensions in a certificate that says it is of version 1."""
    found = "warning: form: CN=device.example has extensions in version 1"
    return one(replace(leaf(ROOT), version=1), found, cryptography="it wants version 3")


@case
def trailing_garbage() -> Case:
    """Octets after the end of the certificate."""
    found = "warning: form: CN=device.example is followed by rubbish"
    return one(replace(leaf(ROOT), trailing=b"\0\0\0"), found, cryptography="it wants the file to end there")


@case
def null_parameters() -> Case:
    """A NULL in the AlgorithmIdentifier of an ECDSA signature, as in mbedTLS's test CA."""
    found = "warning: form: CN=device.example has a NULL in its ECDSA algorithm"
    return one(replace(leaf(ROOT), null=True), found, cryptography="it wants no parameters there")


@case
def names_that_differ_in_case() -> Case:
    """The issuer's name is spelt otherwise than the CA spells itself, which is equal by RFC 5280 section 7.1."""
    return Case(
        (finished(leaf(ROOT).by(ROOT, "ROOT ")).made(),),
        "ok: chain: CN=device.example is signed by CN=Root",
        cryptography="it compares names octet by octet",
    )


@case
def leaf_is_a_ca() -> Case:
    """The server uses an intermediate CA's certificate as its own."""
    maker = leaf(ROOT).authority(0).usage("digitalSignature", "keyCertSign").purpose(SERVER).names("device.example")
    found = "warning: usage: CN=device.example is a CA"
    return Case((maker.key_ids().made(),), found, cryptography="it refuses a CA as a server")
