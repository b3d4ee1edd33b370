/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block hook: virtual time and natural boundaries, the cost and the stop rule of _core_run.c. It runs before every
 * block, so what is usual must be short, and what is not must be out of line. */
#include "_core.h"

/* The last instruction of the code that ran up to `end`, and ITSTATE behind it. The walk from its start makes sure that its
 * last halfwords are not the tail of something else. False: there is none. */
static bool last_instruction(Core *c, uint16_t last[2], uint8_t *it)
{
    uint32_t from = c->block, size = c->end - c->block;
    Region *r = core_backing(c, &from, size);
    if (r == NULL)
        return false;
    const uint8_t *start = r->host + (from - r->base);
    return thumb_last(start, start + size, last, it);
}

/* Did it end with ISB, CPS, MSR or WFI, and what is ITSTATE there? */
static bool ended_by_instruction(Core *c, uint8_t *it)
{
    uint16_t last[3] = {0}; /* a cheap first look at the last halfwords, as one instruction or two */
    bool could = c->end - c->block < 4 || !core_load(c, c->end - 4, last, 4) || thumb_is_boundary(last) ||
                 thumb_is_boundary(last + 1);
    return could && last_instruction(c, last, it) && thumb_is_boundary(last);
}

/* Did it end with MOV or ADD to PC? They are simple branches, A2.3.1, and no exception returns. */
static bool ended_by_simple_branch(Core *c)
{
    uint16_t last[2];
    uint8_t it = c->it;
    return last_instruction(c, last, &it) && (last[0] & 0xFD87) == 0x4487;
}

/* The block at `address` is to run: from a natural boundary on, or as the rest of the one before. */
static void begin(Core *c, uint32_t address, uint32_t size, bool natural)
{
    bool minded = core_minds(c, address);
    if (minded && core_watched(c, address) && core_call_watch(c, address, natural))
        return;
    if (natural)
        c->ring[c->ring_next++ % RING_SIZE] = address;
    if (!minded || !traps_block(c, address, size))
        c->end = address + size;
}

/* A natural boundary where there may be something to do, or the way to an exception return. */
static void attend(Core *c, uint32_t address, uint32_t size)
{
    if (c->end != NOWHERE) {
        c->simple_branch = address >= EXC_RETURN_BASE && ended_by_simple_branch(c);
        core_ran(c, c->end - c->block);
        c->it = 0; /* branches end IT blocks, exception returns may not */
    } else if (address == CLREX_STUB)
        return;
    c->block = c->end = address;
    if (address - CLREX_STUB < CLREX_STUB_SIZE) {
        exception_fault(c, EXC_MEMMANAGE, CFSR_IACCVIOL, 0, address);
        return;
    }
    if (address >= EXC_RETURN_BASE || (c->cycles >= c->deadline && core_boundary(c, address)))
        return;
    begin(c, address, size, true);
}

/* After ISB in an IT block Unicorn goes on as if the block were over: so go there once more, with ITSTATE as it is. */
static void reenter(Core *c, uint32_t address, uint8_t it)
{
    core_ran(c, c->end - c->block);
    c->it = it;
    core_start_anew(c, address);
    core_set_reg(c, UC_REG_EPSR, XPSR_T | it_to_xpsr(it));
    core_set_reg(c, UC_REG_PC, address | 1);
}

/* The block starts where the one before ended. Is it a boundary all the same? */
static void look_back(Core *c, uint32_t address, uint32_t size)
{
    uint8_t it = c->it;
    if (!ended_by_instruction(c, &it)) {
        begin(c, address, size, false);
        return;
    }
    mpu_follow(c); /* FAULTMASK may have changed */
    if (it)
        reenter(c, address, it);
    else
        attend(c, address, size);
}

static __attribute__((noinline, cold)) void closer_look(Core *c, uint32_t address, uint32_t size)
{
    if (address == c->end)
        look_back(c, address, size);
    else
        attend(c, address, size);
}

/* Every block comes here first. One that the filter knows has perhaps something to check before it runs; one that goes on
 * where the one before ended is counted as one with it; any other starts at a natural boundary. */
static inline void on_block(Core *c, uint32_t address, uint32_t size, bool noted)
{
    uint32_t end = c->end;
    if (address == end) {
        if (core_minds(c, address))
            closer_look(c, address, size);
        else
            c->end = address + size;
        return;
    }
    int64_t cycles = c->cycles + ((end - c->block) >> 1);
    if (cycles >= c->deadline || core_minds(c, address)) {
        closer_look(c, address, size);
        return;
    }
    if (noted)
        coverage_note(c, end - c->block);
    c->cycles = cycles;
    c->ring[c->ring_next++ % RING_SIZE] = address;
    c->block = address;
    c->end = address + size;
}

void core_on_block(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc;
    on_block(user, (uint32_t)address, size, false);
}

/* The same while it is noted which code runs. */
void core_on_noted_block(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc;
    on_block(user, (uint32_t)address, size, true);
}
