/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FP context of exceptions, ARMv7-M ARM B1.5.7: stacked at once, or lazily at the first FP instruction of a handler.
 *
 * While a frame is open (FPCCR.LSPACT) the filter of _core_traps.c lets every block through, and the first FP instruction
 * of a block that has one gets a hook. Without an open frame nothing of this costs anything. */
#include "_core.h"

#define FP_WORDS 17 /* S0 to S15 and FPSCR */

/* FPCCR; an open frame opens the filter. */
void fp_set_control(Core *c, uint32_t fpccr)
{
    c->scs.fpccr = fpccr;
    if (fpccr & FPCCR_LSPACT)
        memset(c->traps.filter, TRAP_ANY, sizeof c->traps.filter);
    else
        memcpy(c->traps.filter, c->traps.minded, sizeof c->traps.filter);
}

static void registers(Core *c, uint32_t words[FP_WORDS], bool write)
{
    int ids[FP_WORDS];
    void *values[FP_WORDS];
    for (int n = 0; n < FP_WORDS; n++) {
        ids[n] = n < 16 ? UC_REG_S0 + n : UC_REG_FPSCR;
        values[n] = &words[n];
    }
    if (write)
        c->api.reg_write_batch(c->uc, ids, values, FP_WORDS);
    else
        c->api.reg_read_batch(c->uc, ids, values, FP_WORDS);
}

void fp_restore(Core *c, const uint32_t words[FP_WORDS]) { registers(c, (uint32_t *)words, true); }

static bool preempts(const Core *c, int exception, int priority)
{
    return nvic_bit(c->nvic.enabled, exception) && priority > nvic_group(c, c->nvic.priority[exception]);
}

/* UpdateFPCCR(): under which conditions the context will be saved. */
static void open_frame(Core *c, uint32_t address, bool privileged)
{
    int priority = nvic_execution_priority(c);
    uint32_t state = FPCCR_LSPACT | (privileged ? 0 : FPCCR_USER) | (c->ipsr == 0 ? FPCCR_THREAD : 0) |
                     (priority > -1 ? FPCCR_HFRDY : 0) | (preempts(c, EXC_BUSFAULT, priority) ? FPCCR_BFRDY : 0) |
                     (preempts(c, EXC_MEMMANAGE, priority) ? FPCCR_MMRDY : 0) |
                     ((c->scs.demcr & DEMCR_MON_EN) && preempts(c, EXC_DEBUGMON, priority) ? FPCCR_MONRDY : 0);
    c->scs.fpcar = address;
    fp_set_control(c, (c->scs.fpccr & (FPCCR_ASPEN | FPCCR_LSPEN)) | state);
}

/* On exception entry: fill the frame's FP words now. False: the frame is open, and they stay as they are. */
bool fp_stack(Core *c, uint32_t address, bool privileged, uint32_t words[FP_WORDS])
{
    bool lazily = c->scs.fpccr & FPCCR_LSPEN;
    if (lazily)
        open_frame(c, address, privileged);
    else
        registers(c, words, false);
    return !lazily;
}

/* PreserveFPState(): before the first FP instruction. 0, or the exception that this is instead. */
int fp_preserve(Core *c)
{
    uint32_t words[FP_WORDS], address = c->scs.fpcar, length = FP_WORDS * 4;
    c->idle.effects = true;
    registers(c, words, false);
    bool privileged = !(c->scs.fpccr & FPCCR_USER);
    if (mpu_first_denied(c, address, address + length, UC_PROT_WRITE, privileged) < address + length)
        return EXC_MEMMANAGE;
    if (!core_store(c, address, words, length))
        return EXC_BUSFAULT;
    fp_set_control(c, c->scs.fpccr & ~FPCCR_LSPACT);
    return 0;
}
