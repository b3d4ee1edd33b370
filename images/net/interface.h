/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef INTERFACE_H
#define INTERFACE_H

#include <stdbool.h>

#include "lwip/netif.h"

/* The static address of every image: 192.168.0.254/24, gateway 192.168.0.1. */
#define INTERFACE_ADDRESS "192.168.0.254"

/* Start the Ethernet hardware and add it to lwIP as the default interface; `input` takes its frames. Reports on the
 * console; false if the hardware is not there. */
bool interface_start(netif_input_fn input);

/* Hand all received frames to lwIP. */
void interface_input(void);

/* Ask the PHY whether the cable is in, and tell the MAC and lwIP. To be called a few times a second. With a kernel the
 * caller holds lwIP's core lock. */
void interface_check_link(void);

#endif
