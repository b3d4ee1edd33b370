# SPDX-License-Identifier: GPL-2.0-or-later
"""mbedTLS as a symbol table shows it: which functions return error codes, and the states of a handshake."""

from __future__ import annotations

import re

from stm32emu.symbols import Symbol, Symbols

STEPS = (
    *("mbedtls_ssl_handshake_step", "mbedtls_ssl_handshake_server_step", "mbedtls_ssl_handshake_client_step"),
    *("mbedtls_ssl_tls13_handshake_server_step", "mbedtls_ssl_tls13_handshake_client_step"),
)
"""Functions that process one state of a handshake; the first argument is the mbedtls_ssl_context."""
STATE_OFFSET = 4
"""Where that has `state`, after a pointer, in 2.16 to 3.6."""
STATES = (
    *("hello request", "client hello", "server hello", "server certificate", "server key exchange"),
    *("certificate request", "server hello done", "client certificate", "client key exchange", "certificate verify"),
    *("client change cipher spec", "client finished", "server change cipher spec", "server finished"),
    *("flush buffers", "handshake wrap-up", "handshake over"),
)
"""mbedtls_ssl_states of TLS 1.2, as 2.16 to 3.1 number them; later ones differ from the last on."""

_FUNCTIONS = re.compile(
    r"mbedtls_|(?:ssl|ecp|ecdsa|ecdh|eckey|mpi|x509|pk|rsa|dhm|asn1|pem|pkcs5|pkcs12|ctr_drbg|hmac_drbg|entropy|gcm|ccm"
    r"|cipher|aes)_"
)
"""The library's functions: public names begin with mbedtls_, static ones with their module's."""
_NO_CODES = re.compile(
    r".*_(?:init|free|zeroize|calloc)|.*_cmp(?:_\w+)?|mbedtls_debug_\w+|mbedtls_strerror|mbedtls_free"
    r"|.*_(?:memcmp|memset|lsb|bitlen|get_bit)"
)
"""Functions whose result is no error code, or that have none."""


def failing_functions(symbols: Symbols) -> list[Symbol]:
    """The library's functions that may return error codes."""
    return [
        symbol
        for symbol in symbols
        if symbol.kind == "function" and _FUNCTIONS.match(symbol.name) and not _NO_CODES.fullmatch(symbol.name)
    ]


def state_name(number: int) -> str:
    """What the peers are about to exchange in this state."""
    return STATES[number] if 0 <= number < len(STATES) else f"state {number}"
