/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PHY_H
#define PHY_H

#include <stdbool.h>
#include <stdint.h>

struct phy_link {
    bool up;
    bool full_duplex;
    bool speed_100;
};

/* Find a PHY on the management bus, reset it and start autonegotiation. False if none answers. */
bool phy_start(void);

struct phy_link phy_read_link(void);

/* PHYIDR1 and PHYIDR2 of the PHY found, as one word; and its address. */
uint32_t phy_id(void);
unsigned phy_address(void);

#endif
