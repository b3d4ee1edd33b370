# SPDX-License-Identifier: GPL-2.0-or-later
"""The device's twin from what a user has of the device: files, or the firmware itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stm32emu.certificate_files import certificates_in
from stm32emu.credentials import credentials_in_file
from stm32emu.errors import UserError, as_user_errors
from stm32emu.netbridge.tls.certificate import Certificate, CertificateError, read_certificates
from stm32emu.netbridge.tls.config import ConfigError, read_config
from stm32emu.netbridge.tls.config_rules import Build
from stm32emu.netbridge.tls.private_key import KeyFileError, read_private_key
from stm32emu.netbridge.tls.twin.conduct import Conduct
from stm32emu.netbridge.tls.twin.device_policy import PolicyError, policy_of
from stm32emu.netbridge.tls.twin.faults import FaultError, parse_fault
from stm32emu.netbridge.tls.twin.identity import Identity, IdentityError, make_identity
from stm32emu.netbridge.tls.twin.policy import ClientAuth, Policy
from stm32emu.netbridge.tls.twin.resumption import TicketSealer
from stm32emu.netbridge.tls.twin.site import Site

_USERS = (ConfigError, CertificateError, KeyFileError, PolicyError, IdentityError)


@dataclass(frozen=True)
class TwinOptions:
    """What makes a twin.

    Attributes:
        certs, keys: files, as many of one as of the other; or neither, and `elf`, in which they are found.
        ca: who signs clients' certificates; in a firmware its own roots do unless this is given.
        config: the device's config.h, `folders` where its includes are, `mbedtls` its version if not the likeliest.
            None for a server that does all it can.
        protocols: ALPN's.
        fault: how it misbehaves, "" for not at all.
    """

    certs: Sequence[Path] = ()
    keys: Sequence[Path] = ()
    elf: Path | None = None
    ca: Path | None = None
    config: Path | None = None
    folders: Sequence[Path] = ()
    mbedtls: str | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    protocols: tuple[str, ...] = ()
    fault: str = ""


def make_site(options: TwinOptions) -> Site:
    """Everything that the twin's connections share. Raises UserError."""
    conduct = _conduct(options.fault)
    with as_user_errors(*_USERS):
        identities, roots = _identities(options)
        policy = replace(_policy(options), authorities=roots, protocols=options.protocols)
    if policy.client_auth is ClientAuth.REQUIRED and not roots:
        raise UserError("--client-auth required needs --ca FILE, the authority that signs clients' certificates")
    return Site(identities, policy, TicketSealer(os.urandom), conduct)


def _conduct(fault: str) -> Conduct:
    with as_user_errors(FaultError, where="--fault"):
        return parse_fault(fault) if fault else Conduct()


def _policy(options: TwinOptions) -> Policy:
    if options.config is None:
        return Policy(client_auth=options.client_auth)
    config = read_config(options.config, options.folders)
    return policy_of(Build.of(config, options.mbedtls), options.client_auth)


def _identities(options: TwinOptions) -> tuple[list[Identity], tuple[Certificate, ...]]:
    roots = certificates_in(options.ca)
    if len(options.certs) != len(options.keys):
        raise UserError("give a --key for each --cert, in the same order")
    if options.certs:
        pairs = zip(options.certs, options.keys, strict=True)
        return [make_identity(read_certificates(cert), read_private_key(key)) for cert, key in pairs], roots
    if options.elf is None:
        raise UserError("whose twin is it? give --cert and --key, or --elf FIRMWARE.ELF to find them in the firmware")
    credentials = credentials_in_file(options.elf)
    identities = [make_identity(each.chain, each.key) for each in credentials.presented if each.key]
    if not identities:
        raise UserError(f"{options.elf} holds no certificate with its key: give the files with --cert and --key")
    return identities, roots or tuple(credentials.roots)
