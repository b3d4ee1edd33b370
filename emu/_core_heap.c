/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocations of the firmware, followed from outside: each call of its allocators from entry to return, and the blocks
 * that are or were allocated. Nothing is written into the guest. A handshake makes half a million such calls, so they
 * are followed here and Python hears of events only.
 *
 * Allocators call each other (mbedtls_calloc, pvPortCalloc, pvPortMalloc). The innermost one that is known says when
 * memory changes hands; the outermost is the one that the firmware relies on, and that is reported. Calls of one stack
 * belong together; tasks have stacks of their own. */
#include "_core_heap.h"

#include <structmember.h>

#define NEAR 1024u /* an inner call's SP is at most so far below that of the call it serves */

static HeapCall *around(Heap *h, const HeapCall *inner, bool (*fits)(const HeapCall *, uint32_t), uint32_t value)
{
    for (HeapCall *outer = h->calls + (inner - h->calls); outer-- > h->calls;)
        if (outer->sp - inner->sp < NEAR && fits(outer, value))
            return outer;
    return NULL;
}

static bool allocates(const HeapCall *call, uint32_t unused)
{
    (void)unused;
    return call->function->kind < HEAP_FREE;
}

static bool releases(const HeapCall *call, uint32_t unused)
{
    (void)unused;
    return call->function->kind == HEAP_FREE;
}

static bool hands_over(const HeapCall *call, uint32_t pointer) { return call->old == pointer; }

bool heap_emit(Heap *h, HeapEvent event, const HeapCall *call, uint32_t address, uint32_t a, uint32_t b)
{
    const HeapFunction *behind = event == HEAP_DIRTY && call->promised != NULL ? call->promised : call->served;
    PyObject *result = PyObject_CallFunction(h->on_event, "iIIIIIII", (int)event, call->function->address,
                                             behind != NULL ? behind->address : call->function->address, call->ret,
                                             address, call->size, a, b);
    Py_XDECREF(result);
    return result != NULL;
}

/* calloc's promise, C11 7.22.3.2. */
static bool check_zero(Heap *h, const HeapCall *call, uint32_t address)
{
    const uint8_t *bytes = heap_bytes(h, address, call->size);
    uint32_t dirty = 0, first = 0;
    for (uint32_t n = 0; bytes != NULL && n < call->size; n++)
        if (bytes[n] && dirty++ == 0)
            first = n;
    return dirty == 0 || heap_emit(h, HEAP_DIRTY, call, address, dirty, first);
}

/* A block that a function with malloc's contract hands out is as it was when it was freed. */
static bool check_reuse(Heap *h, const HeapCall *call, uint32_t address)
{
    uint32_t written = heap_reuse(h, address, call->size);
    if (!written || call->function->kind != HEAP_MALLOC)
        return true;
    const HeapBlock *freed = heap_freed_around(h, written);
    return heap_emit(h, HEAP_AFTER_FREE, call, address, written, freed != NULL ? freed->freed_by : 0);
}

/* The innermost function hands out memory: all but what calloc has cleared, and realloc kept, is yet to be written. */
static void hand_out(Heap *h, const HeapCall *call, uint32_t address)
{
    const HeapBlock *old = call->old ? heap_find(h, call->old) : NULL;
    uint32_t kept = call->function->kind == HEAP_CALLOC ? call->size : old != NULL ? old->size : 0;
    if (h->taken != NULL && kept < call->size)
        h->taken(h->taken_self, address + kept, call->size - kept);
}

static bool allocated(Heap *h, HeapCall *call, uint32_t address)
{
    if (call->served == NULL)
        hand_out(h, call, address);
    HeapCall *outer = around(h, call, allocates, 0);
    uint32_t gone[] = {call->old, call->inner}; /* realloc's, and what an outer function hands out a part of */
    for (int n = 0; n < 2; n++) {
        HeapBlock *old = gone[n] && gone[n] != address ? heap_find(h, gone[n]) : NULL;
        if (old != NULL && old->live)
            heap_release(h, old, call->ret);
    }
    if (call->served == NULL && !check_reuse(h, call, address))
        return false;
    const HeapFunction *served = call->served != NULL ? call->served : call->function;
    if (outer != NULL) {
        outer->served = served;
        outer->inner = address;
        if (call->function->kind == HEAP_CALLOC)
            outer->promised = call->promised != NULL ? call->promised : call->function;
    }
    if (!heap_insert(h, address, call, served))
        return false;
    if (outer == NULL && call->overflow && !heap_emit(h, HEAP_OVERFLOW, call, address, 0, 0))
        return false;
    if (outer == NULL && call->function->kind == HEAP_POOL && !heap_asked_again(h, call))
        return false;
    bool promised = outer != NULL && outer->function->kind == HEAP_CALLOC;
    return call->function->kind != HEAP_CALLOC || promised || check_zero(h, call, address);
}

