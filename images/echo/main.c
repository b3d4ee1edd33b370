/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP and UDP echo on port 7 (RFC 862), on lwIP's raw API. The receive window opens only by what has been acknowledged
 * on its way back, so a peer that does not read is slowed down and not lost. */
#include "console.h"
#include "interface.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"
#include "superloop.h"

#define ECHO_PORT 7
#define CONNECTIONS 8

struct echo {
    struct pbuf *pending; /* received, not yet handed back to TCP */
    struct tcp_pcb *pcb;
    bool open;
    bool peer_finished;
};

static struct echo echoes[CONNECTIONS];

static void close(struct echo *echo)
{
    tcp_arg(echo->pcb, NULL);
    tcp_recv(echo->pcb, NULL);
    tcp_sent(echo->pcb, NULL);
    tcp_err(echo->pcb, NULL);
    if (tcp_close(echo->pcb) != ERR_OK) {
        tcp_abort(echo->pcb);
    }
    echo->open = false;
}

/* Queue as much as fits; what does not waits for on_sent. */
static void send_pending(struct echo *echo)
{
    while (echo->pending) {
        u16_t part = LWIP_MIN(echo->pending->len, tcp_sndbuf(echo->pcb));
        if (part == 0 || tcp_write(echo->pcb, echo->pending->payload, part, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            break;
        }
        echo->pending = pbuf_free_header(echo->pending, part);
    }
    tcp_output(echo->pcb);
}

static bool is_done(const struct echo *echo)
{
    return echo->peer_finished && !echo->pending;
}

static err_t on_sent(void *context, struct tcp_pcb *pcb, u16_t acknowledged)
{
    struct echo *echo = context;
    tcp_recved(pcb, acknowledged);
    send_pending(echo);
    if (is_done(echo) && tcp_sndqueuelen(pcb) == 0) {
        close(echo);
    }
    return ERR_OK;
}

static err_t on_receive(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct echo *echo = context;
    (void)error;
    if (!data) {
        echo->peer_finished = true;
    } else if (echo->pending) {
        pbuf_cat(echo->pending, data);
    } else {
        echo->pending = data;
    }
    send_pending(echo);
    if (is_done(echo) && tcp_sndqueuelen(pcb) == 0) {
        close(echo);
    }
    return ERR_OK;
}

/* lwIP has already freed the PCB. */
static void on_error(void *context, err_t error)
{
    struct echo *echo = context;
    (void)error;
    if (echo->pending) {
        pbuf_free(echo->pending);
    }
    echo->open = false;
}

static err_t on_accept(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    if (error != ERR_OK || !pcb) {
        return ERR_VAL;
    }
    for (struct echo *echo = echoes; echo < echoes + CONNECTIONS; echo++) {
        if (!echo->open) {
            *echo = (struct echo){.pcb = pcb, .open = true};
            tcp_arg(pcb, echo);
            tcp_recv(pcb, on_receive);
            tcp_sent(pcb, on_sent);
            tcp_err(pcb, on_error);
            return ERR_OK;
        }
    }
    return ERR_MEM;
}

static void on_datagram(void *context, struct udp_pcb *pcb, struct pbuf *data, const ip_addr_t *peer, u16_t port)
{
    (void)context;
    udp_sendto(pcb, data, peer, port);
    pbuf_free(data);
}

static bool listen(void)
{
    struct tcp_pcb *tcp = tcp_new();
    struct udp_pcb *udp = udp_new();
    if (!tcp || !udp || tcp_bind(tcp, IP_ADDR_ANY, ECHO_PORT) != ERR_OK
        || udp_bind(udp, IP_ADDR_ANY, ECHO_PORT) != ERR_OK) {
        return false;
    }
    tcp = tcp_listen(tcp);
    if (!tcp) {
        return false;
    }
    tcp_accept(tcp, on_accept);
    udp_recv(udp, on_datagram, NULL);
    return true;
}

int main(void)
{
    superloop_start("echo: lwIP 2.1.3 on an STM32F407");
    if (listen()) {
        console_printf("echo on %s:%d, TCP and UDP\n", INTERFACE_ADDRESS, ECHO_PORT);
    }
    for (;;) {
        superloop_poll();
        superloop_sleep();
    }
}
