/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions: SysTick and PendSV pended by the program itself every LOOP instructions, so that both machines take as
 * many, whatever they think of time. */
#include "bench.h"
#include "stm32f407.h"

#define LOOP 8400 /* a 20 kHz tick at 168 MHz */
#define ROUNDS 100000

static volatile uint32_t ticks, switches;

void SysTick_Handler(void) { ticks++; }
void PendSV_Handler(void) { switches += ticks; }

/* `instructions` of them, twelve each time round: Marsaglia's xorshift and a sum. */
static uint32_t work(uint32_t instructions, uint32_t x)
{
    uint32_t sum = 0;
    for (uint32_t left = instructions / 12; left; left--) {
        __asm volatile("eor %0, %0, %0, lsl #13\n\t"
                       "eor %0, %0, %0, lsr #17\n\t"
                       "eor %0, %0, %0, lsl #5\n\t"
                       "add %1, %1, %0\n\t"
                       "ror %1, %1, #3\n\t"
                       "eor %0, %0, %0, lsl #13\n\t"
                       "eor %0, %0, %0, lsr #17\n\t"
                       "eor %0, %0, %0, lsl #5\n\t"
                       "add %1, %1, %0\n\t"
                       "ror %1, %1, #3"
                       : "+r"(x), "+r"(sum));
    }
    return sum;
}

uint32_t bench_work(void)
{
    uint32_t sum = 1;
    for (int round = 0; round < ROUNDS; round++) {
        sum ^= work(LOOP, sum | 1);
        SCB_ICSR = SCB_ICSR_PENDSTSET | SCB_ICSR_PENDSVSET;
        data_barrier();
        instruction_barrier();
    }
    return sum ^ switches;
}
