/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that were never written, followed from where they are read through registers and memory to where they decide
 * something: a branch, an address. Each instruction's flow (_core_flow.c) is repeated on shadows of the registers and of
 * memory, bit by bit, before it runs. What the FPU or a peripheral held counts as defined, and so does what DSP
 * instructions compute that work on parts of words. */
#include "_core_uninit.h"

#define NEAR_SP 0x10000u /* further away SP is on another stack */
#define ALWAYS_DEFINED (1u << 13 | 1u << 15)

static void assign(Uninit *u, int n, Shadow s)
{
    u->shadow[n] = s;
    u->dirty = (u->dirty & ~(1u << n)) | (uint32_t)(s.mask != 0) << n;
    u->dirty &= ~ALWAYS_DEFINED;
}

static void assign_all(Uninit *u, uint32_t registers, Shadow s)
{
    for (; registers; registers &= registers - 1)
        assign(u, __builtin_ctz(registers), s);
}

/* One of the registers that has undefined bits, or NULL. */
static const Shadow *first_dirty(const Uninit *u, uint32_t registers)
{
    registers &= u->dirty;
    return registers ? &u->shadow[__builtin_ctz(registers)] : NULL;
}

/* What a condition looks at, A7.3. */
static uint32_t flags_of(uint32_t condition)
{
    static const uint8_t flags[8] = {FLAG_Z, FLAG_C, FLAG_N, FLAG_V, FLAG_HI, FLAG_N | FLAG_V, FLAG_GT, 0};
    return flags[condition >> 1 & 7];
}

/* A value decides something. From now on it counts as defined, where it lies and wherever it went in registers. */
static void used(Uninit *u, UninitUse use, uint32_t pc, const Shadow *s)
{
    Origin origin = s->origin;
    uninit_mark(u, origin.address, origin.size, WRITTEN);
    for (int n = 0; n <= FLAGS; n++)
        if (u->shadow[n].origin.pc == origin.pc && u->shadow[n].origin.address == origin.address)
            assign(u, n, (Shadow){0});
    PyObject *result = PyObject_CallFunction(u->on_use, "iIII", (int)use, pc, origin.pc, origin.address);
    if (result == NULL)
        core_callback_failed(u->core);
    Py_XDECREF(result);
}

/* What the instructions that an IT covers compute; `only` is whether they do nothing else. */
static uint32_t selected(Uninit *u, uint32_t pc, int count, bool *only, uint32_t *end)
{
    uint16_t op[2];
    uint32_t targets = 0;
    *only = true;
    for (*end = pc + 2; count > 0 && traps_fetch(u->core, *end, op); count--, *end += (uint32_t)thumb_size(op[0])) {
        Form form;
        Flow flow;
        thumb_form(op, &form);
        thumb_flow(op, &form, &flow);
        targets |= flow.targets;
        *only = *only && !form.length && !flow.use && flow.targets && !thumb_may_branch(op);
    }
    return targets;
}

/* An IT block by undefined flags: a choice of values is undefined, anything else is a branch. */
static void use_it(Uninit *u, const Instruction *i)
{
    bool only;
    uint32_t pc = i->pc, end, targets = selected(u, pc, thumb_it_length(i->op), &only, &end);
    if (!only) {
        used(u, UNINIT_BRANCH, pc, &u->shadow[FLAGS]);
        return;
    }
    u->selects = (Shadow){~0u, u->shadow[FLAGS].origin};
    u->select_begin = pc;
    u->select_end = end;
    assign_all(u, targets, u->selects);
}

static void look_at_uses(Uninit *u, const Instruction *i)
{
    const Flow *f = &i->flow;
    uint32_t pc = i->pc;
    const Shadow *flags = first_dirty(u, 1u << FLAGS), *source = first_dirty(u, f->rn >= 0 ? 1u << f->rn : 0);
    if (flags != NULL && !(flags->mask & flags_of(f->condition)))
        flags = NULL;
    if (flags != NULL && f->use == USE_IT)
        use_it(u, i);
    else if (flags != NULL && f->use == USE_FLAGS)
        used(u, UNINIT_BRANCH, pc, flags);
    else if (source != NULL && (f->use == USE_INDEX || (f->use == USE_ZERO && uninit_zero(u, f->rn))))
        used(u, UNINIT_BRANCH, pc, source);
    else if (source != NULL && f->use == USE_TARGET)
        used(u, UNINIT_TARGET, pc, source);
    const Shadow *address = first_dirty(u, f->addresses);
    if (address != NULL)
        used(u, UNINIT_ADDRESS, pc, address);
}

