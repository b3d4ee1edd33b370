/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exception entry and return, faults and escalation: ARMv7-M ARM B1.5.6 to B1.5.11 and B1.5.14. */
#include "_core.h"

#define RETURNS_TO_PSP 4u
#define RETURNS_TO_THREAD 8u
#define BASIC_FRAME 4u

/* What entry and return need to know of the CPU, read in one go. */
typedef struct {
    uint32_t r[4], r12, sp, lr, xpsr, control;
} State;

static void read_state(Core *c, State *s)
{
    int ids[] = {UC_REG_R0, UC_REG_R0 + 1, UC_REG_R0 + 2, UC_REG_R0 + 3, UC_REG_R0 + 12, UC_REG_SP, UC_REG_LR, UC_REG_XPSR, UC_REG_CONTROL};
    void *values[] = {&s->r[0], &s->r[1], &s->r[2], &s->r[3], &s->r12, &s->sp, &s->lr, &s->xpsr, &s->control};
    c->api.reg_read_batch(c->uc, ids, values, 9);
    s->xpsr = (s->xpsr & ~XPSR_IPSR) | c->ipsr; /* IPSR reads as zero when unprivileged */
}

/* Why a frame cannot be there: the fault of B1.5.6 or B1.5.8, 0 when it can. */
static int frame_fault(Core *c, uint32_t sp, uint32_t length, int wanted, bool privileged)
{
    return mpu_first_denied(c, sp, sp + length, wanted, privileged) < sp + length ? EXC_MEMMANAGE : 0;
}

/* PushStack(): the frame goes onto the stack in use, with the privilege of what is interrupted; SP moves even when storing
 * fails. The fault that this is, or 0. */
static int push_frame(Core *c, const State *s, uint32_t return_address, bool fp)
{
    uint32_t frame[26] = {s->r[0], s->r[1], s->r[2], s->r[3], s->r12, s->lr, return_address, s->xpsr & ~XPSR_REALIGNED};
    uint32_t size = fp ? 0x68 : 0x20;
    bool align = fp || (c->scs.ccr & CCR_STKALIGN);
    uint32_t sp = (s->sp & ~3u) - size;
    if (align && (s->sp & 4)) {
        frame[7] |= XPSR_REALIGNED;
        sp &= ~4u;
    }
    bool privileged = c->ipsr != 0 || !(s->control & CONTROL_NPRIV);
    bool whole = fp && fp_stack(c, sp + 0x20, privileged, &frame[8]);
    uint32_t length = whole ? 25 * 4 : 8 * 4;
    core_set_reg(c, UC_REG_SP, sp);
    if (c->stacks.on_overflow != NULL)
        stack_frame(c, sp, c->ipsr == 0 && (s->control & CONTROL_SPSEL), return_address);
    int fault = frame_fault(c, sp, length, UC_PROT_WRITE, privileged);
    if (fault || !core_store(c, sp, frame, length))
        return fault ? fault : EXC_BUSFAULT;
    if (c->frames.call != NULL)
        c->frames.call(c->frames.self, FRAME_PUSHED, sp, size);
    return 0;
}

/* Handler mode with MSP and SPSEL clear. Unicorn swaps r13 when IPSR or SPSEL change which stack is in use, and takes
 * CONTROL writes only when privileged, SPSEL only in Thread mode: hence the detour through a privileged Thread mode. */
static void enter_handler_mode(Core *c, uint32_t control, int exception)
{
    uint32_t zero = 0, handler = (uint32_t)exception, npriv = control & CONTROL_NPRIV;
    if (c->ipsr == 0 && (control & CONTROL_SPSEL)) {
        uint32_t spsel = CONTROL_SPSEL;
        int ids[] = {UC_REG_IPSR, UC_REG_CONTROL, UC_REG_IPSR, UC_REG_CONTROL};
        void *values[] = {&handler, &spsel, &zero, &zero};
        c->api.reg_write_batch(c->uc, ids, values, 4);
    }
    int ids[] = {UC_REG_IPSR, UC_REG_CONTROL};
    void *values[] = {&handler, &npriv};
    c->api.reg_write_batch(c->uc, ids, values, 2);
    c->ipsr = handler;
}

/* The local monitor is cleared by exception entry and return (A3.4.4), but Unicorn has no access to it: so both go by way
 * of a stub, `clrex; ldr pc, =target`. It lies on the page of EXC_RETURN and takes no time. */
uint32_t core_by_stub(Core *c, uint32_t target)
{
    static const uint16_t code[] = {0xF3BF, 0x8F2F, 0xF8DF, 0xF000};
    memcpy(c->pages, code, sizeof code);
    memcpy(c->pages + sizeof code, &target, sizeof target);
    return CLREX_STUB | 1;
}

