# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes emu/atlas.json (`make atlas`), in half an hour: from runs of the faulty variants with both clients, and from
the twin's scripted faults and bad chains of certificates."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bad_chains
from bad_chains import CASES
from runs import IMAGES, Run, free_port
from stm32emu.comparison import Client, Network, evidence_of
from stm32emu.cpu import unicorn_version
from stm32emu.netbridge.tls.doctor import diagnose
from stm32emu.netbridge.tls.transcript import LONG, Side
from stm32emu.netbridge.tls.twin.faults import FAULTS, parse_fault
from stm32emu.netbridge.tls.twin.identity import make_identity
from stm32emu.netbridge.tls.verdict import Case
from symptoms import GOOD_DATE, HOST, lifetime, observe
from test_certificate_verdicts import DUE, FINE, Visitor, gnutls, openssl, parsed, ssl_client2, verdicts, visited
from test_client_symptoms import OTHER_CA
from test_fault_symptoms import NO_CERTIFICATE
from test_twin_faults import COLUMNS, REACTIONS
from test_variants import SOMETIMES, VARIANTS
from twin_clients import SSL_CLIENT2
from twin_server import Twin, make_site, serving

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ("openssl", "ssl_client2")
CONNECTIONS = 5
PATIENCE = 2 * LONG / 1e9
"""Seconds after which a client that waits for the twin is stopped."""
GOOD = CASES["good_with_an_intermediate"]()
CHECKS = ("--check", "alloc,heap,stack")


@dataclass(frozen=True)
class Specimen:
    """A fault to be run: the image, what is injected, what clients are told besides, and their date."""

    image: str
    what: str
    faults: tuple[str, ...] = ()
    options: dict[str, Sequence[str]] = field(default_factory=dict)
    date: str = GOOD_DATE

    @property
    def command(self) -> str:
        injected = "".join(f" --fault {fault}" for fault in self.faults)
        return f"stm32emu run images/build/{self.image}.elf --port 4433{injected}"


