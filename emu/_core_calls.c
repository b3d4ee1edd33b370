/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the firmware's functions, followed from outside from entry to return. A handshake makes millions, so those that
 * nobody wants to hear of stay here. Calls of one task, or of one exception's handler, are nested; a function that jumps to
 * another at its end (a tail call) has the same return address and SP as that, and both return at once. */
#include "_core_calls.h"

static Call *innermost(Calls *f, uint32_t in)
{
    for (int n = f->call_count; n-- > 0;)
        if (f->calls[n].context == in)
            return &f->calls[n];
    return NULL;
}

static void drop(Calls *f, const Call *call)
{
    int n = (int)(call - f->calls);
    f->call_count--;
    memmove(&f->calls[n], &f->calls[n + 1], (size_t)(f->call_count - n) * sizeof *f->calls);
}

static bool emit(Calls *f, CallEvent event, const Call *call, const Call *outer, uint32_t result)
{
    PyObject *heard = PyObject_CallFunction(f->on_event, "iKKIII", (int)event, (unsigned long long)call->number,
                                            (unsigned long long)(outer != NULL ? outer->number : 0),
                                            call->function->address, call->ret, result);
    Py_XDECREF(heard);
    return heard != NULL;
}

static bool finished(Calls *f, const Call *call, uint32_t result)
{
    int32_t code = (int32_t)result;
    bool failure = code >= LOWEST_CODE && code <= HIGHEST_CODE;
    Call *outer = innermost(f, call->context);
    if (failure && outer != NULL)
        outer->failure = true;
    return (!failure && !call->failure && call->function->kind != CALLS_ALL) || emit(f, CALL_RETURNED, call, outer, result);
}

/* Calls that never returned (longjmp, deleted tasks) are above the one that does, or have its place. */
static bool returned(Calls *f, uint32_t address, uint32_t sp, uint32_t in, uint32_t result)
{
    Call *call;
    while ((call = innermost(f, in)) != NULL && (call->sp < sp || (call->sp == sp && call->ret == address))) {
        Call ended = *call;
        drop(f, call);
        if (ended.sp == sp && !finished(f, &ended, result))
            return false;
    }
    return true;
}

static bool called(Calls *f, const CallsFunction *function, uint32_t sp, uint32_t lr, uint32_t in)
{
    f->core->idle.effects = true; /* a loop that calls is not to be skipped */
    Call *outer;
    bool handler = lr >= EXC_RETURN_BASE; /* it begins, so all calls of its last run are over */
    while ((outer = innermost(f, in)) != NULL && (handler || outer->sp < sp || (outer->sp == sp && outer->function == function)))
        drop(f, outer);
    if (f->call_count == CALLS_DEEP)
        drop(f, f->calls);
    Call *call = &f->calls[f->call_count];
    *call = (Call){.function = function, .ret = lr & ~1u, .sp = sp, .context = in, .number = ++f->number};
    uint32_t ret = call->ret; /* no code for a handler, whose LR is EXC_RETURN, and after a reset: nobody hears that return */
    if (core_backing(f->core, &ret, 2) != NULL && !core_watch_return(f->core, call->ret))
        return false;
    outer = innermost(f, in);
    f->call_count++;
    return function->kind != CALLS_ALL || emit(f, CALL_ENTERED, call, outer, 0);
}

static int by_address(const void *a, const void *b)
{
    uint32_t left = ((const CallsFunction *)a)->address, right = ((const CallsFunction *)b)->address;
    return (left > right) - (left < right);
}

/* Code is entered at `address`, where perhaps a function begins or a call of one returns to. */
static bool entered(void *self, uint32_t address)
{
    Calls *f = self;
    CallsFunction key = {.address = address};
    const CallsFunction *function = bsearch(&key, f->functions, f->function_count, sizeof key, by_address);
    if (function == NULL && f->call_count == 0)
        return true;
    uint32_t r0 = 0, sp = 0, lr = 0, in = core_context(f->core);
    int ids[] = {UC_REG_R0, UC_REG_SP, UC_REG_LR};
    void *values[] = {&r0, &sp, &lr};
    f->core->api.reg_read_batch(f->core->uc, ids, values, 3);
    return returned(f, address, sp, in, r0) && (function == NULL || called(f, function, sp, lr, in));
}

static PyObject *clear(PyObject *self, PyObject *unused)
{
    (void)unused;
    ((Calls *)self)->call_count = 0;
    Py_RETURN_NONE;
}

static bool take_functions(Calls *f, PyObject *functions)
{
    PyObject *list = PySequence_Fast(functions, "functions are (address, kind)");
    Py_ssize_t count = list != NULL ? PySequence_Fast_GET_SIZE(list) : 0;
    f->functions = list != NULL ? PyMem_Calloc((size_t)count + 1, sizeof *f->functions) : NULL;
    for (Py_ssize_t n = 0; n < count && f->functions != NULL && !PyErr_Occurred(); n++) {
        int kind = 0;
        CallsFunction *function = &f->functions[n];
        if (PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list, n), "Ii", &function->address, &kind))
            core_mark(f->core, function->address);
        function->kind = (CallsKind)kind;
    }
    f->function_count = f->functions != NULL ? (size_t)count : 0;
    if (f->function_count)
        qsort(f->functions, f->function_count, sizeof *f->functions, by_address);
    Py_XDECREF(list);
    return !PyErr_Occurred();
}

static int calls_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Calls *f = (Calls *)self;
    PyObject *core, *on_event, *functions, *core_type = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "CORE");
    bool parsed = core_type != NULL && kwargs == NULL && f->core == NULL &&
                  PyArg_ParseTuple(args, "O!OO", core_type, &core, &functions, &on_event);
    Py_XDECREF(core_type);
    if (!parsed)
        return -1;
    f->core = (Core *)Py_NewRef(core);
    f->on_event = Py_NewRef(on_event);
    return take_functions(f, functions) && core_follow(f->core, (Follower){entered, f}) ? 0 : -1;
}

static int calls_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Calls *)self)->core);
    Py_VISIT(((Calls *)self)->on_event);
    return 0;
}

static int calls_gc_clear(PyObject *self)
{
    Calls *f = (Calls *)self;
    if (f->core != NULL)
        core_unfollow(f->core, f);
    Py_CLEAR(f->core);
    Py_CLEAR(f->on_event);
    return 0;
}

static void calls_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    calls_gc_clear(self);
    PyMem_Free(((Calls *)self)->functions);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {{"clear", clear, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_doc, "Calls of functions, followed from outside. See stm32emu.calls."},
                              {Py_tp_init, calls_init},         {Py_tp_dealloc, calls_dealloc},
                              {Py_tp_traverse, calls_traverse}, {Py_tp_clear, calls_gc_clear},
                              {Py_tp_methods, methods},         {Py_tp_new, PyType_GenericNew},
                              {0, NULL}};

PyType_Spec calls_spec = {"stm32emu._core.Calls", sizeof(Calls), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};
