/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocking connections for the superloop, on lwIP's callbacks. */
#include "connection.h"

#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "mbedtls/net_sockets.h"
#include "superloop.h"
#include "tls.h"

#define CONNECTIONS 8
#define LINGER_MS 1000

struct connection {
    struct tcp_pcb *pcb; /* NULL once the peer has reset the connection */
    struct pbuf *received;
    bool open; /* this slot is taken */
    bool peer_finished;
};

static struct connection connections[CONNECTIONS];
static struct connection *waiting[CONNECTIONS]; /* accepted and not yet served, the oldest first */
static unsigned waiting_count;

/* --- lwIP's callbacks -------------------------------------------------------------------------------------------- */

static err_t on_receive(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct connection *connection = context;
    (void)pcb;
    (void)error;
    if (!data) {
        connection->peer_finished = true;
    } else if (connection->received) {
        pbuf_cat(connection->received, data);
    } else {
        connection->received = data;
    }
    return ERR_OK;
}

/* lwIP has already freed the PCB. */
static void on_error(void *context, err_t error)
{
    struct connection *connection = context;
    (void)error;
    connection->pcb = NULL;
}

static err_t on_accept(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    if (error != ERR_OK || !pcb) {
        return ERR_VAL;
    }
    for (struct connection *slot = connections; slot < connections + CONNECTIONS; slot++) {
        if (!slot->open) {
            *slot = (struct connection){.pcb = pcb, .open = true};
            waiting[waiting_count++] = slot;
            tcp_arg(pcb, slot);
            tcp_recv(pcb, on_receive);
            tcp_err(pcb, on_error);
            return ERR_OK;
        }
    }
    return ERR_MEM;
}

/* --- the blocking side ------------------------------------------------------------------------------------------- */

bool connection_listen(uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new();
    if (!pcb || tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK) {
        return false;
    }
    pcb = tcp_listen_with_backlog(pcb, CONNECTIONS);
    if (!pcb) {
        return false;
    }
    tcp_accept(pcb, on_accept);
    return true;
}

struct connection *connection_next(void)
{
    if (waiting_count == 0) {
        return NULL;
    }
    struct connection *oldest = waiting[0];
    waiting_count--;
    for (unsigned i = 0; i < waiting_count; i++) {
        waiting[i] = waiting[i + 1];
    }
    return oldest;
}

/* Let the network go on until `done` or the time is over; whether it was `done`. */
static bool wait_until(bool (*done)(const struct connection *), const struct connection *connection, uint32_t limit_ms)
{
    uint32_t start = sys_now();
    while (superloop_poll(), !done(connection)) {
        if (sys_now() - start >= limit_ms) {
            return false;
        }
        superloop_sleep();
    }
    return true;
}

static bool can_receive(const struct connection *connection)
{
    return connection->received || connection->peer_finished || !connection->pcb;
}

static bool can_send(const struct connection *connection)
{
    return !connection->pcb || (tcp_sndbuf(connection->pcb) > 0 && tcp_sndqueuelen(connection->pcb) < TCP_SND_QUEUELEN);
}

static bool is_finished(const struct connection *connection)
{
    return connection->peer_finished || !connection->pcb;
}

int connection_receive(void *context, unsigned char *bytes, size_t length)
{
    struct connection *connection = context;
    if (!wait_until(can_receive, connection, TLS_TIMEOUT_MS)) {
        return MBEDTLS_ERR_SSL_TIMEOUT;
    }
    if (!connection->received) {
        return connection->pcb ? 0 : MBEDTLS_ERR_NET_CONN_RESET;
    }
    u16_t copied = pbuf_copy_partial(connection->received, bytes, (u16_t)LWIP_MIN(length, UINT16_MAX), 0);
    connection->received = pbuf_free_header(connection->received, copied);
    if (connection->pcb) {
        tcp_recved(connection->pcb, copied);
    }
    return copied;
}

int connection_send(void *context, const unsigned char *bytes, size_t length)
{
    struct connection *connection = context;
    if (!wait_until(can_send, connection, TLS_TIMEOUT_MS)) {
        return MBEDTLS_ERR_SSL_TIMEOUT;
    }
    if (!connection->pcb) {
        return MBEDTLS_ERR_NET_CONN_RESET;
    }
    u16_t part = (u16_t)LWIP_MIN(length, tcp_sndbuf(connection->pcb));
    if (tcp_write(connection->pcb, bytes, part, TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return MBEDTLS_ERR_NET_SEND_FAILED;
    }
    tcp_output(connection->pcb);
    return part;
}

const char *connection_peer(const struct connection *connection)
{
    return connection->pcb ? ipaddr_ntoa(&connection->pcb->remote_ip) : "a peer that is gone";
}

static void discard_received(struct connection *connection)
{
    unsigned char unwanted[64];
    while (connection->received) {
        connection_receive(connection, unwanted, sizeof unwanted);
    }
}

void connection_close(struct connection *connection)
{
    if (connection->pcb) {
        tcp_shutdown(connection->pcb, 0, 1);
        wait_until(is_finished, connection, LINGER_MS);
    }
    discard_received(connection);
    if (connection->pcb) {
        tcp_arg(connection->pcb, NULL);
        tcp_recv(connection->pcb, NULL);
        tcp_err(connection->pcb, NULL);
        if (tcp_close(connection->pcb) != ERR_OK) {
            tcp_abort(connection->pcb);
        }
    }
    connection->open = false;
}
