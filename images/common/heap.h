/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>

/* Hand the allocator its memory, once, 8-byte aligned. */
void heap_start(void *memory, size_t size);

/* As in C: zeroed memory, or NULL. */
void *heap_calloc(size_t count, size_t size);
void heap_free(void *memory);

size_t heap_free_bytes(void);

/* The least heap_free_bytes there has ever been. */
size_t heap_low_water(void);

#endif
