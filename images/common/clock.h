/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define HSI_HZ 16000000UL

/* Frequencies in Hz of the core and of APB1; HSI until clock_start succeeds. */
extern uint32_t clock_hclk;
extern uint32_t clock_pclk1;

/* Run the core at 168 MHz from an 8 MHz crystal, APB1 at 42 MHz, APB2 at 84 MHz and PLL48CK at 48 MHz.
 * False, and everything stays on the HSI, if the crystal or the PLL does not start. */
bool clock_start(void);

/* Start a 1 kHz SysTick. The handler is the image's. */
void clock_start_tick(void);

#endif
