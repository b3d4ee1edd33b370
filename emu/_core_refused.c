/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses that the fill hook refused: which fault that is, and at which address. */
#include "_core.h"

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
void core_take_refusal(Core *c)
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