static void compute(Uninit *u, uint32_t pc, const Flow *f)
{
    const Shadow *source = first_dirty(u, f->sources);
    Origin origin = source != NULL ? source->origin : (Origin){0};
    uint8_t flags = 0;
    Shadow result = {source != NULL ? uninit_result(u, f, &flags) : 0, origin};
    if (pc < u->select_end && pc > u->select_begin)
        result = u->selects;
    assign_all(u, f->targets, result);
    if (f->sets_flags && (f->compares || !u->core->observers.in_it))
        assign(u, FLAGS, (Shadow){flags, origin});
}

static void load(Uninit *u, uint32_t pc, const Form *f, uint32_t transfers, uint32_t address)
{
    if (!uninit_any(u, address, f->length)) {
        u->dirty &= ~transfers;
        return;
    }
    for (int n = 0; n < f->count; n++) {
        Shadow s = uninit_load(u, address + 4u * (uint32_t)n, f->unit, pc);
        if (f->negative && s.mask >> (8 * f->unit - 1))
            s.mask |= ~0u << 8 * (f->unit - 1);
        if (f->regs[n] == 15 && s.mask)
            used(u, f->table ? UNINIT_BRANCH : UNINIT_TARGET, pc, &s);
        assign(u, f->regs[n], s);
    }
}

static void store(Uninit *u, const Form *f, uint32_t transfers, uint32_t address)
{
    if (!(u->dirty & transfers))
        uninit_mark(u, address, f->length, WRITTEN);
    else
        for (int n = 0; n < f->count; n++) {
            Shadow defined = {0}, *s = u->dirty >> f->regs[n] & 1 ? &u->shadow[f->regs[n]] : &defined;
            uninit_store(u, address + 4u * (uint32_t)n, f->unit, s);
        }
}

/* SP was moved by what is not known beforehand: it is now where it went. */
static __attribute__((noinline)) void follow_sp(Uninit *u)
{
    uint32_t sp = core_reg(u->core, UC_REG_SP), down = u->sp_before - sp, up = sp - u->sp_before;
    if (down < NEAR_SP && u->sp_moved == SP_SUM)
        uninit_mark(u, sp, down, NEVER_WRITTEN);
    else if (up < NEAR_SP)
        uninit_mark(u, u->sp_before, up, WRITTEN);
    u->sp_moved = SP_STAYS;
}

/* What SP moves past: on the way down it is nobody's value yet, on the way up it is no longer looked at. */
static __attribute__((noinline)) void move_sp(Uninit *u, const Instruction *i)
{
    uint32_t sp = core_reg(u->core, UC_REG_SP);
    int32_t down = i->flow.down;
    u->sp_before = sp;
    if (i->flow.sp != SP_CONSTANT)
        u->sp_moved = (SpMove)i->flow.sp;
    else if (down > 0)
        uninit_mark(u, sp - (uint32_t)down, (uint32_t)down, NEVER_WRITTEN);
}

static __attribute__((noinline)) void transfer(Uninit *u, const Instruction *i, uint32_t address)
{
    if (i->form.store)
        store(u, &i->form, i->flow.transfers, address);
    else
        load(u, i->pc, &i->form, i->flow.transfers, address);
}

static void on_instruction(void *self, const Instruction *i, uint32_t address)
{
    Uninit *u = self;
    const Flow *f = &i->flow;
    if (u->sp_moved)
        follow_sp(u);
    if (f->use == USE_IT)
        u->select_end = 0;
    if (u->dirty)
        look_at_uses(u, i);
    if (f->sp)
        move_sp(u, i);
    if (i->form.length)
        transfer(u, i, address);
    if (u->dirty)
        compute(u, i->pc, f);
    if (f->sp == SP_CONSTANT && f->down < 0)
        uninit_mark(u, u->sp_before, (uint32_t)-f->down, WRITTEN);
}

static void push_frame(Uninit *u, uint32_t address, uint32_t size)
{
    static const int stacked[8] = {0, 1, 2, 3, 12, 14, 15, FLAGS};
    uninit_mark(u, address, size, WRITTEN);
    for (uint32_t n = 0; n < 8; n++)
        if (u->dirty >> stacked[n] & 1)
            uninit_store(u, address + 4 * n, 4, &u->shadow[stacked[n]]);
}

