/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches: a callback when code is entered at an address, such as the start of a function or the place a call returns
 * to. Both are starts of blocks, so the block hook finds them, by its filter and then by a bitmap per memory; no UC_HOOK_CODE,
 * which would slow every instruction and move the blocks' limits.
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
    uint32_t size = c->end - c->block;
    Region *r = core_backing(c, &from, size);
    if (r == NULL)
        return false;
    const uint8_t *start = r->host + (from - r->base);
    return thumb_is_branch(op, thumb_last(start, start + size, op, &it));
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
    return true;
}

/* Call who hears of `address`, the followers first. True: go on elsewhere. */
static bool call(Core *c, uint32_t address)
{
    for (int n = 0; n < c->follower_count; n++)
        if (!c->followers[n].entered(c->followers[n].self, address))
            core_callback_failed(c);
    if (c->watches == NULL)
        return false;
    PyObject *key = PyLong_FromUnsignedLong(address);
    PyObject *callback = Py_XNewRef(PyDict_GetItemWithError(c->watches, key));
    PyObject *answer = NULL;
    if (callback != NULL) {
        c->idle.effects = true;
        answer = PyObject_CallOneArg(callback, key);
    }
    bool elsewhere = diverted(c, answer);
    if (PyErr_Occurred())
        core_callback_failed(c);
    Py_XDECREF(answer);
    Py_XDECREF(callback);
    Py_DECREF(key);
    return elsewhere;
}

/* Code is perhaps entered at `address`, which is marked. True: the block is not to run now. Where it is no natural boundary
 * the callback sees the time of the last one, as a register's model would, and the run goes on as if nobody had watched. */
bool core_call_watch(Core *c, uint32_t address, bool natural)
{
    const Region *r = c->watch_region;
    uint32_t block = c->block;
    if (!natural && !branched_to_next(c))
        return false;
    c->block = address;
    c->watching = true;
    bool elsewhere = call(c, r->target + (address - r->base));
    c->watching = false;
    uint32_t target = c->block;
    c->block = block;
    if (elsewhere) {
        core_ran(c, address - block);
        core_start_anew(c, target);
    }
    return elsewhere;
}

/* Who runs: an exception by its number, else the kernel's task by its TCB, 0 for all threads without a kernel. */
uint32_t core_context(Core *c)
{
    uint32_t tcb = 0;
    if (c->ipsr)
        return c->ipsr;
    if (c->current_tcb)
        core_load(c, c->current_tcb, &tcb, 4);
    return tcb;
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

/* The block hook's filter is to know `address` of the memory `r`, and where aliases show it. */
static void mind(Core *c, const Region *r, uint32_t address)
{
    for (int n = 0; n < c->region_count; n++)
        if (c->regions[n].target == r->base && address - r->base < c->regions[n].size)
            traps_mind(c, c->regions[n].base + (address - r->base));
}

/* The filter is empty, or an alias has come: every mark, and where exceptions return to. */
void core_mind_marks(Core *c)
{
    for (uint32_t address = EXC_RETURN_BASE; address != 0; address += 2)
        traps_mind(c, address);
    for (uint32_t address = CLREX_STUB; address < CLREX_STUB + CLREX_STUB_SIZE; address += 2)
        traps_mind(c, address);
    for (Region *r = c->regions; r < c->regions + c->region_count; r++)
        for (uint32_t n = 0; r->target == r->base && r->watched != NULL && n < r->size >> 4; n++)
            for (uint32_t bits = r->watched[n]; bits; bits &= bits - 1)
                mind(c, r, r->base + 16 * n + 2 * (uint32_t)__builtin_ctz(bits));
}

/* Entries of code at `address` are to be heard of, from the next one on. A mark stays: the other way would need a count. */
int core_mark(Core *c, uint32_t address)
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
    uint32_t n = (address - r->base) >> 1;
    bits[n >> 3] |= (uint8_t)(1u << (n & 7));
    mind(c, r, address);
    return 0;
}

/* For followers: entries at `address`, where a call of theirs returns to, are to be heard of. False: an error is set. */
bool core_watch_return(Core *c, uint32_t address) { return core_watched(c, address) || core_mark(c, address) == 0; }

/* `follower` hears of every marked address, its own or others'. False: an error is set. */
bool core_follow(Core *c, Follower follower)
{
    if (c->follower_count == MAX_FOLLOWERS) {
        PyErr_Format(PyExc_ValueError, "at most %d followers", MAX_FOLLOWERS);
        return false;
    }
    c->followers[c->follower_count++] = follower;
    return true;
}

void core_unfollow(Core *c, const void *self)
{
    int left = 0;
    for (int n = 0; n < c->follower_count; n++)
        if (c->followers[n].self != self)
            c->followers[left++] = c->followers[n];
    c->follower_count = left;
}

/* `callback` is called with the address whenever code is entered there; None ends that. */
int core_set_watch(Core *c, uint32_t address, PyObject *callback)
{
    if (core_mark(c, address) < 0)
        return -1;
    core_backing(c, &address, 2);
    if (c->watches == NULL && (c->watches = PyDict_New()) == NULL)
        return -1;
    PyObject *key = PyLong_FromUnsignedLong(address);
    int failed = callback != Py_None ? PyDict_SetItem(c->watches, key, callback) : PyDict_DelItem(c->watches, key);
    Py_DECREF(key);
    if (PyDict_GET_SIZE(c->watches) == 0)
        Py_CLEAR(c->watches);
    return failed;
}
