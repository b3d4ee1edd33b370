/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bits of memory were never written since they were allocated, or since SP moved down past them; and for copies of
 * such bits where they were first read. Memory that nobody took counts as written. */
#include "_core_uninit.h"

/* The map of the region that all of a range lies in, from `address` on; NULL when all is written, or it is no memory. With
 * `make` it is there unless there is no memory. */
static uint8_t *map_at(Uninit *u, uint32_t address, uint32_t size, bool make)
{
    const Region *r = u->region;
    if (r == NULL || address - r->base > r->size - size) {
        uint32_t shown = address;
        r = core_backing(u->core, &shown, size);
        if (r == NULL || shown != address)
            return NULL;
        u->region = r;
    }
    uint8_t **bytes = &u->bytes[r - u->core->regions];
    if (*bytes == NULL && make)
        *bytes = PyMem_Calloc(r->size, 1);
    return *bytes != NULL ? *bytes + (address - r->base) : NULL;
}

/* Where what is in the word at `address` comes from, whose map is there. */
static Origin *origin_at(Uninit *u, uint32_t address, bool make)
{
    const Region *r = u->region;
    Origin **origins = &u->origins[r - u->core->regions];
    if (*origins == NULL && make)
        *origins = PyMem_Calloc(r->size / 4, sizeof **origins);
    return *origins != NULL ? *origins + (address - r->base) / 4 : NULL;
}

void uninit_mark(Uninit *u, uint32_t address, uint32_t size, uint8_t bits)
{
    uint8_t *map = map_at(u, address, size, bits != WRITTEN);
    Origin *origins = map != NULL && bits != WRITTEN && size ? origin_at(u, address, false) : NULL;
    if (map != NULL)
        memset(map, bits, size);
    if (origins != NULL)
        memset(origins, 0, ((address & 3) + size + 3) / 4 * sizeof *origins);
}

bool uninit_any(Uninit *u, uint32_t address, uint32_t size)
{
    const uint8_t *map = map_at(u, address, size, false);
    uint32_t n = 0, word;
    if (map == NULL)
        return false;
    for (; n + 4 <= size; n += 4) {
        memcpy(&word, map + n, 4);
        if (word)
            return true;
    }
    for (; n < size; n++)
        if (map[n])
            return true;
    return false;
}

/* The undefined bits of what the instruction at `pc` loads. */
Shadow uninit_load(Uninit *u, uint32_t address, uint32_t unit, uint32_t pc)
{
    const uint8_t *map = map_at(u, address, unit, false);
    Shadow s = {0, {pc, address, unit}};
    if (map == NULL)
        return s;
    memcpy(&s.mask, map, unit);
    const Origin *origin = s.mask ? origin_at(u, address, false) : NULL;
    if (origin != NULL && origin->size)
        s.origin = *origin;
    return s;
}

void uninit_store(Uninit *u, uint32_t address, uint32_t unit, const Shadow *s)
{
    uint8_t *map = map_at(u, address, unit, s->mask != 0);
    if (map == NULL)
        return;
    memcpy(map, &s->mask, unit);
    Origin *origin = s->mask ? origin_at(u, address, true) : NULL;
    if (origin != NULL)
        origin[0] = s->origin;
    if (origin != NULL && (address & 3) + unit > 4)
        origin[1] = s->origin;
}

/* A reset, or the end: everything counts as written. */
void uninit_forget(Uninit *u)
{
    for (int n = 0; n < MAX_REGIONS; n++) {
        PyMem_Free(u->bytes[n]);
        PyMem_Free(u->origins[n]);
        u->bytes[n] = NULL;
        u->origins[n] = NULL;
    }
    u->dirty = 0;
    u->select_end = 0;
    u->sp_moved = SP_STAYS;
}
