/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the TLS server computes in a handshake: an ephemeral key and its signature (ServerKeyExchange), and the shared
 * secret (ClientKeyExchange). Without registers, so that it runs anywhere, this machine included (native.c). */
#include "bench.h"
#include "heap.h"
#include "mbedtls/certs.h"
#include "mbedtls/ecdh.h"
#include "mbedtls/pk.h"
#include "mbedtls/platform.h"

#define CURVE MBEDTLS_ECP_DP_SECP384R1 /* what openssl and curl negotiate with the server */
#define HANDSHAKES 2
#define POINT_MAX 100

static uint8_t heap[40 * 1024] __attribute__((aligned(8)));

/* Not random at all: every machine must compute the same. */
static int numbers(void *state, unsigned char *output, size_t length)
{
    uint32_t *x = state;
    for (size_t n = 0; n < length; n++) {
        *x = *x * 1664525u + 1013904223u;
        output[n] = (unsigned char)(*x >> 24);
    }
    return 0;
}

static int server_key_exchange(mbedtls_ecdh_context *ecdh, mbedtls_pk_context *key, uint32_t *state, uint32_t *sum)
{
    unsigned char parameters[POINT_MAX + 4], signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE], hash[32];
    size_t length, signed_length;
    int error = mbedtls_ecdh_make_params(ecdh, &length, parameters, sizeof parameters, numbers, state);
    if (!error) {
        error = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), parameters, length, hash);
    }
    if (!error) {
        error = mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, sizeof hash, signature, &signed_length, numbers, state);
    }
    *sum = *sum * 31 + parameters[length - 1] + signature[signed_length - 1];
    return error;
}

/* The client's public key is the curve's generator: as much work as any other point. */
static int client_key_exchange(mbedtls_ecdh_context *ecdh, uint32_t *state, uint32_t *sum)
{
    unsigned char point[POINT_MAX], secret[MBEDTLS_ECP_MAX_BYTES];
    size_t length, secret_length = 0;
    mbedtls_ecp_group group;
    mbedtls_ecp_group_init(&group);
    int error = mbedtls_ecp_group_load(&group, CURVE);
    if (!error) {
        error = mbedtls_ecp_tls_write_point(&group, &group.G, MBEDTLS_ECP_PF_UNCOMPRESSED, &length, point, sizeof point);
    }
    if (!error) {
        error = mbedtls_ecdh_read_public(ecdh, point, length);
    }
    if (!error) {
        error = mbedtls_ecdh_calc_secret(ecdh, &secret_length, secret, sizeof secret, numbers, state);
    }
    *sum = *sum * 31 + (secret_length ? secret[secret_length - 1] : 0u);
    mbedtls_ecp_group_free(&group);
    return error;
}

static int handshake(mbedtls_pk_context *key, uint32_t *state, uint32_t *sum)
{
    mbedtls_ecdh_context ecdh;
    mbedtls_ecdh_init(&ecdh);
    int error = mbedtls_ecdh_setup(&ecdh, CURVE);
    if (!error) {
        error = server_key_exchange(&ecdh, key, state, sum);
    }
    if (!error) {
        error = client_key_exchange(&ecdh, state, sum);
    }
    mbedtls_ecdh_free(&ecdh);
    return error;
}

/* The result is 0 if mbedTLS reports an error. */
uint32_t bench_work(void)
{
    uint32_t state = 1, sum = 1;
    mbedtls_pk_context key;
    heap_start(heap, sizeof heap);
    mbedtls_platform_set_calloc_free(heap_calloc, heap_free);
    mbedtls_pk_init(&key);
    const unsigned char *pem = (const unsigned char *)mbedtls_test_srv_key_ec;
    int error = mbedtls_pk_parse_key(&key, pem, mbedtls_test_srv_key_ec_len, NULL, 0);
    for (int n = 0; n < HANDSHAKES && !error; n++) {
        error = handshake(&key, &state, &sum);
    }
    mbedtls_pk_free(&key);
    return error ? 0 : sum;
}
