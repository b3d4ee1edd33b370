# SPDX-License-Identifier: GPL-2.0-or-later
"""`make tlsfuzzer TLSFUZZER=FOLDER`: tlsfuzzer's scripts for TLS 1.2 against the Python TLS server.

FOLDER is a checkout of tlsfuzzer, which is in no package index; its libraries are. Every script that applies must have
no failed conversation but those that `table.py` explains. Ends with 1 if one has.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
LIBRARIES = ROOT / "build" / "tlsfuzzer"
PATIENCE = 120  # seconds for one script
FAILED = re.compile(r"^FAILED:\n((?:\t.*\n)+)", re.MULTILINE)

from stm32emu.netbridge.tls.twin.ciphers import CIPHERS  # noqa: E402
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy, signature_schemes  # noqa: E402
from table import COMMIT, ELSEWHERE, LIBRARY, SCRIPTS, Script  # noqa: E402
from twin_server import Authority, Twin, identity_of, make_site, serving  # noqa: E402


def fail(sentence: str) -> int:
    print(f"tlsfuzzer: {sentence}", file=sys.stderr)
    return 2


def install() -> bool:
    """tlsfuzzer's own library, pinned, into a folder of its own."""
    if (LIBRARIES / "tlslite").is_dir():
        return True
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    return subprocess.run([*pip, "--target", str(LIBRARIES), LIBRARY], check=False).returncode == 0


def run(script: str, entry: Script, folder: Path, twin: Twin, client: dict[str, str]) -> tuple[set[str], str]:
    """The conversations that failed, and how the script ended if it did not get to its end."""
    words = [client.get(word, word) for word in shlex.split(entry.words)]
    command = [sys.executable, "-W", "ignore", str(folder / "scripts" / f"{script}.py")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(LIBRARIES), str(folder)))}
    done = subprocess.run(
        [*command, "-h", "127.0.0.1", "-p", str(twin.port), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    failed = {name.strip().strip("'\"") for block in FAILED.findall(done.stdout) for name in block.splitlines()}
    ended = re.search(r"^TOTAL: \d+$", done.stdout, re.MULTILINE)
    return failed, "" if ended else (done.stderr.strip().splitlines() or ["no result"])[-1]


def unexplained(entry: Script, failed: set[str]) -> list[str]:
    """What failed without an explanation. An explained one need not fail: the scripts draw a sample of their own."""
    return sorted(name for name in failed if not any(re.search(pattern, name) for pattern in entry.explained))


def main(words: list[str]) -> int:
    if not words or not (Path(words[0]) / "tlsfuzzer").is_dir():
        return fail(f"give a checkout of tlsfuzzer, at {COMMIT}: make tlsfuzzer TLSFUZZER=FOLDER")
    if not install():
        return fail(f"pip could not install {LIBRARY}")
    folder, bad = Path(words[0]), 0
    for script in sorted(set(SCRIPTS) if len(words) == 1 else words[1:]):
        with tempfile.TemporaryDirectory() as temporary:
            bad += test(script, folder, Path(temporary))
    print(f"{len(SCRIPTS)} scripts apply, {bad} went wrong; {len(ELSEWHERE)} do not apply")
    return 1 if bad else 0


def test(script: str, folder: Path, temporary: Path) -> bool:
    """One script against a server of its own, and a line about it; whether it went wrong."""
    entry, authority = SCRIPTS[script], Authority(temporary)
    elliptic = authority.issue("localhost", ec.generate_private_key(ec.SECP256R1()))
    kinds = {"rsa": rsa.generate_private_key(65537, 2048), "ecdsa": ec.generate_private_key(ec.SECP256R1())}
    client = authority.issue("client", kinds[entry.client or "rsa"])
    classic = authority.issue("classic", kinds["rsa"])
    policy = Policy(
        suites=(*Policy().suites, *sorted(CIPHERS.keys() - Policy().suites, reverse=True)),
        groups=(23, 24, 25, 29, 30),
        schemes=signature_schemes((4, 5, 6, 3, 2)),
        requested=signature_schemes((6, 5, 4, 3, 2)),
        authorities=(authority.root.parsed,),
        client_auth=ClientAuth.OPTIONAL if entry.client else ClientAuth.NONE,
    )
    policy = replace(policy, protocols=("http/1.1", "h2")) if entry.alpn else policy
    with serving(make_site([identity_of(classic), identity_of(elliptic)], policy), patience=10) as twin:
        failed, ended = run(script, entry, folder, twin, {"KEY": str(client.pem), "CERT": str(client.crt)})
    left = unexplained(entry, failed)
    verdict = ended or (f"FAILED: {', '.join(left)}" if left else "pass")
    explained = f" ({len(failed)} conversations explained)" if failed and not left else ""
    print(f"{script:60}{verdict}{explained}", flush=True)
    return verdict != "pass"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
