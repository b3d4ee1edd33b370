# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules about what the chip and the firmware must provide, and about options that do nothing there."""

from __future__ import annotations

from collections.abc import Iterator

from ..mbedtls_options import known
from ..severity import Severity
from .advice import Advice
from .build import Build

ELSEWHERE = {"PADLOCK_C": "x86", "AESNI_C": "x86", "HAVE_SSE2": "x86", "AESCE_C": "Armv8-A"}
"""Option -> the processors that it is for."""
IDLE_WITHOUT = {
    "TLS_DEFAULT_ALLOW_SHA1_IN_KEY_EXCHANGE": ("SHA1_C",),
    "TLS_DEFAULT_ALLOW_SHA1_IN_CERTIFICATES": ("SHA1_C",),
    "ENABLE_WEAK_CIPHERSUITES": ("DES_C", "ARC4_C", "CIPHER_NULL_CIPHER"),
    "SSL_SESSION_TICKETS": ("SSL_TICKET_C", "SSL_CLI_C"),
    "SSL_CBC_RECORD_SPLITTING": ("SSL_PROTO_TLS1", "SSL_PROTO_SSL3"),
    "X509_RSASSA_PSS_SUPPORT": ("RSA_C",),
    "PK_PARSE_EC_EXTENDED": ("ECP_C",),
    "SHA256_SMALLER": ("SHA256_C",),
    "SHA512_SMALLER": ("SHA512_C",),
    "AES_FEWER_TABLES": ("AES_C",),
    "AES_ROM_TABLES": ("AES_C",),
}
"""Option -> those of which it needs one to do anything."""
NOT_ON_BARE_METAL = {
    "TIMING_C": "it needs gettimeofday and signals; give functions of your own with MBEDTLS_TIMING_ALT",
    "HAVEGE_C": "it needs a processor's time stamp counter and TIMING_C",
    "PSA_ITS_FILE_C": "it keeps keys in files, by FS_IO; PSA_CRYPTO_STORAGE_C goes, too, unless psa_its_get is yours",
    "FS_IO": "x509_crt.c includes dirent.h, which newlib has not; on other C libraries it takes flash for files",
}


def without_effect(build: Build) -> Iterator[Advice]:
    config = build.config
    for name, processors in ELSEWHERE.items():
        if name in config:
            why = f"it is for {processors} processors"
            yield Advice(Severity.NOTE, f"MBEDTLS_{name} does nothing here", why, "remove it", config.options[name])
    for name, needed in IDLE_WITHOUT.items():
        if name in config and not any(other in config for other in needed):
            why = f"it needs {' or '.join('MBEDTLS_' + other for other in needed)}"
            yield Advice(Severity.NOTE, f"MBEDTLS_{name} does nothing", why, "remove it", config.options[name])


def not_on_bare_metal(build: Build) -> Iterator[Advice]:
    """What stops the compiler; an ELF has been compiled."""
    for name, why in NOT_ON_BARE_METAL.items() if build.functions is None else ():
        if name in build.config and f"{name.removesuffix('_C')}_ALT" not in build.config:
            what = f"MBEDTLS_{name} does not compile without an operating system"
            yield Advice(Severity.ERROR, what, why, "remove it", build.config.options[name])


def own_sockets(build: Build) -> Iterator[Advice]:
    if "NET_C" in build.config and build.functions is None:
        what, why = "MBEDTLS_NET_C is for operating systems", "its net_sockets.c stops with #error on all others"
        fix = "remove it and set the transport with mbedtls_ssl_set_bio, unless a file of your own takes its place"
        yield Advice(Severity.WARNING, what, why, fix, build.config.options["NET_C"])


def own_milliseconds(build: Build) -> Iterator[Advice]:
    option = build.config.options.get("HAVE_TIME") if known("PLATFORM_MS_TIME_ALT", build.version) else None
    if option and "PLATFORM_MS_TIME_ALT" not in build.config and build.functions is None:
        what = "MBEDTLS_HAVE_TIME does not compile without MBEDTLS_PLATFORM_MS_TIME_ALT"
        why = "since 3.5 platform_util.c stops with #error where there is no POSIX clock"
        fix = "define it and write mbedtls_ms_time, or remove MBEDTLS_HAVE_TIME"
        yield Advice(Severity.ERROR, what, why, fix, option)


