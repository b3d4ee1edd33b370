/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stm32emu._core: the Python face of the native core. emu/cpu.py documents and types it. */
#include "_core.h"
#include "_core_calls.h"
#include "_core_uninit.h"

#include <structmember.h>

static int take_api(Core *c, PyObject *api)
{
    const struct {
        const char *name;
        void *slot;
    } functions[] = {
        {"uc_open", &c->api.open}, {"uc_close", &c->api.close}, {"uc_ctl", &c->api.ctl},
        {"uc_emu_start", &c->api.emu_start}, {"uc_emu_stop", &c->api.emu_stop},
        {"uc_reg_write", &c->api.reg_write},
        {"uc_reg_read_batch", &c->api.reg_read_batch}, {"uc_reg_write_batch", &c->api.reg_write_batch},
        {"uc_mem_map_ptr", &c->api.mem_map_ptr}, {"uc_mmio_map", &c->api.mmio_map},
        {"uc_hook_add", &c->api.hook_add}, {"uc_hook_del", &c->api.hook_del}, {"uc_strerror", &c->api.strerror},
    };
    for (size_t n = 0; n < sizeof functions / sizeof *functions; n++) {
        PyObject *address = PyDict_GetItemString(api, functions[n].name);
        void *pointer = address != NULL ? PyLong_AsVoidPtr(address) : NULL;
        if (pointer == NULL) {
            PyErr_Format(PyExc_RuntimeError, "the loaded Unicorn library has no %s", functions[n].name);
            return -1;
        }
        memcpy(functions[n].slot, &pointer, sizeof pointer);
    }
    return 0;
}

static int core_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"api", NULL};
    Core *c = (Core *)self;
    PyObject *api;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!", names, &PyDict_Type, &api))
        return -1;
    if (c->uc != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a core is initialised once");
        return -1;
    }
    if (take_api(c, api) < 0)
        return -1;
    if (posix_memalign((void **)&c->pages, 0x1000, 0x2000)) {
        PyErr_NoMemory();
        return -1;
    }
    memset(c->pages, 0, 0x2000);
    return core_open(c);
}

