/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include "_core.h"

typedef enum { HEAP_MALLOC, HEAP_CALLOC, HEAP_REALLOC, HEAP_POOL, HEAP_FREE, HEAP_LOOKS } HeapKind; /* LOOKS only looks */

/* What Python hears of; `a` and `b` are: */
typedef enum {
    HEAP_DIRTY,     /* calloc's block is not zero: how many bytes, offset of the first */
    HEAP_OVERFLOW,  /* count * size does not fit, and there is a block all the same */
    HEAP_NULL,      /* no memory; the address is the pool's number or descriptor */
    HEAP_WILD,      /* free of what is no block */
    HEAP_DOUBLE,    /* free of a block that was freed: where that was */
    HEAP_UNDERRUN,  /* the allocator's header was written, found at free: where the block was allocated */
    HEAP_OVERRUN,   /* the bytes between the block's end and the allocator's grain, likewise */
    HEAP_AFTER_FREE, /* freed memory was written, found at reuse: the address, where its block was freed */
    HEAP_NULL_USED, /* a low address is accessed after a NULL: the instruction, whether it stores */
    HEAP_ASKED_AGAIN /* of an empty pool, by the call that is told of: whether its caller has got an element now */
} HeapEvent;

typedef struct {
    uint32_t address;
    HeapKind kind;
    uint32_t first;  /* register of the first argument that counts: 1 for newlib's reentrant functions */
    uint32_t header; /* bytes before a block that stay as they are while it is allocated */
    uint32_t grain;  /* those behind it stay, too, up to this power of two */
} HeapFunction;

/* A call under way: where it returns to, with which SP; `served` is the innermost allocator that it came to, `promised`
 * the innermost with calloc's contract. */
typedef struct {
    const HeapFunction *function, *served, *promised;
    uint32_t ret, sp, size, old;
    uint32_t context; /* see core_context */
    uint32_t pool, inner; /* the argument of HEAP_POOL; what a call that this one made returned */
    bool overflow, frees;
} HeapCall;

/* A NULL that a context was given. */
typedef struct {
    uint32_t context;
    HeapCall call;
    bool settled; /* of a pool: the caller did not get an element by asking again */
} HeapNull;

#define HEAP_EDGE 8u /* the most of both */
#define SCENE_STACK 2048u

/* Enough of a moment to tell its call chain later: r0 to r12, SP, LR, PC, and the stack from SP on. */
typedef struct {
    uint32_t r[16], length;
    uint8_t stack[SCENE_STACK];
} HeapScene;

/* What the exact check knows of a byte: nothing, it is in a block, around one, or in a freed one. */
enum { BYTE_OTHER, BYTE_LIVE, BYTE_EDGE, BYTE_FREED };

/* Where an access was that hit an edge or freed memory. */
typedef enum { HEAP_IN_FREED, HEAP_PAST_END, HEAP_BEFORE, HEAP_IN_NONE } HeapWhere;

typedef struct {
    uint32_t address, size, by, freed_by;
    uint32_t epoch; /* Heap.epoch when it was allocated */
    const HeapFunction *function, *served; /* of the call that returned it, and the innermost behind that */
    uint8_t header[HEAP_EDGE], slack[HEAP_EDGE];
    uint8_t header_size, slack_size;
    bool live;
    uint32_t order;    /* of the frees, the latest has the highest */
    HeapScene *scenes; /* of its allocation and its free, with the exact check */
} HeapBlock;

#define HEAP_FUNCTIONS 64
#define HEAP_CALLS 64
#define HEAP_NULLS 8
#define HEAP_SUSPECTS 16

typedef struct {
    PyObject_HEAD
    Core *core;
    PyObject *on_event;
    HeapFunction functions[HEAP_FUNCTIONS];
    int function_count;
    HeapCall calls[HEAP_CALLS];
    int call_count;
    HeapBlock *blocks; /* by address, open addressing; the freed ones stay until their address is allocated again */
    uint32_t capacity, used;
    uint64_t live_bytes, peak_bytes;
    unsigned epoch; /* Python's count of what blocks are told apart by */
    uint32_t suspects[HEAP_SUSPECTS]; /* returns of calls whose scenes are kept */
    int suspect_count;
    bool follows_null;
    HeapNull nulls[HEAP_NULLS];
    int null_count;
    uint8_t *freed[MAX_REGIONS], *shadow[MAX_REGIONS]; /* per byte of a region: is it freed, and what it was then */

    void (*taken)(void *self, uint32_t address, uint32_t size); /* hears of memory whose contents nobody has written */
    void *taken_self;

    /* The exact check, _core_heap_exact.c */
    bool keeps_scenes;
    PyObject *on_access;         /* NULL: it is off */
    uint32_t arena, arena_size;  /* memory that is the allocator's from the first allocation on */
    bool arena_marked;
    uint32_t frees;
    uint8_t *bytes[MAX_REGIONS]; /* BYTE_, per byte of a region */
    const Region *region; /* of the last access */
    const uint8_t *region_bytes;
} Heap;

bool heap_emit(Heap *, HeapEvent, const HeapCall *, uint32_t address, uint32_t a, uint32_t b);
bool heap_null(Heap *, const HeapCall *);
bool heap_asked_again(Heap *, const HeapCall *);
HeapBlock *heap_find(Heap *, uint32_t address);
bool heap_insert(Heap *, uint32_t address, const HeapCall *, const HeapFunction *served);
void heap_release(Heap *, HeapBlock *, uint32_t by);
int heap_damage(Heap *, const HeapBlock *);                            /* HEAP_UNDERRUN, HEAP_OVERRUN or -1 */
bool heap_remember(Heap *, const HeapBlock *);                         /* its contents, once it is freed */
uint32_t heap_reuse(Heap *, uint32_t address, uint32_t size);          /* the first byte written since, or 0 */
const HeapBlock *heap_freed_around(const Heap *, uint32_t address);
const uint8_t *heap_bytes(Heap *, uint32_t address, uint32_t size);
void heap_clear(Heap *);

/* _core_heap_exact.c */
void heap_exact_allocated(Heap *, HeapBlock *);
void heap_exact_freed(Heap *, HeapBlock *);
void heap_exact_clear(Heap *);
PyObject *heap_watch_accesses(PyObject *heap, PyObject *args);
PyObject *heap_bus_access(PyObject *heap, PyObject *args);
PyObject *heap_scenes(PyObject *heap, PyObject *address);
void heap_keep_scene(Heap *, HeapBlock *, int which, uint32_t by);
PyObject *heap_block_around(PyObject *heap, PyObject *address);

extern PyType_Spec heap_spec;

#endif