static void pop_frame(Uninit *u, uint32_t address, uint32_t size)
{
    static const int stacked[8] = {0, 1, 2, 3, 12, 14, 15, FLAGS};
    for (uint32_t n = 0; n < 8; n++) {
        Shadow s = uninit_load(u, address + 4 * n, 4, 0);
        assign(u, stacked[n], s);
    }
    uninit_mark(u, address, size, WRITTEN);
}

/* Exception entry and return, B1.5.6 to B1.5.8. */
static void on_frame(void *self, FrameEvent event, uint32_t address, uint32_t size)
{
    Uninit *u = self;
    u->sp_moved = SP_STAYS;
    u->select_end = 0;
    if (event == FRAME_PUSHED)
        push_frame(u, address, size);
    else if (event == FRAME_POPPED)
        pop_frame(u, address, size);
    else
        assign(u, 14, (Shadow){0});
}

/* (address, size): a bus master writes there. */
static PyObject *written(PyObject *self, PyObject *args)
{
    unsigned address, size;
    if (!PyArg_ParseTuple(args, "II", &address, &size))
        return NULL;
    uninit_mark((Uninit *)self, address, size, WRITTEN);
    Py_RETURN_NONE;
}

/* For tests: the undefined bits of the word at an address. */
static PyObject *undefined(PyObject *self, PyObject *address)
{
    return PyLong_FromUnsignedLong(uninit_load((Uninit *)self, (uint32_t)PyLong_AsUnsignedLong(address), 4, 0).mask);
}

static PyObject *clear(PyObject *self, PyObject *unused)
{
    (void)unused;
    uninit_forget((Uninit *)self);
    Py_RETURN_NONE;
}

static void taken(void *self, uint32_t address, uint32_t size) { uninit_mark(self, address, size, NEVER_WRITTEN); }

static int uninit_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Uninit *u = (Uninit *)self;
    PyObject *heap, *on_use, *type = (PyObject *)Py_TYPE(self), *heap_type = PyObject_GetAttrString(type, "CORE");
    if (heap_type == NULL || kwargs != NULL || !PyArg_ParseTuple(args, "O!O", heap_type, &heap, &on_use)) {
        Py_XDECREF(heap_type);
        return -1;
    }
    Py_DECREF(heap_type);
    Py_XSETREF(u->heap, (Heap *)Py_NewRef(heap));
    Py_XSETREF(u->on_use, Py_NewRef(on_use));
    Py_XSETREF(u->core, (Core *)Py_NewRef(u->heap->core));
    u->core->frames = (FrameObserver){on_frame, u};
    u->heap->taken = taken;
    u->heap->taken_self = u;
    u->heap->keeps_scenes = true;
    if (core_observe(u->core, on_instruction, u))
        return 0;
    PyErr_NoMemory();
    return -1;
}

static int uninit_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Uninit *)self)->core);
    Py_VISIT(((Uninit *)self)->heap);
    Py_VISIT(((Uninit *)self)->on_use);
    return 0;
}

static int uninit_gc_clear(PyObject *self)
{
    Uninit *u = (Uninit *)self;
    if (u->core != NULL) {
        core_unobserve(u->core, u);
        u->core->frames = (FrameObserver){0};
    }
    if (u->heap != NULL)
        u->heap->taken = NULL;
    Py_CLEAR(u->core);
    Py_CLEAR(u->heap);
    Py_CLEAR(u->on_use);
    return 0;
}

static void uninit_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    uninit_gc_clear(self);
    uninit_forget((Uninit *)self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"written", written, METH_VARARGS, NULL}, {"clear", clear, METH_NOARGS, NULL},
    {"undefined", undefined, METH_O, NULL}, {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_doc, "Values that were never written. See stm32emu.checks.uninit."},
                              {Py_tp_init, uninit_init},         {Py_tp_dealloc, uninit_dealloc},
                              {Py_tp_traverse, uninit_traverse}, {Py_tp_clear, uninit_gc_clear},
                              {Py_tp_methods, methods},          {Py_tp_new, PyType_GenericNew}, {0, NULL}};

PyType_Spec uninit_spec = {"stm32emu._core.Uninit", sizeof(Uninit), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
