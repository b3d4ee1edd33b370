/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop and virtual time.
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

/* After uc_emu_start: what made it return? */
static void settle(Core *c, uc_err err)
{
    uint32_t pc = core_reg(c, UC_REG_PC);
    uint16_t before = 0;
    uint32_t until = c->leaving ? 0 : c->traps.until;
    if (!c->leaving)
        c->traps.until = 0;
    if (c->access_fault)
        core_take_refusal(c);
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
