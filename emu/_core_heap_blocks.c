/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of the firmware's heaps: a table by address, the bytes around each that must not change, and what freed
 * memory held. The guest's own memory is only read. */
#include "_core_heap.h"

#define FIRST_CAPACITY 1024u
#define KEPT_BY_ALLOCATORS 16u /* at the start of freed memory allocators keep links and sizes */

static HeapBlock *slot(HeapBlock *blocks, uint32_t capacity, uint32_t address)
{
    uint32_t n = (address >> 3) * 2654435761u & (capacity - 1);
    while (blocks[n].address && blocks[n].address != address)
        n = (n + 1) & (capacity - 1);
    return &blocks[n];
}

static bool grow(Heap *h)
{
    uint32_t capacity = h->capacity ? h->capacity * 2 : FIRST_CAPACITY;
    HeapBlock *blocks = PyMem_Calloc(capacity, sizeof *blocks);
    if (blocks == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (uint32_t n = 0; n < h->capacity; n++)
        if (h->blocks[n].address)
            *slot(blocks, capacity, h->blocks[n].address) = h->blocks[n];
    PyMem_Free(h->blocks);
    h->blocks = blocks;
    h->capacity = capacity;
    return true;
}

HeapBlock *heap_find(Heap *h, uint32_t address)
{
    HeapBlock *block = h->capacity ? slot(h->blocks, h->capacity, address) : NULL;
    return block != NULL && block->address ? block : NULL;
}

const uint8_t *heap_bytes(Heap *h, uint32_t address, uint32_t size)
{
    Region *r = core_backing(h->core, &address, size);
    return r != NULL ? r->host + (address - r->base) : NULL;
}

/* The header before a block, and what lies between its end and the allocator's grain. */
static void keep_edges(Heap *h, HeapBlock *b, uint32_t header, uint32_t grain)
{
    const uint8_t *before = heap_bytes(h, b->address - header, header);
    uint32_t slack = -(b->address + b->size) & (grain - 1);
    const uint8_t *behind = heap_bytes(h, b->address + b->size, slack);
    b->header_size = before != NULL ? (uint8_t)header : 0;
    b->slack_size = behind != NULL ? (uint8_t)slack : 0;
    memcpy(b->header, before, b->header_size);
    memcpy(b->slack, behind, b->slack_size);
}

static bool suspected(const Heap *h, uint32_t by)
{
    for (int n = 0; n < h->suspect_count; n++)
        if (h->suspects[n] == by)
            return true;
    return false;
}

bool heap_insert(Heap *h, uint32_t address, const HeapCall *call, const HeapFunction *served)
{
    if (h->used * 2 >= h->capacity && !grow(h))
        return false;
    HeapBlock *block = slot(h->blocks, h->capacity, address);
    h->used += block->address == 0;
    if (block->live)
        heap_release(h, block, call->ret);
    *block = (HeapBlock){.address = address, .size = call->size, .by = call->ret, .live = true, .scenes = block->scenes,
                         .epoch = h->epoch, .function = call->function, .served = served};
    h->live_bytes += call->size;
    h->peak_bytes = h->live_bytes > h->peak_bytes ? h->live_bytes : h->peak_bytes;
    keep_edges(h, block, served->header, served->grain);
    if (h->keeps_scenes)
        heap_exact_allocated(h, block);
    else if (suspected(h, call->ret))
        heap_keep_scene(h, block, 0, call->ret);
    return true;
}

void heap_release(Heap *h, HeapBlock *block, uint32_t by)
{
    h->live_bytes -= block->size;
    block->live = false;
    block->freed_by = by;
    block->order = ++h->frees;
    if (h->keeps_scenes)
        heap_exact_freed(h, block);
}

int heap_damage(Heap *h, const HeapBlock *b)
{
    const uint8_t *before = heap_bytes(h, b->address - b->header_size, b->header_size);
    const uint8_t *behind = heap_bytes(h, b->address + b->size, b->slack_size);
    if (b->header_size && before != NULL && memcmp(before, b->header, b->header_size) != 0)
        return HEAP_UNDERRUN;
    return b->slack_size && behind != NULL && memcmp(behind, b->slack, b->slack_size) != 0 ? HEAP_OVERRUN : -1;
}

/* The region of `address`, with its two maps; NULL where there is no memory or none left for the maps. */
static Region *mapped(Heap *h, uint32_t *address, uint32_t size, uint8_t **freed, uint8_t **shadow)
{
    Region *r = core_backing(h->core, address, size);
    if (r == NULL)
        return NULL;
    ptrdiff_t n = r - h->core->regions;
    if (h->freed[n] == NULL)
        h->freed[n] = PyMem_Calloc(r->size, 1);
    if (h->shadow[n] == NULL)
        h->shadow[n] = PyMem_Malloc(r->size);
    *freed = h->freed[n];
    *shadow = h->shadow[n];
    return *freed != NULL && *shadow != NULL ? r : NULL;
}

bool heap_remember(Heap *h, const HeapBlock *block)
{
    uint32_t address = block->address;
    uint8_t *freed, *shadow;
    Region *r = mapped(h, &address, block->size, &freed, &shadow);
    if (r == NULL || block->size <= KEPT_BY_ALLOCATORS)
        return r != NULL;
    uint32_t at = address - r->base + KEPT_BY_ALLOCATORS, length = block->size - KEPT_BY_ALLOCATORS;
    memcpy(shadow + at, r->host + at, length);
    memset(freed + at, 1, length);
    return true;
}

/* `size` bytes at `address` are allocated again. What is freed around them belongs to the allocator now, too. */
uint32_t heap_reuse(Heap *h, uint32_t address, uint32_t size)
{
    uint8_t *freed, *shadow;
    uint32_t inside = address, written = 0;
    Region *r = mapped(h, &inside, size, &freed, &shadow);
    if (r == NULL)
        return 0;
    uint32_t at = inside - r->base, end = at + size;
    for (uint32_t n = at; n < end && !written; n++)
        if (freed[n] && shadow[n] != r->host[n])
            written = address + (n - at);
    uint32_t from = at < KEPT_BY_ALLOCATORS ? 0 : at - KEPT_BY_ALLOCATORS;
    uint32_t to = r->size - end < 2 * KEPT_BY_ALLOCATORS ? r->size : end + 2 * KEPT_BY_ALLOCATORS;
    memset(freed + from, 0, to - from);
    return written;
}

/* The block that was freed last of those that `address` was in. */
const HeapBlock *heap_freed_around(const Heap *h, uint32_t address)
{
    const HeapBlock *last = NULL;
    for (uint32_t n = 0; n < h->capacity; n++) {
        const HeapBlock *b = &h->blocks[n];
        bool inside = address - (b->address - b->header_size) < b->header_size + b->size + b->slack_size;
        if (b->address && !b->live && inside && (last == NULL || b->order > last->order))
            last = b;
    }
    return last;
}

/* Forget everything: a reset, or the end. */
void heap_clear(Heap *h)
{
    heap_exact_clear(h);
    PyMem_Free(h->blocks);
    h->blocks = NULL;
    h->capacity = h->used = 0;
    h->live_bytes = h->peak_bytes = 0;
    h->call_count = h->null_count = 0;
    if (h->core != NULL)
        h->core->low = (Follower){0};
    for (int n = 0; n < MAX_REGIONS; n++) {
        PyMem_Free(h->freed[n]);
        PyMem_Free(h->shadow[n]);
        h->freed[n] = h->shadow[n] = NULL;
    }
}