STRICT = {"openssl": ("-verify_return_error",), "ssl_client2": ()}
INJECTED = (
    Specimen("tls_server", "nothing is wrong"),
    Specimen("tls_server-hardware-rng", "the random number generator gives zeros", ("rng=stuck:0",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "the random number generator gives one word", ("rng=stuck",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "random numbers repeat with each connection", ("rng=repeat",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "random numbers lack bits", ("rng=bias:12bit",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "a seed error", ("rng=seed-error@100ms",), NO_CERTIFICATE),
    Specimen("tls_server", "no memory while a connection is set up", ("alloc=fail:100",)),
    Specimen("tls_server", "no memory while the ClientHello is read", ("alloc=fail:105",)),
    Specimen("tls_server", "no memory in the ServerKeyExchange", ("alloc=fail:1100",)),
    Specimen("tls_server", "no memory in the ClientKeyExchange", ("alloc=fail:75100",), NO_CERTIFICATE),
    Specimen("tls_server", "client offers no curve of the device's",
             options={"openssl": ("-groups", "X25519:X448"), "ssl_client2": ("curves=secp521r1",)}),
    Specimen("tls_server", "client offers no suite of the device's",
             options={"openssl": ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
                      "ssl_client2": ("force_ciphersuite=TLS-ECDHE-RSA-WITH-AES-128-GCM-SHA256",)}),
    Specimen("tls_server", "client offers no version of the device's",
             options={"openssl": ("-tls1_3",), "ssl_client2": ("max_version=tls1_1",)}),
    Specimen("tls_server", "client expects another host name",
             options={"openssl": ("-verify_return_error", "-verify_hostname", "other"),
                      "ssl_client2": ("server_name=other",)}),
    Specimen("tls_server", "client has another CA",
             options={"openssl": ("-verify_return_error", "-CAfile", OTHER_CA),
                      "ssl_client2": (f"ca_file={OTHER_CA}",)}),
    Specimen("tls_server", "the certificate has expired", options=STRICT, date="2024-06-01"),
    Specimen("tls_server", "client's clock is in the past", options=STRICT, date="2010-06-01"),
)  # fmt: skip


def specimens() -> list[Specimen]:
    variants = [Specimen(name, _proves(name), (), row.get("options", {})) for name, row in VARIANTS.items()]
    return [*variants, *INJECTED]


def _proves(image: str) -> str:
    import tomllib

    manifest = tomllib.loads((ROOT / "images" / "manifest.toml").read_text())
    return str(manifest["image"][image]["proves"])


def examine(specimen: Specimen) -> dict[str, Any]:
    """Both clients, each in a run of its own; an injected fault hits one connection."""
    seen: dict[str, Counter[str]] = {who: Counter() for who in (*CLIENTS, "server")}
    verdicts: Counter[str] = Counter()
    findings: dict[str, str] = {}
    count = 1 if any(fault.startswith("alloc") for fault in specimen.faults) else CONNECTIONS
    for client in CLIENTS:
        summary = _run(specimen, client, count, seen)
        verdicts[summary["tls"]["verdict"]["id"] if summary["tls"]["verdict"] else "none"] += 1
        for finding in summary["findings"]:
            findings.setdefault(finding["check"], _plain(finding["text"]))
    return {
        "command": specimen.command,
        "what": specimen.what,
        "seen": {who: dict(symptoms) for who, symptoms in seen.items()},
        "verdicts": dict(verdicts),
        "findings": findings,
    }


def _run(specimen: Specimen, client: str, count: int, seen: dict[str, Counter[str]]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        injected = [word for fault in specimen.faults for word in ("--fault", fault)]
        words = [*CHECKS, "--duration", lifetime(count), "--seed", SOMETIMES.get(specimen.image, "0")]
        elf = str(IMAGES / f"{specimen.image}.elf")
        run = Run(elf, "--port", f"{free_port()}:4433", *words, *injected, "--json", file.name)
        try:
            for _ in range(count):
                at_client, at_server = observe(run, client, specimen.options.get(client, ()), date=specimen.date)
                seen[client][at_client] += 1
                seen["server"][at_server] += 1
                if at_server in ("hangs", "faults"):
                    break
        finally:
            run.end()
        return dict(json.loads(Path(file.name).read_text()))


def _plain(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r":? \d+ of \d+ bytes.*| at 0x\w+.*|: NULL for.*", "", text)


def twin(network: Network) -> Iterator[dict[str, Any]]:
    """What clients make of the twin's scripted faults, as the tests of these measure it, and the verdicts."""
    site = make_site([make_identity(parsed(GOOD.chain), GOOD.chain[0].key)])
    with serving(site, patience=2 * PATIENCE) as server:
        for fault in FAULTS:
            site.conduct = parse_fault(fault.name)
            seen = zip(COLUMNS, REACTIONS[fault.name], strict=True)
            yield {
                "command": f"stm32emu serve --fault {fault.name}",
                "what": f"{fault.name}, scripted: {_clause(fault.help)}",
                "seen": {client: {_symptom(word): 1} for client, word in seen},
                "verdicts": Counter(_verdict_of_two(network, server.port, words) for words in VISITORS),
                "findings": {},
            }


VISITORS = (
    ("openssl", "s_client", "-connect", "{address}", "-tls1_2", "-maxfraglen", "512"),
    (str(SSL_CLIENT2), "server_addr={host}", "server_port={port}", "auth_mode=none"),
)


def _verdict_of_two(network: Network, port: int, words: Sequence[str]) -> str:
    """Over two connections."""
    seen = [evidence_of(network.observe(Client(words, PATIENCE), port)) for _ in range(2)]
    return diagnose(Case(seen)).id


def chains(network: Network) -> Iterator[dict[str, Any]]:
    """What clients that verify make of certificates that are not valid."""
    with serving(make_site([make_identity(parsed(GOOD.chain), GOOD.chain[0].key)])) as server:
        for name, due in DUE.items():
            case = CASES[name]()
            if due == FINE or case.private:
                continue
            seen = {
                client.__name__: _visited(network, client, case, server) for client in (openssl, gnutls, ssl_client2)
            }
            yield {
                "command": "stm32emu doctor certs --cert server.crt --key server.key --ca ca.crt",
                "what": f"the server's certificates: {_clause(CASES[name].__doc__ or name)}",
                "seen": {client: {symptom: 1} for client, (symptom, _) in seen.items()},
                "verdicts": Counter(verdict for symptom, verdict in seen.values() if symptom != "page"),
                "findings": {},
            }


def _visited(network: Network, client: Visitor, case: bad_chains.Case, server: Twin) -> tuple[str, str]:
    """The client's symptom, and the verdict where the CA is known."""
    with tempfile.NamedTemporaryFile() as ca:
        evidence = visited(client, case, network, server, Path(ca.name))
    _alone, with_ca = verdicts(evidence, case)
    if evidence.alert is None:
        return "page", with_ca.id
    side, alert = evidence.alert
    return f"{alert} {'sent' if side is Side.CLIENT else 'received'}", with_ca.id


def _clause(sentence: str) -> str:
    """A sentence as the end of another."""
    first = sentence[0] if sentence[1].isupper() else sentence[0].lower()  # as in "RSA with 1024 bits."
    return first + sentence[1:].rstrip(".")


def _symptom(word: str) -> str:
    """A reaction in the atlas's words."""
    server, _, alert = word.rpartition(" ")
    other = {"closed": "EOF", "waits": "hangs", "close": "closes"}.get(word, word)
    return f"{alert} {'received' if server else 'sent'}" if alert.isdecimal() else other


def versions() -> dict[str, str]:
    openssl = subprocess.run(["openssl", "version"], capture_output=True, check=True, text=True).stdout.split()[1]
    with (IMAGES / "src" / "mbedtls" / "include" / "mbedtls" / "version.h").open() as header:
        mbedtls = re.search(r'VERSION_STRING +"([\d.]+)"', header.read())
    assert mbedtls
    assert HOST.exists()
    return {"OpenSSL": openssl, "mbedTLS": mbedtls[1], "Unicorn": unicorn_version()}


def main() -> None:
    network = Network()
    found = []
    for specimen in specimens():
        found.append(examine(specimen))
        print(f"{specimen.command}: {found[-1]['seen']} -> {found[-1]['verdicts']}", file=sys.stderr, flush=True)
    atlas = {"versions": versions(), "faults": [*found, *twin(network), *chains(network)]}
    (ROOT / "emu" / "atlas.json").write_text(json.dumps(atlas, indent=1) + "\n")


if __name__ == "__main__":
    main()
