/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of every benchmark: the work lies between the lines "go" and "done". Runs from the HSI, since QEMU's
 * netduinoplus2 has no RCC. */
#include "bench.h"
#include "console.h"
#include "stm32f407.h"

int main(void)
{
    console_start();
    console_printf("go\n");
    console_printf("done %08lx\n", (unsigned long)bench_work());
    for (;;) {
        wait_for_interrupt();
    }
}
