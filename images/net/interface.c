/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lwIP's network interface on the Ethernet driver. Frames are copied between pbufs and DMA buffers. */
#include "interface.h"

#include <string.h>

#include "console.h"
#include "eth.h"
#include "lwip/etharp.h"
#include "lwip/ip4_addr.h"
#include "netif/ethernet.h"
#include "stm32f407.h"

#define BUFFER_LIMIT 50000UL /* polls; a frame takes 120 us to leave at 100 Mbit/s */

static struct netif interface;

static err_t output(struct netif *netif, struct pbuf *frame)
{
    (void)netif;
    uint8_t *buffer = eth_transmit_buffer();
    for (uint32_t polls = 0; !buffer && polls < BUFFER_LIMIT; polls++) {
        buffer = eth_transmit_buffer();
    }
    if (!buffer || frame->tot_len > ETH_FRAME_MAX) {
        return ERR_MEM;
    }
    eth_transmit(pbuf_copy_partial(frame, buffer, frame->tot_len, 0));
    return ERR_OK;
}

/* A locally administered address made from the chip's unique ID. */
static void make_address(uint8_t mac[6])
{
    uint32_t id = U_ID(0) ^ U_ID(1) ^ U_ID(2);
    mac[0] = 0x02;
    mac[1] = 0x00;
    memcpy(mac + 2, &id, sizeof id);
}

static err_t initialise(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = output;
    return ERR_OK;
}

bool interface_start(netif_input_fn input)
{
    ip4_addr_t address, mask, gateway;
    ip4addr_aton(INTERFACE_ADDRESS, &address);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 192, 168, 0, 1);
    make_address(interface.hwaddr);
    const char *reason;
    if (!eth_start(interface.hwaddr, &reason)) {
        console_printf("eth: %s\n", reason);
        return false;
    }
    console_printf("eth: PHY %08lx at address %u\n", (unsigned long)phy_id(), phy_address());
    netif_add(&interface, &address, &mask, &gateway, NULL, initialise, input);
    netif_set_default(&interface);
    netif_set_up(&interface);
    return true;
}

static void pass_up(const uint8_t *frame, size_t length)
{
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_POOL);
    if (!packet) {
        return; /* as if lost on the wire: the sender repeats it */
    }
    pbuf_take(packet, frame, (u16_t)length);
    if (interface.input(packet, &interface) != ERR_OK) {
        pbuf_free(packet);
    }
}

void interface_input(void)
{
    size_t length;
    const uint8_t *frame;
    while ((frame = eth_receive(&length))) {
        pass_up(frame, length);
        eth_release();
    }
}

void interface_check_link(void)
{
    struct phy_link link = phy_read_link();
    if (link.up == !!netif_is_link_up(&interface)) {
        return;
    }
    eth_set_link(link);
    if (!link.up) {
        console_printf("link down\n");
        netif_set_link_down(&interface);
        return;
    }
    console_printf("link up: %s Mbit/s %s duplex\n", link.speed_100 ? "100" : "10", link.full_duplex ? "full" : "half");
    netif_set_link_up(&interface);
}
