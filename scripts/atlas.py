# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes emu/atlas.json from runs of the faulty variants with both clients (`make atlas`): a quarter of an hour."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs import IMAGES, Run, free_port
from stm32emu.cpu import unicorn_version
from stm32emu.netbridge.tls.twin.faults import FAULTS
from symptoms import HOST, lifetime, observe
from test_fault_symptoms import NO_CERTIFICATE
from test_twin_faults import COLUMNS, REACTIONS
from test_variants import SOMETIMES, VARIANTS

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ("openssl", "ssl_client2")
CONNECTIONS = 2
CHECKS = ("--check", "alloc,heap,stack")


@dataclass(frozen=True)
class Specimen:
    """A fault to be run: the image, what is injected, what clients are told besides."""

    image: str
    what: str
    faults: tuple[str, ...] = ()
    options: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def command(self) -> str:
        injected = "".join(f" --fault {fault}" for fault in self.faults)
        return f"stm32emu run images/build/{self.image}.elf --port 4433{injected}"


INJECTED = (
    Specimen("tls_server", "nothing is wrong"),
    Specimen("tls_server-hardware-rng", "the random number generator gives zeros", ("rng=stuck:0",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "the random number generator gives one word", ("rng=stuck",), NO_CERTIFICATE),
    Specimen("tls_server-hardware-rng", "random numbers repeat with each connection", ("rng=repeat",), NO_CERTIFICATE),
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
                at_client, at_server = observe(run, client, specimen.options.get(client, ()))
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


def twin() -> list[dict[str, Any]]:
    """What clients make of the twin's scripted faults, as the tests of these measure it."""
    return [
        {
            "command": f"stm32emu serve --fault {fault.name}",
            "what": f"{fault.name}, scripted: {fault.help[0].lower()}{fault.help[1:].rstrip('.')}",
            "seen": {client: {_symptom(word): 1} for client, word in zip(COLUMNS, REACTIONS[fault.name], strict=True)},
            "verdicts": {},
            "findings": {},
        }
        for fault in FAULTS
    ]


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
    found = []
    for specimen in specimens():
        found.append(examine(specimen))
        print(f"{specimen.command}: {found[-1]['seen']} -> {found[-1]['verdicts']}", file=sys.stderr, flush=True)
    atlas = {"versions": versions(), "faults": [*found, *twin()]}
    (ROOT / "emu" / "atlas.json").write_text(json.dumps(atlas, indent=1) + "\n")


if __name__ == "__main__":
    main()
