/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop, what interrupts it, and virtual time.
 *
 * Cost model: one cycle per halfword of code fetched. Events and exceptions are taken at natural boundaries only: a
 * block entered by a taken branch or an exception return, or right after ISB, CPS, MSR, SVC or WFI. A block that starts
 * where the last one ended is otherwise none: Unicorn cuts long blocks at places that depend on hooks and host. */
#include "_core.h"

uint32_t core_reg(Core *c, int id)
{
    uint32_t value = 0;
    void *values[] = {&value};
    c->api.reg_read_batch(c->uc, &id, values, 1);
    return value;
}

void core_set_reg(Core *c, int id, uint32_t value)
{
    c->api.reg_write(c->uc, id, &value);
}

/* The cycle at which a natural boundary has something to do. */
static int64_t next_cycle(const Core *c)
{
    int64_t first = c->due < c->limit ? c->due : c->limit;
    int64_t systick = systick_due(c);
    first = systick < first ? systick : first;
    return c->idle.look_at < first ? c->idle.look_at : first;
}

void core_update_deadline(Core *c)
{
    bool at_once = c->attention || c->end == NOWHERE || c->it;
    c->deadline = at_once ? INT64_MIN : next_cycle(c);
}

/* Account for the code that was left, up to `pc` when it was left in its middle. */
static void charge(Core *c, uint32_t pc)
{
    uint32_t done = pc - c->block, size = c->end - c->block;
    if (c->end != NOWHERE) {
        core_ran(c, done < size ? done : size);
        c->end = pc;
    }
    c->block = pc;
}

void core_run_due(Core *c)
{
    if (c->cycles >= systick_due(c) || c->cycles >= c->due)
        core_idle_disturbed(c);
    systick_sync(c);
    if (c->cycles >= c->due && c->on_due != NULL) {
        c->due = INT64_MAX;
        PyObject *next = PyObject_CallNoArgs(c->on_due); /* the cycle of the next event, or None */
        if (next != NULL && next != Py_None)
            c->due = PyLong_AsLongLong(next);
        Py_XDECREF(next);
        if (PyErr_Occurred())
            core_callback_failed(c);
    }
    core_update_deadline(c);
}

/* Leave uc_emu_start before the next block. */
void core_leave(Core *c)
{
    if (c->in_emu)
        c->api.emu_stop(c->uc);
    c->leaving = true;
}

/* What is pending is taken at the same boundary when the run goes on, as if it had not been left. */
static bool leave_before(Core *c)
{
    core_start_anew(c, c->block);
    core_leave(c);
    return true;
}

/* What is due at a natural boundary before the block at `address` runs. True when that block is not to run now. */
bool core_boundary(Core *c, uint32_t address)
{
    if (c->cycles >= next_cycle(c))
        core_run_due(c);
    if (c->mpu_changed)
        mpu_follow(c);
    if (c->cycles >= c->limit && !c->stop) {
        c->stop = true;
        c->reason = RUN_LIMIT;
    }
    if (c->stop || (c->flush && c->in_emu))
        return leave_before(c);
    c->attention = nvic_best_pending(c) != 0;
    core_update_deadline(c);
    int exception = c->attention ? nvic_next(c) : 0;
    if (exception == 0)
        return c->cycles >= c->idle.look_at && core_idle_look(c, address) && leave_before(c);
    exception_enter(c, exception, address);
    return true;
}

void core_synchronous(Core *c, uint32_t pc)
{
    charge(c, pc);
    c->it = 0;
}

/* BKPT without a debugger, C1.5.1: DebugMonitor, or HardFault where that cannot be. */
static void breakpoint(Core *c, uint32_t pc)
{
    c->scs.dfsr |= DFSR_BKPT;
    if (debug_event(c))
        exception_enter(c, EXC_DEBUGMON, pc);
    else {
        c->scs.hfsr |= HFSR_DEBUGEVT;
        exception_fault(c, EXC_HARDFAULT, 0, 0, pc);
    }
}

/* Code went on at EXC_RETURN or near it. In Thread mode, by a simple branch, and elsewhere on that page it is a branch into
 * an execute-never region. */
