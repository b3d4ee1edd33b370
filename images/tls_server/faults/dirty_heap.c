/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the start leaves in the heap: certificates are parsed while it is still zero, then something else uses a buffer
 * there, as a self-test would. The first connection gets its blocks from what that buffer was. */
#include <string.h>

#include "FreeRTOS.h"
#include "tls.h"

#define BUFFER_SIZE 4096 /* with much more, connections hang in MOD_ADD instead of failing in the client */
#define PATTERN 0xA5

bool __real_tls_start(const struct tls_heap *heap);
bool __wrap_tls_start(const struct tls_heap *heap);

static void test_itself(void)
{
    void *buffer = pvPortMalloc(BUFFER_SIZE);
    if (buffer) {
        memset(buffer, PATTERN, BUFFER_SIZE);
        vPortFree(buffer);
    }
}

bool __wrap_tls_start(const struct tls_heap *heap)
{
    bool started = __real_tls_start(heap);
    test_itself();
    return started;
}