static void jump(Core *c, uint32_t lr, uint32_t xpsr, uint32_t pc)
{
    uint32_t flags = xpsr, target = (pc & ~1u) | (xpsr >> 24 & 1);
    /* APSR_NZCV last of the flags: it is the write that makes Unicorn recompute mode and privilege. PC on its own:
     * in 2.1.4 only the single write makes a block hook's new PC stick. */
    uint32_t epsr = xpsr & (XPSR_IT | XPSR_T);
    int ids[] = {UC_REG_LR, UC_REG_EPSR, UC_REG_XPSR_NZCVQG, UC_REG_APSR_NZCV};
    void *values[] = {&lr, &epsr, &xpsr, &flags};
    c->api.reg_write_batch(c->uc, ids, values, 4);
    c->it = xpsr_to_it(xpsr);
    c->clear_exclusive = !c->in_emu;
    core_set_reg(c, UC_REG_PC, c->in_emu && !c->it ? core_by_stub(c, target) : target); /* in an IT block the stub would be part of it */
    core_start_anew(c, pc & ~1u);
    core_idle_disturbed(c);
}

/* ExceptionTaken(): activate the best pending exception. LR gets `exc_return`. */
static void take(Core *c, uint32_t exc_return, uint32_t control, uint32_t xpsr)
{
    for (int tries = 0; tries < 3; tries++) {
        int exception = nvic_best_pending(c);
        uint32_t vector;
        bool fetched = core_load(c, c->scs.vtor + 4 * (uint32_t)exception, &vector, 4);
        if (!fetched) { /* B1.5.11: a derived HardFault; the exception stays pending, and is lost if HardFault is not above it */
            c->scs.hfsr |= HFSR_VECTTBL;
            if (c->nvic.priority[exception] <= c->nvic.priority[EXC_HARDFAULT])
                break;
            nvic_pend(c, EXC_HARDFAULT);
            continue;
        }
        nvic_assign(c->nvic.pending, exception, false);
        nvic_assign(c->nvic.active, exception, true);
        if (exception == EXC_NMI)
            c->faultmask_before_nmi = core_reg(c, UC_REG_FAULTMASK) & 1;
        mpu_follow(c);
        enter_handler_mode(c, control, exception);
        if (c->frames.call != NULL)
            c->frames.call(c->frames.self, HANDLER_ENTERED, 0, 0);
        c->event_register = true;
        jump(c, exc_return, (xpsr & ~(XPSR_IT | XPSR_T | XPSR_IPSR | XPSR_REALIGNED)) | (uint32_t)exception | (vector & 1) << 24, vector);
        return;
    }
    exception_lockup(c);
}

void exception_enter(Core *c, int exception, uint32_t return_address)
{
    State s;
    read_state(c, &s);
    nvic_assign(c->nvic.pending, exception, true);
    bool fp = (s.control & CONTROL_FPCA) && (c->scs.fpccr & FPCCR_ASPEN);
    bool psp = c->ipsr == 0 && (s.control & CONTROL_SPSEL);
    uint32_t exc_return = 0xFFFFFFE1u | (fp ? 0 : 1u << 4) | (c->ipsr == 0 ? RETURNS_TO_THREAD : 0) | (psp ? RETURNS_TO_PSP : 0);
    int fault = push_frame(c, &s, return_address, fp);
    if (fault)
        exception_pend_fault(c, fault, fault == EXC_MEMMANAGE ? CFSR_MSTKERR : CFSR_STKERR, 0);
    take(c, exc_return, s.control, s.xpsr);
}

/* The checks of ExceptionReturn(), B1.5.8: which EXC_RETURN values are legal now. */
static bool return_is_legal(Core *c, uint32_t exc_return)
{
    uint32_t kind = exc_return & 0xF;
    int active = nvic_active_count(&c->nvic);
    if (!nvic_bit(c->nvic.active, (int)c->ipsr) || (exc_return & ~0x1Fu) != EXC_RETURN_BASE)
        return false;
    if (kind == 1)
        return active > 1;
    return (kind == 9 || kind == 0xD) && (active == 1 || (c->scs.ccr & CCR_NONBASETHRDENA));
}

/* PopStack(): registers, FP registers, and the stack pointer past the frame. The fault that this is, or 0. */
static int pop_frame(Core *c, uint32_t exc_return, uint32_t frame[26], uint32_t *sp)
{
    bool fp = !(exc_return & BASIC_FRAME << 2), open = c->scs.fpccr & FPCCR_LSPACT;
    *sp = core_reg(c, exc_return & RETURNS_TO_PSP ? UC_REG_PSP : UC_REG_MSP) & ~3u;
    uint32_t length = fp && !open ? 26 * 4 : 8 * 4;
    bool privileged = !(exc_return & RETURNS_TO_THREAD) || !(core_reg(c, UC_REG_CONTROL) & CONTROL_NPRIV);
    int fault = frame_fault(c, *sp, length, UC_PROT_READ, privileged);
    if (fault || !core_load(c, *sp, frame, length))
        return fault ? fault : EXC_BUSFAULT;
    if (c->frames.call != NULL)
        c->frames.call(c->frames.self, FRAME_POPPED, *sp, fp ? 0x68 : 0x20);
    if (fp && !open)
        fp_restore(c, &frame[8]);
    *sp += fp ? 0x68 : 0x20;
    if ((frame[7] & XPSR_REALIGNED) && (fp || (c->scs.ccr & CCR_STKALIGN)))
        *sp |= 4;
    return 0;
}