static void branched_past_memory(Core *c, uint32_t pc)
{
    uint32_t target = c->block >= EXC_RETURN_BASE ? c->block : pc;
    bool returns = target >= EXC_RETURN_BASE && c->ipsr != 0 && !c->simple_branch;
    core_synchronous(c, target);
    if (returns) /* the lowest bit of EXC_RETURN went to EPSR.T */
        exception_return(c, (target & ~1u) | (core_reg(c, UC_REG_XPSR) >> 24 & 1));
    else
        exception_fault(c, EXC_MEMMANAGE, CFSR_IACCVIOL, 0, target & ~1u);
    c->simple_branch = false;
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user)
{
    (void)uc;
    Core *c = user;
    uint32_t pc = core_reg(c, UC_REG_PC);
    c->idle.effects = true;
    if (pc >= EXC_RETURN_PAGE) {
        branched_past_memory(c, number == 2 ? pc - 2 : pc); /* the svc in the page has moved PC on */
        return;
    }
    core_synchronous(c, pc);
    if (number == 2) {
        if (nvic_group(c, c->nvic.priority[EXC_SVCALL]) < nvic_execution_priority(c)) {
            nvic_pend(c, EXC_SVCALL);
            exception_enter(c, nvic_next(c), pc);
        } else { /* it cannot preempt: B1.5.14 escalates */
            exception_fault(c, EXC_HARDFAULT, 0, 0, pc);
            c->scs.hfsr |= HFSR_FORCED;
            c->fault.hfsr = c->scs.hfsr;
        }
    } else if (number == 7) {
        if (!semihosting_call(c, pc))
            breakpoint(c, pc);
    } else if (number == 17)
        exception_fault(c, EXC_USAGEFAULT, CFSR_NOCP, 0, pc);
    else if (number == 4) {
        c->traps.status = 0; /* which may have said so too */
        exception_fault(c, EXC_USAGEFAULT, CFSR_UNALIGNED, 0, pc);
    } else
        exception_fault(c, EXC_USAGEFAULT, CFSR_UNDEFINSTR, 0, pc);
}

/* WFE and YIELD come here with PC past them; undefined instructions and a clear T bit with PC at them. */
static bool on_invalid(uc_engine *uc, void *user)
{
    (void)uc;
    Core *c = user;
    uint32_t pc = core_reg(c, UC_REG_PC);
    uint16_t before = 0;
    c->idle.effects = true;
    if (pc != c->block && core_load(c, pc - 2, &before, 2) && (before == 0xBF20 || before == 0xBF10)) {
        if (before == 0xBF20)
            return core_wait_for_event(c, pc);
        core_synchronous(c, pc);
        return true;
    }
    core_synchronous(c, pc);
    bool thumb = core_reg(c, UC_REG_XPSR) & XPSR_T;
    exception_fault(c, EXC_USAGEFAULT, thumb ? CFSR_UNDEFINSTR : CFSR_INVSTATE, 0, pc);
    return true;
}

static uint32_t denied_address(Core *c, uint32_t pc)
{
    Access a;
    if (!thumb_access(c, pc, &a))
        return c->fault_page;
    int wanted = a.store ? UC_PROT_WRITE : UC_PROT_READ;
    return mpu_first_denied(c, a.address, a.address + a.length, wanted, !core_unprivileged(c));
}

/* An unprivileged store to STIR, the one register of its page that may be open to it (B3.2.26): done here. */
static bool trigger_interrupt(Core *c, uint32_t pc)
{
    uint32_t irq;
    uint16_t op;
    if (c->fault_type != UC_MEM_WRITE || !(c->scs.ccr & CCR_USERSETMPEND) ||
        thumb_access_address(c, pc, c->fault_page) != STIR || !thumb_stored_word(c, pc, &irq) || !core_load(c, pc, &op, 2))
        return false;
    scs_write(c->uc, STIR & 0xFFF, 4, irq, c);
    c->end = pc + (uint32_t)thumb_size(op); /* the block goes on from here, at no boundary */
    core_set_reg(c, UC_REG_PC, c->end | 1);
    return true;
}

