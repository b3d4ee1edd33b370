/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TLS server: mbedTLS's configuration at run time, the handshake, and what the console says about it. */
#include "tls.h"

#include <stdio.h>
#include <string.h>

#include "console.h"
#include "lwip/sys.h"
#include "mbedtls/certs.h"
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/debug.h"
#include "mbedtls/entropy.h"
#include "mbedtls/net_sockets.h"
#include "mbedtls/platform.h"
#include "mbedtls/ssl_internal.h"
#include "page.h"
#include "rng.h"

static struct {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context drbg;
    mbedtls_x509_crt certificate, authority;
    mbedtls_pk_context key;
    mbedtls_ssl_config config;
} tls;

static const struct tls_heap *heap;
static unsigned handshakes;

/* mbedTLS reports errors as negative numbers, and its documentation writes them as -0x1234. */
static bool succeeded(const char *call, int result)
{
    if (result < 0) {
        console_printf("tls: %s: -0x%04x\n", call, (unsigned)-result);
    }
    return result >= 0;
}

/* mbedTLS's hardware entropy source (MBEDTLS_ENTROPY_HARDWARE_ALT). */
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written)
{
    (void)data;
    for (*written = 0; *written < length; ) {
        uint32_t word;
        if (!rng_word(&word)) {
            return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
        }
        size_t part = length - *written < sizeof word ? length - *written : sizeof word;
        memcpy(output + *written, &word, part);
        *written += part;
    }
    return 0;
}

static int print(const char *format, ...)
{
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    console_printf("%s", line);
    return length;
}

static void show_debug(void *unused, int level, const char *file, int line, const char *message)
{
    (void)unused;
    console_printf("%s:%d: |%d| %s", file, line, level, message);
}

static bool load_credentials(void)
{
    const unsigned char *certificate = (const unsigned char *)mbedtls_test_srv_crt_ec;
    const unsigned char *authority = (const unsigned char *)mbedtls_test_ca_crt_ec;
    const unsigned char *key = (const unsigned char *)mbedtls_test_srv_key_ec;
    return succeeded("server certificate",
                     mbedtls_x509_crt_parse(&tls.certificate, certificate, mbedtls_test_srv_crt_ec_len))
        && succeeded("CA certificate", mbedtls_x509_crt_parse(&tls.authority, authority, mbedtls_test_ca_crt_ec_len))
        && succeeded("private key", mbedtls_pk_parse_key(&tls.key, key, mbedtls_test_srv_key_ec_len, NULL, 0));
}

static bool configure(void)
{
    static const unsigned char personalisation[] = "tls_server";
    if (!succeeded("ctr_drbg_seed", mbedtls_ctr_drbg_seed(&tls.drbg, mbedtls_entropy_func, &tls.entropy,
                                                          personalisation, sizeof personalisation - 1))
        || !succeeded("ssl_config_defaults", mbedtls_ssl_config_defaults(&tls.config, MBEDTLS_SSL_IS_SERVER,
                                                                         MBEDTLS_SSL_TRANSPORT_STREAM,
                                                                         MBEDTLS_SSL_PRESET_DEFAULT))) {
        return false;
    }
    mbedtls_ssl_conf_rng(&tls.config, mbedtls_ctr_drbg_random, &tls.drbg);
    mbedtls_ssl_conf_dbg(&tls.config, show_debug, NULL);
    mbedtls_ssl_conf_ca_chain(&tls.config, &tls.authority, NULL);
    mbedtls_ssl_conf_authmode(&tls.config, MBEDTLS_SSL_VERIFY_OPTIONAL);
    return succeeded("ssl_conf_own_cert", mbedtls_ssl_conf_own_cert(&tls.config, &tls.certificate, &tls.key));
}

