/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First fit over an address-ordered free list; neighbours are joined when freed. For images without a kernel. */
#include "heap.h"

#include <stdint.h>
#include <string.h>

struct block {
    size_t size;        /* bytes, header included */
    struct block *next; /* next free block by address; unused while allocated */
};

#define ALIGNMENT sizeof(struct block)

static struct block *free_list;
static size_t free_now, free_least;

void heap_start(void *memory, size_t size)
{
    free_list = memory;
    *free_list = (struct block){.size = size & ~(ALIGNMENT - 1), .next = NULL};
    free_now = free_least = free_list->size;
}

/* Cut `need` bytes off the front of the free block behind `link`, or take it whole if little would stay. */
static struct block *take(struct block **link, size_t need)
{
    struct block *block = *link;
    if (block->size - need < 2 * ALIGNMENT) {
        *link = block->next;
        return block;
    }
    struct block *rest = (struct block *)((uint8_t *)block + need);
    *rest = (struct block){.size = block->size - need, .next = block->next};
    *link = rest;
    block->size = need;
    return block;
}

void *heap_calloc(size_t count, size_t size)
{
    size_t wanted;
    if (__builtin_mul_overflow(count, size, &wanted) || wanted > SIZE_MAX / 2) {
        return NULL;
    }
    size_t need = (wanted + sizeof(struct block) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    for (struct block **link = &free_list; *link; link = &(*link)->next) {
        if ((*link)->size >= need) {
            struct block *block = take(link, need);
            free_now -= block->size;
            free_least = free_now < free_least ? free_now : free_least;
            return memset(block + 1, 0, wanted);
        }
    }
    return NULL;
}

static void join_with_next(struct block *block)
{
    if (block->next && (uint8_t *)block + block->size == (uint8_t *)block->next) {
        block->size += block->next->size;
        block->next = block->next->next;
    }
}

void heap_free(void *memory)
{
    if (!memory) {
        return;
    }
    struct block *block = (struct block *)memory - 1;
    struct block *before = NULL;
    struct block **link = &free_list;
    while (*link && *link < block) {
        before = *link;
        link = &before->next;
    }
    free_now += block->size;
    block->next = *link;
    *link = block;
    join_with_next(block);
    if (before) {
        join_with_next(before);
    }
}

size_t heap_free_bytes(void) { return free_now; }
size_t heap_low_water(void) { return free_least; }
