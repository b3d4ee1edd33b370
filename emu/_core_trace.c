/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ITM, ARMv7-M ARM C1.7: its stimulus ports are a second console. And the way to the DWT on the same page. */
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

uint64_t trace_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc, (void)size;
    Core *c = core;
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
