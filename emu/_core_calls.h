/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include "_core.h"

/* What Python hears of a function: every call and its return, or returns with a result in the range of error codes. */
typedef enum { CALLS_ALL, CALLS_FAILURES } CallsKind;
typedef enum { CALL_ENTERED, CALL_RETURNED } CallEvent;

/* -1 is what functions that compare return, too. */
#define LOWEST_CODE (-0x7FFF)
#define HIGHEST_CODE (-2)

typedef struct {
    uint32_t address;
    CallsKind kind;
} CallsFunction;

/* A call under way: where it returns to, with which SP, in which task or handler. */
typedef struct {
    const CallsFunction *function;
    uint32_t ret, sp, context;
    uint64_t number; /* calls are counted from 1 */
    bool failure;    /* Python heard of a failing call inside */
} Call;

#define CALLS_DEEP 256

typedef struct {
    PyObject_HEAD
    Core *core;
    PyObject *on_event;
    CallsFunction *functions;     /* by address */
    size_t function_count;
    Call calls[CALLS_DEEP];
    int call_count;
    uint64_t number;
} Calls;

extern PyType_Spec calls_spec;

#endif
