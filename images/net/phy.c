/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PHY over MDIO: IEEE 802.3 clause 22 registers, and the LAN8742A's special status register 31. */
#include "phy.h"

#include "stm32f407.h"

#define BCR 0
#define BCR_RESET BIT(15)
#define BCR_AUTONEGOTIATE BIT(12)
#define BCR_RESTART BIT(9)
#define BSR 1
#define BSR_NEGOTIATED BIT(5)
#define BSR_LINK BIT(2)
#define PHYIDR1 2
#define PHYIDR2 3
#define PSCSR 31 /* bits 4:2: 1 = 10 half, 2 = 100 half, 5 = 10 full, 6 = 100 full */

#define MDIO_LIMIT 100000UL  /* polls; a transfer takes 64 periods of a 2.5 MHz clock */
#define RESET_LIMIT 100000UL /* reads of BCR; the reset takes at most 0.5 s */

static unsigned address;
static uint32_t id;

static bool mdio_transfer(unsigned phy, unsigned reg, uint32_t operation)
{
    ETH_MACMIIAR = ETH_MACMIIAR_PA(phy) | ETH_MACMIIAR_MR(reg) | ETH_MACMIIAR_CR_150_168_MHZ | operation
                 | ETH_MACMIIAR_MB;
    for (uint32_t polls = 0; polls < MDIO_LIMIT; polls++) {
        if (!(ETH_MACMIIAR & ETH_MACMIIAR_MB)) {
            return true;
        }
    }
    return false;
}

/* What an undriven bus reads as stands for "no answer". */
static uint16_t read(unsigned phy, unsigned reg)
{
    return mdio_transfer(phy, reg, 0) ? (uint16_t)ETH_MACMIIDR : 0xFFFF;
}

static void write(unsigned phy, unsigned reg, uint16_t value)
{
    ETH_MACMIIDR = value;
    mdio_transfer(phy, reg, ETH_MACMIIAR_MW);
}

static bool find(void)
{
    for (address = 0; address < 32; address++) {
        uint16_t high = read(address, PHYIDR1);
        if (high != 0xFFFF && high != 0) {
            id = (uint32_t)high << 16 | read(address, PHYIDR2);
            return true;
        }
    }
    return false;
}

bool phy_start(void)
{
    if (!find()) {
        return false;
    }
    write(address, BCR, BCR_RESET);
    for (uint32_t reads = 0; read(address, BCR) & BCR_RESET; reads++) {
        if (reads == RESET_LIMIT) {
            return false;
        }
    }
    write(address, BCR, BCR_AUTONEGOTIATE | BCR_RESTART);
    return true;
}

struct phy_link phy_read_link(void)
{
    struct phy_link link = {0};
    read(address, BSR); /* link loss is latched until read: the second read is the present state */
    uint16_t status = read(address, BSR);
    if (status == 0xFFFF || !(status & BSR_LINK) || !(status & BSR_NEGOTIATED)) {
        return link;
    }
    unsigned mode = read(address, PSCSR) >> 2 & 7;
    link.up = true;
    link.full_duplex = mode & 4;
    link.speed_100 = (mode & 3) == 2;
    return link;
}

uint32_t phy_id(void) { return id; }
unsigned phy_address(void) { return address; }
