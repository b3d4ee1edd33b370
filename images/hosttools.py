# SPDX-License-Identifier: GPL-2.0-or-later
"""mbedTLS's own programs for the host, and its test certificates: what tests talk to devices and their twins with.

Same tarball as the firmware's, default configuration. Results: `images/build/host/{ssl_client2,ssl_server2,cert_app}`
and `images/build/host/certs/`.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sources import BuildError, unpacked
from toolchain import Step, build

_SSL = ("programs/ssl/ssl_test_lib.c", "programs/test/query_config.c", "tests/src/helpers.c")
PROGRAMS = {
    "ssl_client2": ("programs/ssl/ssl_client2.c", *_SSL),
    "ssl_server2": ("programs/ssl/ssl_server2.c", *_SSL),
    "cert_app": ("programs/x509/cert_app.c",),
}
# File name here -> macro in library/certs.c, the very text that the device is built from.
CERTIFICATES = {
    "ca.crt": "TEST_CA_CRT_EC_PEM",
    "client.crt": "TEST_CLI_CRT_EC_PEM",
    "client.key": "TEST_CLI_KEY_EC_PEM",
    "server5.crt": "TEST_SRV_CRT_EC_PEM",
    "server5.key": "TEST_SRV_KEY_EC_PEM",
}


def build_host_tools(images: Path, folder: Path | None) -> None:
    """Build the programs and write the certificates; does nothing that is already done."""
    if not shutil.which("gcc"):
        raise BuildError("gcc is missing; install the Debian packages gcc and libc6-dev.")
    tree = unpacked("mbedtls", images / "build", folder)
    host = images / "build" / "host"
    library = [_compile(tree, host, source) for source in sorted((tree / "library").glob("*.c"))]
    steps = list(library)
    for name, sources in PROGRAMS.items():
        own = [_compile(tree, host, tree / source) for source in sources]
        steps += [*own, _link(images, host / name, [*own, *library])]
    build(list(dict.fromkeys(steps)))  # programs share objects
    write_certificates(tree, host / "certs")
    print("images/build/host is up to date")


def _compile(tree: Path, host: Path, source: Path) -> Step:
    output = host / "obj" / f"{source.stem}.o"
    include = ("-Iinclude", "-Ilibrary", "-Itests/include", "-Iprograms/ssl")
    files = ("-MMD", "-MF", str(output.with_suffix(".d")), "-c", str(source.relative_to(tree)), "-o", str(output))
    return Step(("gcc", "-O2", *include, *files), output, f"host: {source.name}", tree)


def _link(images: Path, program: Path, objects: list[Step]) -> Step:
    inputs = tuple(step.output for step in objects)
    return Step(("gcc", *map(str, inputs), "-o", str(program)), program, f"host: {program.name}", images, inputs)


def write_certificates(tree: Path, certs: Path) -> None:
    """Write mbedTLS's test certificates and keys as PEM files."""
    text = (tree / "library/certs.c").read_text()
    certs.mkdir(parents=True, exist_ok=True)
    for name, macro in CERTIFICATES.items():
        block = re.search(rf"#define {macro}\s(.*?)/\* END FILE", text, re.S)
        if block is None:
            raise BuildError(f"mbedTLS's certs.c has no {macro}; the pinned tarball is not what was expected.")
        lines = re.findall(r'"([^"]*?)(?:\\r)?\\n"', block[1])
        (certs / name).write_text("\n".join(lines) + "\n")
