/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ETH_H
#define ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "phy.h"

#define ETH_FRAME_MAX 1514 /* destination to the end of the data, without the CRC */

/* Bring up pins, clocks, MAC and DMA for RMII and start the PHY. False with a reason if the reference clock or the PHY
 * is missing. */
bool eth_start(const uint8_t mac[6], const char **reason);

/* Match the MAC to what the PHY negotiated, and let it run. */
void eth_set_link(struct phy_link link);

/* The frame in the next full receive buffer and its length in bytes, or NULL. It stays valid until eth_release. */
const uint8_t *eth_receive(size_t *length);
void eth_release(void);

/* The next free transmit buffer, ETH_FRAME_MAX bytes, or NULL while all wait to be sent; then send what is in it. */
uint8_t *eth_transmit_buffer(void);
void eth_transmit(size_t length);

/* Called by the interrupt handler when frames have come. Images define it. */
void eth_frames_arrived(void);

#endif
