/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings that are kept and not acted on: the limits of docs/fidelity.md. Whoever wants to hear of one is told. */
#include "_core.h"

#define DEMCR_MON_STEP (1u << 18)
#define CCR_BFHFNMIGN (1u << 8)
#define FPDSCR_ALL 0x07C00000u

static const struct {
    uint32_t address, mask, usual;
    const char *what;
} settings[] = {
    {0xE000ED14, CCR_BFHFNMIGN, 0, "CCR.BFHFNMIGN"},
    {0xE000EDFC, DEMCR_MON_STEP, 0, "DEMCR.MON_STEP"},
    {0xE000EF34, FPCCR_ASPEN, FPCCR_ASPEN, "FPCCR without ASPEN"},
    {0xE000EF3C, FPDSCR_ALL, 0, "FPDSCR"},
};

void core_meet_limit(Core *c, uint32_t address, const char *what)
{
    if (c->on_limit == NULL)
        return;
    PyObject *result = PyObject_CallFunction(c->on_limit, "Is", address, what);
    if (result == NULL)
        core_callback_failed(c);
    Py_XDECREF(result);
}

void core_check_limit(Core *c, uint32_t address, uint32_t value)
{
    for (size_t n = 0; n < sizeof settings / sizeof *settings; n++)
        if (settings[n].address == address && (value & settings[n].mask) != settings[n].usual)
            core_meet_limit(c, address, settings[n].what);
}
