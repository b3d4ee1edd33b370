/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The private key of another certificate: the client's, on the same curve as the server's, so nothing at start-up
 * notices. */
#include "mbedtls/certs.h"
#include "mbedtls/pk.h"

int __real_mbedtls_pk_parse_key(mbedtls_pk_context *pk, const unsigned char *key, size_t key_length,
                                const unsigned char *password, size_t password_length);
int __wrap_mbedtls_pk_parse_key(mbedtls_pk_context *pk, const unsigned char *key, size_t key_length,
                                const unsigned char *password, size_t password_length);

int __wrap_mbedtls_pk_parse_key(mbedtls_pk_context *pk, const unsigned char *key, size_t key_length,
                                const unsigned char *password, size_t password_length)
{
    (void)key;
    (void)key_length;
    return __real_mbedtls_pk_parse_key(pk, (const unsigned char *)mbedtls_test_cli_key_ec, mbedtls_test_cli_key_ec_len,
                                       password, password_length);
}
