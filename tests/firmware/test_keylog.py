# SPDX-License-Identifier: GPL-2.0-or-later
"""`--keylog`: secrets as openssl has them, good for tshark; other versions' layouts; and what is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runs import IMAGES, Run, free_port
from stm32emu.errors import UserError
from stm32emu.options import parse_options
from stm32emu.session import Session
from symptoms import PAGE, lifetime, observe
from test_replay import replay

# The members that are read, in structures of 2.16's shape: before and between them what that version has there. The
# program derives keys three times, the second time without success.
LAYOUT = """
typedef unsigned char u8;
typedef unsigned int size_t;
#define NOINLINE __attribute__((noinline, noclone))
struct mbedtls_ssl_session {
    int ciphersuite, compression;
    size_t id_len;
    u8 id[32];
    u8 NAME(master)[48];
    void *peer_cert;
};
struct mbedtls_ssl_handshake_params {
    int sig_alg, verify_sig_alg;
    u8 ecdh_ctx[212];
    const void **curves;
    u8 fin_sha512[216];
    void (*calc_finished)(void);
    size_t pmslen;
    u8 randbytes[64];
    u8 premaster[66];
};
typedef struct mbedtls_ssl_context {
    const void *conf;
    int state, renego_status, renego_records_seen, major_ver, minor_ver;
    unsigned badmac_seen;
    void *f_send, *f_recv, *f_recv_timeout, *p_bio, *session_in, *session_out, *session;
    struct mbedtls_ssl_session *NAME(session_negotiate);
    struct mbedtls_ssl_handshake_params *NAME(handshake);
} mbedtls_ssl_context;

static struct mbedtls_ssl_session session;
static struct mbedtls_ssl_handshake_params handshake;
static mbedtls_ssl_context ssl;

NOINLINE int mbedtls_ssl_derive_keys(mbedtls_ssl_context *ssl)
{
    u8 *random = ssl->NAME(handshake)->randbytes;
    for (int n = 0; n < 48; n++) {
        ssl->NAME(session_negotiate)->NAME(master)[n] = random[n] ^ 0xA0;
    }
    for (int n = 0; n < 32; n++) {
        u8 client = random[n];
        random[n] = random[n + 32];
        random[n + 32] = client;
    }
    return random[32] == 2 ? -0x7100 : 0;
}

void Reset_Handler(void)
{
    ssl.NAME(session_negotiate) = &session;
    ssl.NAME(handshake) = &handshake;
    for (int connection = 1; connection <= 3; connection++) {
        for (int n = 0; n < 64; n++) {
            handshake.randbytes[n] = n + connection;
        }
        mbedtls_ssl_derive_keys(&ssl);
    }
    for (;;) {
    }
}
extern unsigned _estack;
__attribute__((section(".isr_vector"), used)) void *const vectors[16] = {&_estack, Reset_Handler};
"""


def run(elf: Path, keys: Path) -> None:
    options = parse_options(elf, {"chip": "f407", "keylog": str(keys), "duration": "5ms"})
    Session(options, console=lambda _data: None, log=lambda _line: None).run()


def decrypted(capture: Path) -> str:
    """What tshark makes of it without being given any keys."""
    decode = ["-d", "tcp.port==4433,tls", "-d", "tls.port==4433,http"]
    command = ["tshark", "-r", str(capture), *decode, "-Y", "http", "-V"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_connection(tmp_path: Path) -> None:
    keys, theirs, capture, recording = (tmp_path / name for name in ("keys", "theirs", "run.pcapng", "run.rec"))
    keys.write_text("whatever was there before\n")
    keys.chmod(0o644)
    files = ("--keylog", keys, "--pcap", capture, "--record", recording)
    words = ("--port", f"{free_port()}:4433", "--duration", lifetime(1), *map(str, files))
    server = Run(str(IMAGES / "tls_server.elf"), *words)
    try:
        assert observe(server, "openssl", ["-keylogfile", str(theirs)]) == ("page", "")
    finally:
        server.end()
    lines = [line for line in theirs.read_text().splitlines() if line.startswith("CLIENT_RANDOM")]
    assert keys.read_text().splitlines() == lines
    assert len(lines) == 1
    assert [path.stat().st_mode & 0o777 for path in (keys, capture)] == [0o600, 0o600]
    shown = decrypted(capture)
    assert "GET / HTTP/1.0" in shown
    assert PAGE in shown

    again, copy = tmp_path / "again", tmp_path / "again.pcapng"
    code, _console, log = replay(recording, "--keylog", again, "--pcap", copy)
    assert code == 0, log
    assert again.read_bytes() == keys.read_bytes()
    assert copy.read_bytes() == capture.read_bytes()
    assert again.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["member", "private_##member"])
def test_other_layouts(name: str, compile_firmware: Callable[..., Path], tmp_path: Path) -> None:
    """2.16's, and its members by the names that version 3 gives them."""
    elf = compile_firmware(f"keys_{len(name)}", LAYOUT, "-Os", "-g", f"-DNAME(member)={name}")
    run(elf, tmp_path / "keys")
    expected = [
        f"CLIENT_RANDOM {bytes(n + first for n in range(32)).hex()} "
        f"{bytes((n + first) ^ 0xA0 for n in range(48)).hex()}"
        for first in (1, 3)
    ]
    assert (tmp_path / "keys").read_text().splitlines() == expected


def test_refused(compile_firmware: Callable[..., Path], stripped: Callable[..., Path], tmp_path: Path) -> None:
    elf = compile_firmware("keys", LAYOUT, "-Os", "-g", "-DNAME(member)=member")
    sentences = {
        stripped(elf, "-g"): "has no debug information that says where mbedTLS keeps its secrets",
        IMAGES / "uart_hello.elf": "has no function mbedtls_ssl_derive_keys; it needs mbedTLS with its names",
    }
    for firmware, sentence in sentences.items():
        with pytest.raises(UserError) as refused:
            run(firmware, tmp_path / "keys")
        assert sentence in refused.value.sentence
    with pytest.raises(UserError) as refused:
        run(elf, tmp_path)
    assert refused.value.sentence == f"--keylog: {tmp_path} cannot be written (is a directory)"
