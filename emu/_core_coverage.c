/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which code ran: for every place where code was entered, how far it ran straight on from there at most.
 *
 * It is noted where time is counted, so it is as exact: up to the instruction that faulted, and the same however Unicorn
 * cuts blocks. While it is noted blocks have another hook, so that nothing is asked when it is not. */
#include "_core.h"

/* The code that runs now lies in another memory than before. False: in none. */
bool coverage_find(Core *c)
{
    uint32_t address = c->block;
    Region *seen = core_region(c, address, 2), *r = core_backing(c, &address, 2);
    if (r == NULL)
        return false;
    if (r->ran == NULL)
        r->ran = PyMem_Calloc(r->size >> 1, sizeof *r->ran);
    if (r->ran == NULL) {
        PyErr_NoMemory();
        core_callback_failed(c);
        return false;
    }
    uint32_t from = seen->target - r->base, room = r->size - from;
    c->coverage.base = seen->base;
    c->coverage.size = seen->size < room ? seen->size : room;
    c->coverage.ran = r->ran + (from >> 1);
    return true;
}

static bool append(PyObject *list, uint32_t begin, uint32_t end)
{
    PyObject *range = begin < end ? Py_BuildValue("(II)", begin, end) : NULL;
    bool good = begin >= end || (range != NULL && PyList_Append(list, range) == 0);
    Py_XDECREF(range);
    return good;
}

/* What ran of a memory, as ranges that neither overlap nor touch. */
static bool append_ranges(PyObject *list, const Region *r)
{
    uint32_t begin = 0, end = 0;
    bool good = true;
    for (uint32_t n = 0; n < r->size && good; n += 2) {
        uint32_t reach = r->ran[n >> 1] < r->size - n ? n + r->ran[n >> 1] : r->size;
        if (n > end && reach > n) {
            good = append(list, r->base + begin, r->base + end);
            begin = n;
        }
        end = reach > n && reach > end ? reach : end;
    }
    return good && append(list, r->base + begin, r->base + end);
}

/* Note from now on which code runs. */
PyObject *core_start_coverage(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    c->coverage.wanted = true;
    c->api.hook_del(c->uc, c->block_hook);
    uc_err err = c->api.hook_add(c->uc, &c->block_hook, UC_HOOK_BLOCK, (void *)core_on_noted_block, c, 1, 0);
    if (err)
        return PyErr_Format(PyExc_RuntimeError, "Unicorn cannot hook blocks: %s", c->api.strerror(err));
    c->flush = true;
    core_attend(c);
    Py_RETURN_NONE;
}

/* What ran since: ranges of addresses. */
PyObject *core_coverage(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    PyObject *list = PyList_New(0);
    for (int n = 0; n < c->region_count && list != NULL; n++)
        if (c->regions[n].ran != NULL && !append_ranges(list, &c->regions[n]))
            Py_CLEAR(list);
    return list;
}
