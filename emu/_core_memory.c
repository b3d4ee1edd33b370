/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory map: regions of host memory, and aliases that show them elsewhere. */
#include "_core.h"

Region *core_region(Core *c, uint32_t address, uint32_t length)
{
    for (int n = 0; n < c->region_count; n++) {
        Region *r = &c->regions[n];
        if (address - r->base < r->size && r->size - (address - r->base) >= length)
            return r;
    }
    return NULL;
}

/* The region whose host memory a range shows, with `address` moved into it; NULL for MMIO and holes. */
Region *core_backing(Core *c, uint32_t *address, uint32_t length)
{
    Region *r = core_region(c, *address, length);
    if (r != NULL && r->target != r->base) {
        *address = r->target + (*address - r->base);
        r = core_region(c, *address, length);
    }
    return r != NULL && r->host != NULL ? r : NULL;
}

bool core_load(Core *c, uint32_t address, void *to, uint32_t length)
{
    Region *r = core_backing(c, &address, length);
    if (r == NULL)
        return false;
    memcpy(to, r->host + (address - r->base), length);
    return true;
}

bool core_store(Core *c, uint32_t address, const void *from, uint32_t length)
{
    Region *r = core_backing(c, &address, length);
    if (r == NULL || r->kind != KIND_RAM)
        return false;
    memcpy(r->host + (address - r->base), from, length);
    return true;
}

Region *core_add_region(Core *c, uint32_t base, uint32_t size, RegionKind kind, uint32_t target)
{
    if (c->region_count == MAX_REGIONS)
        return NULL;
    Region *r = &c->regions[c->region_count++];
    *r = (Region){.base = base, .size = size, .kind = kind, .target = target};
    return r;
}

/* A range that shows another one: only a translation in the fill hook. RAM that is seen twice may be run at one place
 * and written at the other, so that it gets both permissions from now on. */
static void add_alias(Core *c, Region *alias)
{
    for (int n = 0; n < c->region_count; n++) {
        Region *r = &c->regions[n];
        if (r->executed != NULL && r->kind == KIND_RAM && alias->target - r->base < r->size)
            memset(r->executed, 1, r->size / PAGE);
        if (r->base == alias->target)
            alias->watched = r->watched;
    }
    core_mind_marks(c);
    c->coverage.size = 0; /* look anew */
    c->flush = true;
    core_attend(c);
}

/* The alias at `base`, whose place a new one takes. */
static Region *old_alias(Core *c, uint32_t base)
{
    Region *r = core_region(c, base, 1);
    if (r == NULL || r->base != base || r->target == base)
        return NULL;
    PyBuffer_Release(&r->view);
    return r;
}

int core_add_memory(Core *c, uint32_t base, PyObject *buffer, RegionKind kind, uint32_t target)
{
    Py_buffer view;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE | PyBUF_WRITABLE) < 0)
        return -1;
    Region *r = target != base ? old_alias(c, base) : NULL;
    if (r == NULL)
        r = core_add_region(c, base, (uint32_t)view.len, kind, target);
    if (r == NULL || view.len % 0x1000 || base % 0x1000) {
        PyBuffer_Release(&view);
        PyErr_SetString(PyExc_ValueError, "memory must be in whole 4 KB pages, and there is a limit of 32 regions");
        return -1;
    }
    *r = (Region){.base = base, .size = (uint32_t)view.len, .kind = kind, .target = target, .view = view};
    if (target != base) {
        add_alias(c, r);
        return 0;
    }
    r->host = view.buf;
    r->executed = PyMem_Calloc((size_t)view.len / PAGE, 1);
    r->written = PyMem_Calloc((size_t)view.len / PAGE, 1);
    uc_err err = c->api.mem_map_ptr(c->uc, base, (size_t)view.len, 7, r->host);
    if (err || r->executed == NULL || r->written == NULL) {
        PyErr_Format(PyExc_RuntimeError, "Unicorn cannot map memory at 0x%x: %s", base, c->api.strerror(err));
        return -1;
    }
    return 0;
}

void core_release_memory(Core *c)
{
    for (int n = 0; n < c->region_count; n++) {
        PyMem_Free(c->regions[n].executed);
        PyMem_Free(c->regions[n].written);
        PyMem_Free(c->regions[n].ran);
        if (c->regions[n].base == c->regions[n].target) /* aliases share it */
            PyMem_Free(c->regions[n].watched);
        if (c->regions[n].view.obj != NULL)
            PyBuffer_Release(&c->regions[n].view);
    }
    c->region_count = 0;
}
