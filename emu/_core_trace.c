/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ITM and DWT, ARMv7-M ARM C1.7 and C1.8: the stimulus ports are a second console, CYCCNT counts virtual cycles. */
#include "_core.h"

#define DWT 0x1000u
#define CYCCNTENA 1u
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

static bool cyccnt_runs(const Core *c) { return (c->scs.demcr & DEMCR_TRCENA) && (c->scs.dwt_ctrl & CYCCNTENA); }

/* CYCCNT while stopped is kept in dwt[1]; while running it is the time since cyccnt_base. */
static uint32_t cyccnt(const Core *c)
{
    return cyccnt_runs(c) ? (uint32_t)(c->natural - c->scs.cyccnt_base) : c->scs.dwt[1];
}

static void dwt_ctrl_write(Core *c, uint32_t value)
{
    uint32_t count = cyccnt(c);
    c->scs.dwt_ctrl = (c->scs.dwt_ctrl & 0xF0000000u) | (value & 0x0FFFFFFFu);
    c->scs.dwt[1] = count;
    c->scs.cyccnt_base = c->natural - count;
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
    if (offset == DWT)
        return c->scs.dwt_ctrl;
    if (offset == DWT + 4)
        return cyccnt(c);
    return offset > DWT + 4 && offset < DWT + 0x40 ? c->scs.dwt[(offset - DWT) / 4] : 0;
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
    else if (offset == DWT)
        dwt_ctrl_write(c, word);
    else if (offset == DWT + 4) {
        c->scs.dwt[1] = word;
        c->scs.cyccnt_base = c->natural - word;
    } else if (offset > DWT + 4 && offset < DWT + 0x40)
        c->scs.dwt[(offset - DWT) / 4] = word;
}
