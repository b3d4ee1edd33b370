/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers of the STM32F407 that these images use. Names, addresses and fields as in RM0090; core registers as in
 * the ARMv7-M Architecture Reference Manual. */
#ifndef STM32F407_H
#define STM32F407_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define BIT(n) (1UL << (n))

/* Reset and clock control (RM0090 7.3) */
#define RCC_CR REGISTER(0x40023800)
#define RCC_CR_HSEON BIT(16)
#define RCC_CR_HSERDY BIT(17)
#define RCC_CR_PLLON BIT(24)
#define RCC_CR_PLLRDY BIT(25)
#define RCC_PLLCFGR REGISTER(0x40023804)
#define RCC_PLLCFGR_M(m) ((uint32_t)(m) << 0)
#define RCC_PLLCFGR_N(n) ((uint32_t)(n) << 6)
#define RCC_PLLCFGR_P(p) (((uint32_t)(p) / 2 - 1) << 16)
#define RCC_PLLCFGR_SRC_HSE BIT(22)
#define RCC_PLLCFGR_Q(q) ((uint32_t)(q) << 24)
#define RCC_CFGR REGISTER(0x40023808)
#define RCC_CFGR_SW_MASK 3UL
#define RCC_CFGR_SW_PLL 2UL
#define RCC_CFGR_SWS_MASK (3UL << 2)
#define RCC_CFGR_SWS_PLL (2UL << 2)
#define RCC_CFGR_PPRE1_DIV4 (5UL << 10)
#define RCC_CFGR_PPRE2_DIV2 (4UL << 13)
#define RCC_AHB1RSTR REGISTER(0x40023810)
#define RCC_AHB1RSTR_ETHMACRST BIT(25)
#define RCC_AHB1ENR REGISTER(0x40023830)
#define RCC_AHB1ENR_GPIO(port) BIT(port)
#define RCC_AHB1ENR_ETHMACEN BIT(25)
#define RCC_AHB1ENR_ETHMACTXEN BIT(26)
#define RCC_AHB1ENR_ETHMACRXEN BIT(27)
#define RCC_AHB2ENR REGISTER(0x40023834)
#define RCC_AHB2ENR_RNGEN BIT(6)
#define RCC_APB1ENR REGISTER(0x40023840)
#define RCC_APB1ENR_USART2EN BIT(17)
#define RCC_APB2ENR REGISTER(0x40023844)
#define RCC_APB2ENR_SYSCFGEN BIT(14)

/* Flash interface (RM0090 3.9) */
#define FLASH_ACR REGISTER(0x40023C00)
#define FLASH_ACR_LATENCY_MASK 7UL
#define FLASH_ACR_LATENCY(wait_states) ((uint32_t)(wait_states))
#define FLASH_ACR_PRFTEN BIT(8)
#define FLASH_ACR_ICEN BIT(9)
#define FLASH_ACR_DCEN BIT(10)

/* System configuration (RM0090 9.2) */
#define SYSCFG_PMC REGISTER(0x40013804)
#define SYSCFG_PMC_MII_RMII_SEL BIT(23)

/* General-purpose I/O (RM0090 8.4); ports are numbered from A = 0 */
enum { PORT_A, PORT_B, PORT_C, PORT_D };
#define GPIO_MODER(port) REGISTER(0x40020000 + 0x400 * (port) + 0x00)
#define GPIO_OSPEEDR(port) REGISTER(0x40020000 + 0x400 * (port) + 0x08)
#define GPIO_AFR(port, pin) REGISTER(0x40020000 + 0x400 * (port) + 0x20 + 4 * ((pin) / 8))
#define GPIO_MODE_ALTERNATE 2UL
#define GPIO_SPEED_VERY_HIGH 3UL
#define AF_USART2 7UL
#define AF_ETH 11UL

/* USART (RM0090 30.6) */
#define USART2_SR REGISTER(0x40004400)
#define USART_SR_RXNE BIT(5)
#define USART_SR_TXE BIT(7)
#define USART2_DR REGISTER(0x40004404)
#define USART2_BRR REGISTER(0x40004408)
#define USART2_CR1 REGISTER(0x4000440C)
#define USART_CR1_RE BIT(2)
#define USART_CR1_TE BIT(3)
#define USART_CR1_UE BIT(13)