static int core_traverse(PyObject *self, visitproc visit, void *arg)
{
    Core *c = (Core *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(c->on_due);
    Py_VISIT(c->on_program);
    Py_VISIT(c->on_itm);
    Py_VISIT(c->on_semihosting);
    Py_VISIT(c->on_limit);
    Py_VISIT(c->watches);
    Py_VISIT(c->stacks.on_overflow);
    for (int n = 0; n < c->mmio_count; n++) {
        Py_VISIT(c->mmio[n]->read);
        Py_VISIT(c->mmio[n]->write);
    }
    return 0;
}

static int core_clear(PyObject *self)
{
    Core *c = (Core *)self;
    Py_CLEAR(c->on_due);
    Py_CLEAR(c->on_program);
    Py_CLEAR(c->on_itm);
    Py_CLEAR(c->on_semihosting);
    Py_CLEAR(c->on_limit);
    Py_CLEAR(c->watches);
    Py_CLEAR(c->stacks.on_overflow);
    for (int n = 0; n < c->mmio_count; n++) {
        Py_CLEAR(c->mmio[n]->read);
        Py_CLEAR(c->mmio[n]->write);
    }
    return 0;
}

static void core_dealloc(PyObject *self)
{
    Core *c = (Core *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    core_clear(self);
    if (c->uc != NULL)
        c->api.close(c->uc);
    core_release_mmio(c);
    core_release_memory(c);
    traps_release(c);
    PyMem_Free(c->observers.cache);
    free(c->pages);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *add_memory(PyObject *self, PyObject *args)
{
    unsigned base, target;
    int kind;
    PyObject *buffer;
    if (!PyArg_ParseTuple(args, "IOiI", &base, &buffer, &kind, &target) ||
        core_add_memory((Core *)self, base, buffer, (RegionKind)kind, target) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *add_mmio(PyObject *self, PyObject *args)
{
    unsigned base, size;
    PyObject *handlers[5] = {NULL, NULL, Py_None, Py_None, Py_None};
    if (!PyArg_ParseTuple(args, "IIOO|OOO", &base, &size, &handlers[0], &handlers[1], &handlers[2], &handlers[3],
                          &handlers[4]) ||
        core_add_mmio((Core *)self, base, size, handlers) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_irq(PyObject *self, PyObject *args)
{
    int irq, level;
    if (!PyArg_ParseTuple(args, "ip", &irq, &level))
        return NULL;
    if (irq < 0 || irq >= EXC_COUNT - EXC_IRQ0)
        return PyErr_Format(PyExc_ValueError, "there is no interrupt %d", irq);
    nvic_set_line((Core *)self, irq, level);
    Py_RETURN_NONE;
}

static PyObject *pend_nmi(PyObject *self, PyObject *unused)
{
    (void)unused;
    nvic_pend((Core *)self, EXC_NMI);
    Py_RETURN_NONE;
}

static PyObject *send_event(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((Core *)self)->event_register = true;
    Py_RETURN_NONE;
}

static PyObject *reset(PyObject *self, PyObject *args)
{
    unsigned vectors;
    int relocated;
    if (!PyArg_ParseTuple(args, "Ip", &vectors, &relocated))
        return NULL;
    core_reset((Core *)self, vectors, relocated);
    Py_RETURN_NONE;
}

static PyObject *run(PyObject *self, PyObject *limit)
{
    long long cycle = PyLong_AsLongLong(limit);
    if (cycle == -1 && PyErr_Occurred())
        return NULL;
    int reason = core_run((Core *)self, cycle);
    return reason < 0 ? NULL : PyLong_FromLong(reason);
}

static PyObject *advance(PyObject *self, PyObject *to)
{
    long long cycle = PyLong_AsLongLong(to);
    if (cycle == -1 && PyErr_Occurred())
        return NULL;
    core_pass((Core *)self, cycle);
    Py_RETURN_NONE;
}

static PyObject *wake(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    bool awake = core_wake(c);
    if (c->failed) {
        core_restore_error(c);
        return NULL;
    }
    return PyBool_FromLong(awake);
}

static PyObject *stop(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    c->stop = true;
    core_attend(c);
    Py_RETURN_NONE;
}

static PyObject *flush(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    c->flush = true;
    core_attend(c);
    Py_RETURN_NONE;
}

static PyObject *set_watch(PyObject *self, PyObject *args)
{
    unsigned address;
    PyObject *callback;
    if (!PyArg_ParseTuple(args, "IO", &address, &callback) || core_set_watch((Core *)self, address, callback) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *watch_stacks(PyObject *self, PyObject *args)
{
    Core *c = (Core *)self;
    unsigned main_limit, main_top, member;
    PyObject *on_overflow;
    if (!PyArg_ParseTuple(args, "IIIO", &main_limit, &main_top, &member, &on_overflow))
        return NULL;
    Py_XSETREF(c->stacks.on_overflow, Py_NewRef(on_overflow));
    c->stacks.member = member;
    c->stacks.main = (Stack){.limit = main_limit, .lowest = UINT32_MAX, .highest = main_top};
    c->traps.restart = c->flush = true; /* what is translated already was not looked at */
    core_attend(c);
    Py_RETURN_NONE;
}

/* A UC_HOOK_CODE for every instruction: it makes Unicorn cut blocks elsewhere, which must not change anything. For tests. */
static PyObject *code_hook(PyObject *self, PyObject *unused)
{
    (void)unused;
    Core *c = (Core *)self;
    core_hook_instructions(c);
    Py_RETURN_NONE;
}

static PyObject *get_due(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((Core *)self)->due);
}

static int set_due(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    long long due = value != NULL ? PyLong_AsLongLong(value) : -1;
    if (due == -1 && PyErr_Occurred())
        return -1;
    ((Core *)self)->due = due;
    core_update_deadline((Core *)self);
    return 0;
}

static PyObject *get_wake_at(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(core_wake_at((Core *)self));
}

static PyObject *get_context(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(core_context((Core *)self));
}

static PyObject *skip_idle(PyObject *self, PyObject *until)
{
    Core *c = (Core *)self;
    long long cycle = PyLong_AsLongLong(until);
    if (cycle == -1 && PyErr_Occurred())
        return NULL;
    if (c->reason != RUN_IDLE) {
        PyErr_SetString(PyExc_RuntimeError, "the last run did not end in an idle loop");
        return NULL;
    }
    core_idle_skip(c, cycle);
    Py_RETURN_NONE;
}

static PyObject *get_skip_loops(PyObject *self, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((Core *)self)->idle.wanted);
}

static int set_skip_loops(PyObject *self, PyObject *value, void *unused)
{
    (void)unused;
    int wanted = value != NULL ? PyObject_IsTrue(value) : -1;
    if (wanted < 0)
        return -1;
    core_idle_look_for((Core *)self, wanted);
    return 0;
}

static PyMethodDef methods[] = {
    {"add_memory", add_memory, METH_VARARGS, NULL}, {"add_mmio", add_mmio, METH_VARARGS, NULL},
    {"set_irq", set_irq, METH_VARARGS, NULL}, {"pend_nmi", pend_nmi, METH_NOARGS, NULL},
    {"send_event", send_event, METH_NOARGS, NULL}, {"reset", reset, METH_VARARGS, NULL}, {"run", run, METH_O, NULL},
    {"advance", advance, METH_O, NULL}, {"wake", wake, METH_NOARGS, NULL}, {"stop", stop, METH_NOARGS, NULL},
    {"flush", flush, METH_NOARGS, NULL}, {"registers", core_registers, METH_NOARGS, NULL},
    {"take_fault", core_take_fault, METH_NOARGS, NULL}, {"blocks", core_blocks, METH_NOARGS, NULL},
    {"read_register", core_read_register, METH_O, NULL}, {"write_register", core_write_register, METH_VARARGS, NULL},
    {"set_watch", set_watch, METH_VARARGS, NULL}, {"call_registers", core_call_registers, METH_NOARGS, NULL},
    {"skip_idle", skip_idle, METH_O, NULL}, {"watch_stacks", watch_stacks, METH_VARARGS, NULL},
    {"stack_marks", core_stack_marks, METH_NOARGS, NULL}, {"start_coverage", core_start_coverage, METH_NOARGS, NULL},
    {"coverage", core_coverage, METH_NOARGS, NULL}, {"state", core_state, METH_NOARGS, NULL},
    {"code_hook", code_hook, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"now", T_LONGLONG, offsetof(Core, cycles), READONLY, NULL},
    {"idle_until", T_LONGLONG, offsetof(Core, idle.until), 0, NULL},
    {"accesses", T_ULONGLONG, offsetof(Core, accesses), READONLY, NULL},
    {"block", T_UINT, offsetof(Core, block), READONLY, NULL},
    {"ipsr", T_UINT, offsetof(Core, ipsr), READONLY, NULL},
    {"current_tcb", T_UINT, offsetof(Core, current_tcb), 0, NULL},
    {"on_due", T_OBJECT_EX, offsetof(Core, on_due), 0, NULL},
    {"on_program", T_OBJECT_EX, offsetof(Core, on_program), 0, NULL},
    {"on_itm", T_OBJECT_EX, offsetof(Core, on_itm), 0, NULL},
    {"on_semihosting", T_OBJECT_EX, offsetof(Core, on_semihosting), 0, NULL},
    {"on_limit", T_OBJECT_EX, offsetof(Core, on_limit), 0, NULL},
    {NULL, 0, 0, 0, NULL}};

static PyGetSetDef getset[] = {{"due", get_due, set_due, NULL, NULL}, {"skip_loops", get_skip_loops, set_skip_loops, NULL, NULL},
                               {"wake_at", get_wake_at, NULL, NULL, NULL}, {"context", get_context, NULL, NULL, NULL},
                               {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A Cortex-M4 on Unicorn. See stm32emu.cpu."}, {Py_tp_init, core_init}, {Py_tp_dealloc, core_dealloc},
    {Py_tp_traverse, core_traverse}, {Py_tp_clear, core_clear}, {Py_tp_methods, methods}, {Py_tp_members, members},
    {Py_tp_getset, getset}, {Py_tp_new, PyType_GenericNew}, {0, NULL}};

static PyType_Spec spec = {"stm32emu._core.Core", sizeof(Core), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

/* For tests: how values flow through an instruction, by its two halfwords. */
static PyObject *flow(PyObject *self, PyObject *args)
{
    (void)self;
    uint16_t op[2];
    Form form;
    Flow f;
    if (!PyArg_ParseTuple(args, "HH", &op[0], &op[1]))
        return NULL;
    thumb_form(op, &form);
    thumb_flow(op, &form, &f);
    return Py_BuildValue("(HHHHOiiii)", f.sources, f.targets, f.transfers, f.addresses, f.sets_flags ? Py_True : Py_False,
                         (int)f.use, (int)form.length, (int)form.store, (int)form.offset);
}

static PyMethodDef functions[] = {{"flow", flow, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "stm32emu._core", NULL, -1, functions, NULL, NULL, NULL, NULL};

/* A type of its own file; `CORE` is the type of what its objects look at. */
static bool add_follower(PyObject *m, const char *name, PyType_Spec *of, PyObject *core_type)
{
    PyObject *type = PyType_FromSpec(of);
    bool added = type != NULL && PyObject_SetAttrString(type, "CORE", core_type) == 0 && PyModule_AddObjectRef(m, name, type) == 0;
    Py_XDECREF(type);
    return added;
}

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *m = PyModule_Create(&module), *type = PyType_FromSpec(&spec), *heap = NULL;
    bool made = m != NULL && type != NULL && PyModule_AddObjectRef(m, "Core", type) == 0 &&
                add_follower(m, "Heap", &heap_spec, type) && add_follower(m, "Calls", &calls_spec, type) &&
                (heap = PyObject_GetAttrString(m, "Heap")) != NULL && add_follower(m, "Uninit", &uninit_spec, heap);
    Py_XDECREF(heap);
    Py_XDECREF(type);
    if (!made)
        Py_CLEAR(m);
    return m;
}
