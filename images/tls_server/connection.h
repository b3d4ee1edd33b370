/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocking TCP connections on lwIP's raw API; what blocks runs the superloop meanwhile. */
struct connection;

bool connection_listen(uint16_t port);

/* The connection that has waited longest, or NULL. The caller closes it. */
struct connection *connection_next(void);

/* mbedTLS's send and receive callbacks; `context` is the connection. */
int connection_send(void *context, const unsigned char *bytes, size_t length);
int connection_receive(void *context, unsigned char *bytes, size_t length);

/* The peer's address as text, valid until the next call. */
const char *connection_peer(const struct connection *connection);

/* Send our FIN, wait a moment for the peer's (data left unread would turn the close into a reset), and forget it. */
void connection_close(struct connection *connection);

#endif
