/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Python sees of a core: its registers, a fault's, the blocks run last, how deep stacks got, and all of it for hashing.
 * Nothing here but write_register() and take_fault() changes anything. */
#include "_core.h"

static PyObject *snapshot_tuple(const Snapshot *s)
{
    PyObject *list = PyTuple_New(30);
    if (list == NULL)
        return NULL;
    const uint32_t rest[] = {s->xpsr, s->msp, s->psp, s->control, s->primask, s->basepri, s->faultmask,
                             s->exception, s->exc_return, s->cfsr, s->hfsr, s->mmfar, s->bfar};
    for (int n = 0; n < 29; n++)
        PyTuple_SET_ITEM(list, n, PyLong_FromUnsignedLong(n < 16 ? s->r[n] : rest[n - 16]));
    PyTuple_SET_ITEM(list, 29, PyLong_FromLongLong(s->cycle));
    return list;
}

PyObject *core_registers(PyObject *self, PyObject *unused)
{
    (void)unused;
    Snapshot s;
    core_snapshot((Core *)self, &s);
    return snapshot_tuple(&s);
}

PyObject *core_take_fault(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    if (!c->fault_seen)
        Py_RETURN_NONE;
    c->fault_seen = false;
    return snapshot_tuple(&c->fault);
}

PyObject *core_blocks(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    uint32_t count = c->ring_next < RING_SIZE ? c->ring_next : RING_SIZE;
    PyObject *list = PyList_New(count);
    for (uint32_t n = 0; n < count && list != NULL; n++)
        PyList_SET_ITEM(list, n, PyLong_FromUnsignedLong(c->ring[(c->ring_next - count + n) % RING_SIZE]));
    return list;
}

PyObject *core_stack_marks(PyObject *self, PyObject *unused)
{
    (void)unused;
    Stacks *s = &((Core *)self)->stacks;
    PyObject *list = PyList_New(s->count + 1);
    for (int n = 0; n <= s->count && list != NULL; n++) {
        const Stack *stack = n ? &s->tasks[n - 1] : &s->main;
        PyList_SET_ITEM(list, n, Py_BuildValue("(IIII)", stack->tcb, stack->limit, stack->lowest, stack->highest));
    }
    return list;
}

/* What a function's caller hands over and a call's end hands back: r0 to r3, SP, LR. */
PyObject *core_call_registers(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    uint32_t r[6];
    int ids[] = {UC_REG_R0, UC_REG_R0 + 1, UC_REG_R0 + 2, UC_REG_R0 + 3, UC_REG_SP, UC_REG_LR};
    void *values[] = {&r[0], &r[1], &r[2], &r[3], &r[4], &r[5]};
    c->api.reg_read_batch(c->uc, ids, values, 6);
    return Py_BuildValue("(IIIIII)", r[0], r[1], r[2], r[3], r[4], r[5]);
}

PyObject *core_read_register(PyObject *self, PyObject *id)
{
    return PyLong_FromUnsignedLong(core_reg((Core *)self, (int)PyLong_AsLong(id)));
}

PyObject *core_write_register(PyObject *self, PyObject *args)
{
    int id;
    unsigned value;
    if (!PyArg_ParseTuple(args, "iI", &id, &value))
        return NULL;
    core_set_reg((Core *)self, id, value);
    Py_RETURN_NONE;
}

/* The core's own state in a fixed layout, for hashing: registers, FP registers, NVIC, SysTick, SCS, time. */
PyObject *core_state(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    Snapshot s;
    core_snapshot(c, &s);
    uint32_t fp[33];
    for (int n = 0; n < 33; n++)
        fp[n] = core_reg(c, n < 32 ? UC_REG_S0 + n : UC_REG_FPSCR);
    uint64_t times[] = {(uint64_t)c->cycles, (uint64_t)c->systick.zero_at, (uint64_t)c->scs.cyccnt_base};
    uint32_t flags[] = {c->systick.ctrl, c->systick.load, c->systick.stopped_value, c->systick.countflag, c->ipsr, c->event_register};
    PyObject *parts[] = {PyBytes_FromStringAndSize((char *)s.r, 23 * 4), PyBytes_FromStringAndSize((char *)fp, sizeof fp),
                         PyBytes_FromStringAndSize((char *)&c->nvic, sizeof c->nvic), PyBytes_FromStringAndSize((char *)times, sizeof times),
                         PyBytes_FromStringAndSize((char *)flags, sizeof flags),
                         PyBytes_FromStringAndSize((char *)&c->scs, offsetof(Scs, cyccnt_base))};
    PyObject *all = PyBytes_FromStringAndSize(NULL, 0);
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        PyBytes_ConcatAndDel(&all, parts[n]);
    return all;
}
