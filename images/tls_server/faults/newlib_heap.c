/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mbedTLS on the C library's heap instead of the kernel's; one task uses it, so it needs no lock. NEWLIB_CALLOC_CLEARS=0 is
 * the usual mistake of who writes a calloc. */
#include <malloc.h>
#include <stdlib.h>

#include "tls.h"

#define ARENA_SIZE (40 * 1024)

void *__wrap__sbrk(ptrdiff_t increment);
bool __real_tls_start(const struct tls_heap *heap);
bool __wrap_tls_start(const struct tls_heap *heap);

/* What newlib's malloc grows into. */
void *__wrap__sbrk(ptrdiff_t increment)
{
    static unsigned char arena[ARENA_SIZE] __attribute__((aligned(8)));
    static ptrdiff_t used;
    if (increment > ARENA_SIZE - used) {
        return (void *)-1;
    }
    used += increment;
    return arena + used - increment;
}

static void *newlib_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return NEWLIB_CALLOC_CLEARS ? calloc(count, size) : malloc(bytes);
}

static size_t free_bytes(void)
{
    struct mallinfo info = mallinfo();
    return ARENA_SIZE - (size_t)info.uordblks;
}

bool __wrap_tls_start(const struct tls_heap *kernel)
{
    static const struct tls_heap newlib = {newlib_calloc, free, free_bytes};
    (void)kernel;
    return __real_tls_start(&newlib);
}