static bool finished(Heap *h, HeapCall *call, uint32_t result)
{
    if (call->function->kind == HEAP_LOOKS)
        return true;
    if (call->function->kind == HEAP_FREE) {
        HeapBlock *block = call->frees ? heap_find(h, call->old) : NULL;
        if (block != NULL && !block->live)
            heap_remember(h, block);
        return true;
    }
    if (result)
        return allocated(h, call, result);
    HeapCall *outer = around(h, call, allocates, 0);
    if (outer != NULL)
        outer->served = call->served != NULL ? call->served : call->function;
    if (outer != NULL || (!call->size && call->function->kind != HEAP_POOL))
        return true;
    return heap_null(h, call);
}

/* What a free does to the block it is given, or finds wrong with it. One that another free made may be given what holds
 * the block. */
static bool frees(Heap *h, HeapCall *call)
{
    HeapBlock *block = heap_find(h, call->old);
    if ((block == NULL || !block->live) && around(h, call, releases, 0) != NULL)
        return true;
    if (block == NULL)
        return heap_emit(h, HEAP_WILD, call, call->old, 0, 0);
    call->size = block->size;
    if (!block->live)
        return heap_emit(h, HEAP_DOUBLE, call, call->old, block->freed_by, 0);
    int damage = heap_damage(h, block);
    heap_release(h, block, call->ret);
    if (h->taken != NULL)
        h->taken(h->taken_self, block->address, block->size);
    call->frees = true;
    return damage < 0 || heap_emit(h, (HeapEvent)damage, call, call->old, block->by, 0);
}

static bool returned(Heap *h, uint32_t address, uint32_t sp, uint32_t result)
{
    for (int n = h->call_count - 1; n >= 0; n--) {
        if (h->calls[n].ret != address || h->calls[n].sp != sp)
            continue;
        if (!finished(h, &h->calls[n], result))
            return false;
        h->call_count--;
        memmove(&h->calls[n], &h->calls[n + 1], (size_t)(h->call_count - n) * sizeof *h->calls);
    }
    return true;
}

static bool called(Heap *h, const HeapFunction *f, const uint32_t *r, uint32_t sp, uint32_t lr)
{
    h->core->idle.effects = true;
    if (h->call_count == HEAP_CALLS) /* calls that never returned: deleted tasks, longjmp */
        memmove(h->calls, h->calls + 1, (size_t)--h->call_count * sizeof *h->calls);
    HeapCall *call = &h->calls[h->call_count++];
    uint32_t a = r[f->first], b = r[f->first + 1];
    *call = (HeapCall){.function = f, .ret = lr & ~1u, .sp = sp, .context = core_context(h->core)};
    if (!core_watch_return(h->core, call->ret))
        return false;
    if (f->kind == HEAP_LOOKS)
        return true;
    if (f->kind == HEAP_CALLOC)
        call->overflow = __builtin_mul_overflow(a, b, &call->size);
    else if (f->kind == HEAP_POOL)
        call->pool = a;
    else
        call->size = f->kind == HEAP_REALLOC ? b : a;
    if (f->kind == HEAP_REALLOC || f->kind == HEAP_FREE)
        call->old = a;
    return f->kind != HEAP_FREE || !a || around(h, call, hands_over, a) != NULL || frees(h, call);
}

static const HeapFunction *function_at(const Heap *h, uint32_t address)
{
    for (int n = 0; n < h->function_count; n++)
        if (h->functions[n].address == address)
            return &h->functions[n];
    return NULL;
}

/* Code is entered at `address`, where perhaps an allocator begins or a call of one returns to. */
static bool entered(void *self, uint32_t address)
{
    Heap *h = self;
    uint32_t r[6] = {0};
    int ids[] = {UC_REG_R0, UC_REG_SP, UC_REG_R0 + 1, UC_REG_R0 + 2, UC_REG_R0 + 3, UC_REG_LR};
    void *values[] = {&r[0], &r[4], &r[1], &r[2], &r[3], &r[5]};
    const HeapFunction *function = function_at(h, address);
    if (function == NULL && h->call_count == 0)
        return true;
    h->core->api.reg_read_batch(h->core->uc, ids, values, function != NULL ? 6 : 2);
    return returned(h, address, r[4], r[0]) && (function == NULL || called(h, function, r, r[4], r[5]));
}

