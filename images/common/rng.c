/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The random number generator and its three ways to fail (RM0090 24.3). */
#include "rng.h"

#include "stm32f407.h"

#define READY_LIMIT 10000UL /* polls; a word takes 40 periods of the 48 MHz clock */

void rng_start(void)
{
    RCC_AHB2ENR |= RCC_AHB2ENR_RNGEN;
    (void)RCC_AHB2ENR;
    RNG_CR = RNG_CR_RNGEN;
}

/* A seed error asks for a new start (RM0090 24.3.2); the word at hand must not be used. */
static void restart_after_seed_error(void)
{
    RNG_SR = ~RNG_SR_SEIS;
    RNG_CR = 0;
    RNG_CR = RNG_CR_RNGEN;
}

bool rng_word(uint32_t *word)
{
    for (uint32_t polls = 0; polls < READY_LIMIT; polls++) {
        uint32_t status = RNG_SR;
        if (status & (RNG_SR_SECS | RNG_SR_SEIS)) {
            restart_after_seed_error();
            return false;
        }
        if (status & (RNG_SR_CECS | RNG_SR_CEIS)) {
            RNG_SR = ~RNG_SR_CEIS;
            return false;
        }
        if (status & RNG_SR_DRDY) {
            *word = RNG_DR;
            return true;
        }
    }
    return false;
}
