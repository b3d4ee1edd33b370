/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another user of the TLS server's heap: a task that samples something every millisecond and keeps the last few
 * records, so that blocks of all sizes pass from it to mbedTLS with its data in them. */
#include <string.h>

#include "FreeRTOS.h"
#include "task.h"
#include "tls.h"

#define SAMPLER_PRIORITY 3 /* above the TLS task: it gets between any two of its allocations */
#define SAMPLER_STACK_WORDS 128
#define RECORDS 8
#define RECORD_MAX 256

bool __real_tls_start(const struct tls_heap *heap);
bool __wrap_tls_start(const struct tls_heap *heap);

static void sampler_task(void *unused)
{
    static void *records[RECORDS];
    uint32_t sample = 1;
    (void)unused;
    for (unsigned n = 0;; n = (n + 1) % RECORDS) {
        sample = sample * 1664525 + 1013904223;
        size_t size = 16 + (sample >> 16) % (RECORD_MAX - 16);
        vPortFree(records[n]);
        records[n] = pvPortMalloc(size);
        if (records[n]) {
            memset(records[n], (int)(sample >> 24), size);
        }
        vTaskDelay(1);
    }
}

bool __wrap_tls_start(const struct tls_heap *heap)
{
    return __real_tls_start(heap)
        && xTaskCreate(sampler_task, "sampler", SAMPLER_STACK_WORDS, NULL, SAMPLER_PRIORITY, NULL) == pdPASS;
}