bool tls_start(const struct tls_heap *task_heap)
{
    heap = task_heap;
    mbedtls_platform_set_calloc_free(heap->calloc, heap->free);
    mbedtls_platform_set_snprintf(snprintf);
    mbedtls_platform_set_printf(print);
    mbedtls_entropy_init(&tls.entropy);
    mbedtls_ctr_drbg_init(&tls.drbg);
    mbedtls_x509_crt_init(&tls.certificate);
    mbedtls_x509_crt_init(&tls.authority);
    mbedtls_pk_init(&tls.key);
    mbedtls_ssl_config_init(&tls.config);
    return load_credentials() && configure();
}

/* --- one connection ---------------------------------------------------------------------------------------------- */

/* What the ServerKeyExchange was made of; mbedTLS forgets both when the handshake ends. */
struct key_exchange {
    const char *curve;
    const char *hash;
};

static struct key_exchange key_exchange_of(const mbedtls_ssl_context *ssl)
{
    mbedtls_ecp_group_id group = ssl->handshake->ecdh_ctx.grp_id;
    const mbedtls_ecp_curve_info *curve = mbedtls_ecp_curve_info_from_grp_id(group);
    mbedtls_md_type_t hash = mbedtls_ssl_sig_hash_set_find(&ssl->handshake->hash_algs, MBEDTLS_PK_ECDSA);
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(hash);
    return (struct key_exchange){curve ? curve->name : "none", md ? mbedtls_md_get_name(md) : "no hash"};
}

static bool handshake(mbedtls_ssl_context *ssl)
{
    struct key_exchange used = {"none", "no hash"};
    while (ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        int state = ssl->state;
        int result = mbedtls_ssl_handshake_step(ssl);
        if (result < 0) {
            console_printf("tls: handshake: -0x%04x in state %d\n", (unsigned)-result, state);
            return false;
        }
        if (state == MBEDTLS_SSL_SERVER_KEY_EXCHANGE) {
            used = key_exchange_of(ssl);
        }
    }
    handshakes++;
    console_printf("tls: %s, %s, %s, ECDSA with %s\n", mbedtls_ssl_get_version(ssl), mbedtls_ssl_get_ciphersuite(ssl),
                   used.curve, used.hash);
    return true;
}

/* Read up to the blank line that ends a request, whatever pieces it comes in. */
static bool read_request(mbedtls_ssl_context *ssl)
{
    unsigned char piece[64];
    struct request_end end = {0};
    for (;;) {
        int length = mbedtls_ssl_read(ssl, piece, sizeof piece);
        if (length == 0 || length == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            console_printf("tls: closed by the peer without a request\n");
            return false;
        }
        if (!succeeded("read", length)) {
            return false;
        }
        if (request_ends(&end, piece, (size_t)length)) {
            return true;
        }
    }
}

static bool write_all(mbedtls_ssl_context *ssl, const char *text, size_t length)
{
    while (length > 0) {
        int written = mbedtls_ssl_write(ssl, (const unsigned char *)text, length);
        if (!succeeded("write", written)) {
            return false;
        }
        text += written;
        length -= (size_t)written;
    }
    return true;
}

static bool answer(mbedtls_ssl_context *ssl)
{
    char text[PAGE_MAX];
    struct page_facts facts = {
        .uptime_ms = sys_now(),
        .handshakes = handshakes,
        .free_heap = heap->free_bytes(),
        .ciphersuite = mbedtls_ssl_get_ciphersuite(ssl),
    };
    return write_all(ssl, text, page_write(text, &facts));
}

static void converse(mbedtls_ssl_context *ssl)
{
    if (handshake(ssl) && (!read_request(ssl) || answer(ssl))) {
        int result = mbedtls_ssl_close_notify(ssl);
        if (result != MBEDTLS_ERR_NET_CONN_RESET) {
            succeeded("close_notify", result);
        }
    }
}

void tls_serve(const struct tls_transport *transport)
{
    mbedtls_ssl_context ssl;
    mbedtls_ssl_init(&ssl);
    if (succeeded("ssl_setup", mbedtls_ssl_setup(&ssl, &tls.config))) {
        mbedtls_ssl_set_bio(&ssl, transport->connection, transport->send, transport->receive, NULL);
        converse(&ssl);
    }
    mbedtls_ssl_free(&ssl);
}
