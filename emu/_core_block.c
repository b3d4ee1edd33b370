/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block hook: virtual time and natural boundaries, the cost and the stop rule of _core_run.c. It runs before every
 * block, so what is usual must be short, and what is not must be out of line. */
#include "_core.h"

static bool is_boundary_instruction(const uint16_t *op, int size)
{
    if (size == 2) /* CPS, WFI */
        return (op[0] & 0xFFE8) == 0xB660 || op[0] == 0xBF30;
    return (op[0] == 0xF3BF && (op[1] & 0xFFF0) == 0x8F60) || ((op[0] & 0xFFE0) == 0xF380 && (op[1] & 0xD000) == 0x8000);
}

/* A cheap first look at the last two halfwords: could they be ISB or MSR, or the last CPS or WFI? */
static inline bool may_be_boundary(const uint8_t *end)
{
    uint16_t op[2];
    memcpy(op, end - 4, 4);
    if ((op[1] & 0xD000) == 0x8000)
        return op[0] == 0xF3BF || (op[0] & 0xFFE0) == 0xF380;
    return (op[1] & 0xFFE8) == 0xB660 || op[1] == 0xBF30;
}

/* Remember where code runs now; NULL when that is no memory. */
static const uint8_t *find_code(Core *c, uint32_t end)
{
    uint32_t inside = end - 2;
    Region *r = core_region(c, inside, 2), *shown = core_backing(c, &inside, 2);
    if (shown == NULL)
        return NULL;
    c->code_base = r->base;
    c->code_size = r->size;
    c->code = shown->host + (r->target - shown->base);
    return c->code + (end - r->base);
}

/* Did the code that ran up to `end` end with ISB, CPS, MSR or WFI, and what is ITSTATE there? The walk from its start
 * makes sure that its last halfwords are not the tail of something else. */
static bool ended_by_instruction(Core *c, uint32_t end, uint8_t *it)
{
    const uint8_t *p = find_code(c, end);
    uint16_t last[2];
    int size = p != NULL ? thumb_last(p - c->block_size, p, last, it) : 0;
    return size && is_boundary_instruction(last, size);
}

/* A block is to run: from a natural boundary on, or as the rest of the one before. */
static inline void begin(Core *c, uint32_t address, bool natural)
{
    if (natural) {
        c->ring[c->ring_next++ % RING_SIZE] = address;
        c->block = address;
        c->block_size = 0;
    }
}

/* One that the filter knows: it is watched or has something to check before it runs, and is perhaps not to run now. */
static __attribute__((noinline)) void minded_block(Core *c, uint32_t address, uint32_t size, bool natural)
{
    if (natural)
        c->block_size = 0; /* its time has been counted */
    if (core_watched(c, address) && core_call_watch(c, address, natural))
        return;
    begin(c, address, natural);
    if (!traps_block(c, address, size))
        c->block_size += size;
}

static inline void enter_block(Core *c, uint32_t address, uint32_t size, bool natural)
{
    if (core_minds(c, address)) {
        minded_block(c, address, size, natural);
        return;
    }
    begin(c, address, natural);
    c->block_size += size;
}

/* At a natural boundary with something to do, or on the way to an exception return. */
static __attribute__((noinline)) void attend(Core *c, uint32_t address, uint32_t size)
{
    if (address == CLREX_STUB)
        return;
    c->force_natural = false;
    c->block = address;
    c->block_size = 0;
    if (address >= EXC_RETURN_BASE)
        return;
    if ((c->cycles >= c->deadline || c->attention) && core_boundary(c, address))
        return;
    enter_block(c, address, size, true);
}

static inline void at_natural(Core *c, uint32_t address, uint32_t size, uint8_t it, bool noted)
{
    c->it = it;
    c->cycles += c->block_size >> 1;
    if (noted)
        coverage_note(c, c->block_size);
    c->natural = c->cycles;
    if (c->cycles >= c->deadline || c->attention || c->force_natural || address >= EXC_RETURN_BASE)
        attend(c, address, size);
    else
        enter_block(c, address, size, true);
}

/* After ISB in an IT block Unicorn goes on as if the block were over: so go there once more, with ITSTATE as it is. */
static void reenter(Core *c, uint32_t address, uint8_t it)
{
    core_ran(c, c->block_size);
    c->it = it;
    c->block = address;
    c->block_size = 0;
    c->force_natural = true;
    core_set_reg(c, UC_REG_EPSR, XPSR_T | it_to_xpsr(it));
    core_set_reg(c, UC_REG_PC, address | 1);
}

/* The block starts where the one before ended. Is it a boundary all the same, or watched? */
static __attribute__((noinline)) void look_back(Core *c, uint32_t address, uint32_t size)
{
    uint8_t it = c->it;
    if (ended_by_instruction(c, address, &it)) {
        mpu_follow(c); /* FAULTMASK may have changed */
        if (it)
            reenter(c, address, it);
        else
            at_natural(c, address, size, 0, c->coverage.wanted);
    } else
        enter_block(c, address, size, false);
}

/* Every block comes here first: what is usual must be short. Blocks that go on where the one before ended are counted as
 * one with it. */
static inline void on_block(Core *c, uint32_t address, uint32_t size, bool noted)
{
    uint32_t offset = address - c->code_base;
    if (address != c->block + c->block_size || c->force_natural) {
        uint8_t it = c->force_natural ? c->it : 0; /* branches end IT blocks, exception returns may not */
        at_natural(c, address, size, it, noted);
        return;
    }
    if (offset < 4 || offset > c->code_size || may_be_boundary(c->code + offset))
        look_back(c, address, size);
    else
        enter_block(c, address, size, false);
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
