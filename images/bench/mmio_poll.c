/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device register read over and over, as a driver waits for a flag. */
#include "bench.h"
#include "stm32f407.h"

#define READS 5000000

uint32_t bench_work(void)
{
    uint32_t sum = 0;
    for (int n = 0; n < READS; n++) {
        sum += 1 + (USART2_SR & USART_SR_RXNE);
    }
    return sum;
}
