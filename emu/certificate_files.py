# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates in files that a user names."""

from __future__ import annotations

from pathlib import Path

from stm32emu.errors import as_user_errors
from stm32emu.netbridge.tls.certificate import Certificate, CertificateError, read_certificates


def certificates_in(path: Path | None) -> tuple[Certificate, ...]:
    """All of the file, in its order; none without a file. Raises UserError if it cannot be read."""
    with as_user_errors(CertificateError):
        return tuple(read_certificates(path)) if path else ()
