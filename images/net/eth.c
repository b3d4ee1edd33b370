/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Ethernet MAC and its DMA in RMII mode (RM0090 chapter 33): chained normal descriptors, one frame a buffer,
 * checksums made and checked by the MAC. */
#include "eth.h"

#include "gpio.h"
#include "stm32f407.h"

#define RX_COUNT 8
#define TX_COUNT 6
#define BUFFER_SIZE 1536 /* a frame with CRC and VLAN tag, and a multiple of the bus width */
#define RESET_LIMIT 1000000UL
#define IRQ_PRIORITY 0xA0

struct descriptor {
    volatile uint32_t status;  /* TDES0, RDES0 */
    volatile uint32_t control; /* TDES1, RDES1: buffer size or frame length */
    uint8_t *buffer;
    struct descriptor *next;
};

/* In SRAM, as everything that is not placed elsewhere: the DMA cannot reach CCM. */
static struct descriptor rx_ring[RX_COUNT], tx_ring[TX_COUNT];
static uint8_t rx_buffers[RX_COUNT][BUFFER_SIZE] __attribute__((aligned(4)));
static uint8_t tx_buffers[TX_COUNT][BUFFER_SIZE] __attribute__((aligned(4)));
static struct descriptor *rx, *tx;

static void start_pins(void)
{
    static const struct { uint8_t port, pin; } pins[] = {
        {PORT_A, 1},  /* REF_CLK */ {PORT_A, 2},  /* MDIO */ {PORT_A, 7},  /* CRS_DV */
        {PORT_B, 11}, /* TX_EN */   {PORT_B, 12}, /* TXD0 */ {PORT_B, 13}, /* TXD1 */
        {PORT_C, 1},  /* MDC */     {PORT_C, 4},  /* RXD0 */ {PORT_C, 5},  /* RXD1 */
    };
    for (unsigned i = 0; i < sizeof pins / sizeof pins[0]; i++) {
        gpio_alternate(pins[i].port, pins[i].pin, AF_ETH);
    }
}

/* The interface must be chosen while the MAC is held in reset and before its clocks run (RM0090 33.4.4). */
static void start_clocks(void)
{
    RCC_APB2ENR |= RCC_APB2ENR_SYSCFGEN;
    (void)RCC_APB2ENR;
    RCC_AHB1RSTR |= RCC_AHB1RSTR_ETHMACRST;
    SYSCFG_PMC |= SYSCFG_PMC_MII_RMII_SEL;
    RCC_AHB1ENR |= RCC_AHB1ENR_ETHMACEN | RCC_AHB1ENR_ETHMACTXEN | RCC_AHB1ENR_ETHMACRXEN;
    (void)RCC_AHB1ENR;
    RCC_AHB1RSTR &= ~RCC_AHB1RSTR_ETHMACRST;
}

/* The software reset only ends while the PHY's reference clock runs (RM0090 33.8.4, DMABMR). */
static bool reset_dma(void)
{
    ETH_DMABMR |= ETH_DMABMR_SR;
    for (uint32_t polls = 0; polls < RESET_LIMIT; polls++) {
        if (!(ETH_DMABMR & ETH_DMABMR_SR)) {
            return true;
        }
    }
    return false;
}

static void start_rings(void)
{
    for (unsigned i = 0; i < RX_COUNT; i++) {
        struct descriptor *next = &rx_ring[(i + 1) % RX_COUNT];
        rx_ring[i] = (struct descriptor){RDES0_OWN, RDES1_RCH | BUFFER_SIZE, rx_buffers[i], next};
    }
    for (unsigned i = 0; i < TX_COUNT; i++) {
        tx_ring[i] = (struct descriptor){TDES0_TCH, 0, tx_buffers[i], &tx_ring[(i + 1) % TX_COUNT]};
    }
    rx = rx_ring;
    tx = tx_ring;
    data_barrier();
    ETH_DMARDLAR = (uint32_t)rx_ring;
    ETH_DMATDLAR = (uint32_t)tx_ring;
}

static void set_address(const uint8_t mac[6])
{
    ETH_MACA0HR = (uint32_t)mac[5] << 8 | mac[4];
    ETH_MACA0LR = (uint32_t)mac[3] << 24 | (uint32_t)mac[2] << 16 | (uint32_t)mac[1] << 8 | mac[0];
}