SETTERS = {
    "PLATFORM_MEMORY": ("mbedtls_platform_set_calloc_free", "calloc and free"),
    "PLATFORM_PRINTF_ALT": ("mbedtls_platform_set_printf", "printf"),
    "PLATFORM_FPRINTF_ALT": ("mbedtls_platform_set_fprintf", "fprintf"),
    "PLATFORM_SNPRINTF_ALT": ("mbedtls_platform_set_snprintf", "snprintf"),
    "PLATFORM_VSNPRINTF_ALT": ("mbedtls_platform_set_vsnprintf", "vsnprintf"),
    "PLATFORM_EXIT_ALT": ("mbedtls_platform_set_exit", "exit"),
    "PLATFORM_TIME_ALT": ("mbedtls_platform_set_time", "time"),
    "PLATFORM_NV_SEED_ALT": ("mbedtls_platform_set_nv_seed", "functions for the seed file"),
    "THREADING_ALT": ("mbedtls_threading_set_alt", "mutexes"),
}
"""Option -> the function that must be called at run time, and what it replaces."""


def setter_never_called(build: Build) -> Iterator[Advice]:
    """From an ELF it is known; without one, said for the allocator only, on which everything rests."""
    for name, (setter, what) in SETTERS.items():
        if name not in build.config:
            continue
        until = "stubs that fail" if "PLATFORM_NO_STD_FUNCTIONS" in build.config else f"the C library's {what}"
        why = f"until it is called mbedTLS uses {until}"
        option = build.config.options[name]
        if build.functions is not None and setter not in build.functions:
            text = f"MBEDTLS_{name} is on, and the firmware never calls {setter}"
            yield Advice(Severity.WARNING, text, why, "call it before anything else of mbedTLS, or remove it", option)
        elif build.functions is None and name == "PLATFORM_MEMORY":
            text = f"MBEDTLS_{name} needs {setter} to be called with a calloc that clears"
            why += "; one that does not clear corrupts every computation (alerts 47 and 51, -0x4c80)"
            yield Advice(Severity.NOTE, text, why, "stm32emu run ... --check alloc shows whether it does", option)


def entropy(build: Build) -> Iterator[Advice]:
    config = build.config
    if "ENTROPY_C" not in config:
        return
    sources = [name for name in ("ENTROPY_HARDWARE_ALT", "ENTROPY_NV_SEED") if name in config]
    if build.functions is None and not {"NO_PLATFORM_ENTROPY", "NO_DEFAULT_ENTROPY_SOURCES"} & config.options.keys():
        why = "mbedTLS looks for the random numbers of Unix or Windows, and stops with #error"
        what = "MBEDTLS_NO_PLATFORM_ENTROPY is not defined"
        yield Advice(Severity.ERROR, what, why, "define it, and MBEDTLS_ENTROPY_HARDWARE_ALT")
    elif not sources and not (build.functions and "mbedtls_entropy_add_source" in build.functions):
        why = "mbedtls_ctr_drbg_seed fails with -0x0034 unless mbedtls_entropy_add_source gives one"
        yield Advice(
            Severity.ERROR,
            "no source of entropy is configured",
            why,
            "define MBEDTLS_ENTROPY_HARDWARE_ALT and read the chip's RNG in mbedtls_hardware_poll",
        )


def dates(build: Build) -> Iterator[Advice]:
    if "X509_CRT_PARSE_C" in build.config and "HAVE_TIME_DATE" not in build.config:
        why = "without MBEDTLS_HAVE_TIME_DATE mbedTLS never compares them with the time"
        fix = "define it with a clock that is right, or accept expired client certificates knowingly"
        yield Advice(Severity.NOTE, "the device never checks the dates of certificates", why, fix)


def clock(build: Build) -> Iterator[Advice]:
    option = build.config.options.get("HAVE_TIME_DATE")
    if option and not {"PLATFORM_TIME_ALT", "PLATFORM_TIME_MACRO"} & build.config.options.keys():
        what = "MBEDTLS_HAVE_TIME_DATE asks the C library's time() for the date"
        why = "newlib's calls _gettimeofday, which is yours to write: without it no certificate is valid yet, in 1970"
        fix = "let _gettimeofday read the RTC, or define MBEDTLS_PLATFORM_TIME_ALT and call mbedtls_platform_set_time"
        yield Advice(Severity.NOTE, what, why, fix, option)


RULES = (
    without_effect, not_on_bare_metal, own_sockets, own_milliseconds, setter_never_called, entropy, dates, clock,
)  # fmt: skip
