/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_superloop: the TLS server without a kernel. One connection is served at a time, others wait; while mbedTLS
 * computes nobody looks at the network, and the DMA ring holds what comes. */
#include "superloop.h"

#include "connection.h"
#include "console.h"
#include "heap.h"
#include "interface.h"
#include "tls.h"

#define TLS_HEAP_SIZE (60 * 1024)

static uint8_t tls_heap[TLS_HEAP_SIZE] __attribute__((section(".ccm"), aligned(8)));

static void serve(struct connection *connection)
{
    struct tls_transport transport = {connection, connection_send, connection_receive};
    console_printf("connection from %s\n", connection_peer(connection));
    tls_serve(&transport);
    connection_close(connection);
}

int main(void)
{
    static const struct tls_heap heap = {heap_calloc, heap_free, heap_free_bytes};
    superloop_start("tls_superloop: mbed TLS 2.28.3 and lwIP 2.1.3 on an STM32F407");
    heap_start(tls_heap, sizeof tls_heap);
    if (tls_start(&heap) && connection_listen(TLS_PORT)) {
        console_printf("listening on %s:%d\n", INTERFACE_ADDRESS, TLS_PORT);
    }
    for (;;) {
        superloop_poll();
        struct connection *waiting = connection_next();
        if (waiting) {
            serve(waiting);
        } else {
            superloop_sleep();
        }
    }
}