/* Random number generator (RM0090 24.4) */
#define RNG_CR REGISTER(0x50060800)
#define RNG_CR_RNGEN BIT(2)
#define RNG_SR REGISTER(0x50060804)
#define RNG_SR_DRDY BIT(0)
#define RNG_SR_CECS BIT(1)
#define RNG_SR_SECS BIT(2)
#define RNG_SR_CEIS BIT(5)
#define RNG_SR_SEIS BIT(6)
#define RNG_DR REGISTER(0x50060808)

/* Ethernet MAC (RM0090 33.8.1) */
#define ETH_MACCR REGISTER(0x40028000)
#define ETH_MACCR_RE BIT(2)
#define ETH_MACCR_TE BIT(3)
#define ETH_MACCR_IPCO BIT(10)
#define ETH_MACCR_DM BIT(11)
#define ETH_MACCR_FES BIT(14)
#define ETH_MACFFR REGISTER(0x40028004)
#define ETH_MACMIIAR REGISTER(0x40028010)
#define ETH_MACMIIAR_MB BIT(0)
#define ETH_MACMIIAR_MW BIT(1)
#define ETH_MACMIIAR_CR_150_168_MHZ (4UL << 2)
#define ETH_MACMIIAR_MR(phy_register) ((uint32_t)(phy_register) << 6)
#define ETH_MACMIIAR_PA(phy_address) ((uint32_t)(phy_address) << 11)
#define ETH_MACMIIDR REGISTER(0x40028014)
#define ETH_MACFCR REGISTER(0x40028018)
#define ETH_MACIMR REGISTER(0x4002803C)
#define ETH_MACIMR_PMTIM BIT(3)
#define ETH_MACIMR_TSTIM BIT(9)
#define ETH_MACA0HR REGISTER(0x40028040)
#define ETH_MACA0LR REGISTER(0x40028044)

/* Ethernet MAC management counters (RM0090 33.8.2): their interrupts share the ETH line */
#define ETH_MMCRIMR REGISTER(0x4002810C)
#define ETH_MMCRIMR_ALL (BIT(5) | BIT(6) | BIT(17))
#define ETH_MMCTIMR REGISTER(0x40028110)
#define ETH_MMCTIMR_ALL (BIT(14) | BIT(15) | BIT(21))

/* Ethernet DMA (RM0090 33.8.4) */
#define ETH_DMABMR REGISTER(0x40029000)
#define ETH_DMABMR_SR BIT(0)
#define ETH_DMABMR_PBL(beats) ((uint32_t)(beats) << 8)
#define ETH_DMABMR_FB BIT(16)
#define ETH_DMABMR_RDP(beats) ((uint32_t)(beats) << 17)
#define ETH_DMABMR_USP BIT(23)
#define ETH_DMABMR_AAB BIT(25)
#define ETH_DMATPDR REGISTER(0x40029004)
#define ETH_DMARPDR REGISTER(0x40029008)
#define ETH_DMARDLAR REGISTER(0x4002900C)
#define ETH_DMATDLAR REGISTER(0x40029010)
#define ETH_DMASR REGISTER(0x40029014)
#define ETH_DMASR_TBUS BIT(2)
#define ETH_DMASR_RS BIT(6)
#define ETH_DMASR_RBUS BIT(7)
#define ETH_DMASR_NIS BIT(16)
#define ETH_DMAOMR REGISTER(0x40029018)
#define ETH_DMAOMR_SR BIT(1)
#define ETH_DMAOMR_ST BIT(13)
#define ETH_DMAOMR_FTF BIT(20)
#define ETH_DMAOMR_TSF BIT(21)
#define ETH_DMAOMR_RSF BIT(25)
#define ETH_DMAIER REGISTER(0x4002901C)
#define ETH_DMAIER_RIE BIT(6)
#define ETH_DMAIER_NISE BIT(16)

/* Normal DMA descriptors (RM0090 33.6.7, 33.6.8) */
#define TDES0_OWN BIT(31)
#define TDES0_LS BIT(29)
#define TDES0_FS BIT(28)
#define TDES0_CIC_FULL (3UL << 22)
#define TDES0_TCH BIT(20)
#define RDES0_OWN BIT(31)
#define RDES0_FL(rdes0) (((rdes0) >> 16) & 0x3FFF)
#define RDES0_ES BIT(15)
#define RDES0_FS BIT(9)
#define RDES0_LS BIT(8)
#define RDES1_RCH BIT(14)

