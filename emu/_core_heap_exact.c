/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exact heap check: every load and store is looked up in a map of the heap's bytes, before it happens. Memory that is
 * around a block or in a freed one belongs to the allocator: only its functions, and what they call, may touch it. */
#include "_core_heap.h"

#define NEAR 1024u           /* what an allocator calls has its SP at most so far below the allocator's own at entry */
#define BESIDE 16u           /* bytes from a block at which an access is still said to be beside it */
#define FORBIDDEN 0x02020202u /* the bit that BYTE_EDGE and BYTE_FREED have */

/* A task or handler that interrupts an allocator is not in it. */
static bool in_allocator(const Heap *h)
{
    uint32_t context = core_context(h->core), sp = core_reg(h->core, UC_REG_SP);
    for (int n = h->call_count - 1; n >= 0; n--)
        if (h->calls[n].context == context && h->calls[n].sp - sp < NEAR)
            return true;
    return false;
}

/* The map of the region of `address`, which gets an offset into it; NULL where there is no memory. */
static uint8_t *bytes_at(Heap *h, uint32_t *address, uint32_t size)
{
    Region *r = core_backing(h->core, address, size);
    if (r == NULL)
        return NULL;
    uint8_t **bytes = &h->bytes[r - h->core->regions];
    if (*bytes == NULL)
        *bytes = PyMem_Calloc(r->size, 1);
    *address -= r->base;
    h->region = NULL;
    return *bytes;
}

/* Bytes around blocks; those in live blocks stay what they are. */
static void mark_edge(Heap *h, uint32_t address, uint32_t size)
{
    uint8_t *bytes = bytes_at(h, &address, size);
    for (uint32_t n = 0; bytes != NULL && n < size; n++)
        if (bytes[address + n] != BYTE_LIVE)
            bytes[address + n] = BYTE_EDGE;
}

static void mark(Heap *h, uint32_t address, uint32_t size, uint8_t kind)
{
    uint8_t *bytes = bytes_at(h, &address, size);
    if (bytes != NULL)
        memset(bytes + address, kind, size);
}

/* The caller's registers where it called an allocator, and its stack. */
void heap_keep_scene(Heap *h, HeapBlock *b, int which, uint32_t by)
{
    if (b->scenes == NULL)
        b->scenes = PyMem_Calloc(2, sizeof *b->scenes);
    if (b->scenes == NULL)
        return;
    HeapScene *s = &b->scenes[which];
    int ids[15];
    void *values[15];
    for (int n = 0; n < 15; n++) {
        ids[n] = thumb_register(n);
        values[n] = &s->r[n];
    }
    h->core->api.reg_read_batch(h->core->uc, ids, values, 15);
    s->r[15] = by - 2;
    uint32_t sp = s->r[13];
    Region *r = core_backing(h->core, &sp, 1);
    uint32_t left = r != NULL ? r->base + r->size - sp : 0;
    s->length = left < SCENE_STACK ? left : SCENE_STACK;
    if (r != NULL)
        memcpy(s->stack, r->host + (sp - r->base), s->length);
}

void heap_exact_allocated(Heap *h, HeapBlock *b)
{
    if (!h->arena_marked && b->address - h->arena < h->arena_size) {
        mark_edge(h, h->arena, h->arena_size);
        h->arena_marked = true;
    }
    mark(h, b->address, b->size, BYTE_LIVE);
    mark_edge(h, b->address - b->header_size, b->header_size);
    mark_edge(h, b->address + b->size, b->slack_size);
    heap_keep_scene(h, b, 0, b->by);
}

void heap_exact_freed(Heap *h, HeapBlock *b)
{
    mark(h, b->address - b->header_size, b->header_size + b->size + b->slack_size, BYTE_FREED);
    heap_keep_scene(h, b, 1, b->freed_by);
}

/* The block that an access at `address` beside a live block has to do with: the nearer one, the one before when equal. */
static const HeapBlock *beside(const Heap *h, uint32_t address, HeapWhere *where)
{
    const HeapBlock *best = NULL;
    uint32_t nearest = BESIDE;
    for (uint32_t n = 0; n < h->capacity; n++) {
        const HeapBlock *b = &h->blocks[n];
        uint32_t past = address - (b->address + b->size), before = b->address - 1 - address;
        if (!b->live || (past >= nearest && (before >= nearest || before >= b->header_size)))
            continue;
        *where = past < nearest ? HEAP_PAST_END : HEAP_BEFORE;
        nearest = past < nearest ? past : before;
        best = b;
    }
    return best;
}

/* The facts of an access that is not allowed, for Python; `address` is its first byte that is not. */
static PyObject *describe(const Heap *h, uint32_t pc, uint32_t address, uint32_t length, bool store, uint8_t kind)
{
    HeapWhere where = HEAP_IN_NONE;
    const HeapBlock *b = kind == BYTE_FREED ? heap_freed_around(h, address) : beside(h, address, &where);
    if (kind == BYTE_FREED && b != NULL)
        where = HEAP_IN_FREED;
    return Py_BuildValue("iIIIiII", (int)where, pc, address, length, (int)store, b ? b->address : 0, b ? b->size : 0);
}

