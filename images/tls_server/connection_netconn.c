/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocking connections on lwIP's netconn API, for one task. */
#include "connection.h"

#include "lwip/api.h"
#include "lwip/ip_addr.h"
#include "mbedtls/net_sockets.h"
#include "tls.h"

#define BACKLOG 8
#define LINGER_MS 1000

struct connection {
    struct netconn *netconn;
    struct pbuf *received;
};

static struct netconn *listener;
static struct connection current;

bool connection_listen(uint16_t port)
{
    listener = netconn_new(NETCONN_TCP);
    return listener && netconn_bind(listener, IP_ADDR_ANY, port) == ERR_OK
        && netconn_listen_with_backlog(listener, BACKLOG) == ERR_OK;
}

struct connection *connection_next(void)
{
    struct netconn *accepted;
    if (netconn_accept(listener, &accepted) != ERR_OK) {
        return NULL;
    }
    netconn_set_recvtimeout(accepted, TLS_TIMEOUT_MS);
    netconn_set_sendtimeout(accepted, TLS_TIMEOUT_MS);
    current = (struct connection){.netconn = accepted};
    return &current;
}

static int tls_error(err_t error, int otherwise)
{
    switch (error) {
    case ERR_CLSD: return 0;
    case ERR_TIMEOUT:
    case ERR_WOULDBLOCK: return MBEDTLS_ERR_SSL_TIMEOUT;
    case ERR_RST:
    case ERR_ABRT:
    case ERR_CONN: return MBEDTLS_ERR_NET_CONN_RESET;
    default: return otherwise;
    }
}

int connection_receive(void *context, unsigned char *bytes, size_t length)
{
    struct connection *connection = context;
    if (!connection->received) {
        err_t error = netconn_recv_tcp_pbuf(connection->netconn, &connection->received);
        if (error != ERR_OK) {
            connection->received = NULL;
            return tls_error(error, MBEDTLS_ERR_NET_RECV_FAILED);
        }
    }
    u16_t copied = pbuf_copy_partial(connection->received, bytes, (u16_t)LWIP_MIN(length, UINT16_MAX), 0);
    connection->received = pbuf_free_header(connection->received, copied);
    return copied;
}

int connection_send(void *context, const unsigned char *bytes, size_t length)
{
    struct connection *connection = context;
    size_t written;
    err_t error = netconn_write_partly(connection->netconn, bytes, length, NETCONN_COPY, &written);
    return error == ERR_OK ? (int)written : tls_error(error, MBEDTLS_ERR_NET_SEND_FAILED);
}

const char *connection_peer(const struct connection *connection)
{
    static char text[IP4ADDR_STRLEN_MAX];
    ip_addr_t address;
    u16_t port;
    if (netconn_peer(connection->netconn, &address, &port) != ERR_OK) {
        return "a peer that is gone";
    }
    return ipaddr_ntoa_r(&address, text, sizeof text);
}

void connection_close(struct connection *connection)
{
    unsigned char unwanted[64];
    netconn_set_recvtimeout(connection->netconn, LINGER_MS);
    if (netconn_shutdown(connection->netconn, 0, 1) == ERR_OK) {
        while (connection_receive(connection, unwanted, sizeof unwanted) > 0) {
        }
    }
    if (connection->received) {
        pbuf_free(connection->received);
    }
    netconn_close(connection->netconn);
    netconn_delete(connection->netconn);
}