/* Unique device ID (RM0090 39.1) */
#define U_ID(word) REGISTER(0x1FFF7A10 + 4 * (word))

/* Interrupts (RM0090 table 62) */
enum { WWDG_IRQ = 0, PVD_IRQ = 1, TAMP_STAMP_IRQ = 2, RTC_WKUP_IRQ = 3, USART2_IRQ = 38, ETH_IRQ = 61, IRQ_COUNT = 82 };

/* SysTick (ARMv7-M B3.3) */
#define SYST_CSR REGISTER(0xE000E010)
#define SYST_CSR_ENABLE BIT(0)
#define SYST_CSR_TICKINT BIT(1)
#define SYST_CSR_CLKSOURCE BIT(2)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)

/* Nested vectored interrupt controller (ARMv7-M B3.4) */
#define NVIC_ISER(irq) REGISTER(0xE000E100 + 4 * ((irq) / 32))
#define NVIC_ICER(irq) REGISTER(0xE000E180 + 4 * ((irq) / 32))
#define NVIC_ISPR(irq) REGISTER(0xE000E200 + 4 * ((irq) / 32))
#define NVIC_ICPR(irq) REGISTER(0xE000E280 + 4 * ((irq) / 32))
#define NVIC_IABR(irq) REGISTER(0xE000E300 + 4 * ((irq) / 32))
#define NVIC_IPR(irq) (*(volatile uint8_t *)(0xE000E400 + (irq)))
#define NVIC_BIT(irq) BIT((irq) % 32)
#define NVIC_STIR REGISTER(0xE000EF00)

/* System control block (ARMv7-M B3.2) */
#define SCB_ICSR REGISTER(0xE000ED04)
#define SCB_ICSR_VECTACTIVE 0x1FFUL
#define SCB_ICSR_RETTOBASE BIT(11)
#define SCB_ICSR_VECTPENDING(icsr) (((icsr) >> 12) & 0x1FF)
#define SCB_ICSR_ISRPENDING BIT(22)
#define SCB_ICSR_PENDSTSET BIT(26)
#define SCB_ICSR_PENDSVCLR BIT(27)
#define SCB_ICSR_PENDSVSET BIT(28)
#define SCB_AIRCR REGISTER(0xE000ED0C)
#define SCB_AIRCR_KEY (0x5FAUL << 16)
#define SCB_AIRCR_PRIGROUP(split) ((uint32_t)(split) << 8)
#define SCB_CCR REGISTER(0xE000ED14)
#define SCB_CCR_DIV_0_TRP BIT(4)
#define SCB_SHPR(exception) (*(volatile uint8_t *)(0xE000ED14 + (exception)))
#define SCB_SHCSR REGISTER(0xE000ED24)
#define SCB_SHCSR_MEMFAULTENA BIT(16)
#define SCB_SHCSR_BUSFAULTENA BIT(17)
#define SCB_SHCSR_USGFAULTENA BIT(18)
#define SCB_CFSR REGISTER(0xE000ED28)
#define SCB_HFSR REGISTER(0xE000ED2C)
#define SCB_HFSR_FORCED BIT(30)
#define SCB_BFAR REGISTER(0xE000ED38)
#define SCB_CPACR REGISTER(0xE000ED88)
#define SCB_CPACR_CP10_CP11_FULL (0xFUL << 20)

static inline void disable_interrupts(void) { __asm volatile("cpsid i" ::: "memory"); }
static inline void enable_interrupts(void) { __asm volatile("cpsie i" ::: "memory"); }
static inline void data_barrier(void) { __asm volatile("dsb" ::: "memory"); }
static inline void instruction_barrier(void) { __asm volatile("isb" ::: "memory"); }
static inline void wait_for_interrupt(void) { __asm volatile("dsb\n\twfi" ::: "memory"); }

static inline void nvic_enable(unsigned irq, uint8_t priority)
{
    NVIC_IPR(irq) = priority;
    NVIC_ISER(irq) = NVIC_BIT(irq);
}

#endif