static PyObject *follow(PyObject *self, PyObject *args)
{
    Heap *h = (Heap *)self;
    unsigned address, first, header, grain;
    int kind;
    if (!PyArg_ParseTuple(args, "IiIII", &address, &kind, &first, &header, &grain))
        return NULL;
    if (h->function_count == HEAP_FUNCTIONS || first > 2 || header > HEAP_EDGE || grain > HEAP_EDGE || !grain)
        return PyErr_Format(PyExc_ValueError, "at most %d functions, of known shape", HEAP_FUNCTIONS);
    if (core_mark(h->core, address) < 0)
        return NULL;
    h->functions[h->function_count++] = (HeapFunction){address, (HeapKind)kind, first, header, grain};
    Py_RETURN_NONE;
}

/* What becomes of NULLs, too. */
static PyObject *follow_null(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((Heap *)self)->follows_null = true;
    Py_RETURN_NONE;
}

/* From now on `scenes` tells of the blocks that calls which return to `by` were given; at most HEAP_SUSPECTS of these. */
static PyObject *suspect(PyObject *self, PyObject *by)
{
    Heap *h = (Heap *)self;
    if (h->suspect_count < HEAP_SUSPECTS)
        h->suspects[h->suspect_count++] = (uint32_t)PyLong_AsUnsignedLong(by);
    Py_RETURN_NONE;
}

static PyObject *blocks(PyObject *self, PyObject *unused)
{
    (void)unused;
    Heap *h = (Heap *)self;
    PyObject *list = PyList_New(0);
    for (uint32_t n = 0; n < h->capacity && list != NULL; n++) {
        const HeapBlock *b = &h->blocks[n];
        PyObject *item = b->live ? Py_BuildValue("(IIIIII)", b->address, b->size, b->by, b->epoch, b->function->address,
                                                 b->served->address) : NULL;
        if (item != NULL && PyList_Append(list, item) < 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *clear(PyObject *self, PyObject *unused)
{
    (void)unused;
    heap_clear((Heap *)self);
    Py_RETURN_NONE;
}

static int heap_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Heap *h = (Heap *)self;
    PyObject *core, *on_event, *type = (PyObject *)Py_TYPE(self);
    PyObject *core_type = PyObject_GetAttrString(type, "CORE");
    if (core_type == NULL || kwargs != NULL || !PyArg_ParseTuple(args, "O!O", core_type, &core, &on_event)) {
        Py_XDECREF(core_type);
        return -1;
    }
    Py_DECREF(core_type);
    Py_XSETREF(h->core, (Core *)Py_NewRef(core));
    Py_XSETREF(h->on_event, Py_NewRef(on_event));
    return core_follow(h->core, (Follower){entered, h}) ? 0 : -1;
}

static int heap_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Heap *)self)->core);
    Py_VISIT(((Heap *)self)->on_event);
    Py_VISIT(((Heap *)self)->on_access);
    return 0;
}

static int heap_gc_clear(PyObject *self)
{
    Heap *h = (Heap *)self;
    if (h->core != NULL) {
        core_unfollow(h->core, h);
        core_unobserve(h->core, h);
        h->core->low = (Follower){0};
    }
    Py_CLEAR(h->core);
    Py_CLEAR(h->on_event);
    Py_CLEAR(h->on_access);
    return 0;
}

static void heap_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    heap_clear((Heap *)self);
    heap_gc_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {{"follow", follow, METH_VARARGS, NULL},
                                {"follow_null", follow_null, METH_NOARGS, NULL},
                                {"suspect", suspect, METH_O, NULL},
                                {"blocks", blocks, METH_NOARGS, NULL},
                                {"clear", clear, METH_NOARGS, NULL},
                                {"watch_accesses", heap_watch_accesses, METH_VARARGS, NULL},
                                {"bus_access", heap_bus_access, METH_VARARGS, NULL},
                                {"scenes", heap_scenes, METH_O, NULL},
                                {"block_around", heap_block_around, METH_O, NULL},
                                {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {{"live_bytes", T_ULONGLONG, offsetof(Heap, live_bytes), READONLY, NULL},
                                {"epoch", T_UINT, offsetof(Heap, epoch), 0, NULL},
                               {"peak_bytes", T_ULONGLONG, offsetof(Heap, peak_bytes), READONLY, NULL},
                                {NULL, 0, 0, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_doc, "The firmware's heaps, followed from outside. See stm32emu.checks.heap."},
                              {Py_tp_init, heap_init},       {Py_tp_dealloc, heap_dealloc},
                              {Py_tp_traverse, heap_traverse}, {Py_tp_clear, heap_gc_clear},
                              {Py_tp_methods, methods},      {Py_tp_members, members},
                              {Py_tp_new, PyType_GenericNew}, {0, NULL}};

PyType_Spec heap_spec = {"stm32emu._core.Heap", sizeof(Heap), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