/* Back to the mode and stack that EXC_RETURN names; privilege comes last, since it ends our right to write. */
static void leave_handler_mode(Core *c, uint32_t exc_return, uint32_t xpsr, uint32_t sp, uint32_t npriv)
{
    bool thread = exc_return & RETURNS_TO_THREAD, psp = exc_return & RETURNS_TO_PSP;
    uint32_t zero = 0, ipsr = xpsr & XPSR_IPSR;
    uint32_t control = (exc_return & BASIC_FRAME << 2 ? 0 : CONTROL_FPCA) | (thread && psp ? CONTROL_SPSEL : 0) | npriv;
    int ids[] = {psp ? UC_REG_PSP : UC_REG_MSP, UC_REG_CONTROL, UC_REG_IPSR, UC_REG_CONTROL};
    void *values[] = {&sp, &zero, &ipsr, &control};
    c->api.reg_write_batch(c->uc, ids, values, 4);
    c->ipsr = ipsr;
}

static void restore(Core *c, uint32_t exc_return, const uint32_t frame[26], uint32_t sp)
{
    uint32_t npriv = core_reg(c, UC_REG_CONTROL) & CONTROL_NPRIV;
    int ids[] = {UC_REG_R0, UC_REG_R0 + 1, UC_REG_R0 + 2, UC_REG_R0 + 3, UC_REG_R0 + 12};
    void *values[5];
    for (int n = 0; n < 5; n++)
        values[n] = (void *)&frame[n];
    c->api.reg_write_batch(c->uc, ids, values, 5);
    leave_handler_mode(c, exc_return, frame[7], sp, npriv);
    if (!(exc_return & BASIC_FRAME << 2))
        fp_set_control(c, c->scs.fpccr & ~FPCCR_LSPACT); /* the registers still hold what an open frame would have */
    if ((exc_return & RETURNS_TO_PSP) && c->stacks.on_overflow != NULL)
        stack_switched(c, sp, frame[6]);
    jump(c, frame[5], frame[7] & ~XPSR_REALIGNED, frame[6]);
    c->event_register = true;
    if ((exc_return & RETURNS_TO_THREAD) && (c->scs.scr & SCR_SLEEPONEXIT)) {
        c->waits_for_event = false;
        c->reason = RUN_SLEEP;
        c->stop = true;
        core_attend(c);
    }
}

/* A return that cannot be done: the fault is taken in place of the return, tail-chained. */
static void failed_return(Core *c, uint32_t exc_return, int fault, uint32_t status)
{
    core_snapshot(c, &c->fault);
    exception_pend_fault(c, fault, status, 0);
    c->fault.cfsr = c->scs.cfsr;
    c->fault.hfsr = c->scs.hfsr;
    if (c->stop && c->reason == RUN_LOCKUP)
        return;
    take(c, exc_return, core_reg(c, UC_REG_CONTROL), core_reg(c, UC_REG_XPSR));
    c->fault.exception = c->ipsr;
    c->fault.exc_return = exc_return;
    c->fault_seen = c->stop = true;
    core_attend(c);
    c->reason = RUN_FAULT;
}

/* DeActivate(), B1.5.8: FAULTMASK is cleared on return from anything but NMI. */
static void deactivate(Core *c)
{
    nvic_deactivate(c, (int)c->ipsr);
    if (c->ipsr != EXC_NMI || !c->faultmask_before_nmi) /* NMI's handler can clear it, but not set it, B5.2.3 */
        core_set_reg(c, UC_REG_FAULTMASK, 0);
}

void exception_return(Core *c, uint32_t exc_return)
{
    uint32_t frame[26], sp;
    bool legal = return_is_legal(c, exc_return);
    deactivate(c);
    if (!legal) {
        failed_return(c, exc_return | 0xF0000000u, EXC_USAGEFAULT, CFSR_INVPC);
        return;
    }
    if (nvic_next(c)) {
        take(c, exc_return, core_reg(c, UC_REG_CONTROL), core_reg(c, UC_REG_XPSR)); /* tail-chaining, B1.5.12 */
        return;
    }
    mpu_follow(c);
    int fault = pop_frame(c, exc_return, frame, &sp);
    if (fault) {
        failed_return(c, exc_return, fault, fault == EXC_MEMMANAGE ? CFSR_MUNSTKERR : CFSR_UNSTKERR);
        return;
    }
    bool to_handler = frame[7] & XPSR_IPSR;
    if (to_handler == (bool)(exc_return & RETURNS_TO_THREAD)) {
        failed_return(c, exc_return, EXC_USAGEFAULT, CFSR_INVPC);
        return;
    }
    restore(c, exc_return, frame, sp);
    if (c->low_shown)
        core_hide_low(c);
}
