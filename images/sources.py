# SPDX-License-Identifier: GPL-2.0-or-later
"""Upstream tarballs of mbedTLS and lwIP: fetched as Debian 12 source packages, checked, unpacked.

The machine's own apt does the fetching (its mirrors, keyrings and proxies), with a private state directory, so neither
root nor a `deb-src` line in the machine's configuration is needed. Nothing fetched is ever committed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RELEASE = "bookworm"


class BuildError(Exception):
    """Something the user has to know; the message is one sentence."""


@dataclass(frozen=True)
class Tarball:
    """One pinned upstream tarball: Debian source package, file name in the pool, SHA-256 of the file."""

    package: str
    filename: str
    sha256: str


TARBALLS = {
    "mbedtls": Tarball(
        "mbedtls",
        "mbedtls_2.28.3.orig.tar.gz",
        "3b4953aa55a681e084d31892d9904cc5328d6b4958ea57b90ae4b4f94ae69a8d",
    ),
    "lwip": Tarball(
        "lwip",
        "lwip_2.1.3+dfsg1.orig.tar.xz",
        "0a8276d09fc4e97bbba2f953d74af2388fc2195ea156be9d7589e297a68fde24",
    ),
}


def unpacked(name: str, build: Path, folder: Path | None) -> Path:
    """The source tree of `name` below `build`, fetched (or taken from `folder`) and unpacked if it is not there yet."""
    tarball = TARBALLS[name]
    tree = build / "src" / name
    stamp = tree / ".unpacked"
    if stamp.is_file() and stamp.read_text() == tarball.sha256:
        return tree
    archive = _checked(tarball, folder) if folder else _cached(tarball, build)
    print(f"unpacking {archive.name}", flush=True)
    shutil.rmtree(tree, ignore_errors=True)
    _unpack(archive, tree)
    stamp.write_text(tarball.sha256)
    return tree


def _cached(tarball: Tarball, build: Path) -> Path:
    cache = build / "sources"
    if not (cache / tarball.filename).is_file():
        _fetch(cache, build / "apt")
    return _checked(tarball, cache)


def _checked(tarball: Tarball, folder: Path) -> Path:
    archive = folder / tarball.filename
    if not archive.is_file():
        raise BuildError(f"{folder} has no {tarball.filename} (the upstream tarball of Debian 12's {tarball.package}).")
    seen = hashlib.sha256(archive.read_bytes()).hexdigest()
    if seen != tarball.sha256:
        raise BuildError(
            f"{archive} is not the pinned tarball (SHA-256 is {seen}, must be {tarball.sha256}); "
            "delete it or put the right file there."
        )
    return archive


def _unpack(archive: Path, tree: Path) -> None:
    """Write the tarball's regular files below `tree`, dropping its single top folder.

    They are dated now, so that objects made from an older tree count as out of date.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content:
                path = tree / member.name.partition("/")[2]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


# --- Debian's apt ---------------------------------------------------------------------------------------------------


def _fetch(cache: Path, state: Path) -> None:
    """Let apt put all tarballs into `cache`; `state` is apt's private state and is thrown away afterwards."""
    names = " and ".join(tarball.filename for tarball in TARBALLS.values())
    how = f"put {names} into a folder and pass it with --sources"
    if not shutil.which("apt-get"):
        raise BuildError(f"This machine has no apt-get to fetch sources with; {how}.")
    lines = list(source_lines(Path("/etc/apt")))
    if not lines:
        raise BuildError(f"This machine's apt knows no {RELEASE} main archive to fetch sources from; {how}.")
    for folder in (cache, state / "lists/partial", state / "archives/partial", state / "download"):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "sources.list").write_text("\n".join(lines) + "\n")
    try:
        print("fetching the sources of mbedTLS and lwIP with apt", flush=True)
        _apt(state, "update")
        _apt(state, "source", "--download-only", *(tarball.package for tarball in TARBALLS.values()))
        for tarball in TARBALLS.values():
            shutil.move(_checked(tarball, state / "download"), cache / tarball.filename)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise BuildError(f"apt could not fetch the sources ({reason[0]}); {how}.") from error
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _apt(state: Path, *command: str) -> None:
    options = {
        "Dir::State": state,
        "Dir::State::lists": state / "lists",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Sandbox::User": "root",
    }
    arguments = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    call = ["apt-get", "-q", *arguments, *command]
    subprocess.run(call, cwd=state / "download", check=True, capture_output=True, text=True)


def source_lines(etc: Path) -> Iterator[str]:
    """`deb-src` lines for every archive of the release's main component that the machine's apt already uses."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    seen: set[str] = set()
    for path in (path for path in files if path.is_file()):
        entries = {".list": _one_line_entries, ".sources": _deb822_entries}.get(path.suffix)
        for line in entries(path.read_text()) if entries else ():
            if line not in seen:
                seen.add(line)
                yield line


def _one_line_entries(text: str) -> Iterator[str]:
    """Entries of the form `deb [options] uri suite component...` (sources.list(5))."""
    words = r"(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>[^#]*)"
    pattern = re.compile(r"\s*deb(?:-src)?\s+(?:\[(?P<options>[^]]*)\]\s+)?" + words)
    for line in text.splitlines():
        entry = pattern.match(line)
        if entry and "main" in entry["rest"].split():
            options = [option for option in (entry["options"] or "").split() if not option.startswith("arch")]
            yield from _entries([entry["uri"]], [entry["suite"]], options)


def _deb822_entries(text: str) -> Iterator[str]:
    """Entries given as stanzas of `Field: value` lines (sources.list(5), deb822 style)."""
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", uncommented):
        fields = {key.lower(): value for key, value in re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.M)}
        if fields.get("enabled", "yes").strip() == "no" or "main" not in fields.get("components", "").split():
            continue
        keyring = fields.get("signed-by", "").strip()
        options = [f"signed-by={keyring}"] if keyring.startswith("/") else []
        if fields.get("trusted", "").strip() == "yes":
            options.append("trusted=yes")
        yield from _entries(fields.get("uris", "").split(), fields.get("suites", "").split(), options)


def _entries(uris: list[str], suites: list[str], options: list[str]) -> Iterator[str]:
    bracket = f"[{' '.join(options)}] " if options else ""
    for uri in uris:
        for suite in suites:
            if suite.split("-")[0] == RELEASE and not uri.startswith("cdrom:"):
                yield f"deb-src {bracket}{uri} {suite} main"
