# SPDX-License-Identifier: GPL-2.0-or-later
"""Codecs of everything on the cable: frozen dataclasses with `parse(bytes) -> X` and `emit() -> bytes`.

For every codec `parse(emit(x)) == x`. Bytes that are not what they should be raise a `WireError` that says what is
wrong. Addresses are `ipaddress.IPv4Address` and `Mac`; numbers are in host order; times do not occur here.
"""
