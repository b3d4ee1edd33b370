/* SPDX-License-Identifier: GPL-2.0-or-later */
/* max_fragment_length (RFC 6066 section 4) is agreed to in the ServerHello and then forgotten. */
#include "mbedtls/ssl_internal.h"

int __real_mbedtls_ssl_handshake_step(mbedtls_ssl_context *ssl);
int __wrap_mbedtls_ssl_handshake_step(mbedtls_ssl_context *ssl);

int __wrap_mbedtls_ssl_handshake_step(mbedtls_ssl_context *ssl)
{
    int answered = ssl->state == MBEDTLS_SSL_SERVER_HELLO;
    int result = __real_mbedtls_ssl_handshake_step(ssl);
    if (answered && ssl->session_negotiate) {
        ssl->session_negotiate->mfl_code = MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
    }
    return result;
}