static void mask_unused_interrupts(void)
{
    ETH_MACIMR = ETH_MACIMR_PMTIM | ETH_MACIMR_TSTIM;
    ETH_MMCRIMR = ETH_MMCRIMR_ALL;
    ETH_MMCTIMR = ETH_MMCTIMR_ALL;
}

bool eth_start(const uint8_t mac[6], const char **reason)
{
    start_pins();
    start_clocks();
    if (!reset_dma()) {
        *reason = "the DMA's reset does not end (no RMII reference clock?)";
        return false;
    }
    if (!phy_start()) {
        *reason = "no PHY answers";
        return false;
    }
    mask_unused_interrupts();
    ETH_MACCR = ETH_MACCR_IPCO;
    ETH_MACFFR = 0; /* own address and broadcasts */
    ETH_MACFCR = 0; /* no pause frames */
    set_address(mac);
    ETH_DMABMR = ETH_DMABMR_AAB | ETH_DMABMR_USP | ETH_DMABMR_RDP(32) | ETH_DMABMR_PBL(32) | ETH_DMABMR_FB;
    start_rings();
    /* Checksums need whole frames in the FIFO, both ways (RM0090 33.5.3, 33.5.5). */
    ETH_DMAOMR = ETH_DMAOMR_TSF | ETH_DMAOMR_RSF;
    ETH_DMAIER = ETH_DMAIER_NISE | ETH_DMAIER_RIE;
    nvic_enable(ETH_IRQ, IRQ_PRIORITY);
    return true;
}

static void start_transfers(void)
{
    ETH_MACCR |= ETH_MACCR_TE;
    ETH_DMAOMR |= ETH_DMAOMR_FTF;
    for (uint32_t polls = 0; polls < RESET_LIMIT && (ETH_DMAOMR & ETH_DMAOMR_FTF); polls++) {
    }
    ETH_MACCR |= ETH_MACCR_RE;
    ETH_DMAOMR |= ETH_DMAOMR_ST | ETH_DMAOMR_SR;
}

void eth_set_link(struct phy_link link)
{
    if (!link.up) {
        return;
    }
    uint32_t mode = (link.speed_100 ? ETH_MACCR_FES : 0) | (link.full_duplex ? ETH_MACCR_DM : 0);
    ETH_MACCR = (ETH_MACCR & ~(ETH_MACCR_FES | ETH_MACCR_DM)) | mode;
    if (!(ETH_DMAOMR & ETH_DMAOMR_SR)) {
        start_transfers();
    }
}

/* --- frames ------------------------------------------------------------------------------------------------------ */

void eth_release(void)
{
    rx->status = RDES0_OWN;
    data_barrier(); /* the descriptor must be in memory before the DMA is told to look */
    if (ETH_DMASR & ETH_DMASR_RBUS) {
        ETH_DMASR = ETH_DMASR_RBUS;
        ETH_DMARPDR = 0;
    }
    rx = rx->next;
}

/* A buffer holds every legal frame whole, so a part of one is an error. Frames with a wrong TCP, UDP or ICMP checksum
 * never get here: the MAC drops them (RM0090 33.8.4, DMAOMR.DTCEFD = 0). */
static bool is_good(uint32_t status)
{
    uint32_t whole = RDES0_FS | RDES0_LS;
    return !(status & RDES0_ES) && (status & whole) == whole && RDES0_FL(status) > 4 + 14;
}

const uint8_t *eth_receive(size_t *length)
{
    while (!(rx->status & RDES0_OWN)) {
        uint32_t status = rx->status;
        if (is_good(status)) {
            *length = RDES0_FL(status) - 4; /* the MAC counts the CRC */
            return rx->buffer;
        }
        eth_release();
    }
    return NULL;
}

uint8_t *eth_transmit_buffer(void)
{
    return tx->status & TDES0_OWN ? NULL : tx->buffer;
}

void eth_transmit(size_t length)
{
    tx->control = length;
    data_barrier();
    tx->status = TDES0_OWN | TDES0_LS | TDES0_FS | TDES0_CIC_FULL | TDES0_TCH;
    data_barrier();
    ETH_DMASR = ETH_DMASR_TBUS;
    ETH_DMATPDR = 0;
    tx = tx->next;
}

void ETH_IRQHandler(void)
{
    ETH_DMASR = ETH_DMASR_RS | ETH_DMASR_NIS;
    (void)ETH_DMASR; /* the line must have fallen before the handler returns */
    eth_frames_arrived();
}
