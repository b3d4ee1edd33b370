# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetch ST's SVD files, the outside judge of our register declarations, into build/svd/.

They come inside the source distribution of `cmsis-svd` on the Python package index, by the machine's own pip, and are
checked against a pinned SHA-256. ST's licence lets us read them in place; they are never committed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "cmsis-svd==0.4"
ARCHIVE = "cmsis-svd-0.4.tar.gz"
SHA256 = "b5f439fc6bbc43c9b56dd822f1f764359d503c685a42f913a1cfc2a3c6c42b2c"
FOLDER = "cmsis-svd-0.4/cmsis_svd/data/STMicro/"
DEVICES = tuple(f"STM32F{name}x" for name in ("40", "41", "427", "429", "437", "439", "446", "46_79"))
TARGET = Path(__file__).resolve().parent.parent / "build" / "svd"


def download(folder: Path) -> Path:
    """The source archive in `folder`; exits with a sentence when pip fails or the archive is not the pinned one."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps", PACKAGE]
    if subprocess.run([*command, "--dest", str(folder)], check=False).returncode:
        sys.exit(f"fetch_svd: pip could not download {PACKAGE}; the register oracle test needs it, nothing else does")
    archive = folder / ARCHIVE
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(f"fetch_svd: {ARCHIVE} has SHA-256 {digest}, expected {SHA256}; it is not the file we pinned")
    return archive


def extract(archive: Path) -> None:
    """Write the SVD files of DEVICES to TARGET, each complete or not at all."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for device in DEVICES:
            member = tar.extractfile(f"{FOLDER}{device}.svd")
            assert member is not None, device
            partial = TARGET / f"{device}.partial"
            partial.write_bytes(member.read())
            partial.rename(TARGET / f"{device}.svd")


def main() -> None:
    """Fetch unless every file is there already."""
    if all((TARGET / f"{device}.svd").exists() for device in DEVICES):
        return
    print(f"fetching ST's SVD files ({PACKAGE}, 35 MB) into build/svd", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        extract(download(Path(folder)))


if __name__ == "__main__":
    main()
