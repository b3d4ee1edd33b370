/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a debugger shows of firmware: the stimulus ports of the ITM, ARMv7-M ARM C1.7, are a second console, and BKPT 0xAB is
 * a call to it. And the way to the DWT on the ITM's page. */
#include "_core.h"

#define DWT 0x1000u
#define DWT_END 0x1060u
#define ITM_TER 0xE00u
#define ITM_TPR 0xE40u
#define ITM_TCR 0xE80u

/* At power-on: as a debugger that shows SWO leaves them, for firmware prints on port 0 only when one has set them. */
void trace_power_on(Core *c)
{
    c->scs.demcr = DEMCR_TRCENA;
    c->scs.itm_tcr = c->scs.itm_ter = 1;
}

static bool itm_enabled(const Core *c, uint32_t port)
{
    return (c->scs.demcr & DEMCR_TRCENA) && (c->scs.itm_tcr & 1) && (c->scs.itm_ter >> port & 1);
}

/* "Semihosting for AArch32": the operation is in R0, its parameter in R1, and the answer goes to R0. False: no call. */
bool semihosting_call(Core *c, uint32_t pc)
{
    uint16_t op;
    if (c->on_semihosting == NULL || !core_load(c, pc, &op, 2) || op != 0xBEAB)
        return false;
    uint32_t operation = core_reg(c, UC_REG_R0), parameter = core_reg(c, UC_REG_R0 + 1);
    PyObject *answer = PyObject_CallFunction(c->on_semihosting, "II", operation, parameter);
    if (answer != NULL)
        core_set_reg(c, UC_REG_R0, (uint32_t)PyLong_AsUnsignedLongMask(answer));
    Py_XDECREF(answer);
    if (PyErr_Occurred())
        core_callback_failed(c);
    if (c->coverage.wanted)
        coverage_note(c, 2);
    core_start_anew(c, pc + 2);
    core_set_reg(c, UC_REG_PC, (pc + 2) | 1);
    return true;
}

uint64_t trace_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc, (void)size;
    Core *c = core;
    c->accesses++;
    c->idle.effects = true;
    if (offset < 0x80)
        return itm_enabled(c, (uint32_t)offset >> 2); /* FIFOREADY */
    if (offset == ITM_TER)
        return c->scs.itm_ter;
    if (offset == ITM_TPR)
        return c->scs.itm_tpr;
    if (offset == ITM_TCR)
        return c->scs.itm_tcr;
    return offset >= DWT && offset < DWT_END ? dwt_read(c, (uint32_t)(offset - DWT) / 4) : 0;
}

static void itm_write(Core *c, uint32_t port, unsigned size, uint32_t value)
{
    if (!itm_enabled(c, port) || c->on_itm == NULL)
        return;
    PyObject *result = PyObject_CallFunction(c->on_itm, "III", port, size, value);
    if (result == NULL)
        core_callback_failed(c);
    Py_XDECREF(result);
}

void trace_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *core)
{
    (void)uc;
    Core *c = core;
    c->accesses++;
    c->idle.effects = true;
    uint32_t word = (uint32_t)value;
    if (offset < 0x80)
        itm_write(c, (uint32_t)offset >> 2, size, word);
    else if (offset == ITM_TER)
        c->scs.itm_ter = word;
    else if (offset == ITM_TPR)
        c->scs.itm_tpr = word & 0xF;
    else if (offset == ITM_TCR)
        c->scs.itm_tcr = word;
    else if (offset >= DWT && offset < DWT_END)
        dwt_write(c, (uint32_t)(offset - DWT) / 4, word);
}
