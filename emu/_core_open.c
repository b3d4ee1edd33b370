/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A core begins: Unicorn with its hooks, and reset. */
#include "_core.h"

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
    } hooks[] = {{UC_HOOK_BLOCK, (void *)core_on_block}, {UC_HOOK_INTR, (void *)core_on_interrupt},
                 {UC_HOOK_INSN_INVALID, (void *)core_on_invalid}, {UC_HOOK_TLB_FILL, (void *)core_on_fill},
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
