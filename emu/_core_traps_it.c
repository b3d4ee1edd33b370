/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions trap, and those in IT blocks that cannot be refused their access to memory. Unicorn takes an IT block for one instruction,
 * which a hook cannot leave. So the hook is on the IT: the run goes on to the instruction in question and pauses there. */
#include "_core.h"

static bool divides_trap(const Core *c) { return c->scs.ccr & CCR_DIV_0_TRP; }

/* CPACR.CP10: 0 denies, 1 denies when unprivileged, B3.2.20. */
static bool fpu_denied(Core *c)
{
    uint32_t access = c->scs.cpacr >> 20 & 3;
    return access == 0 || (access == 1 && core_unprivileged(c));
}

/* Whether it depends on registers or privilege that the instruction traps. */
bool traps_may_occur(Core *c, const uint16_t op[2])
{
    uint32_t mask;
    return (thumb_divisor(op) >= 0 && divides_trap(c)) || (thumb_is_fp(op) && (c->scs.cpacr >> 20 & 3) != 3) ||
           thumb_store_exclusive(op, &mask) >= 0;
}

/* The UFSR bit of the UsageFault that the instruction is now, 0 for none. */
uint32_t traps_fault_of(Core *c, const uint16_t op[2])
{
    if (thumb_is_fp(op) && fpu_denied(c))
        return CFSR_NOCP;
    uint32_t mask;
    int exclusive = thumb_store_exclusive(op, &mask), divisor = thumb_divisor(op);
    int base = exclusive >= 0 ? exclusive : thumb_multiword_base(op);
    if (base >= 0 && base != 13 && base != 15 && (core_reg(c, thumb_register(base)) & mask))
        return CFSR_UNALIGNED;
    return divisor >= 0 && divides_trap(c) && core_reg(c, thumb_register(divisor)) == 0 ? CFSR_DIVBYZERO : 0;
}

/* The first of `count` instructions at `address` that may trap and touches no memory, 0 for none. */
static uint32_t next_trap(Core *c, uint32_t address, int count)
{
    uint16_t op[2];
    for (; count > 0 && traps_fetch(c, address, op); count--, address += (uint32_t)thumb_size(op[0]))
        if (traps_may_occur(c, op) && thumb_multiword_base(op) < 0)
            return address;
    return 0;
}

static void pause_at(Core *c, uint32_t from, uint32_t address)
{
    c->traps.until = address;
    c->traps.stale_begin = from; /* Unicorn ends a block at `until` only when it translates it */
    c->traps.stale_end = address + 2;
}

/* Before an IT whose block has such an instruction. */
void traps_enter_it(Core *c, uint32_t it)
{
    uint16_t op[2];
    if (c->traps.until || !traps_fetch(c, it, op))
        return;
    uint32_t trap = next_trap(c, it + 2, thumb_it_length(op));
    if (trap) {
        core_synchronous(c, it);
        pause_at(c, it, trap);
        core_leave(c);
    }
}

/* At such an instruction; ITSTATE, A7.3.2, says under which condition, and how many come after it. */
void traps_paused(Core *c, uint32_t pc)
{
    uint16_t op[2];
    uint32_t xpsr = core_reg(c, UC_REG_XPSR), state = (xpsr >> 25 & 3) | (xpsr >> 8 & 0xFC);
    if (!traps_fetch(c, pc, op) || !(state & 15))
        return;
    uint32_t status = thumb_passes(state >> 4, xpsr) ? traps_fault_of(c, op) : 0;
    core_synchronous(c, pc);
    if (status) {
        exception_fault(c, EXC_USAGEFAULT, status, 0, pc);
        return;
    }
    uint32_t after = pc + (uint32_t)thumb_size(op[0]), next = next_trap(c, after, 3 - __builtin_ctz(state & 15));
    if (next)
        pause_at(c, pc, next);
}
