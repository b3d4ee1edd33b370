/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock tree (RM0090 7.2). Voltage scale 1, which 168 MHz needs, is PWR_CR's reset value (RM0090 5.4.1). */
#include "clock.h"
#include "stm32f407.h"

#define READY_LIMIT 200000UL /* polls; far above the crystal's 2 ms and the PLL's 0.3 ms at 16 MHz */

uint32_t clock_hclk = HSI_HZ;
uint32_t clock_pclk1 = HSI_HZ;

static bool wait_until(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (uint32_t polls = 0; polls < READY_LIMIT; polls++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

bool clock_start(void)
{
    RCC_CR |= RCC_CR_HSEON;
    if (!wait_until(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY)) {
        return false;
    }
    /* 8 MHz / M = 1 MHz in, x N = 336 MHz, / P = 168 MHz for the core, / Q = 48 MHz for the RNG. */
    RCC_PLLCFGR = RCC_PLLCFGR_SRC_HSE | RCC_PLLCFGR_M(8) | RCC_PLLCFGR_N(336) | RCC_PLLCFGR_P(2) | RCC_PLLCFGR_Q(7);
    RCC_CR |= RCC_CR_PLLON;
    if (!wait_until(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    /* Wait states first, and read back before the clock rises (RM0090 3.5.1). */
    FLASH_ACR = FLASH_ACR_LATENCY(5) | FLASH_ACR_PRFTEN | FLASH_ACR_ICEN | FLASH_ACR_DCEN;
    if (!wait_until(&FLASH_ACR, FLASH_ACR_LATENCY_MASK, FLASH_ACR_LATENCY(5))) {
        return false;
    }
    RCC_CFGR = RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2 | RCC_CFGR_SW_PLL;
    if (!wait_until(&RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL)) {
        return false;
    }
    clock_hclk = 168000000;
    clock_pclk1 = 42000000;
    return true;
}

void clock_start_tick(void)
{
    SYST_RVR = clock_hclk / 1000 - 1;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_TICKINT | SYST_CSR_ENABLE;
}