/* Clear CONTROL.FPCA, in a moment of Handler mode where that needs privilege. */
static void forget_fp_context(Core *c)
{
    uint32_t handler = EXC_RESET, control = core_reg(c, UC_REG_CONTROL) & ~(uint32_t)CONTROL_FPCA;
    int ids[] = {UC_REG_IPSR, UC_REG_CONTROL, UC_REG_IPSR};
    void *values[] = {&handler, &control, &c->ipsr};
    c->api.reg_write_batch(c->uc, ids, values, 3);
}

/* The fill hook refused an access and uc_emu_start came back with PC at the instruction. */
static void take_access_fault(Core *c)
{
    uint32_t pc = core_reg(c, UC_REG_PC);
    c->access_fault = false;
    core_synchronous(c, pc);
    if (c->traps.status) {
        uint32_t status = c->traps.status;
        c->traps.status = 0;
        if (status == CFSR_NOCP && !c->traps.had_context)
            forget_fp_context(c);
        exception_fault(c, EXC_USAGEFAULT, status, 0, pc);
        return;
    }
    if (trigger_interrupt(c, pc))
        return;
    if (c->fault_type == UC_MEM_FETCH) {
        bool never = c->fault_protection || mpu_never_executes(pc);
        exception_fault(c, never ? EXC_MEMMANAGE : EXC_BUSFAULT, never ? CFSR_IACCVIOL : CFSR_IBUSERR, 0, pc);
    } else if (c->fault_protection)
        exception_fault(c, EXC_MEMMANAGE, CFSR_DACCVIOL | CFSR_MMARVALID, denied_address(c, pc), pc);
    else
        exception_fault(c, EXC_BUSFAULT, CFSR_PRECISERR | CFSR_BFARVALID, thumb_access_address(c, pc, c->fault_page), pc);
}

/* After uc_emu_start: what made it return? */
static void settle(Core *c, uc_err err)
{
    uint32_t pc = core_reg(c, UC_REG_PC);
    uint16_t before = 0;
    uint32_t until = c->leaving ? 0 : c->traps.until;
    if (!c->leaving)
        c->traps.until = 0;
    if (c->access_fault)
        take_access_fault(c);
    else if (until && pc == until && !c->stop)
        traps_paused(c, pc);
    else if (c->stop || c->leaving)
        return;
    else if (err) {
        PyErr_Format(PyExc_RuntimeError, "Unicorn stopped at 0x%x: %s", pc, c->api.strerror(err));
        core_callback_failed(c);
    } else if (core_load(c, pc - 2, &before, 2) && before == 0xBF30) {
        core_synchronous(c, pc);
        core_start_anew(c, pc);
        if (!nvic_wakes(c)) {
            c->waits_for_event = false;
            c->reason = RUN_SLEEP;
            c->stop = true;
        }
    }
}

/* Where to go on, by way of the stub when an exception was entered or left outside uc_emu_start. */
static uint32_t start_address(Core *c)
{
    uint32_t xpsr = core_reg(c, UC_REG_XPSR), address = core_reg(c, UC_REG_PC) | (xpsr >> 24 & 1);
    bool by_stub = c->clear_exclusive && !(xpsr & XPSR_IT);
    c->clear_exclusive = false;
    return by_stub ? core_by_stub(c, address) : address;
}

int core_run(Core *c, int64_t limit)
{
    c->limit = limit;
    c->reason = RUN_STOPPED;
    core_idle_disturbed(c);
    core_update_deadline(c);
    while (!c->failed) {
        uint32_t pc = core_reg(c, UC_REG_PC);
        traps_renew(c);
        if (c->flush) {
            c->api.ctl(c->uc, UC_CTL_TLB_FLUSH);
            c->api.ctl(c->uc, UC_CTL_TB_FLUSH);
            c->flush = false;
        }
        if (c->end == NOWHERE && core_boundary(c, pc) && !c->stop)
            continue; /* an exception was entered */
        if (c->stop)
            break;
        c->leaving = false;
        c->in_emu = true;
        uc_err err = c->api.emu_start(c->uc, start_address(c), c->traps.until ? c->traps.until : STOP_ADDRESS, 0, 0);
        c->in_emu = false;
        settle(c, err);
        if (PyErr_CheckSignals() < 0)
            core_callback_failed(c);
        if (c->stop && c->reason == RUN_SLEEP && !core_sleep_through(c))
            break;
    }
    c->stop = false;
    if (c->failed) {
        core_restore_error(c);
        return -1;
    }
    return c->reason;
}

