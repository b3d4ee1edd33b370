/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A benchmark on this machine: prints its CPU seconds and its result. */
#include <stdio.h>
#include <time.h>

#include "bench.h"

/* mbedTLS's entropy source, which nobody asks here. */
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written);

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t length, size_t *written)
{
    (void)data, (void)output, (void)length;
    *written = 0;
    return -1;
}

int main(void)
{
    clock_t start = clock();
    uint32_t result = bench_work();
    printf("%.6f %08lx\n", (double)(clock() - start) / CLOCKS_PER_SEC, (unsigned long)result);
    return 0;
}