/* The first byte of an access that does not belong to whoever accesses it: its kind, or 0. */
static uint8_t first_forbidden(const uint8_t *bytes, uint32_t length, uint32_t *offset)
{
    uint32_t n = 0, word;
    for (; n + 4 <= length; n += 4) {
        memcpy(&word, bytes + n, 4);
        if (word & FORBIDDEN)
            break;
    }
    while (n < length && bytes[n] < BYTE_EDGE)
        n++;
    *offset = n;
    return n < length ? bytes[n] : 0;
}

static bool find_region(Heap *h, uint32_t address, uint32_t length)
{
    h->region = core_region(h->core, address, length);
    if (h->region == NULL)
        return false;
    h->region_bytes = h->bytes[h->region - h->core->regions];
    return true;
}

static uint8_t look_up(Heap *h, uint32_t address, uint32_t length, uint32_t *offset)
{
    const Region *r = h->region;
    if ((r == NULL || address - r->base > r->size - length) && !find_region(h, address, length))
        return 0;
    if (h->region_bytes == NULL)
        return 0;
    return first_forbidden(h->region_bytes + (address - h->region->base), length, offset);
}

static __attribute__((noinline)) void check_access(Heap *h, uint32_t pc, const Form *f, uint32_t address)
{
    uint32_t offset = 0;
    uint8_t kind = look_up(h, address, f->length, &offset);
    if (!kind || in_allocator(h))
        return;
    PyObject *facts = describe(h, pc, address + offset, f->length, f->store, kind);
    PyObject *result = facts != NULL ? PyObject_Call(h->on_access, facts, NULL) : NULL;
    if (result == NULL)
        core_callback_failed(h->core);
    Py_XDECREF(result);
    Py_XDECREF(facts);
}

static void on_instruction(void *self, const Instruction *i, uint32_t address)
{
    if (i->form.length)
        check_access(self, i->pc, &i->form, address);
}

/* (on_access, arena, arena_size): watch every access from now on. */
PyObject *heap_watch_accesses(PyObject *self, PyObject *args)
{
    Heap *h = (Heap *)self;
    PyObject *on_access;
    if (!PyArg_ParseTuple(args, "OII", &on_access, &h->arena, &h->arena_size))
        return NULL;
    if (h->on_access == NULL && !core_observe(h->core, on_instruction, h))
        return PyErr_NoMemory();
    Py_XSETREF(h->on_access, Py_NewRef(on_access));
    h->keeps_scenes = true;
    Py_RETURN_NONE;
}

/* (address, length, store): what `on_access` would hear of an access by a bus master other than the CPU, or None. */
PyObject *heap_bus_access(PyObject *self, PyObject *args)
{
    Heap *h = (Heap *)self;
    unsigned address, length;
    uint32_t offset = 0;
    int store;
    if (!PyArg_ParseTuple(args, "IIp", &address, &length, &store))
        return NULL;
    uint8_t kind = look_up(h, address, length, &offset);
    if (!kind)
        Py_RETURN_NONE;
    return describe(h, 0, address + offset, length, store, kind);
}

static PyObject *scene(const HeapScene *s)
{
    PyObject *registers = PyTuple_New(16);
    for (int n = 0; n < 16 && registers != NULL; n++)
        PyTuple_SET_ITEM(registers, n, PyLong_FromUnsignedLong(s->r[n]));
    return Py_BuildValue("(Ny#)", registers, (const char *)s->stack, (Py_ssize_t)s->length);
}

/* The scenes of a block's allocation and free, each as (registers, stack); the latter is empty while it is live. */
PyObject *heap_scenes(PyObject *self, PyObject *address)
{
    const HeapBlock *b = heap_find((Heap *)self, (uint32_t)PyLong_AsUnsignedLong(address));
    PyObject *list = PyList_New(0);
    for (int n = 0; b != NULL && b->scenes != NULL && n < (b->live ? 1 : 2) && list != NULL; n++) {
        PyObject *item = scene(&b->scenes[n]);
        if (item == NULL || PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* (block, size) of the block that is or was at an address, or None. */
PyObject *heap_block_around(PyObject *self, PyObject *where)
{
    const Heap *h = (Heap *)self;
    uint32_t address = (uint32_t)PyLong_AsUnsignedLong(where);
    const HeapBlock *b = heap_freed_around(h, address);
    for (uint32_t n = 0; n < h->capacity; n++)
        if (h->blocks[n].live && address - h->blocks[n].address < h->blocks[n].size)
            b = &h->blocks[n];
    if (b == NULL)
        Py_RETURN_NONE;
    return Py_BuildValue("(II)", b->address, b->size);
}

void heap_exact_clear(Heap *h)
{
    for (uint32_t n = 0; n < h->capacity; n++)
        PyMem_Free(h->blocks[n].scenes);
    for (int n = 0; n < MAX_REGIONS; n++) {
        PyMem_Free(h->bytes[n]);
        h->bytes[n] = NULL;
    }
    h->region = NULL;
    h->arena_marked = false;
}
