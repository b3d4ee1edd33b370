/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CORE_UNINIT_H
#define CORE_UNINIT_H

#include "_core_heap.h"

/* Where an undefined value was first read: the instruction, and what it read. */
typedef struct {
    uint32_t pc, address, size;
} Origin;

/* The bits of a register that are undefined, and where they come from. Those of the flags are FLAG_. */
typedef struct {
    uint32_t mask;
    Origin origin;
} Shadow;

#define FLAGS 16 /* after the core registers */
enum { FLAG_V = 1, FLAG_C = 2, FLAG_Z = 4, FLAG_N = 8, FLAG_HI = 16, FLAG_GT = 32 }; /* the last two: more than the flags */

enum { WRITTEN, NEVER_WRITTEN = 0xFF }; /* the undefined bits of a byte */

typedef enum { UNINIT_BRANCH, UNINIT_ADDRESS, UNINIT_TARGET } UninitUse;

typedef struct {
    PyObject_HEAD
    Core *core; /* the heap's, which the collector may clear first */
    Heap *heap;
    PyObject *on_use;
    Shadow shadow[17];
    uint32_t dirty; /* a bit for each shadow that has any undefined bit */
    uint32_t select_begin, select_end; /* an IT block that decides by undefined flags */
    Shadow selects;
    SpMove sp_moved;
    uint32_t sp_before;
    uint8_t *bytes[MAX_REGIONS];  /* the undefined bits of each byte of a region; NULL: there are none */
    Origin *origins[MAX_REGIONS]; /* per word, where copies come from; size 0: it is none */
    const Region *region;         /* of the last access */
} Uninit;

/* _core_uninit_memory.c */
void uninit_mark(Uninit *, uint32_t address, uint32_t size, uint8_t kind);
bool uninit_any(Uninit *, uint32_t address, uint32_t size);
Shadow uninit_load(Uninit *, uint32_t address, uint32_t unit, uint32_t pc);
void uninit_store(Uninit *, uint32_t address, uint32_t unit, const Shadow *);
void uninit_forget(Uninit *);

/* _core_uninit_compute.c */
uint32_t uninit_result(Uninit *, const Flow *, uint8_t *flags);
bool uninit_zero(Uninit *, int n);

extern PyType_Spec uninit_spec;

#endif
