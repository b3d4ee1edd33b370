/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "mbedtls/ssl.h"

#define TLS_PORT 4433

/* What the TLS server needs of the image it runs in. */
struct tls_heap {
    void *(*calloc)(size_t count, size_t size); /* zeroed memory, as in C: mbedTLS relies on it */
    void (*free)(void *memory);
    size_t (*free_bytes)(void);
};

/* How one connection's bytes travel. Both calls block, at most TLS_TIMEOUT_MS; results are mbedTLS's (bytes, 0 at the
 * end of the stream, MBEDTLS_ERR_SSL_TIMEOUT, or MBEDTLS_ERR_NET_...). */
struct tls_transport {
    void *connection;
    mbedtls_ssl_send_t *send;
    mbedtls_ssl_recv_t *receive;
};

#define TLS_TIMEOUT_MS 10000

/* Load certificate and key, seed the random generator. False, with the reason on the console, if that fails. */
bool tls_start(const struct tls_heap *heap);

/* One connection from handshake to close_notify: answers one request with a page about the device. */
void tls_serve(const struct tls_transport *transport);

#endif
