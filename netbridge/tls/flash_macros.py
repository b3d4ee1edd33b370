# SPDX-License-Identifier: GPL-2.0-or-later
"""What of mbedTLS is compiled for the sake of single options, and what a device loses without them.

Functions and files are named as 2.16 to 3.6 have them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .config import Config
from .config_rules import Build
from .config_rules.abilities import missing_for_suite


@dataclass(frozen=True)
class Macro:
    """One option, without MBEDTLS_, and what goes with it: regular expressions of whole names of functions and objects,
    of files, and of texts that tables and calls of others have for it. `needed_by` are options that do not compile
    without it; `beside` is one without which it has to stay. `loss` says who misses it. `shrinks` says how many bytes
    an object gets shorter, by its contents."""

    option: str
    loss: str
    names: str = ""
    files: str = ""
    texts: str = ""
    needed_by: tuple[str, ...] = ()
    beside: str = ""
    shrinks: Callable[[bytes], int] = lambda contents: 0


def _pem_as_der(contents: bytes) -> int:
    """What PEM (RFC 7468), with nothing around it but white space and a NUL, takes more than DER."""
    blocks = re.findall(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----", contents)
    rest = re.sub(rb"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----", b"", contents).strip(b"\0\r\n\t ")
    texts = [b"".join(text.split()) for _label, text in blocks]
    return 0 if rest or not texts else len(contents) - sum(len(text) * 3 // 4 - text.count(b"=") for text in texts)


def _file(option: str, file: str, loss: str, texts: str = "", needed_by: tuple[str, ...] = ()) -> Macro:
    """An option that is one source file with the functions named like it."""
    return Macro(option, loss, rf"(mbedtls_)?{file}_\w+", rf"{file}\.c", texts, needed_by)


def _curve(option: str, name: str, reduction: str, loss: str) -> Macro:
    """A curve: its constants are named like it, `reduction` is the function that reduces modulo its prime."""
    names = rf"{name}_\w+|ecp_use_{name}|{reduction}"
    return Macro(f"ECP_DP_{option}_ENABLED", loss, names, texts=name.replace("curve", "x"))


_OLD = "nothing that a client of today asks for"
_DHE = ("KEY_EXCHANGE_DHE_RSA_ENABLED", "KEY_EXCHANGE_DHE_PSK_ENABLED")
_TLS_1_1 = ("SSL_PROTO_SSL3", "SSL_PROTO_TLS1", "SSL_PROTO_TLS1_1")
MACROS = (
    Macro(
        "DEBUG_C", "nothing: only the log that mbedtls_ssl_conf_dbg shows; stm32emu run --trace mbedtls shows as much",
        r"(mbedtls_)?debug_\w+", r"debug\.c",
    ),
    _file("ERROR_C", "error", "nothing: error codes as words, mbedtls_strerror"),
    Macro("CERTS_C", "mbedTLS's test certificates, which no product may use", r"mbedtls_test_\w+", r"certs\.c"),
    Macro("SELF_TEST", "nothing: tests of the algorithms at start", r"mbedtls_\w+_self_test"),
    _file("VERSION_C", "version", "nothing: the version as text", needed_by=("VERSION_FEATURES",)),
    Macro("VERSION_FEATURES", "nothing: the options as text", r"mbedtls_version_check_feature", r"\w+_features\.c"),
    Macro(
        "PEM_PARSE_C", "certificates and keys in PEM: store them as DER, which is also a quarter smaller",
        r"mbedtls_pem_\w+", r"pem\.c", r"-----(BEGIN|END) .*-----", shrinks=_pem_as_der,
    ),
    _file("BASE64_C", "base64", "PEM", needed_by=("PEM_PARSE_C", "PEM_WRITE_C")),
    Macro(
        "PK_PARSE_EC_EXTENDED", "EC keys whose curve is spelled out in parameters instead of named, as hardly any are",
        r"pk_group_(id_)?from_(specified|group)",
    ),
    Macro(
        "SHA512_C", "suites with SHA384, and certificates signed with SHA-384 or SHA-512: clients that insist on them",
        r"mbedtls_sha(384|512)_\w+|(ssl_)?\w+_sha384", r"sha512\.c",
        r"TLS-.*-SHA384|SHA(384|512)|.*(-with-| with )SHA-?(384|512)|id-sha(384|512)",
    ),
    _file("SHA1_C", "sha1", "certificates with SHA-1, which clients refuse; suites with -SHA", "SHA1", _TLS_1_1),
    _file("MD5_C", "md5", _OLD, "MD5", _TLS_1_1),
    _file("RIPEMD160_C", "ripemd160", _OLD, "RIPEMD160"),
    _file("DES_C", "des", "suites with 3DES, which clients no longer offer", "TLS-.*-3DES-.*"),
    _file("ARC4_C", "arc4", _OLD, "TLS-.*-RC4-.*"),
    _file("CAMELLIA_C", "camellia", _OLD, "TLS-.*-CAMELLIA-.*"),
    _file("ARIA_C", "aria", _OLD, "TLS-.*-ARIA-.*"),
    _file("CCM_C", "ccm", "suites with CCM: constrained IoT clients that have nothing else", "TLS-.*-CCM.*"),
    _file("GCM_C", "gcm", "suites with GCM, which most clients prefer", "TLS-.*-GCM-.*"),
    _file("CHACHAPOLY_C", "chachapoly", "suites with ChaCha20-Poly1305; all clients have AES", "TLS-.*-CHACHA20-.*"),
    _curve("SECP192R1", "secp192r1", "ecp_mod_p192", _OLD),
    _curve("SECP224R1", "secp224r1", "ecp_mod_p224", _OLD),
    _curve("SECP256R1", "secp256r1", "ecp_mod_p256", "nearly all EC certificates, and clients without another curve"),
    _curve("SECP384R1", "secp384r1", "ecp_mod_p384", "certificates on P-384; clients that have it have P-256 too"),
    _curve("SECP521R1", "secp521r1", "ecp_mod_p521", "certificates on P-521; clients that have it have P-256 too"),
    _curve("SECP192K1", "secp192k1", "ecp_mod_p192k1", _OLD),
    _curve("SECP224K1", "secp224k1", "ecp_mod_p224k1", _OLD),
    _curve("SECP256K1", "secp256k1", "ecp_mod_p256k1", _OLD),
    _curve("BP256R1", "brainpoolP256r1", "ecp_mod_bp256", "clients that insist on Brainpool's curves, as agencies do"),
    _curve("BP384R1", "brainpoolP384r1", "ecp_mod_bp384", "clients that insist on Brainpool's curves, as agencies do"),
    _curve("BP512R1", "brainpoolP512r1", "ecp_mod_bp512", "clients that insist on Brainpool's curves, as agencies do"),
    _curve("CURVE25519", "curve25519", "ecp_mod_p255", "the curve that most clients prefer; they have P-256 too"),
    _curve("CURVE448", "curve448", "ecp_mod_p448", _OLD),
    Macro(
        "SSL_MAX_FRAGMENT_LENGTH", "small clients that ask for short records; browsers do not",
        r"ssl_(parse|write)_max_fragment_length_ext|ssl_mfl_code_to_length|"
        r"mbedtls_ssl_(conf_max_frag_len|get_((in|out)put_)?max_frag_len)", texts=r".*max.fragment.length ext.*",
    ),
    Macro(
        "SSL_RENEGOTIATION", "peers that renegotiate a connection, which TLS 1.3 no longer knows",
        r"mbedtls_ssl_(conf_)?renegotiat\w+|ssl_start_renegotiation|ssl_(write|resend)_hello_request",
    ),
    Macro("SSL_ALPN", "choice of a protocol, as HTTP/2 needs", r"ssl_(parse|write)_alpn_ext|mbedtls_ssl_\w*alpn\w*"),
    Macro(
        "SSL_SERVER_NAME_INDICATION", "several certificates behind one address", r"ssl_parse_servername_ext|"
        r"mbedtls_ssl_(conf_sni|set_hs_\w+)",
    ),
    Macro(
        "SSL_EXTENDED_MASTER_SECRET", "protection of resumed sessions; some clients insist on it",
        r"ssl_(parse|write)_extended_ms_ext|mbedtls_ssl_conf_extended_master_secret",
    ),
    Macro(
        "SSL_ENCRYPT_THEN_MAC", "protection of CBC suites; nothing if there are only AEAD suites",
        r"ssl_(parse|write)_encrypt_then_mac_ext|mbedtls_ssl_conf_encrypt_then_mac",
    ),
    Macro(
        "SSL_SESSION_TICKETS", "fast reconnection by tickets", r"ssl_(parse|write)_(new_)?session_ticket(_ext)?|"
        r"mbedtls_ssl_\w*ticket\w*", r"ssl_ticket\.c",
    ),
    Macro(
        "SSL_CLI_C", "connections that the device opens: a server needs none", r"mbedtls_ssl_handshake_client_step",
        r"ssl_(tls1[23]_)?cli(ent)?\.c", beside="SSL_SRV_C",
    ),
    Macro(
        "SSL_SRV_C", "connections to the device: a client needs none", r"mbedtls_ssl_handshake_server_step",
        r"ssl_srv\.c|ssl_tls1[23]_server\.c", needed_by=("SSL_DTLS_HELLO_VERIFY", "SSL_COOKIE_C"), beside="SSL_CLI_C",
    ),
    _file("SSL_CACHE_C", "ssl_cache", "fast reconnection by session id"),
    _file("X509_CRL_PARSE_C", "x509_crl", "lists of revoked client certificates"),
    _file("X509_CSR_PARSE_C", "x509_csr", "nothing that a server does in a handshake"),
    _file("DHM_C", "dhm", "suites with DHE, which browsers dropped", needed_by=_DHE),
    _file("HMAC_DRBG_C", "hmac_drbg", "deterministic ECDSA", needed_by=("ECDSA_DETERMINISTIC",)),
)  # fmt: skip


def droppable(config: Config) -> Iterator[Macro]:
    """Those that are on, that no other option needs, and without which a suite of SSL_CIPHERSUITES is left."""
    for macro in MACROS:
        stays = any(other in config for other in macro.needed_by) or (macro.beside and macro.beside not in config)
        if macro.option in config and not stays:
            options = {name: option for name, option in config.options.items() if name != macro.option}
            if _negotiates(replace(config, options=options)):
                yield macro


def _negotiates(config: Config) -> bool:
    """Whether one of the suites that are listed can be; without a list there is no telling, which counts as yes."""
    suites = config.words("SSL_CIPHERSUITES")
    build = Build.of(config)
    return not suites or not all(missing_for_suite(suite, build) for suite in suites)