/* `vectors`: where the table lies; a table that is not at the start of flash has a bootloader before it, which sets VTOR. */
void core_reset(Core *c, uint32_t vectors, bool relocated)
{
    uint32_t vector[2] = {0, 0}, zero = 0, lr = 0xFFFFFFFFu;
    nvic_reset(&c->nvic);
    systick_reset(&c->systick);
    stack_reset(c);
    scs_reset(c);
    c->ipsr = 0;
    c->stop = c->event_register = c->access_fault = false;
    if (relocated)
        c->scs.vtor = vectors;
    core_load(c, vectors, vector, 8);
    /* a handler-mode detour gives privilege, whatever mode the reset found */
    uint32_t handler = EXC_RESET, sp = vector[0] & ~3u;
    int ids[] = {UC_REG_IPSR, UC_REG_CONTROL, UC_REG_IPSR, UC_REG_CONTROL, UC_REG_PRIMASK, UC_REG_BASEPRI, UC_REG_FAULTMASK,
                 UC_REG_MSP, UC_REG_PSP, UC_REG_FPSCR, UC_REG_LR};
    void *values[] = {&handler, &zero, &zero, &zero, &zero, &zero, &zero, &sp, &zero, &zero, &lr};
    c->api.reg_write_batch(c->uc, ids, values, 11);
    uint32_t xpsr = (vector[1] & 1) << 24;
    int last[] = {UC_REG_XPSR_NZCVQG, UC_REG_APSR_NZCV};
    void *last_values[] = {&xpsr, &zero};
    c->api.reg_write_batch(c->uc, last, last_values, 2);
    core_set_reg(c, UC_REG_PC, vector[1]);
    c->it = 0;
    c->clear_exclusive = true;
    core_attend(c);
    core_start_anew(c, vector[1] & ~1u);
}

int core_open(Core *c)
{
    uc_hook hook;
    const struct {
        int type;
        void *callback;
    } hooks[] = {{UC_HOOK_BLOCK, (void *)core_on_block}, {UC_HOOK_INTR, (void *)on_interrupt},
                 {UC_HOOK_INSN_INVALID, (void *)on_invalid}, {UC_HOOK_TLB_FILL, (void *)core_on_fill},
                 {UC_HOOK_EDGE_GENERATED, (void *)traps_translated}};
    uc_err err = c->api.open(UC_ARCH_ARM, UC_MODE_THUMB, &c->uc); /* not MCLASS: that forces a Cortex-M33 */
    if (!err)
        err = c->api.ctl(c->uc, UC_CTL_CPU_MODEL, UC_CPU_ARM_CORTEX_M4);
    if (!err)
        err = c->api.ctl(c->uc, UC_CTL_TLB_TYPE, UC_TLB_VIRTUAL);
    if (!err)
        err = c->api.mem_map_ptr(c->uc, EXC_RETURN_PAGE, 0x1000, 7, c->pages);
    if (!err)
        err = c->api.mem_map_ptr(c->uc, STOP_PAGE, 0x1000, 7, c->pages + 0x1000);
    if (!err) /* Unicorn tells of new blocks from the second on */
        err = c->api.emu_start(c->uc, STOP_PAGE | 1, STOP_ADDRESS, 0, 0);
    for (size_t n = 0; n < sizeof hooks / sizeof *hooks && !err; n++)
        err = c->api.hook_add(c->uc, n ? &hook : &c->block_hook, hooks[n].type, hooks[n].callback, c, 1, 0);
    const char *failed = err ? c->api.strerror(err) : core_map_system(c);
    if (failed != NULL) {
        PyErr_Format(PyExc_RuntimeError, "Unicorn cannot be set up: %s", failed);
        return -1;
    }
    c->due = c->limit = c->idle.look_at = INT64_MAX;
    core_mind_marks(c);
    nvic_reset(&c->nvic);
    trace_power_on(c);
    scs_reset(c);
    core_update_deadline(c);
    return 0;
}
