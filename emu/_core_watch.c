/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches: a callback when code is entered at an address, such as the start of a function or the place a call returns
 * to. Both are starts of blocks, so the block hook finds them in a bitmap per memory; no UC_HOOK_CODE, which would slow
 * every instruction and move the blocks' limits.
 *
 * "Entered" means by a natural boundary or by a branch to the very next instruction. Where a block merely starts because
 * Unicorn cut the one before, nothing is entered: that depends on the host. */
#include "_core.h"

/* A call or jump to the instruction behind it looks like going on, but for the branch at the end of the block. */
static bool branched_to_next(Core *c)
{
    uint32_t from = c->block;
    uint16_t op[2];
    uint8_t it = c->it;
    Region *r = core_backing(c, &from, c->block_size);
    if (r == NULL)
        return false;
    const uint8_t *start = r->host + (from - r->base);
    return thumb_is_branch(op, thumb_last(start, start + c->block_size, op, &it));
}

/* Go on where a callback's `answer` says, in place of the block that was about to run; None says nothing. */
static bool diverted(Core *c, PyObject *answer)
{
    if (answer == NULL || answer == Py_None)
        return false;
    unsigned long target = PyLong_AsUnsignedLong(answer);
    if (PyErr_Occurred())
        return false;
    core_set_reg(c, UC_REG_PC, (uint32_t)target | 1);
    c->block = (uint32_t)target & ~1u;
    c->force_natural = true;
    return true;
}

/* Call the callback at `address`, whose bit is set, if code is entered there. True: the block is not to run now. */
bool core_call_watch(Core *c, uint32_t address, bool natural)
{
    if (!natural && !branched_to_next(c))
        return false;
    uint32_t watched = address;
    core_backing(c, &watched, 2);
    c->cycles += c->block_size >> 1;
    c->block = address;
    c->block_size = 0;
    PyObject *key = PyLong_FromUnsignedLong(watched);
    PyObject *callback = Py_XNewRef(PyDict_GetItemWithError(c->watches, key));
    c->watching = c->idle.effects = true;
    PyObject *answer = PyObject_CallOneArg(callback, key);
    c->watching = false;
    bool elsewhere = diverted(c, answer);
    if (PyErr_Occurred())
        core_callback_failed(c);
    Py_XDECREF(answer);
    Py_XDECREF(callback);
    Py_DECREF(key);
    return elsewhere;
}

/* One bitmap for a memory and its aliases. */
static uint8_t *bitmap_of(Core *c, Region *r)
{
    if (r->watched == NULL)
        r->watched = PyMem_Calloc((r->size >> 4) + 1, 1);
    for (int n = 0; n < c->region_count; n++)
        if (c->regions[n].target == r->base && c->regions[n].size <= r->size)
            c->regions[n].watched = r->watched;
    return r->watched;
}

static int set_callback(Core *c, uint32_t address, PyObject *callback)
{
    if (c->watches == NULL && (c->watches = PyDict_New()) == NULL)
        return -1;
    PyObject *key = PyLong_FromUnsignedLong(address);
    int failed = callback != Py_None ? PyDict_SetItem(c->watches, key, callback) : PyDict_DelItem(c->watches, key);
    Py_DECREF(key);
    if (PyDict_GET_SIZE(c->watches) == 0)
        Py_CLEAR(c->watches);
    return failed;
}

/* `callback` is called with the address whenever code is entered there; None ends that. */
int core_set_watch(Core *c, uint32_t address, PyObject *callback)
{
    Region *r = core_backing(c, &address, 2);
    if (r == NULL || address & 1) {
        PyErr_Format(PyExc_ValueError, "no code can start at 0x%x", address);
        return -1;
    }
    uint8_t *bits = bitmap_of(c, r);
    if (bits == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (set_callback(c, address, callback) < 0)
        return -1;
    uint32_t n = (address - r->base) >> 1, mask = 1u << (n & 7);
    bits[n >> 3] = (uint8_t)(callback != Py_None ? bits[n >> 3] | mask : bits[n >> 3] & ~mask);
    return 0;
}
